"""Commands in children of a process that has its libraries loaded: begun, waited for, killed."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hostile.running import load


@dataclass(slots=True)
class Child:
    """A command that runs in ``folder``; what it says goes to the file ``said`` there."""

    pid: int
    folder: Path
    number: int
    code: int | None = None

    @property
    def said(self) -> str:
        """What it printed so far, on both streams."""
        return (self.folder / f".said{self.number}").read_text(errors="replace")

    def ended(self) -> bool:
        """Whether it has ended; then ``code`` is its exit code, negative for a signal."""
        if self.code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if found else None
        return self.code is not None

    def stopped(self) -> bool:
        """Wait until it is stopped by a signal; False if it ends before."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        self.code = None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        return self.code is None

    def wait(self, seconds: float) -> bool:
        """Wait for its end at most so long; whether it ended."""
        until = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def kill(self) -> None:
        """SIGKILL: it learns of nothing and tidies up nothing."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait(60)


def begin(argv: tuple[str, ...], folder: Path, *, number: int = 0, before: Callable[[], None] = lambda: None) -> Child:
    """Begin ``tare argv`` in ``folder``; ``before`` is called in the child."""
    load()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _become(argv, folder, number, before)
    return Child(pid, folder, number)


def finished(argv: tuple[str, ...], folder: Path, *, before: Callable[[], None] = lambda: None) -> Child:
    """Run a command to its end; one that has not ended after five minutes is killed."""
    child = begin(argv, folder, before=before)
    if not child.wait(300):
        child.kill()
    return child


def _become(argv: tuple[str, ...], folder: Path, number: int, before: Callable[[], None]) -> None:
    code = 3
    try:
        os.chdir(folder)
        said = os.open(f".said{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["tare", *argv]
        before()
        from tare.cli.start import main

        main(load())
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
    finally:  # under a limit of file sizes the streams may be full, too; nothing may climb to the parent's frames
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
