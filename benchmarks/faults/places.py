"""An output folder that is taken away or replaced by a link, or whose disk runs full, while a command writes into it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.faults.children import Child, begin, finished
from benchmarks.faults.jobs import Job
from benchmarks.faults.others import alone, clear, said_in_one_line, small_disk
from benchmarks.faults.whole import parts_in


def removed(job: Job, folder: Path) -> list[str]:
    """Move the output folder away; nothing may be made in its place, and moved back it is taken up."""
    return _disturbed(job, folder, os.replace)


def replaced_by_link(job: Job, folder: Path) -> list[str]:
    """Put a link to another folder in its place; nothing may be written there."""

    def replace(out: Path, away: Path) -> None:
        os.replace(out, away)
        (out.parent / "elsewhere").mkdir()
        out.symlink_to("elsewhere")

    return _disturbed(job, folder, replace)


def _disturbed(job: Job, folder: Path, disturb: Callable[[Path, Path], None]) -> list[str]:
    wanted = alone(job, folder)
    out, away = folder / "made" / "out", folder / "made" / "away"
    child = _stopped_at_work(job, folder, out)
    if child.code is not None:
        return [f"it ended with {child.code} before its folder could be taken: {child.said[-200:]}"]
    disturb(out, away)
    os.kill(child.pid, signal.SIGCONT)
    child.wait(300)
    wrong = said_in_one_line(child) + parts_in(away)
    made = [path for place in (out, out.parent / "elsewhere") if place.exists() for path in place.rglob("*")]
    wrong += [f"wrote {path.relative_to(folder)}" for path in made]
    if out.is_symlink():
        out.unlink()
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(out.parent / "elsewhere", ignore_errors=True)
    os.replace(away, out)
    return wrong + _taken_up(job, folder, wanted)


def filled(job: Job, folder: Path) -> list[str] | None:
    """Let the disk of the output run full meanwhile; with room again it is taken up. None where mounting is not allowed."""
    wanted = alone(job, folder)
    made, filler = folder / "made", folder / "made" / "filler"
    with small_disk(made, "64m") as mounted:
        if not mounted:
            return None
        child = _stopped_at_work(job, folder, made / "out")
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.kill(child.pid, signal.SIGCONT)
        child.wait(300)
        filler.unlink()
        wrong = said_in_one_line(child) + parts_in(made)
        wrong += _taken_up(job, folder, wanted)
    clear(folder)
    return wrong


def _stopped_at_work(job: Job, folder: Path, out: Path) -> Child:
    """The command, stopped a moment after its folder appeared."""
    child = begin(job.command(folder), folder)
    while not child.ended():
        if (out / "run.json").is_file() or (out / "plan.json").is_file():
            time.sleep(0.05)
            os.kill(child.pid, signal.SIGSTOP)
            break
        time.sleep(0.001)
    return child


def _taken_up(job: Job, folder: Path, wanted: dict[str, str]) -> list[str]:
    again = finished(job.command(folder), folder)
    if again.code != 0:
        return [f"taken up, it ends with {again.code}: {again.said.strip()[-300:]}"]
    return [] if job.result(folder) == wanted else ["taken up, another result than alone"]
