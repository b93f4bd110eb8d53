"""Recommend a strategy: gather the evidence, apply the rule, and word the result."""

from __future__ import annotations

from collections.abc import Sequence

from tare.advising.evidence.gathered import CANDIDATES, Gathered, Subject, choices_of, compared, gather
from tare.advising.fed_network import FedNetwork
from tare.advising.rates import AdviceKind, Rate, rate_of
from tare.advising.result import Advice, Figure
from tare.advising.rule import AdvisedProtocol, Decision, Facts, absorbs, decide
from tare.advising.subject import labelled_subject, sized_input
from tare.advising.words import because, cost_of_being_wrong, evidence_rows, headline, recommendation, rule_in_words, would_change
from tare.comparing.values_used import values_used
from tare.datasets.files import LabelledFile
from tare.errors import StrategyError
from tare.networks.batch_norm import batch_norms
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import SILENT, Reporter


def advise_on(
    subject: Subject,
    model: str,
    data: str,
    *,
    protocol: AdvisedProtocol = "probe",
    seed: int = 0,
    notes: tuple[str, ...] = (),
    reporter: Reporter = SILENT,
) -> Advice:
    """Advise on a network and dataset1's samples as they reach it, for what will be trained (``protocol``)."""
    if "source" not in choices_of(subject)[0]:
        return _without_source(subject, model, data, protocol, seed, notes)
    found = gather(subject, seed=seed, reporter=reporter)
    gaps = {name: gap for name, gap in found.gaps.items() if name not in found.twins}
    foreign = {name: score.counted.estimate for name, score in found.scores.items()}
    alone = set(found.choices) & {*CANDIDATES} == {"source"}
    decision = decide(Facts(gaps, foreign, found.folds, alone, protocol, _absorbs(subject, found)))
    used = values_used(subject.target)
    return Advice(
        recommendation=recommendation(decision),
        headline=headline(decision),
        outcome=decision.outcome,
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
        protocol=protocol,
        seed=seed,
        normalisations=dict(found.choices),
        refused=dict(found.refused),
        comparison=found.comparison,
        notes=notes,
        gains=decision.gains,
    )


def recommended(
    fed: FedNetwork,
    train: Sequence[LabelledFile],
    stats: DatasetStats,
    protocol: AdvisedProtocol,
    seed: int,
    reporter: Reporter,
) -> tuple[Strategy, tuple[str, ...]]:
    """The strategy that advice recommends for the training samples ``train`` with the statistics ``stats``, and remarks.

    The validation split takes no part, so accuracy on it stays an unbiased estimate.
    """
    fed, _ = sized_input(fed, train, stats, 1)
    subject = labelled_subject(fed, train, stats, seed, reporter)
    advice = advise_on(subject, fed.network.reference, stats.source, protocol=protocol, seed=seed, reporter=reporter)
    matter = "" if advice.matters else ", though it does not matter"
    headline = f"strategy auto: {advice.strategy}{matter} ({advice.outcome}; confidence: {advice.confidence}); {advice.rule}"
    headline += f"; {advice.rate.in_words()}" if advice.rate is not None else ""
    return advice.strategy, (headline, *(f"strategy auto: {text}" for text in advice.because))


def _rate(decision: Decision, labels: bool) -> Rate | None:
    if decision.basis in ("same input", "nothing else"):
        return None
    kind: AdviceKind = "no matter" if not decision.matters else "source" if decision.strategy == "source" else "another"
    return rate_of(kind, decision.confidence, decision.protocol, labels=labels)


def _absorbs(subject: Subject, found: Gathered) -> bool:
    """Whether batch norm, in training, takes out most of the difference between the inputs of ``source`` and the others."""
    return bool(batch_norms(subject.module)) and absorbs(shares[-1].train for shares in found.shares.values() if shares)


def _without_source(
    subject: Subject, model: str, data: str, protocol: AdvisedProtocol, seed: int, notes: tuple[str, ...]
) -> Advice:
    """Advice if dataset1's values lie so far from the constants that ``source`` cannot be computed; nothing is measured.

    Raises :class:`StrategyError` if neither ``match`` nor ``target`` can be computed.
    """
    choices, refused = choices_of(subject)
    preferred: tuple[Strategy, ...] = ("match", "target")
    strategy = next((name for name in preferred if name in choices), None)
    if strategy is None:
        raise StrategyError(
            "a strategy that can be computed", refused["source"], "leave constant channels out, or check the data"
        )
    decision = Decision(strategy, True, "source impossible", "high", {}, protocol)
    found, _ = compared(subject)
    used = values_used(subject.target)
    return Advice(
        recommendation=strategy,
        headline=headline(decision),
        outcome=decision.outcome,
        strategy=strategy,
        confidence="high",
        basis=decision.basis,
        rule=rule_in_words(decision),
        rate=None,
        because=(*((f"Values: {used.describe()}.",) if used else ()), f"source: {refused['source']}."),
        evidence=(Figure("samples", subject.target.samples, None, "samples"),),
        would_change=("values in the units that the network was trained on: then source is possible, and is compared",),
        cost="not known: nothing can be compared with source",
        model=model,
        data=data,
        samples=subject.target.samples,
        labelled=False,
        protocol=protocol,
        seed=seed,
        normalisations=choices,
        refused=refused,
        comparison=found,
        notes=notes,
    )
