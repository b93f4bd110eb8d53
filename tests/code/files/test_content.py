from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tare.code.files.content import content
from tare.code.files.document import Skipped


def reason(path: Path, most: int = 100) -> str:
    found = content(str(path), most)
    assert isinstance(found, Skipped)
    assert found.path == str(path)
    return found.reason


def test_a_file_is_read_whole_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x" * 100)
    assert content(str(path), 100) == b"x" * 100
    assert reason(path, 99) == "it has 100 bytes, more than the 99 that are read"


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.py")
    assert reason(tmp_path / "fifo.py") == "it is no regular file"
    assert reason(Path("/dev/zero")) == "it is no regular file"
    assert reason(tmp_path) == "it is no regular file"


def test_a_fifo_that_took_the_place_of_a_file_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, fifo = tmp_path / "a.py", tmp_path / "fifo.py"
    file.touch()
    os.mkfifo(fifo)
    looked_at = os.stat(file)
    monkeypatch.setattr(os, "stat", lambda *_: looked_at)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(reason(fifo)), daemon=True)
    thread.start()
    thread.join(10)
    assert found == ["it is no regular file"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("gone.py", "it cannot be read: No such file or directory"), ("n\0l.py", "no file can have this name")],
)
def test_a_file_that_is_gone_is_skipped(tmp_path: Path, name: str, why: str) -> None:
    assert reason(tmp_path / name) == why


def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.touch()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert reason(path) == "it cannot be read: Permission denied"


def test_a_file_that_changes_is_read_again_and_at_last_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x")
    real, changes = os.fstat, iter([True, False, False])

    def fstat(descriptor: int) -> os.stat_result:
        result = real(descriptor)
        if next(changes, True):
            with path.open("ab") as file:
                file.write(b"y")
        return result

    monkeypatch.setattr(os, "fstat", fstat)
    assert content(str(path), 100) == b"xy"
    assert reason(path) == "it changes while it is read"
