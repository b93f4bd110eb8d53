"""``python -m benchmarks.advice_regret``: what following the advice costs against the best strategy in hindsight.

A task is (dataset0 and dataset1, network, size, shift). For each seed training samples are drawn anew, advice is given on them
alone, and every strategy is tested: frozen features and a logistic head, on up to 1,000 samples that advice never saw. Regret is
the accuracy of the truly best strategy less that of the advised one. Which one is best is found out on other seeds and other
test samples than those on which it is scored (both halves in turn), since the best of several noisy figures flatters itself.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.advice_records import record_of
from benchmarks.advice_tasks import WITH_BATCH_NORM, AdviceTask, halves, tasks
from benchmarks.marks import insert_between
from benchmarks.question_records import tuned_of
from tare.advising.evidence.accuracy import SPREAD, Folds
from tare.advising.rates import SCHEMA, AdviceKind
from tare.advising.rule import RULE, AdvisedProtocol, Decision, DecisionRule, Facts, absorbs, decide
from tare.system.files import write_text

_BEGIN, _END = "<!-- regret: begin -->", "<!-- regret: end -->"
_SMALL = 40
_POINT = 0.01
# With fewer seeds the best strategy of the other half is often not the best, and regret comes out too small.
_ENOUGH = 4
_FEW = (
    f"With fewer than {_ENOUGH} seeds the best strategy is often missed, so that regrets come out too small, even below zero: "
    "only differences between the rows count here, and the goals are not judged."
)
_GOALS = {"share": 1 / 2, "many": 0.3, "largest": 2.0, "calibration": 0.05}

Record = Mapping[str, Any]
Chooser = Callable[[Record], str]


def main() -> None:
    """Measure what is not measured yet, apply the rule, print, and write the page's figures if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.advice_regret", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="draws of training samples a task")
    parser.add_argument("--cache", type=Path, default=Path("build/advice"), help="where records are kept, by content")
    parser.add_argument("--write", type=Path, help="put the figures into this page")
    parser.add_argument("--rates", type=Path, default=Path("src/tare/advising/advice_rates.json"), help="written with --write")
    parser.add_argument("--tune", action="store_true", help="choose the rule's constants on the first half of the tasks")
    parser.add_argument("--kept-only", action="store_true", help="leave out what is not in the cache")
    given = parser.parse_args()
    found = tasks()
    wanted = [(task, seed) for seed in range(given.seeds) for task in found]
    console = Console(width=150)
    measured: dict[str, list[Record]] = {}
    torch.set_num_threads(1)
    for task, seed in track(wanted, "measuring", console=Console(stderr=True), disable=not console.is_terminal):
        record = complete_record(task, seed, given.cache, kept_only=given.kept_only)
        if record is not None:
            measured.setdefault(task.name, []).append(record)
    chosen, judged = ([task for task in half if len(measured.get(task.name, ())) > 1] for half in halves(found))
    if given.tune:
        _priors(console, [measured[task.name] for task in chosen])
        _tune(console, [measured[task.name] for task in chosen])
    text = report(chosen, judged, measured)
    console.print(text, markup=False)
    if given.write:
        document = {"schema": SCHEMA, "tasks": len(judged), "seeds": _seeds(judged, measured), "rates": rates(judged, measured)}
        write_text(given.rates, json.dumps(document, indent=1) + "\n")
        insert_between(given.write, text, _BEGIN, _END)


def complete_record(task: AdviceTask, seed: int, folder: Path, *, kept_only: bool = False) -> Record | None:
    """A task's record with ``tuned``, the accuracies after fine-tuning, and whether its network has batch norm."""
    record = record_of(task, seed, folder, kept_only=kept_only)
    tuned = None if record is None else tuned_of(task, seed, folder, kept_only=kept_only)
    if record is None or tuned is None:
        return None
    return {**record, "tuned": tuned, "batch_norm": task.network in WITH_BATCH_NORM}


@dataclass(frozen=True, slots=True)
class Regret:
    """One task's regret in points, cross-fitted, its standard error, and the hindsight one of the same seeds."""

    task: str
    points: float
    error: float
    hindsight: float

    @property
    def beyond_noise(self) -> float:
        """The lower end of the 95% interval."""
        return self.points - 2 * self.error


def advised(record: Record, rule: DecisionRule = RULE, *, labels: bool = True, protocol: AdvisedProtocol = "probe") -> Decision:
    """What the rule says on a record."""
    return decide(facts_of(record, labels=labels, protocol=protocol), rule)


def facts_of(record: Record, *, labels: bool = True, protocol: AdvisedProtocol = "probe") -> Facts:
    """The evidence of a record."""
    evidence = record["evidence"]
    scores = {name: (score["activations"] or score["at_input"])["estimate"] for name, score in evidence["scores"].items()}
    folds = None
    if labels and evidence["accuracy"]:
        kinds = ("accuracy", "credit", "by_classes")
        accuracy, credit, by_classes = ({name: np.array(values) for name, values in evidence[kind].items()} for kind in kinds)
        folds = Folds(accuracy, credit, evidence["ratio"], by_classes)
    gaps = {name: gap for name, gap in evidence["gaps"].items() if name not in evidence["twins"]}
    shares = [layers[-1] for layers in evidence["shares"].values() if layers]
    absorbed = any(share["norm"] for share in shares) and absorbs(share["train"] for share in shares)
    return Facts(gaps, scores, folds, protocol=protocol, batch_norm=absorbed and record["batch_norm"])


def regret(name: str, records: Sequence[Record], chooser: Chooser) -> Regret:
    """A task's regret: best on one half of seeds and test samples, scored on the other, and the other way round."""
    strategies = [name for name in records[0]["fair"] if all(name in record["fair"] for record in records)]
    table = np.array([[record["fair"][strategy] for strategy in strategies] for record in records])  # seeds, strategies, halves
    picked = np.array([strategies.index(chooser(record)) for record in records])
    gaps = []
    for part in (0, 1):
        here, there = np.arange(len(records)) % 2 == part, np.arange(len(records)) % 2 != part
        best = int(table[there, :, 1 - part].mean(axis=0).argmax())
        gaps += list(table[here, best, part] - table[here, picked[here], part])
    mean = table.mean(axis=2)
    hindsight = mean.mean(axis=0).max() - mean[np.arange(len(records)), picked].mean()
    error = float(np.std(gaps, ddof=1) / math.sqrt(len(gaps)))
    return Regret(name, 100 * float(np.mean(gaps)), 100 * error, 100 * float(hindsight))


def regrets(chosen: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]], chooser: Chooser) -> list[Regret]:
    """The regrets of several tasks."""
    return [regret(task.name, measured[task.name], chooser) for task in chosen]


def fixed(strategy: str) -> Chooser:
    """Always the same strategy, or ``source`` where it cannot be computed."""
    return lambda record: strategy if strategy in record["fair"] else "source"


def report(chosen: Sequence[AdviceTask], judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]]) -> str:
    """The figures as Markdown."""
    ways: dict[str, Chooser] = {
        "advice with labels": lambda record: advised(record).strategy,
        "the same without old classes": _headed,
        "the same, only gains above their standard error": _cautious,
        "advice without labels": lambda record: advised(record, labels=False).strategy,
        **{f"always `{name}`": fixed(name) for name in ("source", "target", "match", "blend", "sample")},
    }
    lines = []
    for title, half in (("Judged on", judged), ("Constants chosen on", chosen)):
        lines += [
            "",
            f"{title} {len(half)} tasks, at least {_seeds(half, measured)} seeds each:",
            "",
            _HEAD,
            "|---|---|---|---|---|",
        ]
        lines += [_row(way, regrets(half, measured, chooser)) for way, chooser in ways.items()]
    few = _seeds(judged, measured) < _ENOUGH
    lines += ["", *([_FEW] if few else _against_goals(judged, measured, ways))]
    lines += ["", *_by_size(judged, measured, ways["advice with labels"])]
    lines += ["", *_worst(judged, measured, ways["advice with labels"]), "", *_confidence(judged, measured)]
    return "\n".join(lines).strip()


def _seeds(half: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]]) -> int:
    """The number of seeds that every task has."""
    return min(len(measured[task.name]) for task in half)


_HEAD = "| | mean regret, points | largest beyond noise | tasks above 2 beyond noise | hindsight on the same seeds |"


def _row(way: str, found: Sequence[Regret]) -> str:
    points = np.array([one.points for one in found])
    error = points.std(ddof=1) / math.sqrt(len(points))
    beyond = [one.beyond_noise for one in found]
    over = sum(value > _GOALS["largest"] for value in beyond)
    hindsight = float(np.mean([one.hindsight for one in found]))
    return f"| {way} | {points.mean():+.2f} ± {error:.2f} | {max(0.0, *beyond):.1f} | {over} of {len(found)} | {hindsight:.2f} |"


def _against_goals(
    judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]], ways: Mapping[str, Chooser]
) -> list[str]:
    """What was to be reached, and what was, on the tasks that are judged."""
    found = {way: regrets(judged, measured, chooser) for way, chooser in ways.items()}
    mean = {way: float(np.mean([one.points for one in group])) for way, group in found.items()}
    best = min((way for way in mean if way.startswith("always")), key=lambda way: mean[way])
    ours, share = mean["advice with labels"], mean["advice with labels"] / mean[best]
    many = _of_size(judged, measured, ways["advice with labels"], small=False)
    over = sum(one.beyond_noise > _GOALS["largest"] for one in found["advice with labels"])
    rows = [
        (
            f"at most half the regret of the best fixed strategy ({best})",
            share <= _GOALS["share"],
            f"{ours:.2f} of {mean[best]:.2f}",
        ),
        (f"at most {_GOALS['many']:g} points with more than {_SMALL} samples", many.mean() <= _GOALS["many"], _with_error(many)),
        (f"never above {_GOALS['largest']:g} points beyond noise", over == 0, f"{over} of {len(judged)} tasks above"),
    ]
    for confidence in ("high", "moderate"):
        cases = [each for each in outcomes(judged, measured) if each.confidence == confidence and each.chance is not None]
        stated, right = (float(np.mean([getattr(each, name) for each in cases])) for name in ("chance", "right"))
        goal = f"{confidence} confidence right as often as it says, within {100 * _GOALS['calibration']:g} points"
        said = f"stated {stated:.0%}, right {right:.0%} of {len(cases)}"
        rows.append((goal, abs(stated - right) <= _GOALS["calibration"], said))
    table = [f"| {goal} | {'reached' if reached else 'not reached'}: {said} |" for goal, reached, said in rows]
    return ["| goal, with labels | on the tasks judged |", "|---|---|", *table]


def _headed(record: Record) -> str:
    """The advised strategy if heads alone speak for the labels."""
    facts = facts_of(record)
    folds = None if facts.folds is None else replace(facts.folds, by_classes={})
    return decide(replace(facts, folds=folds)).strategy


def _cautious(record: Record) -> str:
    """The advised strategy if its measured gain exceeds its standard error, else ``source``: the one-standard-error rule."""
    decision = advised(record)
    won = decision.gain
    return decision.strategy if won is None or won.measured is None or won.labels_speak else "source"


def _by_size(judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]], chooser: Chooser) -> list[str]:
    """Mean regret with labels of small and of larger training sets."""
    parts = []
    for name, small in ((f"at most {_SMALL} samples", True), (f"more than {_SMALL}", False)):
        points = _of_size(judged, measured, chooser, small=small)
        parts.append(f"{name}, {len(points)} tasks: {_with_error(points)}")
    return [f"Mean regret with labels on the tasks judged: {'; '.join(parts)}."]


def _of_size(
    judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]], chooser: Chooser, *, small: bool
) -> NDArray[np.float64]:
    """The regrets of tasks with few samples, or of those with more."""
    alike = [task for task in judged if (measured[task.name][0]["size"] <= _SMALL) is small]
    return np.array([one.points for one in regrets(alike, measured, chooser)])


def _with_error(points: NDArray[np.float64]) -> str:
    return f"{points.mean():+.2f} ± {points.std(ddof=1) / math.sqrt(len(points)):.2f}"


def _worst(judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]], chooser: Chooser) -> list[str]:
    worst = sorted(regrets(judged, measured, chooser), key=lambda one: -one.beyond_noise)[:3]
    listed = "; ".join(f"{one.task}: {one.points:.1f} ± {one.error:.1f}" for one in worst)
    return [f"The largest regrets beyond noise, with labels: {listed}."]


@dataclass(frozen=True, slots=True)
class Advised:
    """Advice on one draw of samples: what was said, how surely, whether it was right, and the gain over ``source``."""

    said: AdviceKind
    confidence: str
    protocol: AdvisedProtocol
    labels: bool
    right: bool
    gain: float
    chance: float | None


def outcomes(judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]]) -> Iterator[Advised]:
    """Advice on every record, with labels and without, for a new head and for all weights."""
    protocols: tuple[AdvisedProtocol, ...] = ("probe", "finetune")
    for task, protocol, labels in product(judged, protocols, (True, False)):
        alike = _alike(measured[task.name], protocol)
        for record in measured[task.name]:
            decision = advised(record, labels=labels, protocol=protocol)
            if decision.basis == "same input" or (labels and not record["evidence"]["accuracy"]):
                continue
            fair = accuracies(record, protocol)
            gains = [fair[name] - fair["source"] for name in fair if name not in ("source", "sample")]
            gain = fair[decision.strategy] - fair["source"]
            said, right = _outcome(decision, gain, gains, alike)
            yield Advised(said, decision.confidence, protocol, labels, right, gain, decision.chance)


def rates(judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]]) -> list[dict[str, Any]]:
    """How often advice of each kind was right, with labels and without: what :mod:`tare.advising.rates` reads."""
    found: dict[tuple[AdviceKind, str, str, bool], list[tuple[bool, float]]] = {}
    for one in outcomes(judged, measured):
        found.setdefault((one.said, one.confidence, one.protocol, one.labels), []).append((one.right, one.gain))
    return [
        {
            "said": said,
            "confidence": confidence,
            "protocol": protocol,
            "labels": labels,
            "times": len(cases),
            "right": round(float(np.mean([right for right, _ in cases])), 3),
            "gain": round(float(np.mean([gain for _, gain in cases])), 4),
        }
        for (said, confidence, protocol, labels), cases in sorted(found.items())
    ]


def accuracies(record: Record, protocol: AdvisedProtocol) -> Mapping[str, float]:
    """The accuracy of every strategy on samples that advice never saw."""
    if protocol == "finetune":
        return dict(record["tuned"])
    return {name: float(np.mean(shares)) for name, shares in record["fair"].items()}


def _outcome(decision: Decision, gain: float, gains: Sequence[float], alike: bool) -> tuple[AdviceKind, bool]:
    """What was said, and whether it was right: a gain; none missed by more than a point; none a point away (mean of seeds)."""
    if not decision.matters:
        return "no matter", alike
    if decision.strategy == "source":
        return "source", max(gains, default=0.0) <= _POINT
    return "another", gain > 0


def _alike(records: Sequence[Record], protocol: AdvisedProtocol) -> bool:
    """Whether no affine strategy is shown to be a point away from ``source`` on the mean of a task's seeds."""
    for name in ("target", "match", "blend"):
        gains = [fair[name] - fair["source"] for record in records if name in (fair := accuracies(record, protocol))]
        if len(gains) > 1 and abs(np.mean(gains)) - 2 * np.std(gains, ddof=1) / math.sqrt(len(gains)) > _POINT:
            return False
    return True


def _confidence(judged: Sequence[AdviceTask], measured: Mapping[str, Sequence[Record]]) -> list[str]:
    """Is advice as sure as it should be?"""
    told: dict[AdviceKind, str] = {
        "another": "another strategy than `source`",
        "source": "`source`: no other strategy better by more than a point",
        "no matter": "it does not matter: no strategy a point away",
    }
    lines = [
        "| trained | advised | confidence | labels | times | right | gain over `source`, points |",
        "|---|---|---|---|---|---|---|",
    ]
    every = rates(judged, measured)
    for protocol, said, confidence in product(("probe", "finetune"), told, ("high", "moderate", "low")):
        for one in every:
            if (one["protocol"], one["said"], one["confidence"]) == (protocol, said, confidence):
                given, trained = "with" if one["labels"] else "without", "head" if protocol == "probe" else "all weights"
                figures = f"{one['times']} | {one['right']:.0%} | {100 * one['gain']:+.1f}"
                lines.append(f"| {trained} | {told[said]} | {confidence} | {given} | {figures} |")
    return lines


def _priors(console: Console, half: Sequence[Sequence[Record]]) -> None:
    """What the rule's expectations come from: true gains around the expected ones, and credit's error, on this half."""
    true: dict[tuple[str, str], list[tuple[float, float]]] = {}
    errors: list[tuple[float, float]] = []
    for record in (record for records in half for record in records):
        facts = facts_of(record)
        place = "familiar" if facts.foreign["source"] <= RULE.foreign else "foreign"
        for name, gain in decide(facts).gains.items():
            first, second = (record["fair"][name][part] - record["fair"]["source"][part] for part in (0, 1))
            noise = (first - second) ** 2 / 4
            true.setdefault((place, "sample" if name == "sample" else "others"), []).append(((first + second) / 2, noise))
            if gain.measured is not None and gain.error is not None:
                missed = (gain.measured.estimate - (first + second) / 2) ** 2 - noise
                errors.append((missed, (gain.error / SPREAD) ** 2))
    for (place, kind), rows in sorted(true.items()):
        gains, noise = np.array(rows).T
        spread = math.sqrt(max(0.0, float(gains.var() - noise.mean())))
        console.print(f"{place}, {kind}: gains of {100 * gains.mean():+.1f} points, std {100 * spread:.1f} ({len(rows)} cases)")
    missed, squares = np.array(errors).T
    console.print(f"credit misses the true gain by {math.sqrt(missed.sum() / squares.sum()):.2f} plain standard errors")


def _tune(console: Console, half: Sequence[Sequence[Record]]) -> None:
    """Every combination of a coarse grid, by mean regret on the half that constants are chosen on."""
    grid = product((0.2, 0.3, 0.4), (0.02, 0.03, 0.045), (0.05, 0.08), (0.0, 0.015, 0.03), (1.0, 1.5, 2.0), (0.005, 0.01))
    found = []
    for foreign, gain, spread, cost, wilder, margin in grid:
        rule = DecisionRule(foreign=foreign, gain=gain, spread=spread, cost=cost, wilder=wilder, margin=margin)
        both = []
        for labels in (True, False):
            mean = np.mean([regret("", records, lambda r: advised(r, rule, labels=labels).strategy).points for records in half])  # noqa: B023
            both.append(float(mean))
        found.append((both[0], both[1], rule))
    for with_labels, without, rule in sorted(found, key=lambda row: row[0])[:8]:
        console.print(f"{with_labels:.2f} with labels, {without:.2f} without: {rule}")
    for with_labels, without, rule in sorted(found, key=lambda row: row[1])[:3]:
        console.print(f"{with_labels:.2f} with labels, {without:.2f} without: {rule}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
