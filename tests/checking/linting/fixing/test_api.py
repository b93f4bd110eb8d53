"""Certain changes of files."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tare.checking.linting.fixing.api import plan_of
from tare.checking.repository.result import CodeFinding, Edit
from tare.code.files.reading import documents_in
from tare.code.place import Place
from tare.errors import OutputError
from tests.code_findings import RIGHT, WRONG, finding, typos

CODE = f"# first\nmean = 1\nstd = ({WRONG}, 0.224, 0.229)\nlast = 2\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(*names: str) -> list[CodeFinding]:
    return typos(documents_in([Path(name) for name in names]).documents).findings


def edit(line: int, column: int, end_column: int, text: str, path: str = "train.py") -> Edit:
    return Edit(Place(path, line, column, line, end_column), text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("head", "encoding"),
    [("", "utf-8"), ("", "utf-8-sig"), ("# coding: latin-1\nname = 'café'\n", "latin-1"), ("name = '\x0c日本'\n", "utf-8")],
)
def test_nothing_but_the_place_changes(end: str, head: str, encoding: str) -> None:
    before = (head + CODE).replace("\n", end).encode(encoding)
    Path("train.py").write_bytes(before)
    plan = plan_of(found("train.py"))
    plan.write()
    assert Path("train.py").read_bytes() == before.replace(WRONG.encode(), RIGHT.encode())
    assert (len(plan.repaired), plan.refused) == (1, ())
    assert found("train.py") == []


def test_each_change_is_told_with_its_place_in_order() -> None:
    Path("train.py").write_text("a = [1,\n     2]\nb = '" + "x" * 70 + "'\n")
    last, first = Edit(Place("train.py", 3, 5, 3, 77), "c"), Edit(Place("train.py", 1, 7, 2, 7), "")
    plan = plan_of(
        [finding("TARE011", line=3, edits=(last,), source=""), finding("TARE007", line=1, edits=(first, last), source="")]
    )
    (file,) = plan.files
    assert file.made == (
        "train.py:1:7: , 2 is now nothing (TARE007)",
        f"train.py:3:5: '{'x' * 58}… is now c (TARE011 and TARE007)",
    )


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("as_list", [True, False])
def test_a_notebook_keeps_every_other_byte(indent: int | None, as_list: bool) -> None:
    code = f'note = "é \\ \U0001f600"\nstd = ({WRONG}, 0.224)\n'
    source: Any = code.splitlines(keepends=True) if as_list else code
    cells = [
        {"cell_type": "markdown", "source": WRONG},
        {"cell_type": "code", "source": "x = 1", "outputs": [{"text": WRONG}]},
        {"cell_type": "code", "source": source, "outputs": [{"text": WRONG}]},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=indent, sort_keys=True) + "\n\n"
    Path("a.ipynb").write_text(text, encoding="utf-8")
    (one,) = found("a.ipynb")
    plan_of([one]).write()
    at = text.index(f"std = ({WRONG}")
    assert Path("a.ipynb").read_text(encoding="utf-8") == text[:at] + text[at:].replace(WRONG, RIGHT, 1)


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
@pytest.mark.parametrize(
    "data",
    [
        CODE.rstrip("\n").replace("mean", "mean\x0c ").encode(),
        CODE.replace("\n", "\r\n").encode(),
        CODE.encode("utf-8-sig"),
        f"# coding: latin-1\n# Größe\n{CODE}".encode("latin-1"),
    ],
    ids=["no last line end", "CRLF", "byte order mark", "latin-1"],
)
def test_the_difference_is_what_patch_takes(data: bytes) -> None:
    Path("train.py").write_bytes(data)
    Path("copy.py").write_bytes(Path("train.py").read_bytes())
    plan = plan_of(found("train.py"))
    patched = subprocess.run(["patch", "--binary", "-p1", "copy.py"], input=plan.patch(), capture_output=True, check=False)  # noqa: S607
    assert patched.returncode == 0, patched.stdout
    plan.write()
    assert Path("copy.py").read_bytes() == Path("train.py").read_bytes()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_names_in_the_difference_are_those_that_git_reads() -> None:
    names = ["a\n+++ b.py", 'q".py', "b\\.py", "\x01\x7f.py", "\u202e.py", "\udcff.py", "two words.py", "é.py"]
    for name in names:
        Path(name).write_text(CODE)
    plan = plan_of([one for name in names for one in found(name)])
    assert plan.diff().splitlines()[:2] == ['--- "a/a\\012+++ b.py"', '+++ "b/a\\012+++ b.py"']
    applied = subprocess.run(["git", "apply", "-"], input=plan.patch(), capture_output=True, check=False)  # noqa: S607
    assert applied.returncode == 0, applied.stderr
    assert all(RIGHT in Path(name).read_text() for name in names)


def test_planning_writes_nothing() -> None:
    Path("train.py").write_text(CODE)
    assert plan_of(found("train.py")).files[0].after != CODE
    assert Path("train.py").read_text() == CODE


def test_mode_and_link_stay() -> None:
    Path("real.py").write_text(CODE)
    Path("real.py").chmod(0o755)
    Path("train.py").symlink_to("real.py")
    plan_of(found("train.py")).write()
    assert Path("train.py").is_symlink()
    assert RIGHT in Path("real.py").read_text()
    assert stat.S_IMODE(Path("real.py").stat().st_mode) == 0o755
    assert sorted(path.name for path in Path().iterdir()) == ["real.py", "train.py"]


def test_what_was_saved_meanwhile_is_kept() -> None:
    for name in ("train.py", "other.py"):
        Path(name).write_text(CODE)
    plan = plan_of([*found("train.py"), *found("other.py")])
    Path("other.py").write_text(CODE + "# saved meanwhile\n")
    with pytest.raises(OutputError, match=r"a file as it was read, found 'other\.py', which changed meanwhile"):
        plan.write()
    assert (Path("train.py").read_text(), Path("other.py").read_text()) == (CODE, CODE + "# saved meanwhile\n")


def test_two_names_of_one_file_are_changed_once() -> None:
    Path("real.py").write_text(CODE)
    Path("train.py").symlink_to("real.py")
    plan_of([*found("real.py"), *found("train.py")]).write()
    assert Path("real.py").read_text() == CODE.replace(WRONG, RIGHT)


def test_files_that_are_read_only_or_have_several_names_are_left() -> None:
    Path("train.py").write_text(CODE)
    Path("train.py").chmod(0o444)
    assert plan_of(found("train.py")).refused == ("train.py: it is read-only; it is left as it is",)
    Path("train.py").chmod(0o644)
    Path("other.py").hardlink_to("train.py")
    assert "it has 2 names (hard links), of which one would change" in plan_of(found("train.py")).refused[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays() -> None:
    Path("train.py").write_text(CODE)
    os.chown("train.py", 1234, 1235)
    plan_of(found("train.py")).write()
    state = Path("train.py").stat()
    assert (state.st_uid, state.st_gid, RIGHT in Path("train.py").read_text()) == (1234, 1235, True)


@pytest.mark.parametrize("path", ["train.py", "a.ipynb"])
def test_a_change_that_loses_a_comment_is_left_to_the_user(path: str) -> None:
    code = "x = [\n  1,  # red\n  2,\n]\ny = 1\n"
    cell = {"cell_type": "code", "source": code}
    Path(path).write_text(code if path == "train.py" else json.dumps({"cells": [cell], "nbformat": 4}))
    number = int(path == "a.ipynb")
    losing = finding(path=path, line=1, source="", edits=(Edit(Place(path, 1, 5, 4, 2, cell=number), "[3]"),))
    other = finding(path=path, line=5, source="", edits=(Edit(Place(path, 5, 5, 5, 6, cell=number), "2"),))
    plan = plan_of([losing, other])
    assert plan.repaired == (other,)
    assert "would lose a comment; it is left to you" in plan.refused[0]


def test_of_two_that_overlap_the_first_is_made() -> None:
    Path("train.py").write_text("x = 12345\n")
    first = finding(line=1, source="x = 12345", edits=(edit(1, 5, 8, "9"),))
    for columns in ((7, 10), (5, 6), (4, 9)):
        second = finding("TARE020", line=1, source="x = 12345", edits=(edit(1, *columns, "8"),))
        plan = plan_of([first, second])
        assert plan.files[0].after == "x = 945\n"
        assert plan.repaired == (first,)
        assert plan.refused == ("train.py:1:8: TARE020 would change what another finding changes; run --fix again",)


def test_neighbours_are_both_made_and_equal_edits_once() -> None:
    Path("train.py").write_text("x = 12345\n")
    one = finding(line=1, source="", edits=(edit(1, 5, 7, "7"),))
    other = finding("TARE020", line=1, source="", edits=(edit(1, 7, 10, "8"), edit(1, 5, 7, "7")))
    plan = plan_of([one, other])
    assert plan.files[0].after == "x = 78\n"
    assert plan.repaired == (one, other)


def test_a_file_that_has_changed_is_left_as_it_is() -> None:
    Path("train.py").write_text(CODE)
    one = found("train.py")
    Path("train.py").write_text("# a line more\n" + CODE)
    plan = plan_of(one)
    assert (plan.files, plan.repaired) == ((), ())
    assert plan.refused == ("train.py: line 3 has changed since it was read; it is left as it is",)


def test_a_change_that_breaks_the_code_is_not_made() -> None:
    Path("train.py").write_text("x = (1)\n")
    plan = plan_of([finding(line=1, source="", edits=(edit(1, 5, 6, ""),))])
    assert plan.files == ()
    assert "no Python any more" in plan.refused[0]


def test_what_is_changed_in_two_files_is_changed_in_both_or_in_neither() -> None:
    Path("train.py").write_text("x = 1\n")
    Path("other.py").write_text("y = 1\n")
    both = finding(line=1, source="", edits=(edit(1, 5, 6, "2"), edit(9, 5, 6, "2", "other.py")))
    alone = finding(line=1, source="", edits=(edit(1, 1, 2, "z"),))
    plan = plan_of([both, alone])
    assert plan.repaired == (alone,)
    assert [(file.path, file.after) for file in plan.files] == [("train.py", "z = 1\n")]


def test_a_file_that_is_gone_or_no_notebook_is_told() -> None:
    Path("broken.ipynb").write_text("{")
    for path in ("train.py", "broken.ipynb"):
        plan = plan_of([finding(path=path, edits=(edit(1, 1, 2, "z", path),))])
        assert plan.files == ()
        assert plan.refused[0].startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["T.PY", "T.Pyw", "C.IPYNB", "C.Yaml", "tool"])
def test_a_file_is_changed_as_it_was_read_whatever_the_case_of_its_ending(name: str) -> None:
    code = f"# coding: latin-1\nname = 'caf\xe9'\nstd = ({WRONG}, 0.224, 0.229)\n"
    texts = {
        ".ipynb": json.dumps({"cells": [{"cell_type": "code", "source": code}], "metadata": {}, "nbformat": 4}),
        ".yaml": f"std: [{WRONG}, 0.224, 0.225]\n",
    }
    before = texts.get(Path(name).suffix.lower(), code).encode("latin-1")
    Path(name).write_bytes(before)
    plan = plan_of(found(name))
    plan.write()
    assert (Path(name).read_bytes(), plan.refused) == (before.replace(WRONG.encode(), RIGHT.encode()), ())


@pytest.mark.parametrize("name", ["a.yaml", "a.JSON", "a.toml"])
def test_a_configuration_that_could_not_be_loaded_any_more_is_left_as_it_is(name: str) -> None:
    text = {
        "a.yaml": f"std: [{WRONG}, 0.224]\n",
        "a.JSON": f'{{"std": [{WRONG}, 0.224]}}',
        "a.toml": f"std = [{WRONG}, 0.224]\n",
    }[name]
    Path(name).write_text(text)
    start = text.index(WRONG) + 1
    change = edit(1, start, start + len(WRONG), "[{", path=name)
    plan = plan_of([finding(path=name, line=1, edits=(change,), source="")])
    assert (plan.files, plan.refused) == ((), (f"{name}: it could not be loaded any more; it is left as it is",))
