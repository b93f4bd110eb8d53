"""Parts of messages that several rules share: the raw range, the network's constants, the steps that normalise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Action, Fix
from tare.checking.rules.rule import Problem
from tare.input_spec.spec import Known, Unknown
from tare.input_spec.words import names_in_order
from tare.normalisation.diagnosis import Diagnosis, implied_constants
from tare.pipelines.value_map import value_map

_NEAR = 0.01


def raw_range(evidence: Evidence) -> str:
    """The actual and the expected inputs of the least and the largest raw value, in the channel where they differ most."""
    fed, expected = evidence.fed, evidence.expected
    if fed is None or expected is None:
        return "the network receives something else"
    low, high = evidence.raw.low, evidence.raw.high
    ends = [
        [affine.scale[c] * v + affine.shift[c] for v in (low, high)] for affine in (fed, expected) for c in range(len(fed.scale))
    ]
    got, want = ends[: len(fed.scale)], ends[len(fed.scale) :]
    worst = max(range(len(got)), key=lambda c: max(abs(a - b) for a, b in zip(got[c], want[c], strict=True)))
    order = evidence.spec.channels.value if isinstance(evidence.spec.channels, Known) else ""
    name = names_in_order(order, len(got))[worst]
    about = "about " if evidence.approximate else ""
    wanted = "with your data's statistics it would be" if evidence.of_data else "the network was trained with"
    return (
        f"raw {low:g}..{high:g} ({name}) arrives as {about}{got[worst][0]:.5g}..{got[worst][1]:.5g}, and {wanted} "
        f"{want[worst][0]:.5g}..{want[worst][1]:.5g}"
    )


def raw_values(evidence: Evidence) -> str:
    """The range of raw values: 0..255."""
    return f"{evidence.raw.low:g}..{evidence.raw.high:g}"


def expected_constants(evidence: Evidence) -> str:
    """The network's mean and std, where they are stated, and what they are for values that are normalised in another scale."""
    spec = evidence.spec
    stated = network_constants(evidence)
    top, expected = top_at_normalize(evidence), evidence.expected
    if top is None or expected is None or abs(top - 1) < _NEAR or not isinstance(spec.scale, Known):
        return stated
    if abs(spec.scale.value * evidence.raw.high / top - 1) < _NEAR:  # stated for such values
        return stated
    (change,) = constants(evidence)
    return f"mean {listed(change.mean)} and std {listed(change.std)} on values of 0..{top:g}; in unit values {stated}"


def network_constants(evidence: Evidence) -> str:
    """The mean and std as they are stated."""
    spec = evidence.spec
    if not (isinstance(spec.mean, Known) and isinstance(spec.std, Known)):
        return "its own constants"
    return f"mean {listed(spec.mean.value)} and std {listed(spec.std.value)} ({spec.mean.origin})"


def of_data(evidence: Evidence) -> str:
    """Whose mean and std a slip is made with, if they are not the network's."""
    return " (with the mean and std of your data)" if evidence.of_data else ""


def has_unit_values(evidence: Evidence) -> bool:
    """Whether the steps say that unit values reach the normalisation."""
    top = top_at_normalize(evidence)
    return top is not None and evidence.raw.unit < 1 and abs(top - 1) < _NEAR


def has_raw_values(evidence: Evidence) -> bool:
    """Whether the steps say that raw integers reach the normalisation."""
    top = top_at_normalize(evidence)
    return top is not None and evidence.raw.unit < 1 and abs(top / evidence.raw.high - 1) < _NEAR


def top_at_normalize(evidence: Evidence) -> float | None:
    """The largest value that reaches the one normalising step that was read; None without one, and where it cannot be told.

    Behind steps that cannot be read it follows from what came out: the step's own std against the std that the whole amounts to.
    """
    found = evidence.steps_of("normalize")
    if len(found) != 1:
        return None
    index, step = found[0]
    largest = float(step.values.get("max_value") or 1.0)
    before = value_map(evidence.steps[:index], raw_dtype=evidence.raw_dtype, channels=evidence.channels, nominal=True)
    if not isinstance(before, Unknown):
        return before.scale[0] * evidence.raw.high / largest if before.is_plain else None
    stds, diagnosis = step.values.get("std") or (), evidence.diagnosis
    if diagnosis is None or evidence.approximate or len(stds) not in (1, len(diagnosis.implied_std)):
        return None
    tops = [own / std if std else 0.0 for own, std in zip(_spread(stds, diagnosis), diagnosis.implied_std, strict=True)]
    if min(tops) <= 0 or max(tops) > (1 + _NEAR) * min(tops):
        return None
    unit = sum(tops) / len(tops) * evidence.raw.high * evidence.raw.unit
    # Values of a range that is known are exactly that, and not what medians say.
    return next((top for top in (1.0, evidence.raw.high) if abs(unit / top - 1) < _NEAR), unit)


def _spread(values: Sequence[float], diagnosis: Diagnosis) -> list[float]:
    return list(values) * (len(diagnosis.implied_std) if len(values) == 1 else 1)


def constants(evidence: Evidence, top: float | None = None, action: Action = "set_constants") -> tuple[Fix, ...]:
    """The change to the constants that are expected, for values up to ``top``: those at the normalising step, or unit values."""
    if evidence.expected is None:
        return ()
    mean, std = implied_constants(evidence.expected, evidence.raw)
    top = top or top_at_normalize(evidence) or evidence.raw.high * evidence.raw.unit
    times = top / (evidence.raw.high * evidence.raw.unit)
    scaled = [tuple(float(f"{times * value:.7g}") for value in values) for values in (mean, std)]
    return (Fix(action, scaled[0], scaled[1], top, where=where_normalised(evidence)),)


def formula_slip(evidence: Evidence, slips: Mapping[str, str]) -> Iterator[Problem]:
    """The problem of a formula that is not (x - mean) / std; ``slips`` says what each kind of mistake is."""
    slip = slips.get(evidence.mistake or "")
    if slip:
        yield Problem(
            f"{slip}{of_data(evidence)}: {raw_range(evidence)}",
            f"apply (x - mean) / std with {expected_constants(evidence)}",
            where_normalised(evidence),
            constants(evidence),
        )


def where_normalised(evidence: Evidence) -> str:
    """The places of the first two steps that normalise; empty if no step does."""
    return " and ".join(step.where for _, step in evidence.steps_of("normalize")[:2])


def listed(values: Sequence[float]) -> str:
    """Numbers to four digits, in parentheses."""
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
