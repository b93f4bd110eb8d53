"""The sentences of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tare.monitoring.result import Map, Verdict


def sentence(verdict: Verdict) -> str:
    """The whole verdict in at most three sentences."""
    if not verdict.alarm:
        above = f" But {'; '.join(verdict.exceeded)}." if verdict.exceeded else ""
        return (
            f"No change shown in {verdict.samples} samples ({verdict.batches} batches): the evidence is {verdict.evidence:.1f}, and an "
            f"alarm needs {verdict.threshold:.1f}.{above}"
        )
    since = ""
    if verdict.since is not None:
        since = f" since batch {verdict.since.estimate:.0f} (between {verdict.since.low:.0f} and {verdict.since.high:.0f})"
    cure = f" {' '.join(verdict.cure)}" if verdict.cure else ""
    kind = "the kind is not clear yet" if verdict.kind == "unclear" else verdict.kind
    return f"Changed{since}: {kind} ({verdict.reason}).{cure}"


def cure_of(verdict_kind: str, maps: tuple[Map, ...], names: tuple[str, ...], order: tuple[int, ...]) -> tuple[str, ...]:
    """What to do about a change, one sentence each."""
    if verdict_kind in ("gain", "offset", "gain and offset") and maps:
        means, stds = (
            ", ".join(f"{value:.4g}" for value in values) for values in zip(*(undone(0.0, 1.0, m) for m in maps), strict=True)
        )
        return (
            "Where the network subtracts mean m and divides by std s, in unit values, let it subtract gain * m + offset and divide by "
            f"gain * s: with m = 0 and s = 1 that is {means} and {stds}.",
            "Set both in the served model, or put them into its weights with `tare respec`.",
        )
    if verdict_kind == "channel order":
        return (
            f"Put the channels back in the order {', '.join(names)}: they arrive as {', '.join(names[place] for place in order)}.",
        )
    return _CURES.get(verdict_kind, ())


def undone(mean: float, std: float, found: Map) -> tuple[float, float]:
    """The constants that give the network what it was trained on again: y = g x + o, so (y - (g m + o)) / (g s) = (x - m) / s."""
    gain, offset = found.gain.estimate, found.offset.estimate
    return gain * mean + offset, gain * std


_CURES = {
    "inversion": ("Invert the values before they reach the network.",),
    "gamma": ("Undo the tone curve before the constants are applied: no mean and std can.",),
    "units": ("Convert the values to the units of the reference.",),
    "bit depth": ("Divide by the largest value of the bits in use, not of the type.",),
    "dead channel": ("Repair the channel: no constants can mend it.",),
    "no data": ("Find out why values are missing: no constants can mend it.",),
    "content": ("Content changed: constants cannot mend this. Look at the samples, and train again if they are to be served.",),
    "unclear": ("Serve on until the kind is clear, or look at the latest samples.",),
}
