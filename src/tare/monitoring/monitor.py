"""The monitor itself: a thin shell around its state, safe for threads, kept in a file."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, OutputError, SpecError, TareWarning
from tare.monitoring.assay import Assay
from tare.monitoring.batches import blocks_of, put_back
from tare.monitoring.evidence.figures import counts_of, figures_of, joined, levels_of
from tare.monitoring.evidence.levels import LEVELS
from tare.monitoring.inputs import MonitorOptions, Values
from tare.monitoring.judgement.felt import with_felt
from tare.monitoring.judgement.kinds import live_stats
from tare.monitoring.judgement.verdict import judged, served_since
from tare.monitoring.reference import Reference, digest_of
from tare.monitoring.result import Course, Track, Verdict
from tare.monitoring.state import Arrived, MonitorState
from tare.statistics.dataset_stats import DatasetStats
from tare.system.files import remove_parts, write_text
from tare.system.local.opened import text_of
from tare.system.lock import only_writer

SCHEMA = "tare.monitor/2"
_AXES_OF_VOLUMES = 4  # of one sample, channels included
#: The versions of the schema that can be read.
_READABLE = {f"tare.monitor/{version}": version for version in (1, 2)}


class Monitor:
    """Test what is served against a reference, after every batch, for the whole life of a service.

    ``reference`` is a :class:`Reference`, its file, or a directory that carries one. With probability ``1 - alpha`` no alarm
    is ever raised while samples come from the population that the reference was drawn from: over all channels and statistics,
    however often one looks, with the reference's own error inside. Samples must be independent, or batches further apart than
    ``memory``. ``values`` says what the numbers are: ``raw`` as stored, ``unit`` in [0, 1], or ``fed`` as the network takes
    them.
    """

    def __init__(
        self,
        reference: Reference | str | os.PathLike[str],
        *,
        alpha: float = 0.05,
        tolerance: float = 0.0,
        memory: int | None = None,
        values: Values = "raw",
    ) -> None:
        known = reference if isinstance(reference, Reference) else Reference.load(reference)
        _check_values(values)
        _check_sized(known, values)
        self.reference, self.values = known.of_values(values), values
        self._assay = Assay(self.reference, MonitorOptions(alpha=alpha, tolerance=tolerance, memory=memory))
        self._state = MonitorState(self.reference.digest, memory)
        self._lock = threading.RLock()
        self._path: Path | None = None
        self._every, self._unsaved, self._warned, self._unlooked = 0, 0, False, False
        self._held = contextlib.ExitStack()
        self._process = os.getpid()
        _MONITORS.add(self)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        reference: Reference | str | os.PathLike[str] | None = None,
        *,
        every: int = 100,
        **options: Any,
    ) -> Monitor:
        """Go on with the monitor of a file, or begin one there; it is written after ``every`` batches and by ``close``.

        Where it cannot be written, :meth:`update` warns once and goes on, :attr:`unsaved` counts, and ``close`` raises.
        A process that is killed loses at most the last ``every`` batches. A second monitor on the same file is refused while
        this one is open. An existing file states its own reference and options; others are refused.

        Raises :class:`OutputError` if another monitor holds the file, :class:`DataError` if it is damaged or has another
        reference. In a process that was forked from this one, :meth:`update` does: open one there, with a file of its own.
        """
        place, held = Path(path).absolute(), contextlib.ExitStack()  # the process may change its directory later
        with contextlib.ExitStack() as failing:
            failing.enter_context(held)
            held.enter_context(only_writer(place))
            remove_parts(place.parent, place.name)
            monitor = cls.load(place) if place.exists() else cls(_given(reference, place), **options)
            _check_same(monitor, reference, options, place)
            if not place.exists():  # so that a place that cannot be written is told now, and others can look at once
                monitor._write(place)
            failing.pop_all()
        monitor._path, monitor._every, monitor._held = place, max(1, every), held
        return monitor

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Monitor:
        """Read the file of :meth:`save` without holding it. Raises :class:`DataError` if it is not there or damaged."""
        try:
            document = json.loads(text_of(Path(path)))
        except (OSError, ValueError, RecursionError) as error:
            remedy = "check the path" if isinstance(error, FileNotFoundError) else "remove it to begin again"
            raise DataError("a readable monitor file", f"{os.fspath(path)!r}: {error}", remedy) from None
        if not isinstance(document, dict) or document.get("schema") not in tuple(_READABLE):
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise DataError(f"a JSON object with schema {SCHEMA!r}", f"{found!r} in {os.fspath(path)!r}", "name another file")
        try:
            reference = Reference.from_json(document["reference"])
            monitor = cls(reference, **{name: document["options"][name] for name in ("alpha", "tolerance", "memory", "values")})
            state = MonitorState.from_json(document["state"], len(reference.figures), version=_READABLE[document["schema"]])
            monitor._state = _under(state, monitor, document["reference"])
        except DataError as error:  # of a part
            raise DataError("a whole monitor file", f"{error.found} in {os.fspath(path)!r}", "remove it to begin again") from None
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError, SpecError) as error:
            found = f"{type(error).__name__}: {error} in {os.fspath(path)!r}"
            raise DataError("a whole monitor file", found, "remove it to begin again") from None
        return monitor

    @property
    def state(self) -> MonitorState:
        """The state so far: a frozen value, to be merged elsewhere."""
        with self._lock:
            return self._own()

    @property
    def unsaved(self) -> int:
        """The number of batches that the file of :meth:`open` does not have yet; 0 without a file."""
        return self._unsaved

    @property
    def alarm(self) -> bool:
        """Whether a change was ever shown; it stays true."""
        return self.state.alarm > 0

    def update(self, batch: Any, *, values: Values | None = None) -> bool:
        """Count one batch, look at the evidence, and say whether a change was ever shown. An empty batch is none.

        ``batch`` is an array or tensor of samples, a list of images, arrays or tensors, or rows of numbers. May be called
        from threads. ``values`` are those of this batch alone. Raises :class:`DataError` for samples of another kind than the
        reference's, :class:`SpecError` for values that another part of the reference belongs to.
        """
        given = self.values if values is None else values
        _check_values(given)
        has_other = self.values == "fed" or self.reference.seen is not None  # a fed one may hold the part after the resize alone
        if has_other and (given == "fed") != (self.values == "fed"):
            found = f"{given!r} in a monitor of {self.values!r} values"
            remedy = f"pass tare.Monitor(reference, values={given!r}), a monitor of its own"
            raise SpecError("values that the monitor's part of the reference belongs to", found, remedy)
        return self.count(blocks_of(batch, self.reference, given))

    def count(self, blocks: list[NDArray[Any]], seen: Callable[[NDArray[np.int64]], None] | None = None) -> bool:
        """Count one batch of raw values, blocks ``(N, P, C)``, as :meth:`update` does.

        ``seen`` is told the levels ``(N, F)`` of its figures.
        """
        taking, blocks = self.reference.taking, [put_back(block, self.reference) for block in joined(blocks)]
        if not blocks or not sum(len(block) for block in blocks):
            return self.alarm
        levels = np.concatenate(
            [levels_of(figures_of(block, taking), self.reference.figures, rows=taking.rows) for block in blocks]
        )
        if seen is not None:
            seen(levels)
        return self._add(counts_of(levels, LEVELS), Arrived.of(blocks, taking), len(levels))

    def _add(self, counts: NDArray[np.int64], arrived: Arrived, samples: int) -> bool:
        with self._lock:
            self._check_process()
            state = self._own().added(counts, arrived, samples)
            self._state = self._looked(state)
            self._unsaved += self._path is not None
            if self._path is not None and self._unsaved % self._every == 0:
                self._kept(self._path)
            return self._state.alarm > 0

    def _kept(self, path: Path) -> None:
        """Write the file, or warn once: a full disk under the monitor is no reason to stop the service that it looks at."""
        try:
            self._write(path)
        except OutputError as error:
            if not self._warned:
                words = f"the monitor goes on counting and tries again every {self._every} batches: {error}"
                warnings.warn(words, TareWarning, stacklevel=5)
            self._warned = True

    def _looked(self, state: MonitorState) -> MonitorState:
        evidence = self._assay.evidence(state)
        looked = replace(state, peak=max(state.peak, evidence))
        if state.alarm or not evidence >= self._assay.threshold:
            return looked
        since = self._assay.since(state).interval()
        began = (int(since.estimate), int(since.low), int(since.high))
        return replace(looked, alarm=state.batches, began=began, arrived=served_since(state, began[0] - 1))

    def merge(self, other: Monitor | MonitorState) -> None:
        """Take in another monitor's samples, exactly.

        Raises :class:`DataError` for its own samples, and for a monitor with another reference or other options.
        """
        if isinstance(other, Monitor):
            with other._lock:
                state = other._own(looked=False)
            mine, theirs = self._stated(), other._stated()
            unlike = next((name for name in mine if mine[name] != theirs[name]), "")
            if unlike:
                found = f"{unlike}={mine[unlike]!r} and {theirs[unlike]!r}"
                raise DataError("two monitors with the same options", found, "merge monitors with equal options")
        elif isinstance(other, MonitorState):
            state = other
        else:
            raise DataError("another monitor, or its state", type(other).__name__, "read a file with tare.Monitor.load")
        with self._lock:
            self._state, self._unlooked = self._own(looked=False).merge(state), True

    def verdict(self, run: str | os.PathLike[str] | None = None, factory: str | None = None) -> Verdict:
        """What can be said now: whether anything changed, what, since when, and what to do.

        ``run`` is the run or model directory of the network that is served: then it is measured how much of a change of gain or
        offset the network feels. ``factory`` (``FILE.py:FACTORY``, which is run) builds one that no library does.
        """
        found = judged(self._assay, self.state)
        return found if run is None else with_felt(found, self.reference, run, factory)

    def served(self, since: int = 0) -> DatasetStats | None:
        """The statistics of what was served after the first ``since`` batches, as far as stretches tell; None of nothing."""
        return live_stats(self.reference, served_since(self.state, since))

    def evidence(self) -> float:
        """The natural logarithm of the e-value against no change."""
        return self._assay.evidence(self.state)

    @property
    def threshold(self) -> float:
        """The evidence that is an alarm."""
        return self._assay.threshold

    def tracks(self) -> tuple[Track, ...]:
        """Each figure over the whole life, with its interval and its evidence."""
        return self._assay.tracks(self.state)

    def courses(self) -> tuple[Course, ...]:
        """Every figure over time, with intervals that hold at all moments at once, for plots."""
        return self._assay.courses(self.state)

    def evidence_over_time(self) -> tuple[tuple[int, float], ...]:
        """The number of batches and the evidence at the end of every stretch of batches that is kept."""
        return self._assay.evidence_over_time(self.state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the monitor to a file, atomically. Raises :class:`OutputError` if another process is writing there."""
        place = Path(path)
        with self._lock:
            if self._path is not None and place.resolve() == self._path.resolve():
                self._check_process()
                self._write(self._path)
                return
            with only_writer(place):
                self._write(place)

    def close(self) -> None:
        """Write the file of :meth:`open` once more and give it up; a monitor without one does nothing."""
        with self._lock:
            if self._path is not None and not self._is_of_another_process():
                self._write(self._path)
                self._held.close()
            self._path = None

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _own(self, *, looked: bool = True) -> MonitorState:
        """The state as that of this process: in a forked one it is another monitor's, with what was counted before in both.

        Of monitors that were merged one after the other, the evidence is looked at once they are together, when it is asked for:
        a look at each part of them would be another test, and the order of merging would matter.
        """
        if self._path is None and self._process != os.getpid():
            self._state, self._process = self._state.forked(), os.getpid()
        if looked and self._unlooked:
            self._state, self._unlooked = self._looked(self._state), False
        return self._state

    def _is_of_another_process(self) -> bool:
        return self._path is not None and self._process != os.getpid()

    def _check_process(self) -> None:
        """Raise :class:`OutputError` in a forked process: both would write the file, each without the other's samples."""
        if self._is_of_another_process():
            found = f"the monitor of {str(self._path)!r} in a process that was forked from its own"
            raise OutputError("a monitor that this process opened", found, "open one in each process, each with its file")

    def to_json(self) -> dict[str, Any]:
        """The monitor as a JSON object with schema ``tare.monitor/2``: its reference, options and state."""
        return {
            "schema": SCHEMA,
            "options": self._stated(),
            "reference": self.reference.to_json(),
            "state": self.state.to_json(),
        }

    def _stated(self) -> dict[str, Any]:
        """The options that were stated."""
        options = self._assay.options
        return {"alpha": options.alpha, "tolerance": options.tolerance, "memory": options.memory, "values": self.values}

    def _write(self, path: Path) -> None:
        write_text(path, json.dumps(self.to_json(), allow_nan=False) + "\n")
        if path == self._path:
            self._unsaved, self._warned = 0, False


def _check_sized(reference: Reference, values: Values) -> None:
    """Raise :class:`SpecError` where a network cuts or resizes its samples and the reference has them as stored alone."""
    if values == "fed" and reference.seen is None and reference.axes == _AXES_OF_VOLUMES:
        expected = "a reference of volumes or videos as the network takes them"
        raise SpecError(expected, "one of them as they are stored", "count what is stored, or transfer once more")


_MONITORS: weakref.WeakSet[Monitor] = weakref.WeakSet()


def _after_fork() -> None:
    """In a forked process no other thread holds a lock; the state is whole, since it is replaced and not changed."""
    for monitor in _MONITORS:
        monitor._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def merged(paths: Sequence[str | os.PathLike[str]]) -> Monitor:
    """The monitors of several files as one: those of the workers of a service. The files are not held.

    Raises :class:`DataError` for a damaged file, files of different references or options, or one named twice.
    """
    first, *others = [Monitor.load(path) for path in paths]
    for other in others:
        first.merge(other)
    return first


def _check_values(values: str) -> None:
    if values not in get_args(Values):
        raise SpecError("values that are raw, unit or fed", repr(values), "name one of them")


def _under(state: MonitorState, monitor: Monitor, document: dict[str, Any]) -> MonitorState:
    """The state of a file under the reference and the memory of the same file. Raises ValueError if it is that of another.

    Files of earlier versions name their reference by a digest of all of its text.
    """
    if state.reference not in (monitor.reference.digest, digest_of(document)):
        raise ValueError("counts under another reference")
    if state.memory != monitor._stated()["memory"]:
        raise ValueError("counts under another memory")
    return replace(state, reference=monitor.reference.digest)


def _given(reference: Reference | str | os.PathLike[str] | None, place: Path) -> Reference | str | os.PathLike[str]:
    if reference is None:
        raise DataError("a reference for a new monitor", f"none, and no file {str(place)!r}", "pass reference=")
    return reference


def _check_same(monitor: Monitor, reference: Any, options: dict[str, Any], place: Path) -> None:
    """Raise :class:`DataError` if a file was begun with another reference or other options."""
    stated = monitor._stated()
    other = [name for name, value in options.items() if stated.get(name) != value]
    if reference is not None:
        given = reference if isinstance(reference, Reference) else Reference.load(reference)
        other += ["reference"] if given.of_values(monitor.values).digest != monitor.reference.digest else []
    if other:
        found = f"another {other[0]} in {str(place)!r}"
        raise DataError("a monitor file with the same reference and options", found, "leave it out, or begin another file")
