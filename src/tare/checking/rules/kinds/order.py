"""Rules on the order of steps, on random steps in evaluation, and on stages that differ."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Fix
from tare.checking.rules.rule import NORMALIZE, TO_FLOAT, Problem, rule
from tare.pipelines.step import Step


@rule(
    "TARE020",
    "normalize-before-tensor",
    "error",
    wrong=f"v2.Compose([{NORMALIZE}, v2.ToTensor()])",
    right=f"v2.Compose([v2.ToImage(), {TO_FLOAT}, {NORMALIZE}])",
)
def normalize_before_tensor(evidence: Evidence) -> Iterator[Problem]:
    """Normalize before ToTensor.

    Torchvision's Normalize takes a float tensor. Before ToTensor it gets an image, and raises an error or does nothing useful.
    """
    at = evidence.normalised_at
    if at is None or not _takes_unit_floats(evidence.steps[at]):
        return
    for index, step in evidence.steps_of("to_tensor", "convert", "to_dtype"):
        scales = step.kind == "to_dtype" and bool(step.values.get("scale"))
        if index > at and (step.kind == "to_tensor" or scales or _is_conversion(step)):
            yield Problem(
                f"{evidence.steps[at].name} stands before {step.name}: it takes a float tensor, not an image",
                f"put {step.name} first, then Normalize",
                evidence.steps[at].where,
            )
            return


@rule(
    "TARE021",
    "integers-normalised",
    "error",
    wrong=f"v2.Compose([v2.PILToTensor(), {NORMALIZE}])",
    right=f"v2.Compose([v2.PILToTensor(), {TO_FLOAT}, {NORMALIZE}])",
)
def integers_into_normalize(evidence: Evidence) -> Iterator[Problem]:
    """An integer tensor into Normalize.

    PILToTensor and ToImage keep integers of 0..255. Torchvision's Normalize refuses them; other libraries compute in integers.
    """
    at = evidence.normalised_at
    if at is None or not _takes_unit_floats(evidence.steps[at]):
        return
    made_integer: Step | None = None
    for step in evidence.steps[:at]:
        floats = step.kind == "to_dtype" and "float" in str(step.values.get("dtype"))
        if _is_conversion(step):
            made_integer = step
        elif floats or step.kind in ("to_tensor", "rescale", "opaque"):
            made_integer = None
    if made_integer is not None:
        yield Problem(
            f"{made_integer.name} hands on integers of 0..255, and Normalize takes floats in [0, 1]",
            "put v2.ToDtype(torch.float32, scale=True) between them",
            evidence.steps[at].where,
        )


@rule(
    "TARE022",
    "colour-after-normalize",
    "error",
    wrong=f"v2.Compose([v2.ToImage(), {TO_FLOAT}, {NORMALIZE}, v2.ColorJitter(0.4)])",
    right=f"v2.Compose([v2.ToImage(), v2.ColorJitter(0.4), {TO_FLOAT}, {NORMALIZE}])",
)
def photometric_after_normalize(evidence: Evidence) -> Iterator[Problem]:
    """Colour augmentation after Normalize.

    Operations on brightness, contrast or hue assume values in [0, 1] or 0..255 and clip to that range. Normalised values lie
    around 0, so half of every image is cut off.
    """
    at = evidence.normalised_at
    for step in _after_normalize(evidence, "photometric"):
        yield Problem(
            f"{step.name} comes after {evidence.steps[at or 0].name}: colour operations take values in [0, 1] or 0..255 "
            "and clip to that range, so they cut off normalised values",
            f"move {step.name} before the normalisation",
            step.where,
        )


def _after_normalize(evidence: Evidence, kind: str) -> list[Step]:
    """The steps of a kind that come after the normalisation; none if there is no normalisation."""
    at = evidence.normalised_at
    return [step for index, step in evidence.steps_of(kind) if at is not None and index > at]


@rule("TARE023", "clamped", "error", wrong="x = normalize(x).clamp(0, 1)", right="x = normalize(x.clamp(0, 1))")
def clamp_after_normalize(evidence: Evidence) -> Iterator[Problem]:
    """Values cut off after Normalize.

    Normalised values lie between about -2.1 and 2.6; clamp(0, 1) keeps those between the mean and one std above it.
    """
    named = _after_normalize(evidence, "clamp")
    if not named and _after_normalize(evidence, "photometric"):
        return  # it is the colour operation that clips, and TARE022 says so
    clamped = evidence.seen.clamped if evidence.seen is not None else (None, None)
    if named or clamped != (None, None):
        low, high = clamped
        sides = [f"below {low:.4g}" if low is not None else "", f"above {high:.4g}" if high is not None else ""]
        cut = " and ".join(side for side in sides if side) or "outside the limits"
        what = "the clamp" if named else "what cuts them off, a clamp or a change of brightness that saturates"
        yield Problem(
            f"values {cut} are cut off: dark or bright parts of every image become one value",
            f"leave out {what}; normalised values are meant to lie outside [0, 1] and [-1, 1]",
            named[0].where if named else "",
            (Fix("remove_clamp"),),
        )


@rule(
    "TARE024",
    "random-in-eval",
    "warning",
    wrong="val_transform = v2.Compose([v2.RandomResizedCrop(224), ...])",
    right="val_transform = v2.Compose([v2.Resize(256), v2.CenterCrop(224), ...])",
)
def random_in_eval(evidence: Evidence) -> Iterator[Problem]:
    """Random augmentation in evaluation.

    The training transform is used for validation. The score is noisy and too low, and the same image is classified differently
    from call to call.
    """
    if evidence.stage != "eval":
        return
    drawn = [step for step in evidence.steps if step.random]
    if drawn or (evidence.seen is not None and evidence.seen.random):
        names = f": {', '.join(step.name for step in drawn[:4])}" if drawn else ""
        yield Problem(
            f"the evaluation pipeline draws at random{names}; the same image gives a different input each time",
            "use random augmentation in training only; if this is the training pipeline, check it with --stage train",
            drawn[0].where if drawn else "",
        )


@rule(
    "TARE050",
    "stages-differ",
    "error",
    wrong="train: ToTensor(), Normalize(...)   eval: ToTensor()",
    right="train: ToTensor(), Normalize(...)   eval: ToTensor(), Normalize(...)",
)
def stages_differ(evidence: Evidence) -> Iterator[Problem]:
    """Training and evaluation scale differently.

    Two pipelines were written at different times, one with Normalize and one without. Training looks fine, validation looks
    broken.
    """
    other = evidence.sibling
    if evidence.stage != "eval" or other is None or evidence.fed is None or other.fed is None:
        return
    if len(evidence.fed.order) != len(other.fed.order):
        counts = f"{len(other.fed.order)} channels in training and {len(evidence.fed.order)} in evaluation"
        yield Problem(counts, "convert colours in the same way in both")
        return
    allowed = 0.5 if evidence.approximate or other.approximate else 0.02
    if evidence.fed.order != other.fed.order and not (evidence.approximate or other.approximate):
        orders = f"the order of channels is {other.fed.order} in training and {evidence.fed.order} in evaluation"
        yield Problem(orders, "reverse the channels in both, or in neither")
        return
    worst, c = max(
        (max(abs(_at(evidence, c, v) - _at(other, c, v)) for v in (0, 255)), c) for c in range(len(evidence.fed.order))
    )
    if worst > allowed * max(1.0, abs(evidence.fed.scale[c]) * 255 / 4):
        yield Problem(
            "training and evaluation scale values differently: raw 0..255 becomes "
            f"{_at(other, c, 0):.4g}..{_at(other, c, 255):.4g} in training and "
            f"{_at(evidence, c, 0):.4g}..{_at(evidence, c, 255):.4g} in evaluation",
            "use one Normalize, with the same constants, in both",
        )


def _at(evidence: Evidence, channel: int, raw: float) -> float:
    fed = evidence.fed
    return float("nan") if fed is None else fed.scale[channel] * raw + fed.shift[channel]


def _takes_unit_floats(step: Step) -> bool:
    """Whether a step normalises without scaling values first, as torchvision's Normalize does."""
    return step.name == "Normalize" and step.values.get("max_value") == 1.0


def _is_conversion(step: Step) -> bool:
    """Whether the step makes a tensor of an image and keeps its integers."""
    return step.kind == "convert" and step.name in ("PILToTensor", "MaybePILToTensor", "ToImage")
