"""Judge from a few batches how their values were made, and compare that with what the network expects.

Three kinds of evidence. The grid of 8-bit values, where there is one, fixes scale and shift and names the mistake. Range and
spread of images, and mean and std of anything else, show gross mistakes only, and what they cannot show is not reported. What
nothing can be said of is not judged, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tare.checking.inputs import Stage
from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding, Severity
from tare.checking.rules.table import rule_named
from tare.checking.rules.words import listed
from tare.input_spec.affine import Affine
from tare.input_spec.fields import PerSample
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.normalisation.diagnosis import TOLERANCE, diagnose
from tare.pipelines.observation import Observation
from tare.watching.expectation import Expectation
from tare.watching.sample import Seen
from tare.watching.values.ends import Pile, common_ends, cut_off, cut_words, doubt, explained_by, is_bent, piles_inside
from tare.watching.values.grid import MOSTLY, ChannelValues, Grid, fitting, grid_of, snapped
from tare.watching.values.moments import Moments, Reading, predictions, read_moments, read_without_constants, words
from tare.watching.values.own_scale import scaled_by_batch, scaled_by_sample, zscored_by_sample
from tare.watching.values.parts import is_part, made_otherwise, scaled_by_themselves, wholly_beyond
from tare.watching.values.plausible_range import GrossMistake, gross_mistake, is_narrow
from tare.watching.values.window import Cut, cuts

JudgedBy = Literal["grid", "range", "moments", "samples", "none"]

_FORM = ("TARE031", "TARE033", "TARE034")
_VALUES = (
    "TARE001",
    "TARE002",
    "TARE003",
    "TARE004",
    "TARE005",
    "TARE006",
    "TARE007",
    "TARE008",
    "TARE010",
    "TARE011",
    "TARE013",
    "TARE015",
    "TARE016",
    "TARE017",
    "TARE042",
    "TARE043",
    "TARE044",
    "TARE046",
)
# Fewer images do not show the range and spread of the data, fewer rows not the mean and std of their columns.
_FEWEST_IMAGES, _FEWEST_ROWS = 8, 32
_BASIS = {
    "range": "judged by the range of the values alone, as they lie on no grid of 8-bit values",
    "moments": "judged by mean and std of the values alone",
}
# Values this share of a window's width outside of it are no noise of augmentation.
_FAR_OUT = 0.25
# Pixels of one channel that are used: a grid of 256 values shows in far fewer.
_MOST_PIXELS = 16_384


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found in some batches, on which basis, and the grid of every channel where there is one.

    ``unjudged`` is the reason why nothing can be said of the values; empty where they were judged.
    """

    findings: tuple[Finding, ...]
    basis: JudgedBy = "none"
    grids: tuple[Grid | None, ...] = ()
    fits: bool = False
    unjudged: str = ""


def judge_form(seen: Seen, expects: Expectation) -> tuple[Finding, ...]:
    """The findings that shape and dtype alone show."""
    form = seen.look.form
    if not form.layout or form.channels in expects.takes.channels[1:]:
        evidence = _evidence(seen, expects, None)
        return _by_rules(evidence, ("TARE034",)) if _wrong_dtype(seen, expects) else ()
    codes = _FORM if _wrong_dtype(seen, expects) else _FORM[:2]
    return _by_rules(_evidence(seen, expects, None), codes)


def judge(batches: Sequence[Seen], expects: Expectation) -> Judgement:
    """Judge the values of the batches, which must be of one form; the gravest explanation that holds is given once."""
    last = batches[-1]
    form = last.look.form
    if not all(seen.finite for seen in batches):
        return Judgement(_by_rules(_evidence(last, expects, None, finite=False), ("TARE035",)))
    if form.dtype == "uint8":
        return Judgement((), unjudged="bytes arrive, and what the network makes of them is not seen")
    if not form.dtype.startswith(("float", "bfloat")):
        return Judgement((), unjudged=f"values of {form.dtype} arrive, to which no constants were applied")
    stated = _by_statement(batches, expects.spec)
    if stated is not None:
        return stated
    if form.layout:
        return _judge_images(batches, expects)
    own = _own_scale(batches, expects, None)
    return Judgement(own, "samples") if _fail(own) else _with_notes(own, _by_moments(batches, expects))


def _judge_images(batches: Sequence[Seen], expects: Expectation) -> Judgement:
    """Judge images, clips and volumes: by pixels of some, and where those are right, by what the means and stds of all show."""
    found = _by_pixels(batches, expects)
    affine = expects.affine
    if _fail(found.findings) or affine is None or len(affine.scale) != batches[-1].look.form.channels:
        return found
    return _by_means(batches, affine, found.grids) or found


def _by_pixels(batches: Sequence[Seen], expects: Expectation) -> Judgement:
    """By the grid of 8-bit values where the spec is for those, else by range and spread, or mean and std."""
    channels = _channels(batches)
    grids = tuple(grid_of(values) for values in channels)
    affine = expects.affine if expects.affine and len(expects.affine.scale) == len(channels) else None
    part = _by_part(batches, expects, affine, grids) if affine else None
    if part is not None:
        return part
    if affine and fitting(channels, [affine], MOSTLY):
        return _unless_cut(batches, expects, affine, grids)
    own = _own_scale(batches, expects, affine)
    if _fail(own):
        return Judgement(own, "grid" if all(grids) else "samples", grids)
    if affine is None:
        return replace(_with_notes(own, _by_moments(batches, expects)), grids=grids)
    places = fitting(channels, [each for _, each in expects.maps])
    if places:
        fed = expects.maps[places[0]][1]
        explained = _explained(batches[-1], expects, fed, grids)
        return _unless_cut(batches, expects, fed, grids) if explained.fits else explained
    return _by_no_known_map(batches, expects, affine, grids)


def _by_no_known_map(batches: Sequence[Seen], expects: Expectation, affine: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """Judge images that lie on the grid of no known map: by a grid that all of them share, else by range and spread."""
    number = sum(seen.images for seen in batches)
    if number < _FEWEST_IMAGES:  # brightness or contrast of one image alone, changed in floats, makes a grid of its own
        return Judgement((), "none", grids, unjudged=_too_few(number, _FEWEST_IMAGES))
    return _by_grid(batches[-1], expects, affine, grids) if all(grids) else _by_range(batches, expects, affine, grids)


def _unless_cut(batches: Sequence[Seen], expects: Expectation, fed: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """Images on the grid of a right map are right, unless values stop inside of the range of that map."""
    piles = _piles(batches, expects, fed)
    cut = cut_off(piles, on_grid=True)
    if cut:
        return Judgement((_cut(cut_words(cut, fed, on_grid=True)),), "grid", grids)
    few = sum(seen.images for seen in batches) < _FEWEST_IMAGES
    reason = "" if few else doubt(piles, on_grid=True)
    return Judgement((), "none" if reason else "grid", grids, not reason, reason)


def _piles(batches: Sequence[Seen], expects: Expectation, fed: Affine) -> list[Pile]:
    """The piles at ends inside of the range of a map; none where the constants are averages of others."""
    if expects.rough:
        return []
    images = [image for seen in batches for image in seen.pixels]
    epsilon = max(seen.look.form.epsilon for seen in batches)
    return piles_inside(images, np.concatenate([seen.moments for seen in batches], axis=1), fed, epsilon)


def _cut(said: str, severity: Severity | None = None) -> Finding:
    remedy = "leave out what cuts them off (clamp, clip, relu); normalised values are meant to lie outside [0, 1] and [-1, 1]"
    return _found("TARE023", said, remedy, severity)


def _by_part(batches: Sequence[Seen], expects: Expectation, affine: Affine, grids: tuple[Grid | None, ...]) -> Judgement | None:
    """The findings on some of the images, where those were made otherwise than the rest; None where all are alike."""
    epsilon = max(seen.look.form.epsilon for seen in batches)
    images = [image for seen in batches for image in seen.pixels]
    part = made_otherwise(images, epsilon, affine, expects.maps)
    if part is None:
        return None
    if part.fed is not None:
        found: tuple[Finding, ...] = _by_rules(_evidence(batches[-1], expects, part.fed), _VALUES)
    else:
        found = _of_mistake(gross_mistake(part.images, affine, expects.maps), batches[-1], expects)
    if not _fail(found):
        return None
    told = tuple(replace(each, message=f"{part.told} were made otherwise than the rest: {each.message}") for each in found)
    return Judgement(told, "grid" if part.fed is not None else "range", grids)


def _by_means(batches: Sequence[Seen], affine: Affine, grids: tuple[Grid | None, ...]) -> Judgement | None:
    """The findings on some of all images, of which a few pixels of some alone are kept: what their means and stds show."""
    figures = np.concatenate([seen.moments for seen in batches], axis=1)
    means, number = figures[0], figures.shape[1]
    far, own = wholly_beyond(means, affine), scaled_by_themselves(means, figures[1])
    if is_part(int(far.sum()), number):
        said = f"{far.sum()} of {number} images were made otherwise than the rest: their means, from {means[far].min():.4g} to "
        said += f"{means[far].max():.4g}, are beyond what any raw value becomes"
        return Judgement((_found("TARE010", said, "look for a reader without Normalize", "warning"),), "moments", grids)
    if is_part(own, number):
        said = f"{own} of {number} images were made otherwise than the rest: each has mean 0 and std 1, by its own values"
        return Judgement((_found("TARE012", said, "use the network's constants for all images", "warning"),), "samples", grids)
    return None


def _by_statement(batches: Sequence[Seen], spec: InputSpec) -> Judgement | None:
    """Judge values that the specification cuts to a window, or normalises sample by sample; None for any other.

    Values of 8 bits are judged by their grid, which most of them keep where a few are cut.
    """
    eight_bit = isinstance(spec.raw_dtype, Known) and spec.raw_dtype.value == "uint8"
    window = () if eight_bit and isinstance(spec.per_sample, Unknown) else cuts(spec, [seen.moments for seen in batches])
    if window:
        return _by_window(window, spec)
    return _by_samples(batches, spec, spec.per_sample.value) if isinstance(spec.per_sample, Known) else None


def _by_window(window: Sequence[Cut], spec: InputSpec) -> Judgement:
    """Judge values that the specification cuts to a window."""
    farthest = max(window, key=lambda cut: cut.beyond)
    if farthest.beyond:
        said = (
            f"the network takes values that are cut to {farthest.low:.4g}..{farthest.high:.4g}, and they arrive from "
            f"{farthest.least:.4g} to {farthest.most:.4g}"
        )
        before = spec.input_map().why_not_affine()
        remedy = f"do to raw values what the specification states ({before}), as InputSpec.apply does it"
        return Judgement((_found("TARE004", said, remedy, "error" if farthest.beyond > _FAR_OUT else "warning"),), "range")
    if all(cut.touches for cut in window):
        return Judgement((), "range", fits=True)
    inside = f"values lie inside of {farthest.low:.4g}..{farthest.high:.4g}, which the network takes"
    return Judgement((), unjudged=f"{inside}, and not at both ends, which would show that they were cut")


def _by_samples(batches: Sequence[Seen], spec: InputSpec, convention: PerSample) -> Judgement:
    """Judge values of which each sample is to have a mean of 0 and a std of 1 by itself."""
    if convention.kind != "zscore":
        return Judgement((), unjudged=f"whether each sample was scaled by its own values ({convention.kind}) is not looked at")
    if any(isinstance(each, Known) and set(each.value) != {number} for each, number in ((spec.mean, 0.0), (spec.std, 1.0))):
        return Judgement((), unjudged="constants after the normalisation of each sample are not looked at")
    number = sum(seen.images for seen in batches)
    if zscored_by_sample(batches, convention.over):
        return Judgement((), "samples", fits=True)
    if number < _FEWEST_IMAGES:
        return Judgement((), unjudged=_too_few(number, _FEWEST_IMAGES))
    figures = np.concatenate([seen.moments for seen in batches], axis=1)
    means, stds = figures[0].mean(axis=1), np.sqrt(figures[1].mean(axis=1) + figures[0].var(axis=1))
    if np.median(np.abs(means)) <= 1 and 1 / 3 <= np.median(stds) <= 3:
        return Judgement((), unjudged="samples have a mean near 0 and a std near 1, but not exactly: they may be padded")
    said = (
        f"the network takes samples that are each normalised by their own mean and std, and they arrive with means from "
        f"{means.min():.4g} to {means.max():.4g} and stds from {stds.min():.4g} to {stds.max():.4g}"
    )
    remedy = f"subtract the mean of each {convention.over} and divide by its std"
    return Judgement((_found("TARE004", said, remedy, "warning"),), "samples")


def _by_moments(batches: Sequence[Seen], expects: Expectation) -> Judgement:
    """Gross mistakes that mean and std show, as warnings that name their basis."""
    form, constants = batches[-1].look.form, expects.constants
    count, number = form.channels, sum(seen.images for seen in batches)
    few = _FEWEST_ROWS if form.axes == "NC" else _FEWEST_IMAGES
    if constants is None and "stated_for" not in expects.spec.extra:
        return Judgement((), unjudged=expects.unknown)
    if constants is not None and len(constants.mean) not in (1, count):
        return Judgement((), unjudged=f"the spec states {len(constants.mean)} channels, and {count} arrive")
    if number < few:
        return Judgement((), unjudged=_too_few(number, few))
    seen = Moments.of(np.concatenate([each.moments for each in batches], axis=1))
    ends: tuple[Sequence[float], Sequence[float]] | None = None
    if constants is None:
        reading = read_without_constants(seen)
    else:
        mean, std = (values * (count if len(values) == 1 else 1) for values in (constants.mean, constants.std))
        ends = None if isinstance(expects.spec.clip, Known) else (mean, std)
        reading = read_moments(seen, [*predictions(mean, std, constants.scale, constants.raw_dtype, constants.origin)])
    judged = _read(reading, seen)
    common = common_ends([each for one in batches for each in one.pixels], *ends) if judged.fits and ends else None
    return judged if common is None else Judgement((), unjudged=common)


def _read(reading: Reading, seen: Moments) -> Judgement:
    mistake = reading.mistake
    if mistake is None:
        return Judgement((), "moments" if reading.fits else "none", fits=reading.fits, unjudged=reading.reason)
    said = mistake.said if mistake.moments is seen else f"{mistake.said}: {words(seen)} arrive"
    return Judgement((_found(mistake.code, f"{said} ({_BASIS['moments']})", mistake.remedy, "warning"),), "moments")


def _found(code: str, message: str, remedy: str, severity: Severity | None = None) -> Finding:
    rule = rule_named(code)
    return Finding(rule.code, severity or rule.severity, message, remedy)


def _with_notes(notes: tuple[Finding, ...], judged: Judgement) -> Judgement:
    return replace(judged, findings=(*notes, *judged.findings))


def _fail(found: Sequence[Finding]) -> bool:
    return any(each.fails for each in found)


def _too_few(number: int, enough: int) -> str:
    return f"too few samples: {number}, and at least {enough} are needed"


def _explained(last: Seen, expects: Expectation, fed: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """The findings for a map on whose grid the values lie."""
    found = _by_rules(_evidence(last, expects, fed), _VALUES)
    return Judgement(found, "grid", grids, not found)


def _by_grid(last: Seen, expects: Expectation, expected: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """A grid that no mistake makes exactly: the closest one to rounding, or constants of unknown origin."""
    if expects.rough:
        return Judgement((), "grid", grids)  # constants of other channels: only gross mistakes, and this is none
    known = [grid for grid in grids if grid]
    widest = _span(expected)
    for _, candidate in expects.maps:
        fed = snapped(known, candidate)
        if fed.distance(candidate) <= TOLERANCE * max(1.0, _span(candidate) / widest):
            return _explained(last, expects, fed, grids)
    fed = snapped(known, expected)
    found = _by_rules(_evidence(last, expects, fed), _VALUES)
    if min(grid.levels for grid in known) < 250:  # the raw level of the darkest value is not known: only the std is certain
        said = _only_the_std(known, expects.spec)
        found = tuple(replace(one, message=said) if one.code == "TARE010" else one for one in found)
    return Judgement(found, "grid", grids, not found)


def _only_the_std(grids: list[Grid], spec: InputSpec) -> str:
    stds = ", ".join(f"{1 / (255 * grid.step):.4g}" for grid in grids)
    own = "the spec's" if not isinstance(spec.std, Known) else listed(spec.std.value)
    return f"8-bit values arrive {listed([grid.step for grid in grids])} apart, which amounts to a std of ({stds}), not {own}"


def _by_range(batches: Sequence[Seen], expects: Expectation, affine: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """Gross mistakes that range and spread show, as warnings that name their basis; and what these cannot tell."""
    images = [image for seen in batches for image in seen.pixels]
    piles = _piles(batches, expects, affine)
    moments = np.concatenate([seen.moments for seen in batches], axis=1)
    cut = cut_off(piles, on_grid=False)
    if cut and not explained_by(cut, moments, [each for _, each in expects.maps]):
        return Judgement((_cut(f"{cut_words(cut, affine, on_grid=False)} ({_BASIS['range']})", "warning"),), "range", grids)
    mistake = gross_mistake(images, affine, expects.maps)
    found = _of_mistake(mistake, batches[-1], expects)
    if found or expects.rough:
        return Judgement(found, "range", grids, mistake is None)
    reason = doubt(piles, on_grid=False)
    if not reason and is_bent(_channels(batches), affine, batches[-1].look.form.epsilon):
        reason = (
            "values are as few as those of 8-bit images, and lie on no levels of the network's: a curve or another map made them"
        )
    if not reason and is_narrow(images, affine):
        reason = (
            "values lie in a small part of the range that the network's constants give to raw values: dark or flat images do, "
            "and values that were squeezed"
        )
    return Judgement((), "none" if reason else "range", grids, not reason, reason)


def _of_mistake(mistake: GrossMistake | None, last: Seen, expects: Expectation) -> tuple[Finding, ...]:
    """The findings for what range and spread show, as warnings that name their basis."""
    if mistake is None or (expects.rough and mistake.fed is None):
        return ()
    if mistake.fed is not None:
        found = _by_rules(_evidence(last, expects, mistake.fed, approximate=True), _VALUES)
    else:
        found = (_found(mistake.code, mistake.message, mistake.remedy),)
    return tuple(replace(one, severity="warning", message=f"{one.message} ({_BASIS['range']})") for one in found)


def _own_scale(batches: Sequence[Seen], expects: Expectation, affine: Affine | None) -> tuple[Finding, ...]:
    """TARE012 for samples, or batches, that were scaled by their own values.

    Volumes, signals and rows are often normalised each by itself, so that without a known spec it is worth a note only.
    """
    form = batches[-1].look.form
    usual = form.axes not in ("NCHW", "NHWC") and isinstance(expects.spec.mean, Unknown)
    if scaled_by_sample(batches, affine):
        found = _by_rules(_evidence(batches[-1], expects, None, by_image=True), ("TARE012",))
        if form.layout and not usual:
            return found
        said = "every sample has mean 0 and std 1: it is scaled by its own values, and equal raw values become different numbers"
        return (_found("TARE012", said, "use the network's constants, unless it was trained so", "note" if usual else None),)
    if scaled_by_batch(batches):
        said = "every batch has mean 0 and std 1: it is scaled by its own values, and equal raw values become different numbers"
        return (_found("TARE012", said, "use constants: those the network was trained with"),)
    return ()


def _channels(batches: Sequence[Seen]) -> list[ChannelValues]:
    """The values of every channel, pooled over the sampled images and thinned evenly to about 16,384 pixels."""
    epsilon = max(seen.look.form.epsilon for seen in batches)
    images = [image for seen in batches for image in seen.pixels]
    thinned = max(1, sum(image.shape[1] for image in images) // _MOST_PIXELS)
    sampled = [image[:, place % thinned :: thinned] for place, image in enumerate(images)]
    return [ChannelValues.of(np.concatenate([image[c] for image in sampled]), epsilon) for c in range(len(images[0]))]


def _evidence(
    seen: Seen,
    expects: Expectation,
    fed: Affine | None,
    *,
    approximate: bool = False,
    by_image: bool = False,
    finite: bool = True,
) -> Evidence:
    form = seen.look.form
    stage: Stage = "train" if seen.look.training else "eval"
    observed = Observation(
        affine=fed,
        shape=form.image,
        layout=form.layout or "HW",
        dtype=form.dtype,
        low=float(seen.moments[2].min()),
        high=float(seen.moments[3].max()),
        by_image=by_image,
        random_values=approximate,
        finite=finite,
    )
    evidence = Evidence(
        expects.spec,
        expects.network,
        stage,
        seen=observed,
        fed=fed,
        measured=expects.measured,
        conventions=expects.conventions,
    )
    if fed is None or expects.affine is None:
        return evidence
    return replace(evidence, diagnosis=diagnose(fed, expects.affine, expects.conventions))


def _by_rules(evidence: Evidence, codes: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of the rules with these codes; remedies name the argument instead of the command line's option."""
    found = (finding for code in codes for finding in rule_named(code).findings(evidence))
    return tuple(replace(one, remedy=one.remedy.replace("with --data", "with data=")) for one in found)


def _wrong_dtype(seen: Seen, expects: Expectation) -> bool:
    dtype = seen.look.form.dtype
    return dtype in ("float64", "int64", "int32") and dtype != expects.weights


def _span(affine: Affine) -> float:
    return 255 * max(abs(scale) for scale in affine.scale)
