"""Rules on channels, layout, dtype, and stds that cannot be divided by."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import Said
from tare.input_spec.fields import UNSTATED
from tare.input_spec.spec import Known
from tare.pipelines.step import Step

#: In unit values: below it a full-range difference spans more than 1000 sigma (the floor of the strategies, too).
_LEAST_STD = 1e-3
_SMALLEST_NORMAL = 2.0**-126


def grey_with_colour_constants(evidence: Evidence) -> Iterator[Said]:
    """A grey image copied to three channels and normalised with three different constants."""
    copied = [step for _, step in evidence.steps_of("grayscale") if step.values.get("channels") == 3 and not step.random]
    grey = evidence.seen is not None and evidence.seen.grey
    fed = evidence.fed
    if not (copied or grey) or fed is None or len(fed.scale) != 3 or (evidence.approximate and not copied):
        return
    spread = max(max(fed.shift) - min(fed.shift), 255 * (max(fed.scale) - min(fed.scale)))
    if spread > 0.02:
        yield Said(
            f"grey images are copied to three channels and normalised with three different constants: one grey level arrives as "
            f"three numbers up to {spread:.2g} input std apart, a tint the photographs of training did not have on average",
            "keep it if the network was trained on grey images in this way; else use the mean of the three constants for each "
            "channel, or make the first layer take one channel",
            copied[0].where if copied else "",
        )


def channel_count(evidence: Evidence) -> Iterator[Said]:
    """Constants, or an image, for another number of channels."""
    expected = evidence.channels
    for _, step in evidence.steps_of("normalize"):
        mean, std = step.values.get("mean") or (), step.values.get("std") or ()
        if len(mean) != len(std) and 1 not in (len(mean), len(std)):
            said = f"Normalize has {len(mean)} means and {len(std)} stds"
            yield Said(said, "state one of each per channel", step.where)
        elif expected is not None and len(mean) not in (1, expected):
            said = f"Normalize has constants for {len(mean)} channels and {evidence.network} takes {expected}"
            yield Said(said, "use the network's constants, or build the network for your channels (timm: in_chans)", step.where)
    seen = evidence.seen
    if seen is not None and expected is not None and seen.channels != expected:
        said = f"the pipeline gives {seen.channels} channels (shape {seen.shape}) and {evidence.network} takes {expected}"
        yield Said(said, "convert colours first: image.convert('RGB'), v2.RGB(), or v2.Grayscale(1)")


def alpha(evidence: Evidence) -> Iterator[Said]:
    """An alpha channel that is passed on as if it were a colour."""
    if evidence.alpha is not None and evidence.alpha == (evidence.channels or 3) + 1:
        yield Said(
            f"an image with alpha comes out with {evidence.alpha} channels: transparency reaches the network as a colour",
            "convert first: image.convert('RGB'), or composite over a background",
        )


def impossible_std(evidence: Evidence) -> Iterator[Said]:
    """A std of zero, negative, denormal or not finite."""
    for where, std in _stds(evidence):
        bad = [value for value in std if not math.isfinite(value) or value < _SMALLEST_NORMAL]
        if bad:
            said = f"a std of {bad[0]:g} in {_list(std)}: nothing can be divided by it"
            yield Said(said, "drop a constant channel, or give it a std of 1", where)


def tiny_std(evidence: Evidence) -> Iterator[Said]:
    """A std so small that inputs lie beyond 1000 sigma."""
    for where, std in _stds(evidence):
        bad = [value for value in std if _SMALLEST_NORMAL <= value < _LEAST_STD]
        if bad:
            yield Said(
                f"a std of {bad[0]:g} in unit values: a full-range difference reaches the network as {1 / bad[0]:.0f} sigma",
                f"floor the std at {_LEAST_STD:g}, or drop the nearly constant channel",
                where,
            )


def layout(evidence: Evidence) -> Iterator[Said]:
    """Channels last into a network that takes them first."""
    seen = evidence.seen
    if seen is None or seen.layout == "HW":
        return
    if evidence.spec.layout == UNSTATED:
        wants = "NCHW"  # as every PyTorch network
    elif isinstance(evidence.spec.layout, Known):
        wants = evidence.spec.layout.value
    else:
        return
    if wants in ("NCHW", "NHWC") and seen.layout != wants[1:]:
        remedy = "permute to (C, H, W): ToTensor(), A.ToTensorV2()" if wants == "NCHW" else "permute to (H, W, C)"
        yield Said(f"the pipeline gives {seen.layout} (shape {seen.shape}) and the network takes {wants[1:]}", remedy)


def not_finite(evidence: Evidence) -> Iterator[Said]:
    """NaN or Inf in the network's input."""
    if any(impossible_std(evidence)):
        return  # said there, with the reason
    if evidence.seen is not None and not evidence.seen.finite and not evidence.seen.by_image:
        yield Said("the pipeline gives NaN or Inf for ordinary images", "look for a division by a std or range of zero")


def dtype(evidence: Evidence) -> Iterator[Said]:
    """Float64 out of a pipeline: twice the memory, and most networks refuse it."""
    if evidence.seen is not None and evidence.seen.dtype in ("float64", "int64", "int32"):
        said = f"the pipeline gives {evidence.seen.dtype}, and networks take float32"
        yield Said(said, "end with .float(), or v2.ToDtype(torch.float32)")


def _stds(evidence: Evidence) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The stds of every normalising step, in unit values."""
    for index, step in evidence.steps_of("normalize"):
        std = step.values.get("std") or ()
        yield step.where, tuple(float(value) * _unit(evidence, index, step) for value in std)
    diagnosis = evidence.diagnosis
    if (
        not evidence.steps_of("normalize")
        and diagnosis is not None
        and diagnosis.kind == "unexplained"
        and not evidence.approximate
    ):
        yield "", diagnosis.implied_std


def _unit(evidence: Evidence, index: int, step: Step) -> float:
    """The factor from the step's std to unit values: constants of 0..255 are divided by 255."""
    if step.values.get("max_value") not in (None, 1.0):
        return 1.0
    scaled = any(
        before.kind == "to_tensor" or (before.kind == "to_dtype" and before.values.get("scale")) or before.kind == "rescale"
        for before in evidence.steps[:index]
    )
    values = [*(step.values.get("mean") or ()), *(step.values.get("std") or ())]
    return 1.0 if scaled or max(map(abs, values), default=0.0) <= 2.0 else 1 / 255


def _list(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
