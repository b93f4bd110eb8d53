"""Rules on the mean and std that a pipeline normalises with: whose they are, and whether mean and std are exchanged or equal."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import NORMALIZE, Problem, rule
from tare.checking.rules.values import raw_with_other_constants
from tare.checking.rules.words import expected_constants, listed, raw_range, where_normalised


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
        )


@rule("TARE006", "swapped", "error", wrong="v2.Normalize((0.229, 0.224, 0.225), (0.485, 0.456, 0.406))", right=NORMALIZE)
def swapped(evidence: Evidence) -> Iterator[Problem]:
    """Mean and std exchanged.

    Normalize takes the mean first. If mean and std are exchanged, about a quarter is subtracted and the result divided by about a
    half.
    """
    if evidence.mistake == "swapped":
        message = f"mean and std are exchanged: {raw_range(evidence)}"
        yield Problem(message, f"use {expected_constants(evidence)}, in this order", where_normalised(evidence))


@rule("TARE007", "std-is-mean", "error", wrong="v2.Normalize((0.485, 0.456, 0.406), (0.485, 0.456, 0.406))", right=NORMALIZE)
def std_is_mean(evidence: Evidence) -> Iterator[Problem]:
    """The same numbers as mean and as std.

    The std of every channel is its mean. This slip of copy and paste has been released with checkpoints.
    """
    if evidence.mistake == "std_is_mean":
        message = f"mean and std are the same numbers: {raw_range(evidence)}"
        yield Problem(message, f"use {expected_constants(evidence)}", where_normalised(evidence))


@rule(
    "TARE010",
    "unexplained-constants",
    "warning",
    wrong="v2.Normalize((0.44, 0.41, 0.37), (0.31, 0.30, 0.29))",
    right=NORMALIZE,
)
def unexplained_constants(evidence: Evidence) -> Iterator[Problem]:
    """Constants of unknown origin.

    The pipeline amounts to a mean and a std that are not the network's, not published, and not statistics of the data that --data
    names.
    """
    diagnosis = evidence.diagnosis
    if evidence.mistake != "unexplained" or diagnosis is None or evidence.approximate or evidence.feeds_measured:
        return
    if evidence.seen is not None and (evidence.seen.by_image or not evidence.seen.finite):
        return
    if raw_with_other_constants(evidence) or min(diagnosis.implied_std) < 1e-3:
        return  # TARE001 or TARE041 reports it
    yield Problem(
        f"the pipeline amounts to mean {listed(diagnosis.implied_mean)} and std {listed(diagnosis.implied_std)} in unit values; "
        f"these are neither published constants nor those of {evidence.network}: {raw_range(evidence)}",
        f"use {expected_constants(evidence)}; if these are statistics of your own data, say so with --data",
        where_normalised(evidence),
    )
