"""Networks without batch norm against labelled images, as ``tare identify --labels`` ranks candidates for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from benchmarks.identify_rates import nets
from benchmarks.identify_rates.cases import Case, cases_without
from benchmarks.identify_rates.rates import truth_of
from benchmarks.identify_rates.training import HELD_OUT, cifar
from tare.identifying.candidates import candidates
from tare.identifying.fingerprint.moments import Views
from tare.identifying.labels import by_labels, relative_by_labels

_NUMBERS = (16, 64, 256)
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class ByLabels:
    """One answer: accuracy of the likeliest candidate, whether it is the truth or of its family, and the set."""

    case: Case
    images: int
    accuracy: float
    first: bool
    family: bool
    covered: bool
    size: int


def by_labels_of(root: Path, folder: Path) -> Iterator[ByLabels]:
    """Every network without batch norm, with so many images that none was trained on."""
    images, labels, _ = cifar(root)
    images, indices = images[-HELD_OUT:], labels[-HELD_OUT:].numpy()
    known = candidates(3)
    for case in cases_without():
        network = getattr(nets, case.architecture)()
        network.load_state_dict(load_file(case.file(folder)))
        truth = truth_of(case, known)
        for number in _NUMBERS:
            views = Views(images[:number, None].float() / 255)
            found = by_labels(network.eval(), views, indices[:number], known)
            shares = relative_by_labels(found)
            left = [one.candidate for one, share in zip(found, shares, strict=True) if share >= 1 - _CONFIDENCE]
            best = found[0].candidate
            first, family = best.name == truth.name, best.family == truth.family
            covered = truth.name in {one.name for one in left}
            yield ByLabels(case, number, found[0].accuracy, first, family, covered, len(left))


def table(found: Iterable[ByLabels]) -> str:
    """One row for each kind of network and number of images."""
    rows: dict[tuple[str, int], list[ByLabels]] = {}
    for one in found:
        rows.setdefault((one.case.architecture, one.images), []).append(one)
    headings = (
        "network",
        "images",
        "networks",
        "accuracy",
        "likeliest is correct",
        "family is correct",
        "truth is in the set",
        "mean set size",
    )
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    names = {"bare": "no normalisation", "grouped": "group norm", "layered": "layer norm"}
    for (architecture, number), answers in rows.items():
        counts = [sum(getattr(one, name) for one in answers) for name in ("first", "family", "covered")]
        accuracy, size = (float(np.mean([getattr(one, name) for one in answers])) for name in ("accuracy", "size"))
        cells = [names[architecture], number, len(answers), f"{accuracy:.0%}", *counts, f"{size:.1f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
