"""``tare.check_code`` with a judge in the place of the rules."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tare.checking.linting.api import check_code, made_known
from tare.checking.linting.inputs import CodeRequest
from tare.checking.repository import api as repository
from tare.checking.repository.result import CUT, Judged
from tare.code.files.document import Skipped
from tare.errors import DataError, SpecError
from tests.code_findings import altered, counted, typos

REAL = repository.judged
CODE = "std = (0.255, 0.224, 0.229)\n"


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A repository with two files that have a typo each; grows whenever the judge is asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project" / "tests").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    for name in ("train.py", "tests/test_train.py"):
        Path(name).write_text(CODE)
    judge, asked = counted(typos)
    monkeypatch.setattr(repository, "judged", judge)
    return asked


def paths(**options: Any) -> list[str]:
    return [finding.place.path for finding in check_code(".", **options).findings]


def settings(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.tare]\n{text}\n")


def test_findings_are_in_the_order_of_their_places_and_files_are_counted() -> None:
    report = check_code(["train.py", "tests"])
    assert [finding.place.path for finding in report.findings] == ["tests/test_train.py", "train.py"]
    assert (report.files, report.fails) == (2, True)


def test_settings_exclude_files_unless_they_are_named() -> None:
    settings('exclude = ["tests/"]')
    assert paths() == ["train.py"]
    assert check_code("tests/test_train.py").files == 1
    Path("other.py").write_text("x = 1\n")
    assert paths(exclude=["train.py"]) == []


def test_settings_of_a_folder_above_exclude_the_same_files(monkeypatch: pytest.MonkeyPatch) -> None:
    settings('exclude = ["tests/", "train.*"]')
    Path("tests/other.py").write_text(CODE)
    monkeypatch.chdir("tests")
    with pytest.raises(DataError, match="none that can be read"):
        check_code(".")
    assert check_code("other.py").files == 1


PATTERNS = [
    ["*.py", "!p2/*"],
    ["p1/*", "!p1/a.py"],
    ["p1/", "!p1/a.py"],
    ["/*", "!/p2", "!pyproject.toml"],
    ["./p1"],
    ["/p1", "train.py"],
    ["**/a.py", "!/p2/a.py"],
    ["p?/b.*"],
    ["p[1]/**", "tests"],
]


@pytest.mark.parametrize("patterns", PATTERNS)
def test_settings_and_options_exclude_the_same_files(patterns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("p1/a.py", "p1/b.py", "p2/a.py", "p2/b.py", "p2/p1/a.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(CODE)
    of_options = paths(exclude=patterns)
    settings(f"exclude = {json.dumps(patterns)}")
    assert paths() == of_options
    below = [each.removeprefix("p2/") for each in of_options if each.startswith("p2/")]
    monkeypatch.chdir("p2")
    assert paths() == below


def test_options_take_back_what_settings_exclude() -> None:
    settings('exclude = ["tests/*", "train.py"]')
    assert paths(exclude=["!test_train.py"]) == ["tests/test_train.py"]
    with pytest.raises(SpecError, match="a pattern of paths for --exclude, found '#x'"):
        check_code(".", exclude=["#x"])


SHIFTED = """
import timm
from torchvision import transforms as T
from torchvision.datasets import ImageFolder
from constants import MEAN, STD

data = ImageFolder("val", T.Compose([T.Resize(224), T.CenterCrop(224), T.ToTensor(), T.Normalize(MEAN, STD)]))
net = timm.create_model("resnet50", pretrained=True).eval()
for x, y in data:
    net(x[None])
"""


def test_imports_are_followed_through_links_within_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "judged", REAL)
    Path("a.py").write_text(SHIFTED)
    Path("real").mkdir()
    Path("real/constants.py").write_text("MEAN = STD = [0.5, 0.5, 0.5]\n")
    assert check_code(["a.py", "real"]).findings == ()
    Path("constants.py").symlink_to("real/constants.py")
    for _ in range(2):  # the second time from the cache
        report = check_code(["a.py", "real", "constants.py"])
        assert [(each.place.path, each.code) for each in report.findings] == [("a.py", "TARE005")]
        assert report.files == 2
    Path("constants.py").unlink()
    Path("lib").symlink_to("real")
    Path("a.py").write_text(SHIFTED.replace("constants import", "lib.constants import"))
    assert [each.code for each in check_code(".").findings] == ["TARE005"]
    Path("lib").unlink()
    assert check_code(".").findings == ()
    Path("lib").symlink_to("..")
    assert check_code(".").findings == ()
    assert [each.path for each in check_code(".").skipped] == ["lib"]


def test_settings_and_options_select() -> None:
    settings('fail-on = "error"\n[tool.tare.per-file-ignores]\n"tests/*" = ["TARE010"]')
    report = check_code(".")
    assert ([finding.place.path for finding in report.findings], report.ignored, report.fail_on) == (["train.py"], 1, "error")
    assert check_code(".", fail_on="warning").fail_on == "warning"
    assert paths(select=["TARE02"]) == []


def test_comments_leave_out_findings() -> None:
    Path("train.py").write_text(CODE.replace("\n", "  # tare: ignore[TARE010]\n") + "x = 1  # tare: ignore\n")
    report = check_code("train.py")
    assert (report.findings, report.ignored) == ((), 1)
    assert report.notes == ("train.py:2: # tare: ignore leaves out no finding; remove it",)


def test_networks_are_those_of_the_settings_unless_one_is_stated(asked: list[dict[str, Any]]) -> None:
    settings('network = "timm:resnet50"\n[tool.tare.networks]\n"tests/*" = "timm:vit_base_patch16_224"')
    check_code(".")
    check_code(".", "timm:resnet18")
    names = [known["network"] for known in asked]
    assert (sorted(names[:2]), names[2:]) == (["timm:resnet50", "timm:vit_base_patch16_224"], ["timm:resnet18"])


def test_a_finding_about_a_file_is_that_for_its_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    settings('[tool.tare.networks]\n"tests/*" = "timm:resnet50"')
    named = lambda documents, network, **_: altered(documents, message=str(network))  # noqa: E731
    monkeypatch.setattr(repository, "judged", named)
    assert [(each.place.path, each.message) for each in check_code(".").findings] == [
        ("tests/test_train.py", "timm:resnet50"),
        ("train.py", "None"),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('network = "timm:resnet5O"', "for network of "),
        ('network = "resnet50"', "for network of "),
        ('[tool.tare.networks]\n"a/*" = "nobody:resnet50"', r"for 'a/\*' of "),
    ],
)
def test_a_network_of_which_nobody_says_what_it_expects_is_refused(text: str, where: str) -> None:
    settings(text)
    with pytest.raises(SpecError, match=f"a network whose input is known {where}"):
        check_code(".")


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(SpecError, match="for --model, found 'timm:resnet5O'"):
        check_code(".", "timm:resnet5O")


def test_the_same_files_are_judged_once(asked: list[dict[str, Any]]) -> None:
    first, second = check_code("."), check_code(".")
    assert (first, len(asked)) == (second, 1)
    assert paths(select=["TARE02"]) == []
    assert len(asked) == 1  # what is shown is chosen from what was found
    for change in ({"model": "timm:resnet18"}, {"pedantic": True}, {"cache": False}):
        check_code(".", **change)
    assert len(asked) == 4


def test_a_changed_file_is_judged_again(asked: list[dict[str, Any]]) -> None:
    assert len(paths()) == 2
    before = os.stat("train.py")
    Path("train.py").write_text(CODE.replace("0.255", "0.225"))
    os.utime("train.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert paths() == ["tests/test_train.py"]
    assert len(asked) == 2


def test_known_findings_are_left_out_and_new_ones_shown() -> None:
    settings('baseline = "known.json"')
    with pytest.raises(SpecError, match=r"known.json' does not exist; write it with --write-baseline"):
        check_code(".")
    assert made_known(CodeRequest(paths=".")) == (Path.cwd() / "known.json", 2)
    report = check_code(".")
    assert (report.findings, report.known, report.fails) == ((), 2, False)
    Path("train.py").write_text("\n\n" + CODE + "new = 0.255\n")
    assert [finding.place.line for finding in check_code(".").findings] == [4]
    Path("train.py").write_text("x = 1\n")
    assert "1 known finding of" in check_code(".").notes[0]


def test_a_baseline_to_write_has_to_be_named() -> None:
    with pytest.raises(SpecError, match="a file for --write-baseline"):
        made_known(CodeRequest(paths="."))


def test_nothing_to_read_is_unusable_and_not_clean() -> None:
    Path("empty").mkdir()
    with pytest.raises(DataError, match="none that can be read in 'empty'"):
        check_code("empty")
    Path("empty/binary.py").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match=r"binary.py'.*binary"):
        check_code("empty")


def test_a_path_that_is_not_there_is_unusable() -> None:
    with pytest.raises(DataError, match="nowhere"):
        check_code([".", "nowhere"])


def test_skipped_files_are_named_once() -> None:
    Path("old.py").write_text("print 'x'\n")
    skipped = [each for each in check_code(".").skipped if each.path == "old.py"]
    assert len(skipped) <= 1


def test_no_path_is_refused() -> None:
    with pytest.raises(SpecError, match="files and folders to read"):
        check_code([])


def test_a_finding_has_its_whole_source_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("train.py").write_text(f"if True:\n    {CODE}")
    cells = [{"cell_type": "code", "source": source} for source in ("x = 1\ny = 2", f"if x:\n  {CODE}")]
    Path("a.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}))
    stripped = lambda documents, **_: altered(documents, source="std")  # noqa: E731
    monkeypatch.setattr(repository, "judged", stripped)
    lines = [each.source for each in check_code(["a.ipynb", "train.py"]).findings]
    assert lines == ["  std = (0.255, 0.224, 0.229)", "    std = (0.255, 0.224, 0.229)"]


def test_what_cannot_be_parsed_is_skipped_and_not_counted_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "judged", REAL)
    code = "from torchvision import transforms as T\nt = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255]"
    Path("broken.py").write_text(code)
    for _ in range(2):  # the second time from the cache
        report = check_code(".")
        assert (report.files, len(report.findings)) == (2, 0)
        assert [each.path for each in report.skipped] == ["broken.py"]
        with pytest.raises(DataError, match=r"'broken.py': .*line 2"):
            check_code("broken.py")


def test_a_file_of_which_a_part_was_not_judged_is_stated_and_counts_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = Judged([], [Skipped("train.py", CUT)])
    monkeypatch.setattr(repository, "judged", lambda _, **__: cut)
    report = check_code(".", cache=False)
    assert (report.files, report.skipped) == (2, ())
    assert report.notes == (f"train.py: {CUT}",)
    told = check_code(".", cache=False, pedantic=True)
    assert (told.skipped, told.notes) == (tuple(cut.skipped), ())
