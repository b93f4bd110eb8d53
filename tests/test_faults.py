"""Small versions of ``python -m benchmarks.faults``: a few kills, a disk that fills, a second process, a clock that jumps."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.faults.children import finished
from benchmarks.faults.jobs import JOBS, SETUP, STUDY, TRANSFER, Job, prepare
from benchmarks.faults.kills import killed
from benchmarks.faults.others import WRITERS, clear, clock_jumps, no_file_grows, second_refused, unwritten
from benchmarks.faults.whole import Watcher, part_of, parts_in


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("faults")
    prepare(made)
    clear(made)
    done = finished(SETUP, made)
    assert done.code == 0, done.said
    return made


def often() -> None:
    import tare.checkpoint

    tare.checkpoint.EVERY = 0.0


def starved() -> None:
    often()
    no_file_grows()


@pytest.mark.long
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_killed_command_ends_as_one_that_was_left_alone(folder: Path, job: Job) -> None:
    found = killed(job, folder, kills=4, seed=1, before=often)
    assert found.wrong == []
    assert found.kills == 4


@pytest.mark.long
@pytest.mark.parametrize("command", WRITERS)
def test_a_disk_that_is_full_is_one_line_and_leaves_no_part(folder: Path, command: str) -> None:
    clear(folder)
    assert unwritten(folder, WRITERS[command], starved) == []


@pytest.mark.long
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_second_process_on_an_output_is_refused_and_the_first_goes_on(folder: Path, job: Job) -> None:
    assert second_refused(job, folder) == []


@pytest.mark.long
@pytest.mark.parametrize("job", [TRANSFER, STUDY], ids=lambda job: job.name)
def test_a_clock_that_jumps_changes_nothing(folder: Path, job: Job) -> None:
    assert clock_jumps(job, folder, often, 0.4) == []
