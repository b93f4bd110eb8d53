"""Objects named by file or module: found, or one line that says why not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tare.errors import PipelineError
from tare.system.user_code import code_digest, is_reference, load_object, one_line, required_parameters, users_own


@pytest.mark.parametrize("text", ["a.py:b", "dir/a.py:b", "a.b:c", "a:b", "/x y/a.py:b"])
def test_references(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize("text", ["a.py", "a.py:", ":b", "a.py:b.c", "a-b:c", "config.json", "hf:a/b"])
def test_other_texts(text: str) -> None:
    assert not is_reference(text)


def write(folder: Path, text: str, name: str = "pipeline.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_an_object_of_a_file_that_imports_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "number = 7\n", "neighbour_of_pipeline.py")
    path = write(tmp_path, "from neighbour_of_pipeline import number\n")
    before = list(sys.path)
    assert load_object(f"{path}:number", PipelineError) == 7
    assert sys.path == before


def test_dataclasses_and_pickles_of_the_file_find_their_module(tmp_path: Path) -> None:
    path = write(
        tmp_path, "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int = 1\n"
    )
    assert load_object(f"{path}:A", PipelineError)().x == 1


def test_an_object_of_a_module() -> None:
    assert load_object("math:pi", PipelineError) == pytest.approx(3.14159, abs=1e-5)


def test_a_module_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "here = 1\n", "module_of_the_current_folder.py")
    monkeypatch.chdir(tmp_path)
    assert load_object("module_of_the_current_folder:here", PipelineError) == 1


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("val_transform = 1\n", "val_transfrom", "did you mean val_transform"),
        ("", "anything", "found none; define it"),
        ("def f(:\n", "f", "SyntaxError"),
        ("1 / 0\n", "f", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)\n", "f", "SystemExit: 0"),
        ("import no_such_module_anywhere\n", "f", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise ValueError('one\\ntwo')\n", "f", "ValueError: one two"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, text: str, name: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as raised:
        load_object(f"{write(tmp_path, text)}:{name}", PipelineError)
    assert "\n" not in str(raised.value)


def test_a_file_or_module_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"missing\.py' does not exist; check the path"):
        load_object(f"{tmp_path / 'missing.py'}:x", PipelineError)
    with pytest.raises(PipelineError, match="the module 'no_such_module_anywhere' to import"):
        load_object("no_such_module_anywhere:x", PipelineError)


def test_required_parameters() -> None:
    def function(a: int, b: int = 1, *c: int, d: int, e: int = 2, **f: int) -> tuple[object, ...]:
        return a, b, c, d, e, f

    assert required_parameters(function) == ("a", "d")
    assert required_parameters(3) == ()


CHANGES = "import os\nos.chdir({!r})\ndef where():\n    return os.getcwd()\ndef away():\n    os.chdir('/')\n"


@pytest.mark.parametrize("as_module", [False, True])
def test_a_file_that_changes_the_directory_when_it_is_imported(
    as_module: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "else").mkdir()
    write(tmp_path, CHANGES.format(str(tmp_path / "else")), "changing.py")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    where = load_object("changing:where" if as_module else "changing.py:where", PipelineError)
    assert Path.cwd() == tmp_path
    assert sys.path == before
    with users_own(where):  # its functions run where it left
        assert where() == str(tmp_path / "else")
    assert Path.cwd() == tmp_path


def test_code_that_changes_the_directory_is_left_where_it_was_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with users_own():
        os.chdir("/")
    assert Path.cwd() == tmp_path

    def failing() -> None:
        os.chdir("/")
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), users_own():
        failing()
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(("code", "words"), [(0, "SystemExit: 0"), (None, "SystemExit"), ("bye", "SystemExit: bye")])
def test_code_that_ends_the_program_has_failed(code: object, words: str) -> None:
    with pytest.raises(Exception, match=words) as raised, users_own():
        sys.exit(code)  # type: ignore[arg-type]
    assert one_line(raised.value) == words


def test_a_function_of_a_folder_that_was_removed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    path = write(tmp_path, CHANGES.format(str(tmp_path / "else")), "changing.py")
    where = load_object(f"{path}:where", PipelineError)
    (tmp_path / "else").rmdir()
    before = Path.cwd()
    with pytest.raises(FileNotFoundError), users_own(where):
        where()
    assert Path.cwd() == before


def test_the_digest_knows_packages_beside_the_file_and_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    for name, text in {
        "own.py": "from lib.parts import value\n",
        "lib/__init__.py": "",
        "lib/parts.py": "from .deep import inner\nimport shared\nvalue = 1\n",
        "lib/deep/inner.py": "x = 1\n",
        "shared.py": "y = 1\n",
        "other.py": "z = 1\n",
    }.items():
        (tmp_path / name).write_text(text)
    first = code_digest(tmp_path / "own.py")
    for name in ("lib/parts.py", "lib/deep/inner.py", "shared.py", "lib/__init__.py"):
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(before + "more = 2\n")
        assert code_digest(tmp_path / "own.py") != first, name
        (tmp_path / name).write_text(before + "# a comment\n")
        assert code_digest(tmp_path / "own.py") == first
    (tmp_path / "other.py").write_text("z = 2\n")
    assert code_digest(tmp_path / "own.py") == first


@pytest.mark.parametrize(
    "head", [b"\xef\xbb\xbf", "# coding: latin-1\nname = 'é'\n".encode("latin-1"), b"this is no Python\n", b""]
)
def test_the_digest_knows_files_of_any_encoding_and_modules_imported_by_name(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "own.py").write_bytes(b"import importlib\nhelper = importlib.import_module('helper')\nimport __odd\n")
    (tmp_path / "__odd").mkdir()
    files = [tmp_path / "helper.py", tmp_path / "__odd" / "__init__.py", tmp_path / "own.py"]
    files[0].write_bytes(head + b"value = 1\n")
    files[1].write_bytes(head + b"value = 1\n")
    first = code_digest(files[2])
    for path in files:
        before = path.read_bytes()
        path.write_bytes(before + b"more = 2\n")
        assert code_digest(files[2]) != first
        path.write_bytes(before)
    files[2].write_bytes(head + b"value = 1\n")
    first = code_digest(files[2])
    files[2].write_bytes(head + b"value = 2\n")
    assert code_digest(files[2]) != first


def test_a_function_may_import_a_neighbour_when_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "late_neighbour.py").write_text("value = 7\n")
    (tmp_path / "own.py").write_text("def function():\n    from late_neighbour import value\n    return value\n")
    before = list(sys.path)
    function = load_object(f"{tmp_path / 'own.py'}:function", PipelineError)
    with users_own(function):
        assert function() == 7
    assert sys.path == before


def test_what_is_no_exception_has_failed_too_and_an_interruption_is_one() -> None:
    class Own(BaseException):
        pass

    with pytest.raises(Exception, match=r"^Own: of mine$") as raised, users_own():
        raise Own("of mine")
    assert one_line(raised.value) == "Own: of mine"
    with pytest.raises(KeyboardInterrupt), users_own():
        raise KeyboardInterrupt


def test_defaults_of_tensors_are_put_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="has defaults for new tensors")
    path = write(
        tmp_path,
        "import torch\ntorch.set_default_dtype(torch.float64)\ndef f():\n"
        "    torch.set_default_device('meta')\n    torch.set_default_dtype(torch.float16)\n    return torch.zeros(2)\n",
    )
    function = load_object(f"{path}:f", PipelineError)
    assert torch.zeros(1).dtype == torch.float32
    with users_own(function):
        assert (function().device.type, function().dtype) == ("meta", torch.float16)
    assert (torch.zeros(1).device.type, torch.zeros(1).dtype) == ("cpu", torch.float32)
    torch.set_default_device("meta")
    try:
        with users_own(function):
            torch.set_default_device("cpu")
        assert torch.zeros(1).device.type == "meta"
    finally:
        torch.set_default_device(None)
