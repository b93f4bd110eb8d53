"""A study's plan: what is varied, from a YAML file or flags, checked before anything is computed."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

import numpy as np

from tare.datasets.options import LabelOptions
from tare.errors import SpecError, did_you_mean, short_repr
from tare.normalisation.inputs import check_window, check_window_meant
from tare.normalisation.names import DECLARED, STRATEGIES, Strategy
from tare.studying.tasks.evaluated import EVALUATE, check_keys, check_sizes, evaluated_task
from tare.studying.tasks.folder import FOLDER, default_sizes, folder_task
from tare.studying.tasks.samples import least_tested, pool_size
from tare.studying.tasks.shifts import shift_named
from tare.studying.tasks.subject import Subject, subject_of
from tare.studying.tasks.task import TASKS, Task, task_named
from tare.system.handed.arguments import place_of
from tare.system.local.opened import is_pipe
from tare.system.option_files.yaml_file import read_yaml
from tare.training.options import Protocol

_PROTOCOLS: tuple[Protocol, ...] = ("probe", "finetune", "scratch")
#: What batch norm does under a frozen network: its moments stay as they are, or are re-estimated on the training samples.
FrozenBatchNorm = Literal["eval", "reestimate"]
_BATCH_NORMS: tuple[FrozenBatchNorm, ...] = get_args(FrozenBatchNorm)
_MOST_CELLS = 1_000_000
_LARGEST = 1e6
_FEWEST = 3
_SUFFIXES = (".yaml", ".yml", ".json")
_TEXTS = ("study", "evaluate", "data", "label", "label_pattern", "array", "layout", "weights", "spec")
_REAL = int | float
_KINDS: dict[str, Any] = {"sizes": int, "mean": _REAL, "std": _REAL, "window": _REAL}
_KIND_NAMES = {str: "names", int: "whole numbers", _REAL: "numbers"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement: a strategy under a shift, with ``size`` target samples, on one network, by one protocol and seed.

    ``batchnorm`` is a :data:`FrozenBatchNorm`, or ``train`` where the network is trained further, or ``none`` where it has none.
    The protocol ``score`` is the user's own function.
    """

    network: str
    protocol: Protocol | Literal["score"]
    batchnorm: str
    shift: str
    size: int
    strategy: Strategy
    seed: int

    def digest(self, inputs: str) -> str:
        """A hash of everything that the cell's result depends on; ``inputs`` stands for data and code."""
        return hashlib.sha256(json.dumps([asdict(self), inputs], sort_keys=True).encode()).hexdigest()


def _opening() -> int:
    return uuid4().int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study varies; every combination is one cell. ``margin`` is the difference that counts as none, in points.

    ``opening`` is no key: what is read for one plan is read once in a process, and for a plan that is made later again.
    """

    study: str = "digits"
    networks: tuple[str, ...] = ()
    protocols: tuple[Protocol, ...] = ("probe",)
    shifts: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    batchnorm: tuple[FrozenBatchNorm, ...] = ("eval",)
    seeds: int = 10
    margin: float = 1.0
    data: str = ""
    label: str = ""
    label_pattern: str = ""
    array: str = ""
    layout: str = ""
    bands: tuple[str, ...] = ()
    weights: str = "pretrained"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    spec: str = ""
    window: tuple[float, ...] = ()
    evaluate: str = ""
    lower: tuple[str, ...] = ()
    opening: int = field(default_factory=_opening, compare=False, repr=False)

    @property
    def task(self) -> Task:
        """The pair of datasets that the study is about."""
        if self.evaluate:
            return evaluated_task(self.networks, self.mean, self.std, self.spec, self.window, self.opening)
        if self.study == FOLDER:
            labels = LabelOptions(
                self.data,
                label=self.label or None,
                label_pattern=self.label_pattern or None,
                array=self.array or None,
                layout=self.layout or None,
                bands=self.bands or None,
            )
            stated: dict[str, Any] = {"mean": self.mean, "std": self.std, "spec": self.spec, "window": self.window}
            return folder_task(labels, self.networks, self.weights, **stated, opening=self.opening)
        return task_named(self.study)

    @property
    def pool(self) -> int:
        """How many samples the training sizes are taken from; all others are tested on."""
        if self.evaluate:
            return max(self.sizes[-1], self.subject.number // 2)
        return pool_size(self.task.target(), self.sizes[-1])

    @property
    def subject(self) -> Subject:
        """The samples of a study of the user's own function."""
        return subject_of(self.data, self.array, self.label, self.layout, self.opening)

    def cells(self) -> Iterator[Cell]:
        """All cells, ordered so that those which share features come together."""
        modes: list[tuple[str, Protocol | Literal["score"], str]]
        modes = [(n, p, mode) for n in self.networks for p in self.protocols for mode in self.modes(n, p)]
        modes = [(network, "score", "none") for network in self.networks] if self.evaluate else modes
        for (network, protocol, mode), seed, shift in itertools.product(modes, range(self.seeds), self.shifts):
            for strategy, size in itertools.product(self.strategies, self.sizes):
                yield Cell(network, protocol, mode, shift, size, strategy, seed)

    @property
    def number(self) -> int:
        """Number of cells."""
        modes = sum(len(self.modes(network, protocol)) for network in self.networks for protocol in self.protocols)
        return modes * self.seeds * len(self.shifts) * len(self.sizes) * len(self.strategies)

    def modes(self, network: str, protocol: Protocol) -> tuple[str, ...]:
        """The treatments of batch norm of a network's cells."""
        if network not in self.task.normed:
            return ("none",)
        return self.batchnorm if protocol == "probe" else ("train",)

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> StudyPlan:
        """A plan that was checked when it was run. Raises :class:`SpecError` for one that was changed into none since."""
        known = _keys()
        stated = {key: value for key, value in document.items() if key in known}
        if stated.get("study") not in (FOLDER, EVALUATE, *TASKS):
            raise SpecError(
                f"a plan of the study {', '.join((FOLDER, EVALUATE, *TASKS))}", short_repr(stated.get("study")), "run it again"
            )
        values = {key: _value(key, value) if value not in (None, []) else value for key, value in stated.items()}
        frozen: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        return cls(**frozen)

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON object with schema ``tare.plan/1``."""
        document = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        left_out = (
            *(() if self.evaluate else ("evaluate", "lower")),
            *(name for name in ("window", "bands", "layout") if not getattr(self, name)),
            "opening",
        )
        return {"schema": "tare.plan/1", **{key: value for key, value in document.items() if key not in left_out}}


def requested_plan(plan: str | os.PathLike[str] | Mapping[str, Any] | StudyPlan, keys: Mapping[str, Any]) -> StudyPlan:
    """Make the checked plan that a name, a YAML file or a mapping stands for, with ``keys`` in place of its own.

    Raises :class:`SpecError` for a plan that cannot be.
    """
    if isinstance(plan, StudyPlan):
        return plan_of({**plan.to_json(), **keys}) if keys else replace(plan, opening=_opening())
    if isinstance(plan, Mapping):
        return plan_of({**plan, **keys})
    name = plan if isinstance(plan, str) else str(place_of(plan, "a plan"))
    return plan_of({**(read_plan(Path(name)) if name.lower().endswith(_SUFFIXES) or is_pipe(name) else {"study": name}), **keys})


def plan_of(document: Mapping[str, Any]) -> StudyPlan:
    """Check a plan and fill in what its study does by default.

    Raises :class:`SpecError` for an unknown key (with the closest), a value that cannot be, or a plan that contradicts itself.
    """
    known = _keys()
    for key in document:
        if key not in known and key != "schema":
            hint = did_you_mean(str(key), known, f"known are {', '.join(known)}", most=2, cutoff=0.4)
            raise SpecError("a plan with known keys", f"{key!r}", hint)
    stated = {key: _value(key, value) for key, value in document.items() if key != "schema"}
    if stated.get("evaluate"):
        check_keys(stated)
        stated["study"] = EVALUATE
    plan = StudyPlan(**stated)
    _check_folder(plan)
    task = plan.task
    plan = replace(
        plan,
        networks=plan.networks or task.networks,
        shifts=plan.shifts or task.shifts,
        strategies=plan.strategies or task.strategies,
    )
    plan = replace(plan, sizes=tuple(sorted(plan.sizes or task.sizes or _usual_sizes(plan))))
    _check(plan)
    return plan


def _keys() -> list[str]:
    """The keys of a plan."""
    return [entry.name for entry in fields(StudyPlan) if entry.compare]


def _usual_sizes(plan: StudyPlan) -> tuple[int, ...]:
    """Of a folder three sizes; of the user's own function, whose trials may take long, half of the samples."""
    return (max(1, plan.subject.number // 2),) if plan.evaluate else default_sizes(plan.task.target())


def read_plan(path: Path) -> dict[str, Any]:
    """Read the keys of a plan, unchecked. Raises :class:`SpecError` for a file that cannot be read."""
    return read_yaml(path, "plan", "strategies and sizes")


def _value(key: str, value: Any) -> Any:
    if key in _TEXTS:
        if isinstance(value, str | os.PathLike):
            return os.fspath(value)
        raise SpecError(f"a name for {key}", short_repr(value), f"for example study: {next(iter(TASKS))}")
    if key in ("seeds", "margin"):
        return _number(key, value)
    if key == "lower" and value in ([], ()):
        return ()
    values = value if isinstance(value, list | tuple) else [value]
    kind = _KINDS.get(key, str)
    if any(isinstance(each, bool) or not isinstance(each, kind) for each in values) or not (values or kind is _REAL):
        raise SpecError(f"{key}: a list of {_KIND_NAMES[kind]}", short_repr(value), "correct it")
    if kind is _REAL:
        return tuple(float(each) for each in values)
    if len(set(values)) < len(values):
        raise SpecError(f"{key} without repetition", short_repr(value), "each one once: a repeated cell would count twice")
    return tuple(values)


def _number(key: str, value: Any) -> float:
    kind = int if key == "seeds" else float
    possible = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LARGEST
    if not possible or value != kind(value):
        raise SpecError(f"{key}: a positive {'whole ' if kind is int else ''}number", short_repr(value), "correct it")
    return kind(value)


def _check_folder(plan: StudyPlan) -> None:
    if plan.evaluate:
        return
    given = next(
        (key for key in ("data", "label", "label_pattern", "array", "layout", "bands", "lower") if getattr(plan, key)), None
    )
    if plan.study == EVALUATE:
        raise SpecError("evaluate, your own function, for the study 'evaluate'", "none", "for example evaluate: score.py:score")
    if plan.study != FOLDER and given:
        raise SpecError(f"{given} only for the study {FOLDER!r}", f"{given} beside the study {plan.study!r}", "leave one out")
    if plan.study == FOLDER and not plan.data:
        raise SpecError(f"data, labelled images, for the study {FOLDER!r}", "none", "for example data: photos/")


def _check(plan: StudyPlan) -> None:
    """Raise :class:`SpecError` for whatever is bound to fail, before the first cell."""
    for shift in plan.shifts:
        shift_named(shift)
    known_names: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("strategies", plan.strategies, STRATEGIES),
        ("protocols", plan.protocols, _PROTOCOLS),
        ("batchnorm", plan.batchnorm, _BATCH_NORMS),
        ("networks", plan.networks, plan.task.known),
    )
    for key, given, known in known_names:
        stranger = next((name for name in given if name not in known), None)
        if stranger is not None:
            every = ", ".join(known)
            hint = did_you_mean(stranger, known, f"did you mean {every}?", most=2, cutoff=0.3)
            raise SpecError(f"{key} among {every}", f"{stranger!r}", hint)
    if "source" not in plan.strategies:
        raise SpecError("the strategy source, which the others are compared with", f"{', '.join(plan.strategies)}", "add it")
    if len(plan.strategies) < 2:
        raise SpecError("a strategy beside source", "none", "add target")
    if "reestimate" in plan.batchnorm and not any(
        "reestimate" in plan.modes(n, p) for n in plan.networks for p in plan.protocols
    ):
        found = f"networks {', '.join(plan.networks)}, protocols {', '.join(plan.protocols)}"
        raise SpecError("a network with batch norm under the protocol probe to re-estimate it", found, "leave reestimate out")
    if plan.seeds < 2:
        raise SpecError("at least two seeds: one gives no interval", f"{plan.seeds}", "10 are usual")
    if plan.number > _MOST_CELLS:
        raise SpecError(f"at most {_MOST_CELLS} cells", f"{plan.number}", "vary less")
    _check_window(plan)
    _check_data(plan)


def _check_window(plan: StudyPlan) -> None:
    check_window_meant("window" if "window" in plan.strategies else None, plan.window or None)
    if plan.window:
        check_window(plan.window, "window")
        if not plan.evaluate and plan.study != FOLDER:
            raise SpecError(f"a window in a study of your own data ({FOLDER})", f"the study {plan.study!r}", "leave it out")


def _check_data(plan: StudyPlan) -> None:
    if plan.evaluate:
        check_sizes(plan.sizes, plan.subject.number)
        return
    target = plan.task.target()
    counts = np.bincount(target.labels, minlength=target.classes)
    if counts.min() < _FEWEST:
        found = f"{counts.min()} of class {int(counts.argmin())}"
        raise SpecError(f"at least {_FEWEST} samples of every class", found, "add samples, or leave the class out")
    largest = len(target.labels) - least_tested(target)
    wrong = [size for size in plan.sizes if not target.classes <= size <= largest]
    if wrong or not plan.sizes:
        tested = len(target.labels) - largest
        wanted = f"sizes from {target.classes} (a sample per class) to {largest} ({len(target.labels)} less {tested} to test on)"
        raise SpecError(wanted, f"{wrong[0] if wrong else 'none'}", "choose sizes between")
    apart = next((name for name in plan.strategies if DECLARED[name].apart), None)
    if target.values.ndim == 2 and apart:
        raise SpecError(f"images or signals for the strategy {apart!r}", f"rows of numbers in {plan.study!r}", "leave it out")
    if target.values.ndim == 2 and any("blur" in shift for shift in plan.shifts):
        raise SpecError("images or signals for the shift 'blur'", f"rows of numbers in {plan.study!r}", "leave it out")
    if target.channels != 3 and any("swap" in shift for shift in plan.shifts):
        raise SpecError("three channels for the shift 'swap'", f"{target.channels} in {plan.study!r}", "leave it out")
