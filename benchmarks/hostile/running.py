"""Run commands in children of a process that has its libraries loaded, and judge what they did."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile.commands import Case

#: A command may compute this long, and take this much memory beyond what its libraries take.
SECONDS = 20.0
#: After so long by the clock it is ended, and counts as hung.
_HUNG = 300.0
MEGABYTES = 1500
_BAIT = "tare-was-here"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did: exit code (negative for a signal), seconds of computing, peak memory in MB, and what it printed."""

    code: int
    seconds: float
    megabytes: float
    out: str
    err: str


@cache
def load() -> Callable[[], None]:
    """The command line, built once."""
    from typer.main import get_command

    from tare.cli.main import app

    return get_command(app)


def run(argv: tuple[str, ...], folder: Path) -> Done:
    """Run ``tare argv`` in ``folder``."""
    sys.stdout.flush()  # else the child would write it once more
    child = os.fork()
    if child == 0:
        _become(argv, folder)
    code, usage = _waited(child, time.monotonic() + _HUNG)
    texts = [(folder / name).read_text(errors="replace") for name in (".out", ".err")]
    return Done(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, *texts)


def judged(case: Case, done: Done, folder: Path, good: dict[str, object], base: float) -> list[str]:
    """What is wrong with what the command did; nothing if it did right."""
    wrong = []
    if done.code not in case.codes:
        wrong.append(f"exit code {done.code}, not {' or '.join(map(str, case.codes))}")
    if "Traceback" in done.err + done.out:
        wrong.append("a traceback")
    if "Warning:" in done.err:
        wrong.append("a library's warning")
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    if done.code == 2 and (len(errors) != 1 or "expected" not in errors[0]):
        wrong.append(f"{len(errors)} lines of error")
    if done.seconds > SECONDS or done.code == -signal.SIGKILL:
        wrong.append(f"{done.seconds:.0f} s of computing, or hung")
    if done.megabytes > base + MEGABYTES:
        wrong.append(f"{done.megabytes:.0f} MB")
    if any(folder.rglob(_BAIT)):
        wrong.append("code from the file was run")
    if done.code == 2 and ((folder / "out").exists() or any(folder.glob("out.*")) or any(folder.glob(".out?*"))):
        wrong.append("output was left behind")
    if case.same_as_good and done.code == 0 and _figures(json.loads(done.out)) != good:
        wrong.append("other statistics than those of the good images")
    return wrong + (_values(case, done, folder) if done.code == 0 else [])


def _values(case: Case, done: Done, folder: Path) -> list[str]:
    """What is wrong with the values, the words and the classes of a command that ended well."""
    wrong = []
    if case.means is not None:
        found = raw_means(json.loads(done.out))
        if len(found) != len(case.means) or not np.allclose(found, case.means, rtol=1e-6, atol=1e-6):
            wrong.append(f"means {found}, not {case.means}")
    if case.said and not any(words in done.out + done.err for words in (case.said, json.dumps(case.said)[1:-1])):
        wrong.append(f"{case.said!r} is not said")
    if case.classes is not None:
        from benchmarks.hostile.bad_values import classes_in

        classes = classes_in(folder / "out")
        if sorted(classes) != sorted(case.classes):
            wrong.append(f"the classes {classes}, not {case.classes}")
    return wrong


def raw_means(document: dict[str, Any]) -> list[float]:
    """The means of ``tare measure --json`` in raw values."""
    scale = {"uint8": 255, "uint16": 65535}.get(document["dtype"], 1)
    return [channel["mean"] * scale for channel in document["channels"]]


def figures(text: str) -> dict[str, object]:
    """What ``tare measure --json`` says of the samples that it read."""
    return _figures(json.loads(text))


def clean(folder: Path) -> None:
    """Remove what a case left."""
    shutil.rmtree(folder / "bad", ignore_errors=True)
    shutil.rmtree(folder / "out", ignore_errors=True)
    for name in (_BAIT, ".out", ".err", "out.html"):
        (folder / name).unlink(missing_ok=True)


def _figures(document: dict[str, object]) -> dict[str, object]:
    return {"channels": document["channels"], "samples": document["samples"]}


def _become(argv: tuple[str, ...], folder: Path) -> None:
    os.chdir(folder)
    for name, number in ((".out", 1), (".err", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["tare", *argv]
    code = 3
    try:
        from tare.cli.start import main

        main(load())
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _waited(child: int, until: float) -> tuple[int, resource.struct_rusage]:
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), usage
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return os.waitstatus_to_exitcode(status), usage
        time.sleep(0.01)
