"""Rules on values: the range that reaches the network, and the map from raw values to it."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import NORMALIZE, TO_FLOAT, Problem, rule
from tare.checking.rules.words import expected_constants, raw_range, where_normalised
from tare.input_spec.spec import Known

#: The smallest and largest std of unit values that pipelines usually state.
_USUAL_STD = (0.04, 2.0)


@rule(
    "TARE001",
    "range-255",
    "error",
    wrong=f"v2.PILToTensor(), v2.ToDtype(torch.float32), {NORMALIZE}",
    right=f"v2.PILToTensor(), {TO_FLOAT}, {NORMALIZE}",
)
def range_255(evidence: Evidence) -> Iterator[Problem]:
    """0..255 where [0, 1] is expected.

    Constants such as 0.485 and 0.229 belong to values in [0, 1]. Applied to 0..255 they turn white into 1111 instead of 2.25. The
    first batch norm absorbs part of it in training, so the loss still falls and only the accuracy is worse.
    """
    others = raw_with_other_constants(evidence)
    if evidence.mistake == "times_255" or others:
        whose = " with constants that are not the network's" if others else ""
        yield Problem(
            f"values of 0..255 are normalised{whose} as if they were in [0, 1]: {raw_range(evidence)}",
            "divide by 255 before normalising: ToTensor() on 8-bit images, v2.ToDtype(torch.float32, scale=True), "
            "do_rescale=True, or A.Normalize with max_pixel_value=255",
            where_normalised(evidence),
        )


@rule(
    "TARE002",
    "divided-twice",
    "error",
    wrong="x = ToTensor()(image); processor(x, return_tensors='pt')",
    right="processor(image, return_tensors='pt')   # or do_rescale=False with values in [0, 1]",
)
def divided_twice(evidence: Evidence) -> Iterator[Problem]:
    """[0, 1] where 0..255 is expected, or divided by 255 twice.

    ToTensor divides 8-bit images by 255, and so do Hugging Face processors, A.Normalize and some networks (Keras EfficientNet).
    After a second division every image is nearly black: all values lie within 1/255 of the lowest one.
    """
    if evidence.mistake != "divided_twice":
        return
    raw = isinstance(evidence.spec.scale, Known) and evidence.spec.scale.value == 1.0
    cause = (
        "values in [0, 1] reach a network that takes 0..255"
        if raw
        else "values are divided by 255 twice, images are nearly black"
    )
    remedy = (
        "leave out the division by 255 (ToTensor divides)"
        if raw
        else (
            "leave out one division: ToTensor() already scales 8-bit images, a Hugging Face processor rescales unless "
            "do_rescale=False, A.Normalize divides by max_pixel_value"
        )
    )
    yield Problem(f"{cause}: {raw_range(evidence)}", remedy, where_normalised(evidence))


@rule(
    "TARE003",
    "normalised-twice",
    "error",
    wrong=f"v2.Compose([..., {NORMALIZE}]) in front of a torchvision detection model",
    right="leave out one of the two",
)
def normalised_twice(evidence: Evidence) -> Iterator[Problem]:
    """Normalised twice.

    One Normalize is in the dataset, another in the collate function, the processor or the network itself (torchvision's detection
    models, exported models with the normalisation inside). A network with batch norm still learns, but more slowly; a network
    without batch norm may not converge.
    """
    kind = evidence.mistake
    if kind in ("twice", "twice_other"):
        other = evidence.diagnosis.other if evidence.diagnosis else ""
        with_whose = f" (once with the constants of {other!r})" if other else ""
        yield Problem(
            f"the images are normalised twice{with_whose}: {raw_range(evidence)}",
            "remove one of the two: your own Normalize, the processor's, or the one inside the exported model",
            where_normalised(evidence),
        )
    if kind == "normalised_for_network_that_does_it_itself" and evidence.diagnosis:
        yield Problem(
            f"the images are normalised with the constants of {evidence.diagnosis.other!r}, and {evidence.network} takes plain "
            f"values or normalises them itself: {raw_range(evidence)}",
            "remove the Normalize from the pipeline",
            where_normalised(evidence),
        )


@rule(
    "TARE004",
    "not-normalised",
    "error",
    wrong="v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])",
    right=f"v2.Compose([v2.ToImage(), {TO_FLOAT}, {NORMALIZE}])",
)
def not_normalised(evidence: Evidence) -> Iterator[Problem]:
    """Not normalised.

    Values of [0, 1] or 0..255 go straight into a network that was trained on z-scored input.
    """
    kind = evidence.mistake
    if kind in ("not_normalised_unit", "not_normalised_raw"):
        what = "0..255" if kind == "not_normalised_raw" else "[0, 1]"
        yield Problem(
            f"values of {what} reach the network without normalisation: {raw_range(evidence)}",
            f"add a Normalize with the network's constants, {expected_constants(evidence)}",
            where_normalised(evidence),
        )


@rule(
    "TARE011",
    "bit-depth",
    "error",
    wrong="x = torch.from_numpy(image / 65535)   # image is uint8",
    right="x = torch.from_numpy(image / np.iinfo(image.dtype).max)",
)
def bit_depth(evidence: Evidence) -> Iterator[Problem]:
    """A divisor of another bit depth.

    65535 is the range of 16-bit images. An 8-bit image divided by 65535 is black; a 16-bit image divided by 255 reaches 257.
    """
    if evidence.mistake == "bit_depth" and evidence.diagnosis:
        yield Problem(
            f"8-bit values are divided by {evidence.diagnosis.other}: {raw_range(evidence)}",
            "divide by the range of the dtype: 255 for 8 bits, 65535 for 16",
            where_normalised(evidence),
        )


@rule("TARE012", "scaled-by-image", "error", wrong="x = image / image.max()", right="x = image / 255")
def scaled_by_own_values(evidence: Evidence) -> Iterator[Problem]:
    """Each image scaled by its own values.

    Dividing by an image's own maximum, or dividing by 255 only `if image.max() > 1`, makes the scale depend on the content: a
    nearly black frame comes out white, and equal raw values become different inputs.
    """
    named = [step for _, step in evidence.steps_of("normalize_by_image")]
    if named or (evidence.seen is not None and evidence.seen.by_image):
        which = f" ({named[0].name})" if named else ""
        message = (
            "an image whose largest raw value is 1 or less is scaled differently from all others: a black frame with a few dark "
            "pixels comes out white"
            if evidence.seen is not None and evidence.seen.threshold
            else f"every image is scaled by its own values{which}: the same raw value reaches the network as different numbers, "
            "and a dark image comes out like a bright one"
        )
        yield Problem(
            message,
            "divide by the range of the dtype (255 for 8 bits), whatever values the image has",
            named[0].where if named else "",
        )


@rule("TARE013", "formula", "error", wrong="x = x / std", right="x = (x - mean) / std")
def formula(evidence: Evidence) -> Iterator[Problem]:
    """A slip in (x - mean) / std.

    The mean is added instead of subtracted, values are divided by the variance instead of the std, or one of the two steps is
    missing.
    """
    slip = {
        "std_not_applied": "the mean is subtracted, but values are not divided by the std",
        "mean_not_subtracted": "values are divided by the std, but the mean is not subtracted",
        "mean_added": "the mean is added where it should be subtracted",
        "variance_for_std": "values are divided by the variance (std squared) where the std is meant",
    }.get(evidence.mistake or "")
    if slip:
        yield Problem(
            f"{slip}: {raw_range(evidence)}",
            f"apply (x - mean) / std with {expected_constants(evidence)}",
            where_normalised(evidence),
        )


@rule(
    "TARE014",
    "not-affine",
    "warning",
    wrong="A.Compose([A.CLAHE(p=1), A.Normalize(), ToTensorV2()])",
    right="A.Compose([A.Normalize(), ToTensorV2()])",
)
def not_affine(evidence: Evidence) -> Iterator[Problem]:
    """The pipeline does more than shift and scale values.

    In evaluation, gamma, equalisation, CLAHE or a colour matrix changes colours or contrast in a way that no mean and std
    describe. The network knows such images only if it was trained with the same step.
    """
    seen = evidence.seen
    if seen is None or seen.affine is not None or evidence.stage == "train" or seen.by_image or not seen.finite:
        return
    if seen.clamped != (None, None) or seen.random:
        return
    cause = "channels are mixed" if seen.mixed else "the network's input is a curve of the raw values, not a line"
    yield Problem(
        f"{cause}: no mean and std describe what this pipeline does",
        "remove the step that changes colours or contrast (gamma, equalisation, a colour matrix) from evaluation",
    )


def raw_with_other_constants(evidence: Evidence) -> bool:
    """Whether constants that belong to [0, 1] and are not published act on 0..255: 255 times its std is a usual one."""
    expected = evidence.expected
    if evidence.mistake != "unexplained" or evidence.diagnosis is None or expected is None:
        return False
    usual, stds = 1 / (255 * max(expected.scale)), evidence.diagnosis.implied_std
    return usual > _USUAL_STD[0] and all(_USUAL_STD[0] < 255 * abs(std) < _USUAL_STD[1] for std in stds)
