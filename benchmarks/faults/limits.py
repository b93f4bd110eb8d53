"""Signals that end a command, and limits of the system: processor time, memory, open files."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.children import Child, begin, finished
from benchmarks.faults.jobs import Job
from benchmarks.faults.others import alone, clear, said_in_one_line
from benchmarks.faults.whole import parts_in

#: Signals that a terminal, a scheduler or an administrator sends.
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_ABORTED = (-signal.SIGABRT, -signal.SIGSEGV)
#: What is left to a command beyond what it has when it begins, its libraries loaded.
_MEMORY = 8 << 20
#: Open files: too few to begin, and hardly more than every command asks for.
FILES = (2, 66)


def ended_by(number: signal.Signals, job: Job, folder: Path, seconds: float) -> list[str]:
    """Send a command a signal while it works, and take it up; what is wrong with what it leaves, or with the result then."""
    wanted = alone(job, folder)
    child = begin(job.command(folder), folder)
    child.wait(seconds)
    if not child.ended():
        os.kill(child.pid, number)
        child.wait(60)
    return _ended(child, number, job, folder, wanted)


def out_of_time(job: Job, folder: Path) -> list[str]:
    """The same for a command whose processor time ends (``ulimit -t 1``), which the system tells by SIGXCPU."""
    wanted = alone(job, folder)
    child = finished(job.command(folder), folder, before=lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 4)))
    return _ended(child, signal.SIGXCPU, job, folder, wanted)


def _ended(child: Child, number: signal.Signals, job: Job, folder: Path, wanted: dict[str, str]) -> list[str]:
    wrong = parts_in(folder / "made")
    allowed = {0, -number} | ({130} if number in (signal.SIGINT, signal.SIGTERM) else set())  # a training ends in order at both
    if child.code not in allowed:
        wrong += said_in_one_line(child)
    if "Traceback" in child.said:
        wrong.append(f"a traceback: {child.said.strip()[-300:]}")
    again = finished(job.command(folder), folder)
    if again.code != 0:
        return [*wrong, f"taken up, it ends with {again.code}: {again.said.strip()[-300:]}"]
    return wrong + ([] if job.result(folder) == wanted else ["taken up, another result than alone"])


def starved(argv: tuple[str, ...], folder: Path, before: Callable[[], None]) -> list[str]:
    """What is wrong with a command under a limit: it ends rightly, or says so in a line and leaves nothing."""
    clear(folder)
    done = finished(argv, folder, before=before)
    # A library of compiled code that gets no memory ends the process itself: then nothing can be said, and nothing may be left.
    wrong = [] if done.code in (0, 1, *_ABORTED) else said_in_one_line(done)
    wrong += parts_in(folder / "made")
    if done.code in _ABORTED:  # hidden files are removed by the next run
        return wrong
    left = [path.name for path in (folder / "made").rglob(".*") if path.suffix in (".part", ".lock", ".old", ".tare-before")]
    return [*wrong, *(f"left {name}" for name in left)]


def little_memory() -> None:
    """In a child: a few megabytes beyond what it has (``ulimit -v``)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def few_files(number: int) -> None:
    """In a child: so many open files beyond what it has (``ulimit -n``)."""
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    while os.open(os.devnull, os.O_RDONLY) < used:  # numbers that are free below the highest would be free to the command
        pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + number, used + number))
