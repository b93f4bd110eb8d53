"""Rules on channels, layout and dtype, and on stds that are zero or tiny."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Fix
from tare.checking.rules.rule import NORMALIZE, TO_FLOAT, Problem, rule
from tare.checking.rules.words import listed, where_normalised
from tare.errors import SpecError
from tare.input_spec.fields import UNSTATED
from tare.input_spec.spec import Known
from tare.pipelines.step import Step
from tare.samples.constants import code_range

_REVERSE = "reverse the channels: cv2.cvtColor(image, cv2.COLOR_BGR2RGB) after cv2.imread, or image[..., ::-1]"
_REVERSE_BEHIND = (
    "reverse the channels behind the normalisation (x[..., [2, 1, 0], :, :]) or take out what reverses them there; the constants "
    "fit the channels as they arrive"
)
#: The smallest std, in unit values, that is not reported; it is also the floor of the strategies. With a smaller one, a
#: difference of the full range is more than 1000 sigma.
_LEAST_STD = 1e-3
_SMALLEST_NORMAL = 2.0**-126


@rule(
    "TARE008",
    "channel-order",
    "error",
    wrong="image = cv2.imread(path); x = transform(image)",
    right="image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)",
)
def red_and_blue_exchanged(evidence: Evidence) -> Iterator[Problem]:
    """Red and blue exchanged.

    cv2.imread gives blue first. PIL, torchvision and nearly all PyTorch networks expect red first; caffe networks expect blue
    first. Confidence falls a little and nothing fails.
    """
    diagnosis = evidence.diagnosis
    if diagnosis and diagnosis.reversed_channels and diagnosis.kind != "unexplained":
        wants = evidence.spec.channels.value if isinstance(evidence.spec.channels, Known) else "RGB"
        gets = {"RGB": "BGR", "BGR": "RGB"}.get(wants, "BGR")
        yield Problem(
            f"red and blue are exchanged: the network expects {wants} and receives {gets}",
            _REVERSE_BEHIND if _fits_what_arrives(evidence) else _REVERSE,
            where_normalised(evidence),
            (Fix("reverse_channels"),),
        )


def _fits_what_arrives(evidence: Evidence) -> bool:
    """Whether each colour has its own constants already, so that an image in the other order would get those of another one."""
    fed = evidence.fed
    if fed is None or len(fed.scale) != 3:
        return False
    try:
        wanted = evidence.spec.affine()
    except SpecError:
        return False
    pairs = zip((*fed.scale, *fed.shift), (*wanted.scale[::-1], *wanted.shift[::-1]), strict=True)
    return wanted.scale != wanted.scale[::-1] and all(math.isclose(*pair, rel_tol=1e-3, abs_tol=1e-3) for pair in pairs)


@rule(
    "TARE030",
    "grey-in-colour",
    "warning",
    wrong=f"v2.Grayscale(3), {TO_FLOAT}, {NORMALIZE}",
    right="v2.Normalize((0.449,) * 3, (0.226,) * 3)   # or timm.create_model(..., in_chans=1)",
)
def grey_with_colour_constants(evidence: Evidence) -> Iterator[Problem]:
    """Grey copied to three channels with three different constants.

    Grayscale(3) and ImageNet's constants give every grey level a tint. This is common and mostly harmless in fine-tuning, but a
    frozen network sees a colour cast.
    """
    copied = [step for _, step in evidence.steps_of("grayscale") if step.values.get("channels") == 3 and not step.random]
    grey = evidence.seen is not None and evidence.seen.grey
    fed = evidence.fed
    if not (copied or grey) or fed is None or len(fed.scale) != 3 or (evidence.approximate and not copied):
        return
    spread = max(max(fed.shift) - min(fed.shift), 255 * (max(fed.scale) - min(fed.scale)))
    if spread > 0.02:
        yield Problem(
            f"grey images are copied to three channels and normalised with three different constants: one grey level arrives as "
            f"three numbers up to {spread:.2g} input std apart, a tint that the training photographs did not have on average",
            "keep it if the network was trained on grey images in this way; else use the mean of the three constants for each "
            "channel, or make the first layer take one channel",
            copied[0].where if copied else "",
        )


@rule("TARE031", "channel-count", "error", wrong="Normalize with three constants on a one-channel image", right=NORMALIZE)
def channel_count(evidence: Evidence) -> Iterator[Problem]:
    """Constants or images with another number of channels.

    Three constants on a one-channel image are broadcast to three channels, silently, or refused; a network for three channels
    refuses one.
    """
    expected = evidence.channels
    for at, step in evidence.steps_of("normalize"):
        mean, std = step.values.get("mean") or (), step.values.get("std") or ()
        grey = [
            one for _, one in evidence.steps_of("grayscale") if one.values.get("channels") == 1 and one in evidence.steps[:at]
        ]
        if grey and not grey[0].random and len(mean) > 1:
            yield Problem(
                f"{grey[0].name} leaves one channel, and Normalize has constants for {len(mean)}",
                "state one mean and one std, the averages of the three; or keep three channels: Grayscale(3)",
                step.where,
            )
            continue
        if len(mean) != len(std) and 1 not in (len(mean), len(std)):
            counts = f"Normalize has {len(mean)} means and {len(std)} stds"
            yield Problem(counts, "state one mean and one std per channel", step.where)
        elif expected is not None and len(mean) not in (1, expected):
            counts = f"Normalize has constants for {len(mean)} channels and {evidence.network} takes {expected}"
            yield Problem(
                counts, "use the network's constants, or build the network for your channels (timm: in_chans)", step.where
            )
    seen = evidence.seen
    if seen is not None and expected is not None and seen.channels != expected:
        counts = f"the pipeline gives {seen.channels} channels (shape {seen.shape}) and {evidence.network} takes {expected}"
        yield Problem(counts, "convert colours first: image.convert('RGB'), v2.RGB(), or v2.Grayscale(1)")


@rule(
    "TARE032",
    "alpha",
    "note",
    wrong="x = torch.from_numpy(np.asarray(Image.open(path)))",
    right="image = Image.open(path).convert('RGB')",
)
def alpha_passed_on(evidence: Evidence) -> Iterator[Problem]:
    """Alpha reaches the network.

    A PNG with transparency has four channels. Without a conversion the fourth channel is passed on.
    """
    if evidence.alpha is not None and evidence.alpha == (evidence.channels or 3) + 1:
        yield Problem(
            f"an image with alpha comes out with {evidence.alpha} channels: transparency reaches the network as a colour",
            "convert first: image.convert('RGB'), or composite over a background",
        )


@rule(
    "TARE040",
    "impossible-std",
    "error",
    wrong="v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 0.0))",
    right="v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 1.0))",
)
def impossible_std(evidence: Evidence) -> Iterator[Problem]:
    """A std of zero.

    A constant channel has a std of 0. Dividing by it gives NaN or infinity.
    """
    for where, std in _stds(evidence):
        bad = [value for value in std if not math.isfinite(value) or value < _SMALLEST_NORMAL]
        if bad:
            message = f"a std of {bad[0]:g} in {listed(std)}: nothing can be divided by it"
            yield Problem(message, "drop a constant channel, or give it a std of 1", where)


@rule("TARE041", "tiny-std", "error", wrong="v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 1e-6))", right="floor the std at 0.001")
def tiny_std(evidence: Evidence) -> Iterator[Problem]:
    """Inputs beyond 1000 sigma.

    Divided by the std of a nearly constant channel, the smallest change becomes thousands of sigma. If a joint of a robot never
    moved in the target's data, or a spectral band is almost empty, a single unusual sample makes the loss explode.
    """
    if evidence.mistake == "raw_mean":
        return  # the std is of another scale than the mean: TARE016
    for where, std in _stds(evidence):
        bad = [value for value in std if _SMALLEST_NORMAL <= value < _LEAST_STD]
        if bad:
            yield Problem(
                f"a std of {bad[0]:g} in unit values: a full-range difference reaches the network as {1 / bad[0]:.0f} sigma",
                f"floor the std at {_LEAST_STD:g}, or drop the nearly constant channel",
                where,
            )


@rule("TARE033", "layout", "error", wrong="A.Compose([A.Normalize()])", right="A.Compose([A.Normalize(), ToTensorV2()])")
def channels_last(evidence: Evidence) -> Iterator[Problem]:
    """Channels in another place than the network expects.

    PyTorch networks take (C, H, W); images of NumPy and Keras are (H, W, C).
    """
    seen = evidence.seen
    if seen is None or seen.layout == "HW":
        return
    if evidence.spec.layout == UNSTATED:
        wants = "NCHW"  # as every PyTorch network
    elif isinstance(evidence.spec.layout, Known):
        wants = evidence.spec.layout.value
    else:
        return
    # A pipeline of single frames is no mistake for a network of clips.
    if sorted(seen.layout) == sorted(wants[1:]) and seen.layout != wants[1:]:
        axes = ", ".join(wants[1:])
        remedy = "permute to (C, H, W): ToTensor(), A.ToTensorV2()" if wants == "NCHW" else f"permute to ({axes})"
        said = f"the pipeline gives {seen.layout} (shape {seen.shape}) and the network takes {wants[1:]}"
        yield Problem(said, remedy, fix=(Fix("permute"),))


@rule(
    "TARE035",
    "not-finite",
    "error",
    wrong="x = (x - x.mean()) / x.std()   # of a constant channel",
    right="x = (x - mean) / std",
)
def not_finite(evidence: Evidence) -> Iterator[Problem]:
    """NaN or Inf.

    Somewhere a range or std is zero. Every later layer becomes NaN.
    """
    if any(impossible_std.check(evidence)):
        return  # that rule reports it, with the reason
    if evidence.seen is not None and not evidence.seen.finite and not evidence.seen.by_image:
        yield Problem("the pipeline gives NaN or Inf for ordinary images", "look for a division by a std or range of zero")


@rule(
    "TARE034",
    "dtype",
    "warning",
    wrong="x = torch.from_numpy(np.asarray(image) / 255)",
    right="x = torch.from_numpy(np.asarray(image, np.float32) / 255)",
)
def not_float32(evidence: Evidence) -> Iterator[Problem]:
    """Not float32.

    If NumPy divides integers, the result is float64, and torch keeps that type. It takes twice the memory and fails at the first
    layer.
    """
    if evidence.seen is not None and evidence.seen.dtype in ("float64", "int64", "int32"):
        said = f"the pipeline gives {evidence.seen.dtype}, and networks take float32"
        yield Problem(said, "end with .float(), or v2.ToDtype(torch.float32)", fix=(Fix("to_float32"),))


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
    """The factor that converts the step's std to unit values: 1/255 for constants of 0..255, else 1."""
    if step.values.get("max_value") not in (None, 1.0):
        return 1.0
    scaled = any(
        before.kind == "to_tensor" or (before.kind == "to_dtype" and before.values.get("scale")) or before.kind == "rescale"
        for before in evidence.steps[:index]
    )
    return 1.0 if scaled or code_range(step.values.get("mean") or (), step.values.get("std") or ()) is None else 1 / 255
