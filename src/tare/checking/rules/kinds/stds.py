"""Rules on the std alone: missing, too small, squared, in the wrong place, or that of something else."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import NORMALIZE, Problem, rule
from tare.checking.rules.words import (
    constants,
    expected_constants,
    formula_slip,
    listed,
    of_data,
    raw_range,
    raw_values,
    where_normalised,
)


@rule("TARE042", "std-missing", "error", wrong="x = x - mean", right="x = (x - mean) / std")
def std_missing(evidence: Evidence) -> Iterator[Problem]:
    """Nothing is divided by the std.

    Lists of constants end with a std of (1, 1, 1) in configurations of networks that only subtract a mean. For any other network
    the input is several times too narrow, or, on values of 0..255, tens of times too wide.
    """
    kind, diagnosis = evidence.mistake, evidence.diagnosis
    if kind not in ("std_not_applied", "raw_std_missing") or diagnosis is None:
        return
    raw = kind == "raw_std_missing"
    top = evidence.raw.high if raw else 1.0
    means = listed([mean * top for mean in diagnosis.implied_mean])
    values = f"values of {raw_values(evidence)}" if raw else "values in [0, 1]"
    whose = "" if not diagnosis.other else ", which are not the network's,"
    yield Problem(
        f"the means {means}{whose} are subtracted from {values}, and nothing is divided by the std{of_data(evidence)}: "
        f"{raw_range(evidence)}",
        f"apply (x - mean) / std with {_of_these_values(evidence, top)}",
        where_normalised(evidence),
        constants(evidence, top),
    )


@rule("TARE043", "std-factor", "error", wrong="v2.Normalize(mean, std / 2)", right=NORMALIZE)
def std_off_by_a_factor(evidence: Evidence) -> Iterator[Problem]:
    """A std that is off by a factor.

    The mean is right and every std is the same number of times too small or too large: halved or doubled for [-1, 1], or divided
    by the number of images or of pixels when statistics were summed up by hand.
    """
    diagnosis = evidence.diagnosis
    if evidence.mistake != "std_factor" or diagnosis is None:
        return
    factor = diagnosis.factor
    times = f"{factor:.4g} times too small" if factor > 1 else f"{1 / factor:.4g} times too large"
    whose = "your data" if evidence.of_data else evidence.network
    yield Problem(
        f"the mean is that of {whose}, and the std {listed(diagnosis.implied_std)} is {times}: {raw_range(evidence)}",
        f"use {expected_constants(evidence)}",
        where_normalised(evidence),
        constants(evidence),
    )


@rule("TARE044", "variance-for-std", "error", wrong="v2.Normalize(mean, images.var((0, 2, 3)))", right=NORMALIZE)
def variance_for_std(evidence: Evidence) -> Iterator[Problem]:
    """The variance where the std is meant.

    The std is the root of the variance. The variance of values in [0, 1] is about a quarter of their std, so inputs come out four
    times too wide.
    """
    if evidence.mistake == "variance_for_std":
        yield Problem(
            f"values are divided by the variance (std squared) where the std is meant{of_data(evidence)}: {raw_range(evidence)}",
            f"use {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


@rule(
    "TARE045",
    "std-of-means",
    "error",
    wrong="std = np.std([image.mean((0, 1)) for image in images], axis=0)",
    right="tare measure DATA",
)
def std_of_image_means(evidence: Evidence) -> Iterator[Problem]:
    """The std is that of the means of single images.

    It says how much the brightness of images differs from image to image, and leaves out how much pixels differ within an image,
    which is far more. Inputs come out several times too wide.
    """
    diagnosis, data = evidence.diagnosis, evidence.measured
    if evidence.mistake == "std_of_means" and diagnosis is not None and data is not None:
        wide = max(p / s for p, s in zip(data.train.std, diagnosis.implied_std, strict=True))
        yield Problem(
            f"the std {listed(diagnosis.implied_std)} is that of the means of single images; the std of the data is "
            f"{listed(data.train.std)}: inputs come out {wide:.3g} times as wide as intended",
            f"use {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


@rule("TARE046", "misplaced-std", "error", wrong="x = x - mean / std", right="x = (x - mean) / std")
def misplaced_std(evidence: Evidence) -> Iterator[Problem]:
    """A bracket is missing around x - mean.

    A quotient is computed before a difference: x - mean / std divides the mean alone, x / std - mean the value alone.
    """
    slips = {
        "mean_over_std": "the formula is x - mean / std: the mean is divided by the std, and the values are not",
        "mean_after_std": "the formula is x / std - mean: the values are divided by the std, and the mean is not",
    }
    yield from formula_slip(evidence, slips)


def _of_these_values(evidence: Evidence, top: float) -> str:
    """The expected constants for values up to ``top``."""
    (change,) = constants(evidence, top)
    stated = expected_constants(evidence)
    if top == 1.0 or "on values of" in stated:
        return stated
    return f"mean {listed(change.mean)} and std {listed(change.std)} on values of {raw_values(evidence)}; in unit values {stated}"
