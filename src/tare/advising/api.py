"""``tare.advise``: which strategy for this network and these data, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tare.advising.evidence.gathered import Gathered, Subject, choices_of, compared, gather
from tare.advising.inputs import Asked, fed_network
from tare.advising.rates import Rate, Said, rate_of
from tare.advising.result import Advice, Evidence
from tare.advising.rule import Decision, Facts, decide
from tare.advising.subject import Reading, subject_of
from tare.advising.words import because, cost_of_being_wrong, evidence_rows, recommendation, rule_in_words, would_change
from tare.comparing.values_used import values_used
from tare.datasets.split import Labelled
from tare.errors import StrategyError
from tare.measuring.one_pass import MAX_SKIPPED
from tare.networks.stated_spec import Spec
from tare.normalisation.strategies import Strategy
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import default_workers
from tare.system.progress import SILENT, Reporter
from tare.training.options import picked

__all__ = ["Advice", "advise", "advise_on"]


def advise(
    model: str,
    data: Any,
    *,
    weights: str = "pretrained",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    spec: Spec | None = None,
    source_stats: str | os.PathLike[str] | DatasetStats | None = None,
    labels: bool | None = None,
    label: str | None = None,
    label_pattern: str | None = None,
    array: str | None = None,
    size: int | None = None,
    interpolation: str | None = None,
    crop: float | None = None,
    length: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    reporter: Reporter = SILENT,
) -> Advice:
    """Recommend a strategy for transferring ``model`` to ``data``, with the evidence; nothing is trained or written.

    ``data`` are what ``tare.transfer`` takes, with labels or without: images, signals or rows of numbers, as the network is for.
    ``model``, ``weights``, ``mean``, ``std`` (unit values), ``spec``, ``size``, ``interpolation``, ``crop`` and ``length`` are as
    there.
    ``source_stats`` are dataset0's: a file of ``tare measure``, a catalog name such as ``"imagenet-pooled"``, or data; without,
    those of the run ``model``, else the catalog's for the network's constants, else the constants stand in. With labels
    (``labels`` True: required; None: where there are any) frozen-feature accuracies are cross-validated on the training split, as
    ``tare.transfer`` splits with this ``seed``. At most 1,000 samples, drawn by the seed, are passed through the network.

    Raises a :class:`tare.TareError` for data that cannot be read, a network without constants, or what does not fit it.
    """
    given = dict(locals())
    labelled = picked(Labelled, given)
    fed = fed_network(picked(Asked, given), seed, labelled)
    count = default_workers() if workers is None else max(1, workers)
    subject, notes = subject_of(fed, labelled, Reading(labels, max_skipped, count, seed), reporter)
    return advise_on(subject, fed.network.reference, labelled.name, seed=seed, notes=fed.notes + notes, reporter=reporter)


def advise_on(
    subject: Subject, model: str, data: str, *, seed: int = 0, notes: tuple[str, ...] = (), reporter: Reporter = SILENT
) -> Advice:
    """Advice on a network and samples at hand."""
    if "source" not in choices_of(subject)[0]:
        return _without_source(subject, model, data, seed, notes)
    found = gather(subject, seed=seed, reporter=reporter)
    decision = decide(facts_of(found))
    used = values_used(subject.target)
    return Advice(
        recommendation=recommendation(decision),
        strategy=decision.strategy,
        confidence=decision.confidence,
        basis=decision.basis,
        rule=rule_in_words(decision),
        rate=_rate(decision, found.folds is not None),
        because=because(found, used),
        evidence=evidence_rows(found, used),
        would_change=would_change(found, decision),
        cost=cost_of_being_wrong(found, decision),
        model=model,
        data=data,
        samples=found.samples,
        labelled=found.folds is not None,
        seed=seed,
        normalisations=dict(found.choices),
        refused=dict(found.refused),
        comparison=found.comparison,
        notes=notes,
    )


def _rate(decision: Decision, labels: bool) -> Rate | None:
    if decision.basis in ("same input", "nothing else"):
        return None
    said: Said = "no matter" if not decision.matters else "source" if decision.strategy == "source" else "another"
    return rate_of(said, decision.confidence, labels=labels)


def _without_source(subject: Subject, model: str, data: str, seed: int, notes: tuple[str, ...]) -> Advice:
    """Advice where dataset1's values lie so far from the constants that nobody should divide by them: no measurement is needed.

    Raises :class:`StrategyError` if nothing else can be computed either.
    """
    choices, refused = choices_of(subject)
    preferred: tuple[Strategy, ...] = ("match", "target")
    strategy = next((name for name in preferred if name in choices), None)
    if strategy is None:
        raise StrategyError(
            "a strategy that can be computed", refused["source"], "leave constant channels out, or check the data"
        )
    decision = Decision(strategy, True, "source impossible", "high")
    found, _ = compared(subject)
    used = values_used(subject.target)
    said = f"source: {refused['source']}."
    return Advice(
        recommendation=strategy,
        strategy=strategy,
        confidence="high",
        basis=decision.basis,
        rule=rule_in_words(decision),
        rate=None,
        because=(*((f"Values: {used.describe()}.",) if used else ()), said),
        evidence=(Evidence("samples", subject.target.samples, None, "samples"),),
        would_change=("values in the units that the network was trained on: then source is possible, and is compared",),
        cost="not known: nothing can be compared with source",
        model=model,
        data=data,
        samples=subject.target.samples,
        labelled=False,
        seed=seed,
        normalisations=choices,
        refused=refused,
        comparison=found,
        notes=notes,
    )


def facts_of(found: Gathered) -> Facts:
    """What the rule looks at."""
    gaps = {name: gap for name, gap in found.gaps.items() if name not in found.twins}
    return Facts(
        gaps,
        {name: score.counted.estimate for name, score in found.scores.items()},
        found.folds,
        set(found.choices) == {"source"},
    )
