"""``python -m benchmarks.study_calibration``: how often a study errs, and how often it finds a planted difference.

Cells are simulated as a study makes them: a seed's network and samples move all its cells together, cells of one seed share
their test samples and so part of their noise, and a strategy has noise of its own. The standard deviation of paired differences
falls with the size, as it did in the study of digits (5, 4 and 2.5 points at 20, 80 and 320 samples); accuracies are shares of
448 test samples, so they are coarse, as real ones are. Coarse studies have 100 test samples, of which a strategy answers a few
otherwise than the baseline, right or wrong alike: in few seeds all differences are then often equal. The default study makes 96
comparisons; the narrow one, of ``target``
against ``source`` on one network, makes 12, which Holm's adjustment spreads the same 5% over.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tare.studying.analysis.contrasts import Contrast, contrasts, overall
from tare.studying.analysis.crossover import crossover
from tare.studying.analysis.scores import Pair, ScoreGroup, Scores, scores_of

_SIZES = {20: 0.05, 80: 0.04, 320: 0.025}
_SHIFTS = ("content", "gain", "offset", "both")
_NETWORKS = ("batch", "none")
_STRATEGIES = ("source", "target", "match", "blend", "none")
#: Networks and strategies of the default study, and of a narrow one.
_PLANS = {"default, 96 comparisons": (_NETWORKS, _STRATEGIES), "narrow, 12 comparisons": (("batch",), ("source", "target"))}
_TESTED = 448
_PLANTED = 0.03
Study = tuple[Contrast, ...]


def main() -> None:
    """Simulate, count, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study_calibration", description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies a line")
    studies = parser.parse_args().studies
    console = Console(width=120)
    null = Table("seeds", "noise", "a study says better or worse", "a study says equivalent wrongly (true difference 1 point)")
    for seeds in (5, 10, 20):
        for noise in ("normal", "heavy-tailed", "skewed"):
            wrong = np.mean([_any(study, ("better", "worse")) for study in _simulated(studies, seeds, noise, 0.0)])
            edge = np.mean([_any(study, ("equivalent",)) for study in _simulated(studies, seeds, noise, 0.01)])
            null.add_row(str(seeds), noise, _share(float(wrong), studies), _share(float(edge), studies))
    for seeds in (2, 3, 5, 10):
        for changed in (0.02, 0.05):
            wrong = np.mean([_any(study, ("better", "worse")) for study in _coarse(studies, seeds, changed)])
            null.add_row(str(seeds), f"{changed:.0%} of 100 answers differ", _share(float(wrong), studies), "")
    console.print(null)
    power = Table("plan", "seeds", *(f"found, n = {size}" for size in _SIZES), "any said to be worse")
    for plan in _PLANS:
        for seeds in (5, 10, 20, 40):
            made = list(_simulated(studies, seeds, "normal", _PLANTED, plan))
            shares = [_found(made, str(size)) for size in _SIZES]
            wrong = np.mean([_any(study, ("worse",)) for study in made])
            power.add_row(plan, str(seeds), *shares, _share(float(wrong), studies))
    console.print(power)
    covered = Table("seeds", "of a crossover", "over groups, a seed's correlation 0.06", "over groups, correlation 0.5")
    for seeds in (3, 5, 10, 20):
        held = (_crossing(studies, seeds), _over_groups(studies, seeds, 0.06), _over_groups(studies, seeds, 0.5))
        covered.add_row(str(seeds), *(_share(share, studies) for share in held))
    console.print(covered)


def _crossing(studies: int, seeds: int) -> float:
    """The share of crossovers at 80 samples that their interval holds; a seed moves all its sizes by a std of 1.5 points."""
    generator, held = np.random.default_rng((studies, seeds, 80)), 0
    for _ in range(studies):
        moved = generator.normal(0, 0.015, seeds)
        gaps = {n: 0.03 * np.log(n / 80) + moved + generator.normal(0, sd, seeds) for n, sd in _SIZES.items()}
        found = crossover({n: {(str(k),): float(v) for k, v in enumerate(gap)} for n, gap in gaps.items()})
        held += found is not None and found.low <= 80 <= found.high
    return held / studies


def _over_groups(studies: int, seeds: int, shared: float) -> float:
    """The share of studies whose interval over 24 groups holds the true difference of none.

    ``shared`` is the correlation of the differences of one seed in two groups.
    """
    generator, held = np.random.default_rng((studies, seeds, round(100 * shared))), 0
    for _ in range(studies):
        moved = generator.standard_normal(seeds)
        values: dict[ScoreGroup, dict[str, dict[Pair, float]]] = {}
        for place, sd in enumerate(np.tile([*_SIZES.values()], 8)):
            gaps = sd * (np.sqrt(shared) * moved + np.sqrt(1 - shared) * generator.standard_normal(seeds))
            own = {(str(k),): 0.7 + float(gap) for k, gap in enumerate(gaps)}
            values[("group", str(place)),] = {"source": dict.fromkeys(own, 0.7), "target": own}
        scores = Scores(values)
        (item,) = overall(contrasts(scores, "source", 0.01), scores, "source")
        held += item.difference.low <= 0 <= item.difference.high
    return held / studies


def _found(studies: Sequence[Study], size: str) -> str:
    """The share of comparisons at a size in which the planted difference is found."""
    statements = [item.statement for study in studies for item in study if dict(item.group)["size"] == size]
    return f"{100 * statements.count('better') / len(statements):.0f}%"


def _simulated(studies: int, seeds: int, noise: str, effect: float, plan: str = next(iter(_PLANS))) -> Iterator[Study]:
    """The contrasts of so many studies in which every strategy differs from source by ``effect``."""
    generator = np.random.default_rng((studies, seeds, len(noise), round(1000 * effect)))
    for _ in range(studies):
        yield _study(generator, seeds, noise, effect, plan)


def _coarse(studies: int, seeds: int, changed: float) -> Iterator[Study]:
    """The contrasts of so many studies of 48 comparisons in which no strategy differs, and a share of 100 answers changes."""
    generator = np.random.default_rng((studies, seeds, round(1000 * changed)))
    for _ in range(studies):
        others = generator.binomial(100, changed, (24, 2, seeds))
        shares = 0.8 + (2 * generator.binomial(others, 0.5) - others) / 100
        rows = [
            {"group": group, "strategy": strategy, "seed": seed, "accuracy": float(value)}
            for group in range(24)
            for strategy, values in zip(("source", "target", "blend"), (np.full(seeds, 0.8), *shares[group]), strict=True)
            for seed, value in enumerate(values)
        ]
        yield contrasts(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["group"]), "source", 0.01)


def _study(generator: np.random.Generator, seeds: int, noise: str, effect: float, plan: str) -> Study:
    networks, strategies = _PLANS[plan]
    rows = []
    for network in networks:
        base = generator.normal(0, 0.03, seeds)
        for shift in _SHIFTS:
            for size, sd in _SIZES.items():
                shared = base + generator.normal(0, 0.02, seeds)
                for strategy in strategies:
                    own = _noise(generator, seeds, noise) * sd / np.sqrt(2)
                    level = 0.75 + shared + own + (0 if strategy == "source" else effect)
                    coarse = np.rint(np.clip(level, 0, 1) * _TESTED) / _TESTED
                    rows += [
                        {"network": network, "shift": shift, "size": size, "strategy": strategy, "seed": seed, "accuracy": value}
                        for seed, value in enumerate(coarse.tolist())
                    ]
    scores = scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["network", "shift", "size"])
    return contrasts(scores, "source", 0.01)


def _noise(generator: np.random.Generator, count: int, kind: str) -> NDArray[np.float64]:
    """Noise of mean 0 and std 1."""
    if kind == "normal":
        return generator.standard_normal(count)
    if kind == "heavy-tailed":
        return np.asarray(generator.standard_t(4, count) / np.sqrt(2), dtype=np.float64)
    return np.asarray(generator.exponential(1, count) - 1, dtype=np.float64)


def _any(study: Study, statements: tuple[str, ...]) -> bool:
    return any(item.statement in statements for item in study)


def _share(share: float, studies: int) -> str:
    """A share with its standard error."""
    return f"{100 * share:.1f}% ± {100 * np.sqrt(share * (1 - share) / studies):.1f}"


if __name__ == "__main__":
    main()
