"""``python -m benchmarks.identify_rates [--weights DIR] [--write FILE]``: how often ``tare identify`` is right.

Thirty small networks, and twelve without batch norm, are trained on CIFAR images below $TARE_DATA (twenty minutes of one
processor), unless DIR has them, and identified with images that none of them was trained on.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.identify_rates import labelled, real
from benchmarks.identify_rates.rates import NUMBERS, Outcome, outcomes
from benchmarks.identify_rates.training import train_all
from benchmarks.marks import insert
from tare.identifying.likelihood import most_explained, temper

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: is the likeliest candidate the truth, or of its family; the set's size, and whether it holds the truth."""

    first: bool
    family: bool
    covered: bool
    size: int
    claimed: bool
    claimed_wrongly: bool


def judged(outcome: Outcome, *, in_domain: bool) -> Judged:
    """As ``tare identify`` decides: what is at least a twentieth as likely as the best cannot be excluded."""
    values = np.array(outcome.same if in_domain else outcome.other)
    relative = np.exp(temper(outcome.images, min(outcome.divergences)) * (values - values.max()))
    left = np.flatnonzero(relative >= 1 - _CONFIDENCE)
    families = {outcome.families[place] for place in left}
    best = int(values.argmax())
    claimed = len(families) == 1 and min(outcome.divergences) <= most_explained(outcome.images)
    return Judged(
        first=outcome.names[best] == outcome.truth,
        family=outcome.families[best] == outcome.truth_family,
        covered=outcome.truth in {outcome.names[place] for place in left},
        size=len(left),
        claimed=claimed,
        claimed_wrongly=claimed and outcome.truth_family not in families,
    )


def table(found: Iterable[Outcome], *, in_domain: bool) -> str:
    """One row for each kind and number of probe images."""
    rows: dict[tuple[str, int], list[Judged]] = {}
    for outcome in found:
        rows.setdefault((outcome.data, outcome.images), []).append(judged(outcome, in_domain=in_domain))
    headings = (
        "probe images",
        "networks",
        "likeliest is correct",
        "family is correct",
        "truth is in the set",
        "mean size of the set",
    )
    lines = [f"| {' | '.join((*headings, 'one family left', 'wrong family left'))} |", "|---" * 8 + "|"]
    for data, numbers in NUMBERS.items():
        for number in numbers:
            answers = rows.get((data, number), [])
            if answers and (data == "CIFAR-10" or not in_domain):
                counts = [sum(getattr(one, name) for one in answers) for name in ("first", "family", "covered")]
                size = float(np.mean([one.size for one in answers]))
                ends = [sum(getattr(one, name) for one in answers) for name in ("claimed", "claimed_wrongly")]
                cells = [f"{number} of {data}", len(answers), *counts, f"{size:.1f}", *ends]
                lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, identify everything, and print or write the tables of both halves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identify_rates", description=__doc__)
    parser.add_argument("--weights", type=Path, metavar="DIR", help="where trained networks are kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables of the reported half between its marks")
    arguments = parser.parse_args()
    root = Path(os.environ["TARE_DATA"].partition(os.pathsep)[0])
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.weights or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        train_all(root, folder)
        found = list(outcomes(root, folder, arguments.workers))
        by_labels = labelled.table(labelled.by_labels_of(root, folder))
    for name, tuning in (("tuning", True), ("reported", False)):
        half = [one for one in found if one.case.tuning == tuning]
        for mode, in_domain in (("in domain", True), ("of unknown origin", False)):
            text = table(half, in_domain=in_domain)
            print(f"{name}, {mode}\n\n{text}\n")
            if arguments.write is not None and not tuning:
                insert(arguments.write, mode, text)
    for mode, text in (("by labels", by_labels), ("a real network", real.table(root))):
        print(f"{mode}\n\n{text}\n")
        if arguments.write is not None:
            insert(arguments.write, mode, text)


if __name__ == "__main__":
    main()
