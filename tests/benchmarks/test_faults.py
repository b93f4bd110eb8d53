"""Small versions of ``python -m benchmarks.faults``: kills, full disks, a second process, a clock that jumps, lost workers."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from benchmarks.faults.whole import Watcher, part_of, parts_in

ROOT = Path(__file__).parents[2]


def test_a_part_of_a_file_is_seen_and_a_whole_one_is_not(tmp_path: Path) -> None:
    for name, whole in (("a.json", b'{"a": 1}'), ("b.html", b"<p></p></html>\n"), ("c.csv", b"a,b\n1,2\n")):
        (tmp_path / name).write_bytes(whole)
        assert part_of(tmp_path / name) is None
        (tmp_path / name).write_bytes(whole[:-5])
        assert part_of(tmp_path / name) is not None
    assert len(parts_in(tmp_path)) == 3
    (tmp_path / ".d.json.part").write_text("{")
    assert len(parts_in(tmp_path)) == 3
    assert part_of(tmp_path / "gone.json") is None


def test_the_watcher_sees_a_part_that_is_whole_a_moment_later(tmp_path: Path) -> None:
    with Watcher(tmp_path) as watcher:
        (tmp_path / "a.json").write_text('{"a":')
        while not watcher.faults:
            pass
        (tmp_path / "a.json").write_text('{"a": 1}')
    assert "a.json" in watcher.faults[0]


@pytest.mark.long
def test_the_command_runs_and_finds_nothing_wrong() -> None:
    # In a process of its own: its children are forks, which must not come of one that has used torch's threads.
    command = [sys.executable, "-m", "benchmarks.faults", "--kills", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\*\*all\*\* \| \*\*8\*\*", done.stdout)
    for fault in (
        "file too large",
        "second process",
        "clock jump",
        "SIGTERM",
        "few open files",
        "folder removed",
        "worker ended",
    ):
        assert f"| {fault} |" in done.stdout
    assert ("| worker ended on Ray |" in done.stdout) == (find_spec("ray") is not None)
