"""What code of the user's imports: its own modules as they are written, and the session keeps what it imported itself."""

from __future__ import annotations

import importlib
import os
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tare.errors import PipelineError
from tare.system.importing import neighbours
from tare.system.user_code import code_digest, load_object, users_own

BOTH = "import layers\n\ndef value():\n    import layers as now\n    return layers.VALUE, now.VALUE\n"


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = dict(sys.modules)
    yield
    for name in [*sys.modules]:
        if name not in before:
            del sys.modules[name]
    sys.modules.update(before)


def write(place: Path, text: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def load(place: Path | str, name: str) -> Any:
    return load_object(f"{place}:{name}", PipelineError)


def called(function: Any) -> Any:
    with users_own(function):
        return function()


def test_an_edited_module_is_imported_again_with_all_that_imported_it(tmp_path: Path) -> None:
    place = write(tmp_path / "net.py", "import between\n\ndef value():\n    return between.VALUE\n")
    write(tmp_path / "between.py", "from package.inner import VALUE\nclass Kept: ...\n")
    write(tmp_path / "package" / "inner.py", "VALUE = 1\n")
    assert called(load(place, "value")) == 1
    first = sys.modules["between"]
    kept = first.Kept()
    assert called(load(place, "value")) == 1
    assert sys.modules["between"] is first  # what nobody edited is not run again
    assert isinstance(pickle.loads(pickle.dumps(kept)), first.Kept)  # noqa: S301
    write(tmp_path / "package" / "inner.py", "VALUE = 20\n")
    assert called(load(place, "value")) == 20
    write(tmp_path / "package" / "inner.py", "VALUE = = 3\n")
    with pytest.raises(PipelineError, match="SyntaxError"):
        load(place, "value")
    write(tmp_path / "package" / "inner.py", "VALUE = 3\n")
    assert called(load(place, "value")) == 3


@pytest.mark.parametrize("name", ["net.py", "layers.py"])
def test_an_edit_that_leaves_size_and_time_is_seen(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(tmp_path / "layers.py", "VALUE = 1\n")
    write(tmp_path / "net.py", "import layers\nvalue = 1, layers.VALUE\n")
    status = (tmp_path / name).stat()
    assert load(tmp_path / "net.py", "value") == (1, 1)
    write(tmp_path / name, (tmp_path / name).read_text().replace("1", "2"))
    os.utime(tmp_path / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(tmp_path / "net.py", "value") == ((2, 1) if name == "net.py" else (1, 2))


def test_files_of_one_name_in_two_folders_have_modules_of_one_name(tmp_path: Path) -> None:
    functions = {}
    for name in "ab":
        write(tmp_path / name / "layers.py", f"VALUE = {name!r}\n")
        functions[name] = load(write(tmp_path / name / "net.py", BOTH), "value")
    for name in "abba":
        assert called(functions[name]) == (name, name)
    with users_own(functions["a"]):  # code that calls other code
        assert called(functions["b"]) == ("b", "b")
        assert functions["a"]() == ("a", "a")
    assert {pickle.loads(pickle.dumps(each)) for each in functions.values()} == {*functions.values()}  # noqa: S301


def test_a_folder_without_a_module_does_not_get_that_of_another(tmp_path: Path) -> None:
    write(tmp_path / "a" / "layers.py", "VALUE = 1\n")
    assert called(load(write(tmp_path / "a" / "net.py", BOTH), "value")) == (1, 1)
    with pytest.raises(PipelineError, match="No module named 'layers'"):
        load(write(tmp_path / "b" / "net.py", BOTH), "value")


def test_what_one_file_imported_stays_when_another_is_loaded(tmp_path: Path) -> None:
    write(tmp_path / "a" / "layers_of_a.py", "class Layer: pass\n")
    first = load(write(tmp_path / "a" / "net.py", "from layers_of_a import Layer\n"), "Layer")()
    assert load(write(tmp_path / "b" / "net.py", "VALUE = 2\n"), "VALUE") == 2
    assert isinstance(pickle.loads(pickle.dumps(first)), type(first))  # noqa: S301 - our own
    assert sys.modules["layers_of_a"].Layer is type(first)


def test_modules_in_a_folder_that_the_file_adds_to_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in "ab":
        write(tmp_path / name / "src" / "layers.py", f"VALUE = {name!r}\n")
        head = "import sys\nfrom pathlib import Path\nsys.path.insert(0, str(Path(__file__).parent / 'src'))\n"
        assert called(load(write(tmp_path / name / "net.py", head + BOTH), "value")) == (name, name)


@pytest.mark.parametrize("kind", ["module", "package", "folder"])
def test_what_the_session_imported_elsewhere_comes_back(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"module": "layers.py", "package": "layers/__init__.py", "folder": "layers/inner.py"}[kind]
    for name in ("session", "a"):
        write(tmp_path / name / place, f"VALUE = {name!r}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "session"), *sys.path])
    imported = "layers.inner" if kind == "folder" else "layers"
    own = importlib.import_module(imported)
    function = load(
        write(
            tmp_path / "a" / "net.py",
            BOTH.replace("layers as", f"{imported} as").replace("import layers\n", f"import {imported} as layers\n"),
        ),
        "value",
    )
    assert sys.modules[imported] is own
    for _ in range(2):
        assert called(function) == ("a", "a")
        assert sys.modules[imported] is own
    assert own.VALUE == "session"


@pytest.mark.parametrize("folder", [".", "src"])
def test_what_the_session_imported_of_the_same_file_stays_unless_it_may_have_been_edited(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / folder), *sys.path])
    write(tmp_path / folder / "layers.py", "VALUE = 1\n")
    place = write(tmp_path / "net.py", BOTH)
    own = importlib.import_module("layers")
    own.VALUE = 5  # type: ignore[attr-defined]
    monkeypatch.setattr(neighbours, "_BEGAN", sys.float_info.max)  # as for a process that began after the file was written
    assert called(load(place, "value")) == (5, 5)
    monkeypatch.setattr(neighbours, "_BEGAN", 0.0)
    write(tmp_path / folder / "layers.py", "VALUE = 20\n")
    assert called(load(place, "value")) == (20, 20)
    assert sys.modules["layers"] is own
    write(tmp_path / folder / "layers.py", "VALUE = 300\n")
    assert called(load(place, "value")) == (300, 300)


def test_libraries_and_what_has_no_file_stay(tmp_path: Path) -> None:
    write(tmp_path / "json.py", "VALUE = 1\n")
    write(tmp_path / "pytest.py", "VALUE = 1\n")
    write(tmp_path / "layers.py", "VALUE = 1\n")
    made = sys.modules["layers"] = types.ModuleType("layers")
    place = write(tmp_path / "net.py", "import json, pytest, layers\nfound = json, pytest, layers\n")
    assert load(place, "found") == (sys.modules["json"], pytest, made)


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("first", ["__init__.py", "other.py"])
def test_an_edited_package_of_a_module_is_imported_again(
    tmp_path: Path, here: bool, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    write(root / "package" / first, "")
    place = write(root / "package" / "outer.py", "from package.inner import VALUE\nimport beside\nfound = VALUE, beside.VALUE\n")
    write(tmp_path / "else" / "any.txt", "")
    monkeypatch.setattr(sys, "path", [*sys.path, *([] if here else [str(root)])])
    monkeypatch.chdir(root if here else tmp_path / "else")
    digests = set()
    for values in [(1, 1), (20, 1), (20, 30)]:
        write(root / "package" / "inner.py", f"VALUE = {values[0]}\n")
        write(root / "beside.py", f"VALUE = {values[1]}\n")
        assert load("package.outer", "found") == values
        digests.add(code_digest(place))
    assert len(digests) == (3 if first == "__init__.py" else 1)


def test_what_was_written_while_it_was_imported_is_imported_again(tmp_path: Path) -> None:
    write(tmp_path / "layers.py", "from pathlib import Path\nPath(__file__).write_text('VALUE = 2')\nVALUE = 1\n")
    place = write(tmp_path / "net.py", "from layers import VALUE\n")
    assert [load(place, "VALUE"), load(place, "VALUE")] == [1, 2]
