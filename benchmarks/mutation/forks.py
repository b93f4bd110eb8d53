"""Tasks in forked children, some at a time, each with a limit on its time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: What identifies a task, the task itself, and how many seconds it may take.
Job = tuple[int, Callable[[], dict[str, Any]], float]


@dataclass
class _Child:
    key: int
    process: int
    started: float
    deadline: float
    parts: list[bytes] = field(default_factory=list)


def forked(jobs: Iterable[Job], workers: int) -> Iterator[tuple[int, dict[str, Any] | None, float]]:
    """Run every task in a child of its own; yields its key, what it returned (None: its time ran out), and its seconds."""
    waiting = iter(jobs)
    children: dict[int, _Child] = {}
    while True:
        while len(children) < workers and (job := next(waiting, None)) is not None:
            reading, child = _start(job)
            children[reading] = child
        if not children:
            return
        limit = max(0.0, min(child.deadline for child in children.values()) - time.monotonic())
        for reading in select.select(list(children), [], [], limit)[0]:
            part = os.read(reading, 1 << 20)
            if part:
                children[reading].parts.append(part)
            else:
                yield _ended(reading, children.pop(reading), late=False)
        now = time.monotonic()
        for reading in [fd for fd, child in children.items() if child.deadline <= now]:
            yield _ended(reading, children.pop(reading), late=True)


def _start(job: Job) -> tuple[int, _Child]:
    key, task, timeout = job
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _in_child(task, writing)
    os.close(writing)
    now = time.monotonic()
    return reading, _Child(key, process, now, now + timeout)


def _in_child(task: Callable[[], dict[str, Any]], writing: int) -> None:
    os.setpgid(0, 0)
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    try:
        answer = task()
    except BaseException as error:  # whatever a mutant makes of the tests' own machinery
        answer = {"status": "killed", "test": f"{type(error).__name__}: {error}"}
    with contextlib.suppress(OSError), os.fdopen(writing, "w") as pipe:
        json.dump(answer, pipe)
    os._exit(0)


def _ended(reading: int, child: _Child, *, late: bool) -> tuple[int, dict[str, Any] | None, float]:
    os.close(reading)
    if late:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process, signal.SIGKILL)
    os.waitpid(child.process, 0)
    seconds = time.monotonic() - child.started
    if late:
        return child.key, None, seconds
    text = b"".join(child.parts)
    return child.key, json.loads(text) if text else {"status": "killed", "test": "the interpreter ended"}, seconds
