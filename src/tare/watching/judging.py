"""Judge from a few batches how their values were made, and compare that with what the network expects.

Two kinds of evidence. The grid of 8-bit values, where there is one, fixes scale and shift and names the mistake. Range and
spread alone show gross mistakes only, and what they cannot show is not reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tare.checking.inputs import Stage
from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding
from tare.checking.rules.table import rule_named
from tare.checking.rules.words import listed
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.diagnosis import TOLERANCE, diagnose
from tare.pipelines.observation import Observation
from tare.watching.expectation import Expectation
from tare.watching.grid import MOSTLY, ChannelValues, Grid, fitting, grid_of, snapped
from tare.watching.own_scale import scaled_by_batch, scaled_by_image
from tare.watching.plausible_range import gross_mistake
from tare.watching.sample import Seen

JudgedBy = Literal["grid", "range", "none"]

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
# Fewer images do not show the range and spread of the data.
_FEWEST_IMAGES = 8
# Pixels of one channel that are used: a grid of 256 values shows in far fewer.
_MOST_PIXELS = 16_384


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found in some batches, on which basis, and the grid of every channel where there is one."""

    findings: tuple[Finding, ...]
    basis: JudgedBy = "none"
    grids: tuple[Grid | None, ...] = ()
    fits: bool = False


def judge_form(seen: Seen, expects: Expectation) -> tuple[Finding, ...]:
    """The findings that shape and dtype alone show."""
    form = seen.look.form
    if not form.layout or form.channels in expects.channels[1:]:
        evidence = _evidence(seen, expects, None)
        return _by_rules(evidence, ("TARE034",)) if _wrong_dtype(seen, expects) else ()
    codes = _FORM if _wrong_dtype(seen, expects) else _FORM[:2]
    return _by_rules(_evidence(seen, expects, None), codes)


def judge(batches: Sequence[Seen], expects: Expectation) -> Judgement:
    """Judge the values of the batches, which must be of one form; the gravest explanation that holds is given once."""
    last = batches[-1]
    if not all(seen.finite for seen in batches):
        return Judgement(_by_rules(_evidence(last, expects, None, finite=False), ("TARE035",)))
    if not last.look.form.dtype.startswith(("float", "bfloat")) or not last.look.form.layout:
        return Judgement(())  # bytes are scaled by the network itself, and rows are no images
    channels = _channels(batches)
    grids = tuple(grid_of(values) for values in channels)
    affine = expects.affine if expects.affine and len(expects.affine.scale) == len(channels) else None
    if affine and fitting(channels, [affine], MOSTLY):
        return Judgement((), "grid", grids, True)
    own = _own_scale(batches, expects, affine)
    if own or affine is None:
        return Judgement(own, "grid" if all(grids) else "none", grids)
    places = fitting(channels, [each for _, each in expects.maps])
    if places:
        return _explained(last, expects, expects.maps[places[0]][1], grids)
    return _by_grid(last, expects, affine, grids) if all(grids) else _by_range(batches, expects, affine, grids)


def _explained(last: Seen, expects: Expectation, fed: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """The findings for a map on whose grid the values lie."""
    found = _by_rules(_evidence(last, expects, fed), _VALUES)
    return Judgement(found, "grid", grids, not found)


def _by_grid(last: Seen, expects: Expectation, expected: Affine, grids: tuple[Grid | None, ...]) -> Judgement:
    """A grid that no mistake makes exactly: the closest one to rounding, or constants of unknown origin."""
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
    """Gross mistakes that range and spread show, as warnings that name their basis."""
    if sum(seen.images for seen in batches) < _FEWEST_IMAGES:
        return Judgement((), "none", grids)
    mistake = gross_mistake([image for seen in batches for image in seen.pixels], affine, expects.maps)
    if mistake is None:
        return Judgement((), "range", grids, True)
    basis = "judged by the range of the values alone, as they lie on no grid of 8-bit values"
    if mistake.fed is not None:
        found = _by_rules(_evidence(batches[-1], expects, mistake.fed, approximate=True), _VALUES)
    else:
        rule = rule_named(mistake.code)
        found = (Finding(rule.code, rule.severity, mistake.message, mistake.remedy),)
    found = tuple(replace(one, severity="warning", message=f"{one.message} ({basis})") for one in found)
    return Judgement(found, "range", grids)


def _own_scale(batches: Sequence[Seen], expects: Expectation, affine: Affine | None) -> tuple[Finding, ...]:
    """TARE012 for images, or batches, that were scaled by their own values."""
    if scaled_by_image(batches, affine):
        return _by_rules(_evidence(batches[-1], expects, None, by_image=True), ("TARE012",))
    if scaled_by_batch(batches):
        rule = rule_named("TARE012")
        said = "every batch has mean 0 and std 1: it is scaled by its own values, and equal raw values become different numbers"
        return (Finding(rule.code, rule.severity, said, "use constants: those the network was trained with"),)
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
