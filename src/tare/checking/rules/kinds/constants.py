"""Rules on the mean and std that a pipeline normalises with: whose they are, and whether mean and std are exchanged or equal."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import NORMALIZE, Problem, rule
from tare.checking.rules.words import (
    constants,
    expected_constants,
    has_raw_values,
    has_unit_values,
    listed,
    of_data,
    raw_range,
    raw_values,
    where_normalised,
)

_TINY = 1e-3
# By how much published constants are rounded.
_SURE = 0.01


@rule(
    "TARE005",
    "other-constants",
    "error",
    wrong=f"timm.create_model('vit_base_patch16_224.augreg_in21k'), {NORMALIZE}",
    right="timm.data.create_transform(**timm.data.resolve_model_data_config(model))",
)
def other_constants(evidence: Evidence) -> Iterator[Problem]:
    """Another model's constants.

    Examples: Inception-style weights (0.5, 0.5) or CLIP with ImageNet's constants, a three-channel network with MNIST's. The
    input is off by a shift and a scale that nobody sees in a picture.
    """
    diagnosis = evidence.diagnosis
    if evidence.mistake == "other_constants" and diagnosis and not evidence.feeds_measured:
        yield Problem(
            f"the constants are those of {diagnosis.other!r} (mean {listed(diagnosis.implied_mean)}, std "
            f"{listed(diagnosis.implied_std)}), not those of {evidence.network}: {raw_range(evidence)}",
            f"use {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


@rule("TARE006", "swapped", "error", wrong="v2.Normalize((0.229, 0.224, 0.225), (0.485, 0.456, 0.406))", right=NORMALIZE)
def swapped(evidence: Evidence) -> Iterator[Problem]:
    """Mean and std exchanged.

    Normalize takes the mean first. If mean and std are exchanged, about a quarter is subtracted and the result divided by about a
    half.
    """
    if evidence.mistake == "swapped":
        message = f"mean and std are exchanged{of_data(evidence)}: {raw_range(evidence)}"
        remedy = f"use {expected_constants(evidence)}, in this order"
        yield Problem(message, remedy, where_normalised(evidence), constants(evidence))


@rule("TARE007", "std-is-mean", "error", wrong="v2.Normalize((0.485, 0.456, 0.406), (0.485, 0.456, 0.406))", right=NORMALIZE)
def std_is_mean(evidence: Evidence) -> Iterator[Problem]:
    """The same numbers as mean and as std.

    The std of every channel is its mean. This slip of copy and paste has been released with checkpoints.
    """
    if evidence.mistake == "std_is_mean":
        message = f"mean and std are the same numbers{of_data(evidence)}: {raw_range(evidence)}"
        yield Problem(message, f"use {expected_constants(evidence)}", where_normalised(evidence), constants(evidence))


@rule(
    "TARE010",
    "unexplained-constants",
    "warning",
    wrong="v2.Normalize((0.44, 0.41, 0.37), (0.31, 0.30, 0.29))",
    right=NORMALIZE,
)
def unexplained_constants(evidence: Evidence) -> Iterator[Problem]:
    """Constants of unknown origin.

    The pipeline amounts to a mean and a std that are neither the network's, nor published ones, nor statistics of the data given
    with --data, and that no usual slip explains.
    """
    diagnosis = evidence.diagnosis
    if not is_of_unknown_origin(evidence) or diagnosis is None or impossible(evidence):
        return
    data = evidence.measured
    own = (
        "if these are statistics of your own data, say so with --data"
        if data is None
        else f"the statistics of your data are mean {listed(data.train.mean)} and std {listed(data.train.std)}"
    )
    yield Problem(
        f"the pipeline amounts to mean {listed(diagnosis.implied_mean)} and std {listed(diagnosis.implied_std)} in unit values, "
        f"constants that nobody published and {evidence.network} was not trained with"
        f"{'' if data is None else ', and which are not those of your data'}: {raw_range(evidence)}",
        f"use {expected_constants(evidence)}; {own}",
        where_normalised(evidence),
        constants(evidence),
    )


@rule(
    "TARE015",
    "reversed-constants",
    "error",
    wrong="v2.Normalize(mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229))",
    right=NORMALIZE,
)
def reversed_constants(evidence: Evidence) -> Iterator[Problem]:
    """Constants in reversed order.

    Lists of constants circulate for RGB and for BGR images. The blue channel's numbers on red images shift the colours by a
    third of a std, too little to see and enough to cost accuracy.
    """
    diagnosis = evidence.diagnosis
    if evidence.mistake == "reversed_constants" and diagnosis:
        whose = f"those of {diagnosis.other!r}" if diagnosis.other else "your data's" if evidence.of_data else "the network's own"
        yield Problem(
            f"the constants are {whose} in reversed order, and the channels are not reversed: mean "
            f"{listed(diagnosis.implied_mean)}, std {listed(diagnosis.implied_std)}: {raw_range(evidence)}",
            f"use {expected_constants(evidence)}, in this order",
            where_normalised(evidence),
            constants(evidence),
        )


@rule(
    "TARE016",
    "constants-scale",
    "error",
    wrong="v2.ToTensor(), v2.Normalize((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))",
    right=f"v2.ToTensor(), {NORMALIZE}",
)
def constants_of_another_scale(evidence: Evidence) -> Iterator[Problem]:
    """Constants of another scale than the values.

    123.675 and 0.485 are the same constant, of values of 0..255 and of values in [0, 1]. ToTensor gives values in [0, 1]: with
    the constants of 0..255 every image becomes one flat colour. Lists copied from two places mix both, a mean of one and a std of
    the other.
    """
    said = _scale_slip(evidence)
    if said:
        yield Problem(
            f"{said}{of_data(evidence)}: {raw_range(evidence)}",
            f"use {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


@rule(
    "TARE017",
    "impossible-statistics",
    "error",
    wrong="v2.Normalize((-0.1, 0.2, 0.3), (0.9, 0.8, 0.9))",
    right=NORMALIZE,
)
def impossible_statistics(evidence: Evidence) -> Iterator[Problem]:
    """A mean and std that no images have.

    Values in [0, 1] have a mean in [0, 1] and a std of at most 0.5, the root of mean * (1 - mean). Other numbers are statistics
    of something else: of normalised images, of values of 0..255, or of a sum that was never divided.
    """
    diagnosis = evidence.diagnosis
    wrong = impossible(evidence) if is_of_unknown_origin(evidence) else ""
    if wrong and diagnosis is not None:
        amounts = f"mean {listed(diagnosis.implied_mean)} and std {listed(diagnosis.implied_std)} in unit values"
        yield Problem(
            f"the pipeline amounts to {amounts}, which no images have: {wrong}: {raw_range(evidence)}",
            f"use {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


def is_of_unknown_origin(evidence: Evidence) -> bool:
    """Whether no rule explains the constants that are fed: neither the network's, nor known ones, nor those of your data."""
    diagnosis = evidence.diagnosis
    if evidence.mistake != "unexplained" or diagnosis is None or evidence.approximate or evidence.feeds_measured:
        return False
    if evidence.seen is not None and (evidence.seen.by_image or not evidence.seen.finite):
        return False
    # A std near 0 is a matter of TARE041.
    return evidence.raw.unit == 1 or min(map(abs, diagnosis.implied_std)) >= _TINY


def impossible(evidence: Evidence) -> str:
    """Why no images can have the mean and std that are fed, in unit values of integers; empty if some can."""
    diagnosis = evidence.diagnosis
    if diagnosis is None or evidence.raw.unit == 1:
        return ""
    mean, std = diagnosis.implied_mean, diagnosis.implied_std
    if min(std) < 0:
        return "a std is not negative"
    if min(mean) < -_SURE or max(mean) > 1 + _SURE:
        return f"the mean of values in [0, 1] is not {min(mean) if min(mean) < -_SURE else max(mean):.4g}"
    for m, s in zip(mean, std, strict=True):
        largest = max(m * (1 - m), 0.0) ** 0.5
        if s > largest + _SURE:
            return f"with a mean of {m:.4g} the std is at most {largest:.4g}"
    return ""


def _scale_slip(evidence: Evidence) -> str:
    """What is of which scale, empty if constants and values go together."""
    kind, diagnosis, top = evidence.mistake, evidence.diagnosis, evidence.raw.steps
    if diagnosis is None:
        return ""
    raw = raw_values(evidence)
    others = bool(diagnosis.other)
    whose = " (they are not the network's either)" if others else ""
    unit, is_raw = has_unit_values(evidence), has_raw_values(evidence)
    if kind == "divided_twice" and (unit or others):
        return f"the constants are of values of {raw}{whose}, and are applied to values in [0, 1]"
    if kind == "times_255" and unit:
        return f"the constants are {top:g} times too small for values in [0, 1]{whose}"
    if kind == "divided_twice" and is_raw:
        return f"the constants are {top:g} times too large for values of {raw}{whose}"
    if kind == "raw_mean":
        return f"the mean is of values of {raw} and the std of values in [0, 1]{whose}"
    return f"the mean is of values in [0, 1] and the std of values of {raw}{whose}" if kind == "raw_std" else ""
