"""What is measured of a task, once a seed: the evidence that advice would have, and how every strategy really fares."""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.advice_tasks import AdviceTask, network_of, shifted
from tare.advising.evidence import accuracy as advice_accuracy
from tare.advising.evidence import altered_copies, foreignness, gathered, leep, passes
from tare.advising.evidence.accuracy import STRENGTH
from tare.advising.evidence.gathered import Gathered, Subject, gather
from tare.advising.evidence.passes import passed
from tare.comparing import shift, verdict
from tare.errors import StrategyError
from tare.networks import absorption
from tare.networks.heads import batched
from tare.networks.heads.reference import fit_head
from tare.normalisation import strategies
from tare.studying.tasks.samples import Samples, seeded_split
from tare.system.files import write_text

#: The modules whose code decides what is measured.
_MEASURING = (
    absorption, advice_accuracy, leep, gathered, passes, foreignness, altered_copies, shift, verdict,
    batched, strategies,
)  # fmt: skip
_TESTED = 1000
_LARGEST = 400


def record_of(task: AdviceTask, seed: int, folder: Path, *, kept_only: bool = False) -> dict[str, Any] | None:
    """One task with one draw of training samples, measured or read from ``folder``; None if there is none."""
    path = folder / f"{_key(task, seed)}.json"
    if path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    if kept_only:
        return None
    try:
        record = _measured(task, seed, folder)
    except StrategyError:  # source cannot be computed: there is nothing to compare with, and advice is ``target`` by rule
        return None
    write_text(path, json.dumps(record))
    return record


def _key(task: AdviceTask, seed: int) -> str:
    """A hash of the task and of the code that measures it, without its comments and docstrings."""
    code = " ".join(_code(Path(str(module.__file__))) for module in _MEASURING)
    return hashlib.sha256(f"{task.name} {seed} {_TESTED} {_LARGEST} {_digest(task)} {code}".encode()).hexdigest()[:24]


@cache
def _digest(task: AdviceTask) -> str:
    return shifted(task).digest()


@cache
def _code(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def subject_of(task: AdviceTask, seed: int, folder: Path) -> tuple[Subject, Samples]:
    """The network with one draw of training samples, and the samples that test it."""
    source, dataset0 = network_of(task, folder)
    everything = shifted(task)
    pool = min(_LARGEST, len(everything.labels) // 2)
    train, test = seeded_split(everything, pool, seed)
    part = everything.take(train[: task.size or pool])
    assert source.constants is not None  # noqa: S101
    subject = Subject(source.module, source.head, source.constants, dataset0, part.measure(), part.tensor(), part.labels)
    return subject, everything.take(test[:_TESTED])


def _measured(task: AdviceTask, seed: int, folder: Path) -> dict[str, Any]:
    subject, test = subject_of(task, seed, folder)
    found = gather(subject, seed=seed)
    return {
        "task": task.name,
        "seed": seed,
        "size": len(subject.samples),
        "tested": len(test.labels),
        "evidence": evidence_of(found),
        "fair": _fair(subject, found, test),
    }


def evidence_of(found: Gathered) -> dict[str, Any]:
    """The evidence as JSON, from which a rule can decide again."""
    folds, comparison = found.folds, found.comparison
    return {
        "samples": found.samples,
        "kind": comparison.kind if comparison else "",
        "channels": [asdict(channel) for channel in comparison.channels] if comparison else [],
        "strategies": list(found.choices),
        "twins": dict(found.twins),
        "gaps": dict(found.gaps),
        "scores": {name: asdict(score) for name, score in found.scores.items()},
        "layers": {name: dict(layers) for name, layers in found.layers.items()},
        "shares": {name: [asdict(share) for share in shares] for name, shares in found.shares.items()},
        "accuracy": {name: values.tolist() for name, values in folds.accuracy.items()} if folds else {},
        "credit": {name: np.round(values, 6).tolist() for name, values in folds.credit.items()} if folds else {},
        "by_classes": {name: np.round(values, 6).tolist() for name, values in folds.by_classes.items()} if folds else {},
        "ratio": folds.ratio if folds else None,
    }


def _fair(subject: Subject, found: Gathered, test: Samples) -> dict[str, list[float]]:
    """Share of right answers of each strategy on both halves of the test samples."""
    assert subject.labels is not None  # noqa: S101
    fair: dict[str, list[float]] = {}
    tested, expected = test.tensor(), ((0.0,) * test.channels, (1.0,) * test.channels)
    for name, chosen in found.choices.items():
        twin = found.twins.get(name)
        if twin is not None:
            fair[name] = fair[twin]
            continue
        fitted, held = (passed(subject.module, subject.head, x, chosen, expected).features for x in (subject.samples, tested))
        hits = fit_head(fitted, subject.labels, strength=STRENGTH).predict(held) == test.labels
        fair[name] = [float(hits[::2].mean()), float(hits[1::2].mean())]
    return fair
