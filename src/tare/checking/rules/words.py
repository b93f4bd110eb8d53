"""Parts of messages that several rules share: the raw range, the network's constants, the steps that normalise."""

from __future__ import annotations

from collections.abc import Sequence

from tare.checking.rules.evidence import Evidence
from tare.input_spec.spec import Known
from tare.input_spec.words import names_in_order


def raw_range(evidence: Evidence) -> str:
    """What raw 0 and 255 become and what the network expects, in the channel where the two differ most."""
    fed, expected = evidence.fed, evidence.expected
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


def expected_constants(evidence: Evidence) -> str:
    """The network's mean and std, and where they are stated."""
    spec = evidence.spec
    if not (isinstance(spec.mean, Known) and isinstance(spec.std, Known)):
        return "its own constants"
    return f"mean {listed(spec.mean.value)} and std {listed(spec.std.value)} ({spec.mean.origin})"


def where_normalised(evidence: Evidence) -> str:
    """The places of the first two steps that normalise; empty if no step does."""
    return " and ".join(step.where for _, step in evidence.steps_of("normalize")[:2])


def listed(values: Sequence[float]) -> str:
    """Numbers to four digits, in parentheses."""
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
