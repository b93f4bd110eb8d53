from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path

import pytest

import tare
from tare.errors import ResourceError
from tare.input_spec.geometry import RowGeometry
from tare.predicting.number_inputs import number_inputs
from tare.sources.files.image_folder import read_noted
from tare.system.local.opened import ChangedError, NotRegularError, opened, regular, text_of, whole
from tare.system.local.pins import Pin, TreePin
from tare.system.local.plain import plain_name


def special(folder: Path, kind: str) -> Path:
    path = folder / "x.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "terminal": "/dev/tty", "proc": "/proc/self/environ"}[kind])
    return path


#: What reads files otherwise: those of the package and of the system, those just written, and the functions that a user names.
OTHERWISE = (
    *("advising/rates", "checking/repository/costs", "checking/rules/index", "cli/preflight/names", "code/networks/index"),
    *("code/networks/published", "exporting/formats/pt2", "exporting/formats/safetensors", "exporting/push"),
    *("input_spec/formats/hf_classes", "networks/stored/proposals", "normalisation/catalog", "reporting/html"),
    *("reporting/study/report", "studying/evaluation/trial", "studying/tasks/function", "networks/stored/directory"),
    "system/importing/neighbours",
)


def test_no_other_module_reads_files_that_may_be_pipes() -> None:
    package = Path(tare.__file__).parent
    readers = [
        path.relative_to(package).with_suffix("").as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\.read_(?:text|bytes)\(", path.read_text())
    ]
    assert sorted(readers) == sorted(OTHERWISE)


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "device", "proc"])
def test_only_a_regular_file_with_a_size_is_opened_and_nothing_waits(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotRegularError, match=r"not a regular file but a |without a size"):
        whole(special(tmp_path, kind))


def test_a_link_to_nothing_and_a_link_to_itself_are_errors_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        regular(str(tmp_path / "a"))
    (tmp_path / "c").symlink_to(tmp_path / "c")
    with pytest.raises(OSError, match="symbolic links"):
        regular(str(tmp_path / "c"))


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xc3\xa9\r\nx")
    assert whole(tmp_path / "a") == b"\xc3\xa9\r\nx"
    assert text_of(tmp_path / "a") == "é\nx"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.truncate(path, 3), "cut from 9 to 3 bytes while it was read"),
        (lambda path: path.open("ab").write(b"more"), "grown from 9 to 13 bytes while it was read"),
        (lambda path: os.utime(path, ns=(1, 1)), "rewritten while it was read"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, change: object, words: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"something")
    with pytest.raises(ChangedError, match=words), opened(str(path)):
        change(path)  # type: ignore[operator]
    path.write_bytes(b"something")

    def failing() -> None:
        with opened(str(path)):
            change(path)  # type: ignore[operator]
            raise ValueError("what comes of the change")

    with pytest.raises(ChangedError, match=words):
        failing()


def test_a_pin_notices_a_file_that_is_replaced_or_removed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    os.utime(path, ns=(5, 5))
    pin = Pin.of(str(path))
    pin.check()
    other = tmp_path / "b"
    other.write_bytes(b"two")
    os.utime(other, ns=(5, 5))
    other.replace(path)
    with pytest.raises(ChangedError, match="replaced by another file while it was read"):
        pin.check()
    path.unlink()
    with pytest.raises(ChangedError, match="removed while it was read"):
        pin.check()


def test_a_pin_of_a_folder_notices_a_file_that_is_removed_or_rewritten(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0").write_bytes(b"one")
    (tmp_path / "a" / "1").write_bytes(b"two")
    pin = TreePin.of(str(tmp_path))
    pin.check()
    (tmp_path / "a" / "0").unlink()
    with pytest.raises(ChangedError, match="2 files of 6 bytes became 1 of 3 while it was read"):
        pin.check()


@pytest.mark.parametrize(
    "name", ["a[1].tar.gz", "a*.tar.gz", "~.tar.gz", "a%20b.tar.gz", "http:\\x.tar.gz", "a\nb.tar.gz", "\udcff.tar.gz"]
)
def test_a_name_that_a_library_could_interpret_is_given_by_a_link_with_its_ending(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / f"{name}.wal").write_bytes(b"y")
    with plain_name(str(tmp_path / name)) as plain:
        assert plain.endswith("/data.tar.gz")
        assert Path(plain).read_bytes() == b"x"
        assert Path(f"{plain}.wal").read_bytes() == b"y"
    assert not os.path.lexists(plain)


def test_a_plain_name_is_the_files_own(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").touch()
    with plain_name(str(tmp_path / "a b.csv")) as plain:
        assert plain == str(tmp_path / "a b.csv")


def test_a_system_that_opens_no_more_files_makes_no_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "a.csv").write_text("height\n1\n2\n")

    def exhausted(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", exhausted)
    with pytest.raises(ResourceError, match="Too many open files"):
        read_noted(str(tmp_path / "a.png"), "rgb")
    with pytest.raises(ResourceError):
        number_inputs(RowGeometry(("height",)), [str(tmp_path / "a.csv")])
