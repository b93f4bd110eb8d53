from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tare.errors import OutputError
from tare.system.lock import check_unheld, only_writer

HOLDER = """
import sys
from pathlib import Path
from tare.system.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    return started


def test_a_second_process_is_refused_in_one_line(tmp_path: Path) -> None:
    first = holder(tmp_path / "run")
    try:
        message = r"^expected one process at a time on an output, found another .*run' now; wait"
        with pytest.raises(OutputError, match=message), only_writer(tmp_path / "run"):
            pass
        with only_writer(tmp_path / "other"):
            pass
    finally:
        first.communicate()
    with only_writer(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_whether_another_process_holds_a_file_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "live.json").write_text("{}")
    check_unheld(tmp_path / "live.json")
    first = holder(tmp_path / "live.json")
    try:
        for _ in range(2):
            with pytest.raises(OutputError, match=r"one process at a time on an output, found another .*live.json' now"):
                check_unheld(tmp_path / "live.json")
    finally:
        first.communicate()
    with only_writer(tmp_path / "live.json"):
        check_unheld(tmp_path / "live.json")
        with pytest.raises(OutputError), only_writer(tmp_path / "live.json"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    first = holder(tmp_path / "run")
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert [path.name for path in tmp_path.iterdir()] == [".run.lock"]
    with only_writer(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_thread_or_call_of_one_process_is_refused_too(tmp_path: Path) -> None:
    refused = pytest.raises(OutputError, match="one process at a time")
    with only_writer(tmp_path / "run"), refused, only_writer(tmp_path / "run"):
        pass


def test_a_forked_worker_does_not_go_on_holding(tmp_path: Path) -> None:
    with only_writer(tmp_path / "run"):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:  # a worker that outlives its parent's work
            os.close(write)
            os.read(read, 1)
            os._exit(0)
    second = holder(tmp_path / "run")
    second.communicate()
    os.close(write)
    os.waitpid(child, 0)


def test_a_lock_that_was_removed_while_waiting_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    with only_writer(tmp_path / "run"):
        (tmp_path / ".run.lock").unlink()  # somebody tidies up
        with pytest.raises(OutputError, match="one process at a time"), only_writer(tmp_path / "run"):
            pass
    with only_writer(tmp_path / "run"):
        assert (tmp_path / ".run.lock").exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a place that can be written"), only_writer(tmp_path / "file" / "run"):
        pass


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe", "device", "file"])
def test_what_is_planted_under_the_name_of_the_lock_is_refused_and_left_alone(kind: str, tmp_path: Path) -> None:
    lock, outside = tmp_path / ".run.lock", tmp_path / "outside"
    if "link" in kind:
        lock.symlink_to(outside)
        if kind == "link":
            outside.write_text("precious")
    elif kind == "folder":
        lock.mkdir()
    elif kind == "file":
        lock.write_text("precious")
    elif kind == "pipe":
        os.mkfifo(lock)
    else:
        try:
            os.mknod(lock, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("making a device needs rights")
    before = os.lstat(lock)
    refused = pytest.raises(OutputError, match=r"a lock that is a file of its own, found something else at .*; remove it")
    with refused, only_writer(tmp_path / "run"):
        pass
    assert os.path.samestat(before, os.lstat(lock))
    assert kind != "file" or lock.read_text() == "precious"
    assert outside.exists() == (kind == "link")
    assert kind != "link" or outside.read_text() == "precious"


def test_two_names_of_one_output_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    refused = pytest.raises(OutputError, match="one process at a time")
    with only_writer(tmp_path / "link"), refused, only_writer(tmp_path / "run"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"run", "link"}


@pytest.mark.parametrize("name", ["linked/out", "folder/../folder/out"])
def test_names_through_other_folders_have_one_lock(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "linked").symlink_to("folder")
    with only_writer(tmp_path / "folder" / "out"):
        with pytest.raises(OutputError, match="one process at a time"), only_writer(tmp_path / name):
            pass
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "folder" / "out")]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        assert "one process at a time" in answer.stderr


def test_of_threads_that_ask_at_the_same_moment_one_holds_the_output(tmp_path: Path) -> None:
    def ask(barrier: threading.Barrier, holding: list[int]) -> None:
        barrier.wait()
        with contextlib.suppress(OutputError), only_writer(tmp_path / "run"):
            holding.append(1)
            barrier.wait()  # all others were refused by now
            return
        barrier.wait()

    for _ in range(100):
        barrier = threading.Barrier(4)
        holding: list[int] = []
        threads = [threading.Thread(target=ask, args=(barrier, holding)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(holding) == 1


def test_a_forked_process_that_ends_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    ends = """
import os, subprocess, sys
from pathlib import Path
from tare.system.lock import only_writer
held = only_writer(Path(sys.argv[1]))
held.__enter__()
child = os.fork()
if not child:
    sys.exit(0)  # as a worker of a server does: the child's interpreter ends, and closes what is open
os.waitpid(child, 0)
asks = "import sys; from pathlib import Path; from tare.system.lock import only_writer as o; o(Path(sys.argv[1])).__enter__()"
refused = subprocess.run([sys.executable, "-c", asks, sys.argv[1]], capture_output=True, text=True)
sys.exit("one process at a time" not in refused.stderr)
"""
    command = [sys.executable, "-c", ends, str(tmp_path / "run")]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603
