"""What to do about a change, in sentences."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tare.comparing.result import some
from tare.monitoring.reference import Reference
from tare.monitoring.result import Map

_WHICH_RUN = "In the command, RUN stands for the run or model directory of the served network, which the reference does not name."


def cure_of(
    kind: str,
    maps: tuple[Map, ...],
    names: tuple[str, ...],
    order: tuple[int, ...],
    affected: tuple[tuple[str, str], ...] = (),
    *,
    command: str = "",
    origin: str = "",
) -> tuple[str, ...]:
    """What to do about a change, one sentence each; ``affected`` are the channels that changed alone, with their kinds.

    ``command`` is that of :func:`command_of`: where the reference has no ``origin`` a last sentence says what its RUN stands for.
    """
    named = (_WHICH_RUN,) if command and not origin else ()
    if not affected:
        return _cure(kind, maps, names, order) + named
    each = ((kind, [name for name, own in affected if own == kind]) for kind in dict.fromkeys(own for _, own in affected))
    return tuple(sentence for kind, mine in each for sentence in _cure_apart(kind, mine, maps)) + named


def _cure_apart(kind: str, names: list[str], maps: tuple[Map, ...]) -> tuple[str, ...]:
    """What to do about the channels that changed by one kind, where others did not."""
    mine = tuple(each for each in maps if each.channel in names)
    if kind == "units":
        back = "".join(f" ({_back(each)})" for each in mine[:1]) if len(mine) == 1 else ""
        return (f"Convert the values of {some(tuple(names))} to the units of the reference{back}.",)
    words = _cure(kind, mine, tuple(names), ())
    return tuple(f"Of {some(tuple(names))} alone: {each[:1].lower()}{each[1:]}" for each in words[:1]) + words[1:]


def _back(found: Map) -> str:
    """How the values of a channel are put back, in words."""
    gain, offset = found.gain.estimate, found.offset.estimate
    return f"divide by {gain:.4g}" if not offset else f"subtract {offset:.4g}, and divide by {gain:.4g}"


def _cure(kind: str, maps: tuple[Map, ...], names: tuple[str, ...], order: tuple[int, ...]) -> tuple[str, ...]:
    if kind in ("gain", "offset", "gain and offset") and maps:
        offsets, gains = zip(*(undone(0.0, 1.0, found) for found in maps), strict=True)
        return (
            "Where the network subtracts a mean m and divides by a std s, in unit values, let it subtract gain * m + offset "
            f"and divide by gain * s, with gains {_listed(gains)} and offsets {_listed(offsets)}.",
            "Set both in the served model, or put them into its weights with the command.",
        )
    if kind == "channel order":
        return (f"Put the channels back in the order {', '.join(names)}: they arrive as {as_they_arrive(names, order)}.",)
    return _CURES.get(kind, ())


def as_they_arrive(names: Sequence[str], order: tuple[int, ...]) -> str:
    """The channels in the sequence that arrives; ``order`` is the place at which each of them does."""
    return ", ".join(names[order.index(place)] for place in range(len(order)))


def command_of(kind: str, maps: tuple[Map, ...], reference: Reference) -> str:
    """The command that rewrites the served weights for a change of gain and offset; "" for other kinds.

    The reference of weights that were rewritten before states a map already, and the command's gain and offset are those of the
    values that arrive: x' = g x + o of values that were put back by y = G x + O is y' = g y + G o + O (1 - g).
    """
    if kind not in ("gain", "offset", "gain and offset", "several maps") or not maps:
        return ""
    known = reference.arriving or {"gain": (1.0,) * len(maps), "offset": (0.0,) * len(maps)}
    offsets = [
        outer * each.offset.estimate + shift * (1 - each.gain.estimate)
        for outer, shift, each in zip(known["gain"], known["offset"], maps, strict=True)
    ]
    return respec_command(reference, [each.gain.estimate for each in maps], offsets)


def respec_command(reference: Reference, gains: Sequence[float], offsets: Sequence[float]) -> str:
    """The command that rewrites the weights of a reference's run for values ``gain * x + offset``."""
    run = (reference.origin or "RUN").rstrip("/")
    numbers = [
        f"--{name}={','.join(f'{value:.6g}' for value in values)}" for name, values in (("gain", gains), ("offset", offsets))
    ]
    factory = ["--model", reference.factory] if reference.factory else []
    return shlex.join(["tare", "respec", run, *factory, *numbers, "--out", f"{run}-mended"])


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def undone(mean: float, std: float, found: Map) -> tuple[float, float]:
    """The constants that give the network what it was trained on again: y = g x + o, so (y - (g m + o)) / (g s) = (x - m) / s."""
    gain, offset = found.gain.estimate, found.offset.estimate
    return gain * mean + offset, gain * std


_CURES = {
    "inversion": ("Invert the values before they reach the network.",),
    "gamma": ("Undo the tone curve before the constants are applied: no mean and std can.",),
    "units": ("Convert the values to the units of the reference.",),
    "bit depth": ("Divide by the largest value of the bits in use, not of the type.",),
    "dead channel": ("Find out why the channel is constant, and repair it if it should vary: no constants can mend it.",),
    "no data": ("Find out why values are missing, or are not any more: no constants can mend it.",),
    "content": ("Content changed: constants cannot mend this. Look at the samples, and train again if they are to be served.",),
    "unclear": ("Serve on until the kind is clear, or look at the latest samples.",),
}
