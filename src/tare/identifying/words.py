"""The sentences of an identification: the reason, and which images would separate the remaining candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tare.identifying.candidates import Candidate
from tare.identifying.estimate import Estimated
from tare.identifying.fingerprint.front import NetworkFront
from tare.identifying.result import Ranked

_COLOURS = ("red", "green", "blue")


def reason_for(ranking: Sequence[Ranked], members: Sequence[Ranked], front: NetworkFront, *, listed: bool, alone: bool) -> str:
    """One sentence on why these candidates remain."""
    best = members[0]
    where = f"the moments that {front.name!r} stores"
    if not listed:
        return f"no known convention fits {where} as well as the estimated constants; {best.name} is the nearest"
    if not alone:
        return (
            f"{where} fit {best.candidate.family} with mixup, and as well constants that nobody published without it: mixup "
            "narrows values as a larger std does"
        )
    families = list(dict.fromkeys(str(one.candidate.family) for one in members))
    if len(families) > 1:
        return f"{where} fit more than one kind of normalisation: {'; '.join(families)}"
    others = [one for one in ranking if one.candidate.family != best.candidate.family and one.divergence is not None]
    if not others or best.divergence is None:
        return f"{where} fit {families[0]}"
    nearest = min(others, key=lambda one: one.divergence or 0.0)
    times = (nearest.divergence or 0.0) / max(best.divergence, 1e-12)
    fits = f"{where} fit {families[0]} with a divergence of {best.divergence:.2g}"
    return f"{fits}; the nearest of another kind, {nearest.name}, is at {nearest.divergence:.2g} ({times:.3g} times)"


def unexplained(best: Ranked, limit: float, estimated: Estimated | None, *, in_domain: bool, enlarged: str = "") -> str:
    """One sentence on a best candidate that misfits more than sampling explains; with other images the reason is open.

    So it is with those of the training data that were ``enlarged``, where the network may have been trained on smaller ones.
    """
    misfit = f"the best, {best.name}, leaves a divergence of {best.divergence or 0.0:.2g}, and sampling at most {limit:.2g}"
    if in_domain and enlarged:
        return f"{misfit}: {enlarged}; or the truth is not among the candidates"
    if in_domain:
        own = "; constants that nobody published may: see the estimate" if estimated and estimated.divergence <= limit else ""
        return f"none of the candidates explains the network: {misfit}{own}"
    return (
        f"{misfit}: the images are of another kind than the training data, or the truth is not among the candidates; images of "
        "the training data (--in-domain) would tell"
    )


def rivalled(estimated: Estimated) -> tuple[str, ...]:
    """A note on constants that nobody published, which explain the moments as well under another augmentation."""
    if estimated.rival is None:
        return ()
    way, affine = estimated.rival
    stds = tuple(1 / (255 * scale) for scale in affine.scale)
    means = tuple(-shift * std for shift, std in zip(affine.shift, stds, strict=True))
    told = f"mean {_numbers(means)} and std {_numbers(stds)} of unit values"
    return (f"constants that nobody published explain the moments as well, with other augmentation ({way}): {told}",)


def headline(members: Sequence[Candidate]) -> str:
    """The likeliest normalisation as a formula of the raw value x, and which kinds are not excluded."""
    best = members[0]
    order = best.family.order
    others = [one for one in members[1:] if one.family != best.family]
    turned = {one.family.order for one in others if replace(one.family, order=order) == best.family} - {order}
    kinds = [str(one.family) for one in others if replace(one.family, order=order) != best.family]
    left = [*sorted(turned), *dict.fromkeys(kinds)]
    more = f" (not excluded: {'; '.join(left[:3])}{'; and others' if len(left) > 3 else ''})" if left else ""
    return f"{formula(best)}{f', {order}' if order else ''}{more}"


def formula(candidate: Candidate) -> str:
    """The map from a raw value x (0..255) to the network's input: ``x / 127.5 - 1``."""
    if candidate.sample:
        whose = "each image's" if candidate.sample == "sample" else "each channel's"
        return f"(x - {whose} own mean) / {whose} own std"
    mean, std = (candidate.spec.require(name) for name in ("mean", "std"))
    raw = candidate.family.range == "0..255"
    if candidate.family.form == "-1..1" and not raw:
        return "x / 127.5 - 1"
    text = "x" if raw else "x / 255"
    if any(mean):
        text = f"{text} - {_numbers(mean)}"
    if any(value != 1 for value in std):
        text = f"({text}) / {_numbers(std)}" if any(mean) or not raw else f"{text} / {_numbers(std)}"
    return text


def _numbers(values: Sequence[float]) -> str:
    shown = [f"{value:.4g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else f"({', '.join(shown)})"


def separating(members: Sequence[Candidate], in_domain_only: Sequence[Candidate], *, in_domain: bool) -> str:
    """One sentence on which images would separate the remaining candidates, with numbers."""
    if len(members) < 2:
        return "only one candidate remains"
    if not in_domain and 0 < len(in_domain_only) < len(members):
        left = ", ".join(one.name for one in in_domain_only)
        remain = "remains" if len(in_domain_only) == 1 else "remain"
        return f"images from the training data: if these are (--in-domain), only {left} {remain}"
    first, second = members[:2]
    if first.affine.order != second.affine.order:
        return f"more images with strong colours: {first.name} and {second.name} differ in which colour reaches which channel"
    if first.sample or second.sample:
        return (
            f"more images from the training data whose levels and contrasts differ: {first.name} levels them, {second.name} not"
        )
    ends = np.array([0.0, 255.0])[:, None]
    one, other = (ends * np.array(c.affine.scale) + np.array(c.affine.shift) for c in (first, second))
    end, channel = np.unravel_index(int(np.abs(one - other).argmax()), one.shape)
    colour = _COLOURS[first.affine.order[channel]] if one.shape[1] == 3 else "grey"
    kind = f"{'bright' if end else 'dark'} {colour}"
    values = f"raw {int(ends[end, 0])} would be {one[end, channel]:.3g} or {other[end, channel]:.3g}"
    return f"more images from the training data with {kind} areas, where {first.name} and {second.name} differ most ({values})"
