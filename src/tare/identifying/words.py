"""The sentences of an identification: the reason, and which images would separate the remaining candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tare.identifying.candidates import Candidate
from tare.identifying.fingerprint.front import NetworkFront
from tare.identifying.result import Ranked

_COLOURS = ("red", "green", "blue")


def reason_for(ranking: Sequence[Ranked], members: Sequence[Ranked], front: NetworkFront, *, listed: bool) -> str:
    """One sentence on why these candidates remain."""
    best = members[0]
    where = f"the moments that {front.name!r} stores"
    if not listed:
        return f"no known convention fits {where} as well as the estimated constants; {best.name} is the nearest"
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
    ends = np.array([0.0, 255.0])[:, None]
    one, other = (ends * np.array(c.affine.scale) + np.array(c.affine.shift) for c in (first, second))
    end, channel = np.unravel_index(int(np.abs(one - other).argmax()), one.shape)
    colour = _COLOURS[first.affine.order[channel]] if one.shape[1] == 3 else "grey"
    kind = f"{'bright' if end else 'dark'} {colour}"
    values = f"raw {int(ends[end, 0])} would be {one[end, channel]:.3g} or {other[end, channel]:.3g}"
    return f"more images from the training data with {kind} areas, where {first.name} and {second.name} differ most ({values})"
