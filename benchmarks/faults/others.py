"""A disk that is full or may not be written, a second process, a clock that jumps: what commands do then."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.children import Child, begin, finished
from benchmarks.faults.jobs import EXPORT, MEASURE, STUDY, TRANSFER, Job
from benchmarks.faults.whole import parts_in

#: By command, what writes to ``made`` and is begun where it cannot.
WRITERS: dict[str, tuple[str, ...]] = {
    "measure --out": ("measure", "photos", "--out", "made/stats.json"),
    "measure --checkpoint": MEASURE.argv,
    "compare --html": ("compare", "photos", "cifar10", "--html", "made/page.html"),
    "spec --out": ("spec", "timm:resnet18", "--out", "made/spec.json"),
    "predict --out": ("predict", "run", "photos", "--model", "net.py:small", "--workers", "1", "--out", "made/answers.csv"),
    "transfer": TRANSFER.argv,
    "export": EXPORT.argv,
    "fold": ("fold", "run", "--model", "net.py:small", "--out", "made/folded"),
    "study": STUDY.argv,
    "advise --html": ("advise", "photos", "--model", "net.py:small", "--weights", "none", "--html", "made/advice.html"),
}
_SMALL = 1024


def unwritten(folder: Path, argv: tuple[str, ...], before: Callable[[], None]) -> list[str]:
    """What is wrong with what a command does that may not be able to write all it has to.

    Nothing is if it says so in a line and is gone, or if what it has to write fits: then it is there, and whole.
    """
    done = finished(argv, folder, before=before)
    fits = done.code == 0 and (folder / "made").is_dir() and any((folder / "made").iterdir())
    wrong = [] if fits else said_in_one_line(done)
    wrong += parts_in(folder / "made")
    left = [path.name for path in (folder / "made").rglob(".*") if path.suffix in (".part", ".lock", ".old", ".tare-before")]
    return [*wrong, *(f"left {name}" for name in left)]


def said_in_one_line(done: Child) -> list[str]:
    """What is wrong with a refusal: exit code 2 and one line that says what was expected, found, and to do."""
    errors = [line for line in done.said.splitlines() if line.startswith("error:")]
    wrong = [] if done.code == 2 else [f"exit code {done.code}"]
    if "Traceback" in done.said:
        wrong.append(f"a traceback: {done.said.strip()[-300:]}")
    if done.code == 2 and (len(errors) != 1 or "expected" not in errors[0] or "found" not in errors[0]):
        wrong.append(f"{len(errors)} lines of error: {done.said.strip()[-300:]}")
    return wrong


def no_file_grows() -> None:
    """In a child: every write beyond 1 KiB of a file fails, as on a full disk; needs no rights."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL, _SMALL))


@contextmanager
def small_disk(made: Path, size: str = "16k", flags: str = "") -> Iterator[bool]:
    """A file system of its own on ``made``, so small or read-only; False where mounting is not allowed."""
    options = f"size={size}{flags}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(made)], capture_output=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        for _ in range(100):  # a moment after a process ended, the system may still hold a file of it
            if subprocess.run(["umount", str(made)], capture_output=True, check=False).returncode == 0:  # noqa: S603, S607
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "--lazy", str(made)], check=True)  # noqa: S603, S607


def second_refused(job: Job, folder: Path) -> list[str]:
    """Stop a command that holds its output, begin it a second time, and let the first go on; what is wrong with either."""
    wanted = alone(job, folder)
    first = begin(job.command(folder), folder, number=1, before=_stops_when_it_holds)
    if not first.stopped():
        return [f"the first ended with {first.code} before it was met: {first.said[-200:]}"]
    second = finished(job.command(folder), folder)
    wrong = [f"the second: {each}" for each in said_in_one_line(second)]
    if "one process at a time" not in second.said:
        wrong.append(f"the second says {second.said.strip()[-200:]}")
    os.kill(first.pid, signal.SIGCONT)
    first.wait(300)
    if first.code != 0:
        wrong.append(f"the first ended with {first.code}: {first.said[-200:]}")
    return wrong + ([] if job.result(folder) == wanted else ["the first has another result than alone"])


def _stops_when_it_holds() -> None:
    """In a child: stop this process once it has the lock. The file of the lock is there a moment before that."""
    import tare.system.lock

    acquired = tare.system.lock._acquired

    def held(lock: Path, path: Path) -> int:
        descriptor = acquired(lock, path)
        os.kill(os.getpid(), signal.SIGSTOP)
        return descriptor

    tare.system.lock._acquired = held


def clock_jumps(job: Job, folder: Path, before: Callable[[], None], seconds: float) -> list[str]:
    """Kill a command, date all that it left to the future, and take it up under a clock that jumps by years at every look."""
    wanted = alone(job, folder, before)
    child = begin(job.command(folder), folder, before=before)
    child.wait(seconds)
    if not child.ended():
        child.kill()
    future = time.time() + 20 * 365 * 86400
    for path in (folder / "made").rglob("*"):
        os.utime(path, (future, future))

    def jumping() -> None:
        before()
        real, state = time.time, [1]

        def leap() -> float:
            state[0] = -state[0]
            return real() + state[0] * 5 * 365 * 86400

        time.time = leap

    done = finished(job.command(folder), folder, before=jumping)
    if done.code != 0:
        return [f"exit code {done.code}: {done.said[-300:]}"]
    return [] if job.result(folder) == wanted else ["another result than under a steady clock"]


def clear(folder: Path) -> None:
    """Empty ``made``."""
    shutil.rmtree(folder / "made", ignore_errors=True)
    (folder / "made").mkdir()


def alone(job: Job, folder: Path, before: Callable[[], None] = lambda: None) -> dict[str, str]:
    """What a job leaves that nobody disturbs; ``made`` is empty afterwards."""
    clear(folder)
    done = finished(job.command(folder), folder, before=before)
    if done.code != 0:
        raise SystemExit(f"tare {' '.join(job.argv)}: {done.code}: {done.said}")
    wanted = job.result(folder)
    clear(folder)
    return wanted
