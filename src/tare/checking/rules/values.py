"""Rules on values: the map from raw value to network input that was seen, against the one the network was trained with."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import Said
from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import Known
from tare.input_spec.words import names_in_order

# Where medians of random values are all there is, only mistakes that change the range can be told.
_GROSS = {"times_255", "divided_twice", "twice", "not_normalised_raw", "not_normalised_unit"}

#: Stds of unit values that pipelines state, from that of a faint image to none at all.
_USUAL_STD = (0.04, 2.0)


def times_255(evidence: Evidence) -> Iterator[Said]:
    """Values of 0..255 where [0, 1] is expected."""
    others = _raw_with_other_constants(evidence)
    if _kind(evidence) == "times_255" or others:
        whose = " with constants that are not the network's" if others else ""
        yield Said(
            f"values of 0..255 are normalised{whose} as if they were in [0, 1]: {_numbers(evidence)}",
            "divide by 255 before normalising: ToTensor() on 8-bit images, v2.ToDtype(torch.float32, scale=True), "
            "do_rescale=True, or A.Normalize with max_pixel_value=255",
            _where(evidence),
        )


def divided_twice(evidence: Evidence) -> Iterator[Said]:
    """Divided by 255 twice, or [0, 1] where 0..255 is expected."""
    if _kind(evidence) != "divided_twice":
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
    yield Said(f"{cause}: {_numbers(evidence)}", remedy, _where(evidence))


def twice(evidence: Evidence) -> Iterator[Said]:
    """Normalised twice, or for a network that normalises inside."""
    kind = _kind(evidence)
    if kind in ("twice", "twice_other"):
        other = evidence.diagnosis.other if evidence.diagnosis else ""
        with_whose = f" (once with the constants of {other!r})" if other else ""
        yield Said(
            f"the images are normalised twice{with_whose}: {_numbers(evidence)}",
            "remove one of the two: a Normalize of yours, of the processor, or in the exported model",
            _where(evidence),
        )
    if kind == "normalised_for_network_that_does_it_itself" and evidence.diagnosis:
        yield Said(
            f"the images are normalised with the constants of {evidence.diagnosis.other!r}, and {evidence.network} takes plain "
            f"values or normalises them itself: {_numbers(evidence)}",
            "remove the Normalize from the pipeline",
            _where(evidence),
        )


def not_normalised(evidence: Evidence) -> Iterator[Said]:
    """No normalisation at all."""
    kind = _kind(evidence)
    if kind in ("not_normalised_unit", "not_normalised_raw"):
        what = "0..255" if kind == "not_normalised_raw" else "[0, 1]"
        yield Said(
            f"values of {what} reach the network without normalisation: {_numbers(evidence)}",
            f"add a Normalize with the network's constants, {_constants(evidence)}",
            _where(evidence),
        )


def other_constants(evidence: Evidence) -> Iterator[Said]:
    """Another model's or dataset's constants."""
    diagnosis = evidence.diagnosis
    if _kind(evidence) == "other_constants" and diagnosis and not _is_target(evidence):
        yield Said(
            f"the constants are those of {diagnosis.other!r} (mean {_list(diagnosis.implied_mean)}, std "
            f"{_list(diagnosis.implied_std)}), not those of {evidence.network}: {_numbers(evidence)}",
            f"use {_constants(evidence)}",
            _where(evidence),
        )


def swapped(evidence: Evidence) -> Iterator[Said]:
    """Mean and std exchanged."""
    if _kind(evidence) == "swapped":
        message = f"mean and std are exchanged: {_numbers(evidence)}"
        yield Said(message, f"use {_constants(evidence)}, in this order", _where(evidence))


def std_is_mean(evidence: Evidence) -> Iterator[Said]:
    """One list of numbers used as mean and as std."""
    if _kind(evidence) == "std_is_mean":
        message = f"mean and std are the same numbers: {_numbers(evidence)}"
        yield Said(message, f"use {_constants(evidence)}", _where(evidence))


def reversed_channels(evidence: Evidence) -> Iterator[Said]:
    """Blue where red is expected."""
    diagnosis = evidence.diagnosis
    if diagnosis and diagnosis.reversed_channels and diagnosis.kind != "unexplained":
        wants = evidence.spec.channels.value if isinstance(evidence.spec.channels, Known) else "RGB"
        gets = {"RGB": "BGR", "BGR": "RGB"}.get(wants, "BGR")
        yield Said(
            f"red and blue are exchanged: the network expects {wants} and receives {gets}",
            "reverse the channels: cv2.cvtColor(image, cv2.COLOR_BGR2RGB) after cv2.imread, or image[..., ::-1]",
            _where(evidence),
        )


def unexplained(evidence: Evidence) -> Iterator[Said]:
    """Constants that are neither the network's nor any known ones, nor the data's."""
    diagnosis = evidence.diagnosis
    if _kind(evidence) != "unexplained" or diagnosis is None or evidence.approximate or _is_target(evidence):
        return
    if evidence.seen is not None and (evidence.seen.by_image or not evidence.seen.finite):
        return
    if _raw_with_other_constants(evidence) or min(diagnosis.implied_std) < 1e-3:
        return  # a matter of TARE001 or TARE041
    yield Said(
        f"the pipeline amounts to mean {_list(diagnosis.implied_mean)} and std {_list(diagnosis.implied_std)} in unit values, "
        f"constants that nobody published and {evidence.network} was not trained with: {_numbers(evidence)}",
        f"use {_constants(evidence)}; if these are statistics of your own data, say so with --data",
        _where(evidence),
    )


def bit_depth(evidence: Evidence) -> Iterator[Said]:
    """A divisor that belongs to another bit depth."""
    if _kind(evidence) == "bit_depth" and evidence.diagnosis:
        yield Said(
            f"8-bit values are divided by {evidence.diagnosis.other}: {_numbers(evidence)}",
            "divide by the range of the dtype: 255 for 8 bits, 65535 for 16",
            _where(evidence),
        )


def by_image(evidence: Evidence) -> Iterator[Said]:
    """Scaled by each image's own minimum or maximum."""
    named = [step for _, step in evidence.steps_of("normalize_by_image")]
    if named or (evidence.seen is not None and evidence.seen.by_image):
        which = f" ({named[0].name})" if named else ""
        said = (
            "an image whose largest raw value is 1 or less is scaled otherwise than all others: a black frame with a few dark "
            "pixels comes out white"
            if evidence.seen is not None and evidence.seen.threshold
            else f"every image is scaled by its own values{which}: the same raw value reaches the network as different numbers, "
            "and a dark image comes out like a bright one"
        )
        yield Said(
            said,
            "divide by the range of the dtype (255 for 8 bits), whatever values the image has",
            named[0].where if named else "",
        )


def formula(evidence: Evidence) -> Iterator[Said]:
    """A slip in (x - mean) / std."""
    said = {
        "std_not_applied": "the mean is subtracted, and nothing is divided by the std",
        "mean_not_subtracted": "values are divided by the std, and the mean is not subtracted",
        "mean_added": "the mean is added where it should be subtracted",
        "variance_for_std": "values are divided by the variance (std squared) where the std is meant",
    }.get(_kind(evidence) or "")
    if said:
        yield Said(f"{said}: {_numbers(evidence)}", f"apply (x - mean) / std with {_constants(evidence)}", _where(evidence))


def not_affine(evidence: Evidence) -> Iterator[Said]:
    """A curve, or a mixture of channels, in an evaluation pipeline."""
    seen = evidence.seen
    if seen is None or seen.affine is not None or evidence.stage == "train" or seen.by_image or not seen.finite:
        return
    if seen.clamped != (None, None) or seen.random:
        return
    cause = "channels are mixed" if seen.mixed else "raw values reach the network along a curve, not a line"
    yield Said(
        f"{cause}: no mean and std describe what this pipeline does",
        "remove the step that changes colours or contrast (gamma, equalisation, a colour matrix) from evaluation",
    )


def _kind(evidence: Evidence) -> str | None:
    diagnosis = evidence.diagnosis
    if diagnosis is None or (evidence.approximate and diagnosis.kind not in _GROSS):
        return None
    return diagnosis.kind


def _raw_with_other_constants(evidence: Evidence) -> bool:
    """Whether constants of [0, 1] that nobody published act on 0..255: stds that are usual there, 255 times too small here."""
    expected = _expected(evidence)
    if _kind(evidence) != "unexplained" or evidence.diagnosis is None or expected is None:
        return False
    usual, stds = 1 / (255 * max(expected.scale)), evidence.diagnosis.implied_std
    return usual > _USUAL_STD[0] and all(_USUAL_STD[0] < 255 * abs(std) < _USUAL_STD[1] for std in stds)


def _is_target(evidence: Evidence) -> bool:
    """Whether the fed constants are statistics of the user's own data, under any definition of std."""
    diagnosis = evidence.diagnosis
    if diagnosis is None or evidence.measured is None:
        return False
    return any(agrees(diagnosis.implied_mean, diagnosis.implied_std, stats) for stats in _all_stats(evidence))


def _all_stats(evidence: Evidence) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    measured = evidence.measured
    for stats in (measured.train, measured.held_out, measured.everything) if measured else ():
        if stats is not None:
            yield stats.mean, stats.std
            yield stats.mean, tuple(channel.mean_of_sample_std for channel in stats.channels)
            yield stats.mean, tuple(channel.root_mean_sample_variance for channel in stats.channels)


def agrees(
    mean: tuple[float, ...], std: tuple[float, ...], stats: tuple[tuple[float, ...], tuple[float, ...]], tolerance: float = 2e-3
) -> bool:
    """Whether mean and std are these statistics, to what people round to."""
    pairs = [*zip(mean, stats[0], strict=False), *zip(std, stats[1], strict=False)]
    return len(mean) == len(stats[0]) and all(abs(a - b) <= tolerance for a, b in pairs)


def _numbers(evidence: Evidence) -> str:
    """What raw 0 and 255 become, and what they should become, in the channel where it differs most."""
    fed, expected = evidence.fed, _expected(evidence)
    if fed is None or expected is None:
        return "the network receives something else"
    ends = [
        [affine.scale[c] * v + affine.shift[c] for v in (0, 255)] for affine in (fed, expected) for c in range(len(fed.scale))
    ]
    got, want = ends[: len(fed.scale)], ends[len(fed.scale) :]
    worst = max(range(len(got)), key=lambda c: max(abs(a - b) for a, b in zip(got[c], want[c], strict=True)))
    order = evidence.spec.channels.value if isinstance(evidence.spec.channels, Known) else ""
    name = names_in_order(order, len(got))[worst]
    about = "about " if evidence.approximate else ""
    return (
        f"raw 0..255 ({name}) arrives as {about}{got[worst][0]:.5g}..{got[worst][1]:.5g}, and the network was trained with "
        f"{want[worst][0]:.5g}..{want[worst][1]:.5g}"
    )


def _expected(evidence: Evidence) -> Affine | None:
    try:
        return evidence.spec.affine()
    except SpecError:
        return None


def _constants(evidence: Evidence) -> str:
    spec = evidence.spec
    if not (isinstance(spec.mean, Known) and isinstance(spec.std, Known)):
        return "its own constants"
    return f"mean {_list(spec.mean.value)} and std {_list(spec.std.value)} ({spec.mean.origin})"


def _list(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def _where(evidence: Evidence) -> str:
    return " and ".join(step.where for _, step in evidence.steps_of("normalize")[:2])
