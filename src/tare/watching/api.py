"""Look at the batches that reach a network, in anyone's loop, and say when they are not what it was trained on."""

from __future__ import annotations

import contextlib
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
from tare.errors import InputError, SpecError, TareWarning
from tare.input_spec.spec import Known
from tare.statistics.dataset_stats import DatasetStats
from tare.watching.expectation import expectation
from tare.watching.judging import Expectation, Judgement, judge, judge_form
from tare.watching.result import StageSeen, WatchReport, stage_seen
from tare.watching.sample import Look, Seen, can_be_seen, look_at, network_input

OnFinding = Literal["warn", "raise"] | Callable[[Finding], object]

_REASON = "tare.watch looks at batches outside of the graph; for fullgraph=True watch what torch.compile returned"


def watch(
    model: torch.nn.Module,
    spec: Any = None,
    *,
    batches: int = 8,
    every: int = 1000,
    on_finding: OnFinding = "warn",
    input: int | str | None = None,  # noqa: A002 - what the network's own signature is about
    data: DatasetStats | str | os.PathLike[str] | None = None,
) -> Watch:
    """Watch what reaches a network: the first ``batches`` of training and of evaluation, then one in ``every`` (0: none).

    ``spec`` is whatever :func:`tare.read_spec` reads; without one the model's own is read, and if it states none only shape,
    dtype, NaN and scaling by own values are looked at, which is said once. ``input`` is the position or the name of the argument
    that holds the values. ``data`` are statistics of your own data (or their file): normalising with them is then no mistake.
    ``on_finding``: ``warn`` with a :class:`TareWarning` once per code (in the first process only), ``raise`` an
    :class:`InputError`, or call a function with each :class:`Finding`. Use it before the loop; ``with`` or ``remove`` end it.

    Nothing waits for the device, the model's state is unchanged, and copies and pickles of the model are not watched.
    Raises :class:`SpecError` if ``spec`` cannot be read, or for options that cannot be.
    """
    if batches < 1 or every < 0:
        raise SpecError(
            "batches >= 1 and every >= 0", f"batches={batches} and every={every}", "every=0 ends after the first ones"
        )
    if not callable(on_finding) and on_finding not in ("warn", "raise"):
        raise SpecError("on_finding 'warn', 'raise' or a function", f"{on_finding!r}", "pass a function of one Finding")
    return Watch(model, expectation(model, spec, data), batches, every, on_finding, input)


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
    ) -> None:
        self._expects, self._batches, self._every, self._on_finding, self._input = expects, batches, every, on_finding, which
        self._lock = threading.RLock()
        # next() on a count is atomic: batches are numbered across threads without a lock.
        self._numbers = {True: count(), False: count()}
        self._arriving: dict[bool, list[Look]] = {True: [], False: []}
        self._seen: dict[bool, list[Seen]] = {True: [], False: []}
        self._looked = {True: 0, False: 0}
        self._stages: dict[bool, StageSeen] = {}
        self._findings: dict[str, Finding] = {}
        self._notes: list[str] = []
        self._waiting = False
        self._detach: Callable[[], None] | None = _attach(model, self)
        self._say_what_is_unknown()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, each code once, without waiting for what is still under way."""
        return tuple(self._findings.values())

    @property
    def active(self) -> bool:
        """Whether the network is still watched."""
        return self._detach is not None

    def report(self) -> WatchReport:
        """Judge what was looked at so far, and return it with the findings."""
        self._say(self._judged_now())
        with self._lock:
            stages = tuple(self._stages[training] for training in (True, False) if training in self._stages)
            return WatchReport(self._expects.network, self.findings, stages, tuple(self._notes))

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
            self._take_off()  # what was raised in the block is what the user has to see

    def before_forward(self, training: bool, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Look at a batch, if it is one to look at; called by the hook before every forward."""
        number = next(self._numbers[training])
        first = number < self._batches
        if not (first or self._waiting or (self._every and (number - self._batches + 1) % self._every == 0)):
            return
        try:
            found = self._look(training, number, args, kwargs, first)
        except Exception as error:  # a watch must never stop the run that it watches
            self._take_off()
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            self._notes.append(f"stopped looking: {reason}")
            warnings.warn(f"tare.watch stopped looking: {reason}", TareWarning, stacklevel=2)
            return
        self._say(found)

    def _look(
        self, training: bool, number: int, args: Sequence[Any], kwargs: Mapping[str, Any], first: bool
    ) -> tuple[Finding, ...]:
        chosen = first or bool(self._every and (number - self._batches + 1) % self._every == 0)
        with self._lock:
            if chosen and self.active:
                self._take_sample(training, number, args, kwargs)
            found = self._judged()
            if self._every == 0 and sum(self._looked.values()) >= self._batches and not self._waiting:
                self._take_off()
        return found

    def _take_sample(self, training: bool, number: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        given = network_input(args, kwargs, self._input)
        if given is None:
            self._note("no tensor of values among the arguments of forward; name it with input=")
        elif can_be_seen(given[1]):
            stated = self._expects.spec.layout
            last = isinstance(stated, Known) and stated.value == "NHWC"
            look = look_at(*given, number, training, self._expects.channels, last)
            self._arriving[training].append(look)
            self._waiting = True
            if look.form.dtype == "uint8":
                self._note("bytes arrive: the network scales them itself, and only their shape is looked at")

    def _judged_now(self) -> tuple[Finding, ...]:
        with self._lock:
            return self._judged(now=True)

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
        """Pass on each code once; outside of the lock, for whoever is called may look at the watch."""
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
        if self._expects.affine is not None:
            return
        spec, rule = self._expects.spec, rule_named("TARE080")
        unknown = list(rule.findings(Evidence(spec, self._expects.network)))
        if unknown:
            remedy = "state it: tare.watch(model, spec=...); only shape, dtype, NaN and scaling by own values are looked at"
            self._say([replace(one, severity="note", remedy=remedy) for one in unknown])
        else:
            kind = spec.raw_dtype.value if isinstance(spec.raw_dtype, Known) else "an unknown type"
            self._note(f"raw values are of {kind}: values of 8 bits only are held against a spec")

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _take_off(self) -> None:
        with self._lock:
            detach, self._detach = self._detach, None
        if detach is not None:
            detach()


class _Hook:
    """The forward pre-hook; copies and pickles of the model get one that does nothing and needs no tare."""

    def __init__(self, watched: Watch) -> None:
        self._watched = watched

    @torch.compiler.disable(reason=_REASON)  # type: ignore[untyped-decorator, no-untyped-call]
    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._watched.before_forward(module.training, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # The __exit__ of a nullcontext takes anything and returns None: what a hook is that does nothing.
        return getattr, (contextlib.nullcontext(), "__exit__")


def _attach(model: torch.nn.Module, watched: Watch) -> Callable[[], None]:
    """Put the hook outside of what is compiled, and return what takes it off again."""
    hook, inner = _Hook(watched), getattr(model, "_compiled_call_impl", None)
    if inner is None or hasattr(model, "_orig_mod"):
        return model.register_forward_pre_hook(hook, with_kwargs=True).remove
    # model.compile() would trace a hook; its compiled call is replaced by one that looks first.
    owner = weakref.ref(model)

    def looking(*args: Any, **kwargs: Any) -> Any:
        module = owner()
        if module is not None:
            hook(module, args, kwargs)
        return inner(*args, **kwargs)

    def take_off() -> None:
        module = owner()
        if module is not None and module.__dict__.get("_compiled_call_impl") is looking:
            module.__dict__["_compiled_call_impl"] = inner

    model.__dict__["_compiled_call_impl"] = looking
    return take_off


def _speaks() -> bool:
    """Whether this is the process that warns: the first one, as every other one would say the same."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank() > 0)
