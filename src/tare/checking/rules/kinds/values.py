"""Rules on values: the range that reaches the network, and the map from raw values to it."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Fix
from tare.checking.rules.rule import NORMALIZE, TO_FLOAT, Problem, rule
from tare.checking.rules.words import (
    constants,
    expected_constants,
    formula_slip,
    has_raw_values,
    has_unit_values,
    network_constants,
    raw_range,
    raw_values,
    top_at_normalize,
    where_normalised,
)
from tare.input_spec.spec import Known
from tare.pipelines.observation import Observation


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
    if evidence.mistake != "times_255" or evidence.diagnosis is None or has_unit_values(evidence):
        return
    others = bool(evidence.diagnosis.other)
    whose = " with constants that are not the network's" if others else ""
    top = evidence.raw.high
    if evidence.raw.unit == 1:  # floats, which the network takes as they are
        said = f"values are {evidence.raw.steps:g} times too large"
        remedy = f"leave out the multiplication by {evidence.raw.steps:g}"
        yield Problem(
            f"{said}: {raw_range(evidence)}", remedy, where_normalised(evidence), (Fix("scale_values", factor=1 / 255),)
        )
        return
    yield Problem(
        f"values of {raw_values(evidence)} are normalised{whose} as if they were in [0, 1]: {raw_range(evidence)}",
        (
            "divide by 255 before normalising: ToTensor() on 8-bit images, v2.ToDtype(torch.float32, scale=True), "
            "do_rescale=True, or A.Normalize with max_pixel_value=255"
            if top == 255
            else f"divide by {top:g} before normalising, the range of {evidence.raw_dtype}"
        )
        + (f"; then use {network_constants(evidence)}" if others else ""),
        where_normalised(evidence),
        (Fix("scale_values", factor=1 / evidence.raw.steps), *(constants(evidence, 1.0) if others else ())),
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
    if evidence.mistake != "divided_twice" or evidence.diagnosis is None:
        return
    if evidence.diagnosis.other or has_unit_values(evidence) or has_raw_values(evidence):
        return  # the constants are of another scale: TARE016
    top = evidence.raw.high
    raw = isinstance(evidence.spec.scale, Known) and evidence.spec.scale.value == 1.0
    read = top_at_normalize(evidence) is not None
    steps = f"{evidence.raw.steps:g}"
    divided = (
        f"values are divided by {steps} twice, images are nearly black"
        if read
        else f"values are divided by {steps} twice, or constants of 0..{steps} are applied to values in [0, 1]; images are black"
    )
    cause = f"values in [0, 1] reach a network that takes 0..{top:g}" if raw else divided
    if evidence.raw.unit == 1:
        cause = f"values are divided by {evidence.raw.steps:g}, and the network takes them as they are"
    remedy = (
        "leave out the division by 255 (ToTensor divides)"
        if raw
        else (
            "leave out one division: ToTensor() already scales 8-bit images, a Hugging Face processor rescales unless "
            "do_rescale=False, A.Normalize divides by max_pixel_value"
        )
        + ("" if read else "; or divide the constants by 255")
    )
    change = Fix("scale_values", factor=evidence.raw.steps)
    yield Problem(f"{cause}: {raw_range(evidence)}", remedy, where_normalised(evidence), (change,))


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
            () if other else (Fix("remove_normalize"),),
        )
    if kind == "normalised_for_network_that_does_it_itself" and evidence.diagnosis:
        yield Problem(
            f"the images are normalised with the constants of {evidence.diagnosis.other!r}, and {evidence.network} takes plain "
            f"values or normalises them itself: {raw_range(evidence)}",
            "remove the Normalize from the pipeline",
            where_normalised(evidence),
            (Fix("remove_normalize"),),
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
        is_raw = kind == "not_normalised_raw" or evidence.raw.unit == 1
        what, top = (raw_values(evidence), evidence.raw.high) if is_raw else ("[0, 1]", 1.0)
        spec = evidence.spec
        stated_for_raw = isinstance(spec.scale, Known) and spec.scale.value == 1
        if is_raw and not stated_for_raw:
            how = f"divide by {evidence.raw.steps:g}, then add a Normalize"
        elif stated_for_raw and not is_raw:
            how = f"do not divide by {evidence.raw.steps:g}, and add a Normalize"
        else:
            how = "add a Normalize"
        yield Problem(
            f"values of {what} reach the network without normalisation: {raw_range(evidence)}",
            f"{how} with the network's constants, {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence, top, "add_normalize"),
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
            f"values of {raw_values(evidence)} are divided by {evidence.diagnosis.other}: {raw_range(evidence)}",
            "divide by the range of the dtype: 255 for 8 bits, 65535 for 16",
            where_normalised(evidence),
            (Fix("scale_values", factor=float(evidence.diagnosis.other) * evidence.raw.unit),),
        )


@rule("TARE012", "scaled-by-image", "error", wrong="x = image / image.max()", right="x = image / 255")
def scaled_by_own_values(evidence: Evidence) -> Iterator[Problem]:
    """Each image scaled by its own values.

    Dividing by an image's own maximum, or dividing by 255 only `if image.max() > 1`, makes the scale depend on the content: a
    nearly black frame comes out white, and equal raw values become different inputs.
    """
    if isinstance(evidence.spec.per_sample, Known):
        return  # as the network expects
    named = [step for _, step in evidence.steps_of("normalize_by_image")]
    if not named and evidence.seen is not None and evidence.seen.by_content:
        yield Problem(
            "every image is changed by its own values: where others stand beside it, the same raw value reaches the network as "
            "another number than in an image of one colour, as by autocontrast, equalisation or contrast about an image's mean",
            "leave out the step that looks at the whole image, and divide by the range of the dtype (255 for 8 bits)",
        )
    elif named or (evidence.seen is not None and evidence.seen.by_image):
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

    The mean added instead of subtracted or not subtracted at all, a product where a quotient is meant, or the inverse formula,
    which makes images of normalised values.
    """
    slips = {
        "mean_not_subtracted": "values are divided by the std, and the mean is not subtracted",
        "mean_added": "the mean is added where it should be subtracted",
        "std_multiplied": "values are multiplied by the std where they should be divided by it",
        "denormalised": "the formula is x * std + mean, which undoes a normalisation",
    }
    yield from formula_slip(evidence, slips)


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
    if evidence.is_curved:
        return  # and so does the network
    if seen is None or seen.affine is not None or evidence.stage == "train" or not seen.finite:
        return
    if seen.by_image or seen.by_content or seen.clamped != (None, None) or seen.random:
        return
    cause, remedy = _not_affine(seen)
    yield Problem(f"{cause}: no mean and std describe what this pipeline does", remedy)


def _not_affine(seen: Observation) -> tuple[str, str]:
    """Why no mean and std describe a pipeline, and what to do."""
    if seen.uneven:
        return "the same raw value comes out otherwise in some places of the image", "map all pixels alike"
    if seen.scrambled:
        cause = "values of several channels stand side by side in one channel, as after a reshape or view of (H, W, C)"
        return cause, "move the axis of the channels: image.permute(2, 0, 1), or np.moveaxis(image, -1, 0)"
    if seen.stepped:
        return "many raw values become one, in steps, as by posterising", "remove the step that leaves few values from evaluation"
    cause = (
        "channels are mixed, as by another colour space"
        if seen.mixed
        else "the network's input is a curve of the raw values, not a line"
    )
    return cause, "remove the step that changes colours or contrast (gamma, equalisation, a colour matrix) from evaluation"
