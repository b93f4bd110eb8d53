"""The handle of a watched network: it samples batches, has them judged, and passes on what was found."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Any, Literal

import torch

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding
from tare.checking.rules.table import rule_named
from tare.errors import InputError, TareWarning, reason_of
from tare.input_spec.spec import Known
from tare.monitoring.monitor import Monitor
from tare.watching.expectation import Expectation
from tare.watching.hook import attach
from tare.watching.judging import Judgement, judge, judge_form
from tare.watching.monitored import Monitored
from tare.watching.result import StageSeen, WatchReport, stage_seen
from tare.watching.sample import Look, Seen, can_be_seen, left_out, look_at, network_input
from tare.watching.surroundings import Aside, aside_from, aside_from_forward, by_itself, traced

OnFinding = Literal["warn", "raise"] | Callable[[Finding], object]


class Watch:
    """The handle of a watched network: ``findings`` so far, :meth:`report`, :meth:`remove`; also a context manager."""

    def __init__(
        self,
        model: torch.nn.Module,
        expects: Expectation,
        batches: int,
        every: int,
        on_finding: OnFinding,
        which: int | str | None,
        *,
        monitored: Monitored | None = None,
    ) -> None:
        self._expects, self._batches, self._every, self._on_finding, self._input = expects, batches, every, on_finding, which
        self._monitored, self._counts = monitored, monitored is not None
        self._lock = threading.RLock()
        # next() on a count is atomic: batches are numbered across threads without a lock.
        self._numbers = {True: count(), False: count()}
        self._arriving: dict[bool, list[Look]] = {True: [], False: []}
        self._seen: dict[bool, list[Seen]] = {True: [], False: []}
        self._looked = {True: 0, False: 0}
        self._stages: dict[bool, StageSeen] = {}
        self._findings: dict[str, Finding] = {}
        self._notes: list[str] = []
        self._aside: list[str] = []
        self._waiting = False
        self._detach: Callable[[], None] | None = attach(model, self.before_forward, self._stand_aside)
        if self._detach is None:
            warnings.warn(f"tare.watch looks at nothing: {'; '.join(self._aside)}", TareWarning, stacklevel=3)
        _WATCHES.add(self)
        self._say_what_is_unknown()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, each code once, without waiting for batches that are still being copied."""
        return tuple(self._findings.values())

    @property
    def monitor(self) -> Monitor | None:
        """The monitor of evaluation batches, with those counted that are still on their way; None if none was asked for.

        A batch that it cannot take ends the counting, with a warning; what was counted before stays.
        """
        if self._monitored is None:
            return None
        monitor = self._monitored.monitor
        self._count(lambda monitored: monitored.count(now=True))
        return monitor

    @property
    def active(self) -> bool:
        """Whether the network is still watched."""
        return self._detach is not None

    def report(self) -> WatchReport:
        """Judge what was looked at so far, and return it with the findings."""
        self._say(self._judged_now())
        with self._lock:
            stages = tuple(self._stages[training] for training in (True, False) if training in self._stages)
            return WatchReport(self._expects.network, self.findings, stages, tuple(self._notes), tuple(self._aside))

    def remove(self) -> None:
        """Judge what was looked at so far and take the hook off the network; a second call does nothing."""
        found = self._judged_now()
        self._take_off()
        self._say(found)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.remove()
        else:
            self._take_off()  # the user has to see the error that was raised in the block

    def before_forward(self, training: bool, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Look at a batch, if it is one to look at; called by the hook before every forward."""
        if torch._C._current_graph_task_id() != -1:  # in backward a checkpoint computes a forward again, which was looked at
            return
        try:
            aside = aside_from_forward()
        except Exception as error:  # a watch must never stop the run that it watches
            self._stop(error)
            return
        if aside is not None or traced(args, kwargs):
            self._stand_aside(aside or Aside("a graph was traced", fed=False))
            return
        if self._counts and not training:
            self._count(lambda monitored: self._take_batch(monitored, args, kwargs))
        number = next(self._numbers[training])
        first = number < self._batches
        if not (first or self._waiting or (self._every and (number - self._batches + 1) % self._every == 0)):
            return
        try:
            with by_itself():
                found = self._look(training, number, args, kwargs, first)
        except Exception as error:  # as above
            self._stop(error)
            return
        self._say(found)

    def _stop(self, error: Exception) -> None:
        """End looking, and say so: what comes after is not judged."""
        self._take_off()
        reason = f"stopped looking: {type(error).__name__}: {reason_of(error, 200)}"
        with self._lock:
            self._arriving = {True: [], False: []}
            self._waiting = False
        self._stand_aside(Aside(reason))
        warnings.warn(f"tare.watch {reason}", TareWarning, stacklevel=3)

    def _stand_aside(self, aside: Aside) -> None:
        """Note once that batches are not looked at; such as the network was fed count as not judged."""
        if aside.reason not in self._notes:
            self._notes.append(aside.reason)
            if aside.fed:
                self._aside.append(aside.reason)

    def _count(self, counted: Callable[[Monitored], None]) -> None:
        monitored = self._monitored
        if monitored is None or not self._counts:
            return
        try:
            with self._lock, by_itself():
                counted(monitored)
        except Exception as error:  # as a watch, a monitor must never stop the run
            self._counts = False
            reason = f"{type(error).__name__}: {reason_of(error, 200)}"
            self._notes.append(f"the monitor stopped: {reason}")
            warnings.warn(f"the monitor of tare.watch stopped: {reason}", TareWarning, stacklevel=3)

    def _take_batch(self, monitored: Monitored, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        given = network_input(args, kwargs, self._input)
        if given is not None and can_be_seen(given[1]):
            monitored.take(given[1])

    def _look(
        self, training: bool, number: int, args: Sequence[Any], kwargs: Mapping[str, Any], first: bool
    ) -> tuple[Finding, ...]:
        chosen = first or bool(self._every and (number - self._batches + 1) % self._every == 0)
        with self._lock:
            if chosen and self.active:
                self._take_sample(training, number, args, kwargs)
            found = self._judged()
            if not self._counts and self._every == 0 and sum(self._looked.values()) >= self._batches and not self._waiting:
                self._take_off()
        return found

    def _take_sample(self, training: bool, number: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        given = network_input(args, kwargs, self._input)
        if given is None:
            self._stand_aside(Aside("no tensor of values among the arguments of forward; name it with input="))
        elif (aside := aside_from(given[1])) is not None:
            self._stand_aside(aside)
        else:
            for name in left_out(args, kwargs, given[1], self._expects.takes) if self._input is None else ():
                self._stand_aside(
                    Aside(f"argument {name!r} was not looked at: it is like {given[0]!r}, which was; choose with input=")
                )
            look = look_at(*given, number, training, self._expects.takes)
            self._arriving[training].append(look)
            self._waiting = True
            if look.form.dtype == "uint8":
                self._note("bytes arrive: the network scales them itself, and only their shape is looked at")

    def _judged_now(self) -> tuple[Finding, ...]:
        try:
            with self._lock, by_itself():
                return self._judged(now=True)
        except Exception as error:  # a device that failed: what is on its way from it does not arrive
            self._stop(error)
            return ()

    def _judged(self, now: bool = False) -> tuple[Finding, ...]:
        """Judge the batches that have arrived on the host, at the first one, the second, the fourth and so on."""
        found: tuple[Finding, ...] = ()
        for training, arriving in self._arriving.items():
            arrived = 0
            while arrived < len(arriving) and (now or arriving[arrived].ready()):
                found += self._taken_in(arriving[arrived].seen())
                arrived += 1
            del arriving[:arrived]
            if now and self._seen[training]:
                found += self._judged_stage(training)
        self._waiting = any(self._arriving.values())
        return found

    def _taken_in(self, seen: Seen) -> tuple[Finding, ...]:
        training = seen.look.training
        kept, self._looked[training] = self._seen[training], self._looked[training] + 1
        looked = self._looked[training]
        if looked > self._batches or (kept and kept[-1].look.form.channels != seen.look.form.channels):
            kept.clear()  # a later batch stands for itself: older ones would hide what has changed since
        kept.append(seen)
        due = looked >= self._batches or looked & (looked - 1) == 0
        return self._judged_stage(training) if due else ()

    def _judged_stage(self, training: bool) -> tuple[Finding, ...]:
        batches = self._seen[training]
        form = judge_form(batches[-1], self._expects)
        judgement = Judgement(form) if form else judge(batches, self._expects)
        order = self._expects.spec.channels
        self._stages[training] = stage_seen(
            batches, judgement, self._looked[training], order.value if isinstance(order, Known) else ""
        )
        first, last = batches[0].look.number + 1, batches[-1].look.number + 1
        which = f"batch {last}" if first == last else f"batches {first} to {last}"
        where = f"{'training' if training else 'evaluation'} {which}"
        return tuple(replace(finding, where=where) for finding in judgement.findings)

    def _say(self, found: Sequence[Finding]) -> None:
        """Pass on each code once; outside of the lock, since the function that is called may use the watch."""
        for finding in found:
            with self._lock:
                if self._findings.setdefault(finding.code, finding) is not finding:
                    continue
            if callable(self._on_finding):
                self._on_finding(finding)
            elif self._on_finding == "raise" and finding.fails:
                raise InputError("the input that the network was trained on", str(finding), "or watch with on_finding='warn'")
            elif _speaks():
                warnings.warn(str(finding), TareWarning, stacklevel=2)

    def _say_what_is_unknown(self) -> None:
        if self._expects.rough:
            self._note("mean and std are the average of those for colours: only gross mistakes are told")
        if self._expects.affine is not None:
            return
        if self._expects.constants is not None:
            self._note("raw values are not of 8 bits, or of an unknown type: mean and std are compared, not single values")
            return
        spec = self._expects.spec
        if isinstance(spec.per_sample, Known):
            return
        unknown = list(rule_named("TARE080").findings(Evidence(spec, self._expects.network)))
        remedy = "state it: tare.watch(model, spec=...); only shape, dtype, NaN and scaling by own values are looked at"
        self._say([replace(one, severity="note", remedy=remedy) for one in unknown])

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _take_off(self) -> None:
        with self._lock:
            detach, self._detach = self._detach, None
        if detach is not None:
            detach()


_WATCHES: weakref.WeakSet[Watch] = weakref.WeakSet()


def _after_fork() -> None:
    """In a forked process no other thread holds a lock, and what is on its way from a device arrives in the parent."""
    for watch in _WATCHES:
        watch._lock = threading.RLock()
        watch._arriving, watch._waiting = {True: [], False: []}, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _speaks() -> bool:
    """Whether this process warns: only the first does, since all would say the same."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank() > 0)
