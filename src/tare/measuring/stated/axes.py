"""What samples state of a step along their axes, where these point to, and what a raw value stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tare.samples.records import Facts, along_axes
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState

#: The words of each fact of axes, each with the first sample that states them, "" where it is not known.
Axes = Mapping[str, Mapping[str, str]]
_Words = Mapping[str, Collection[str]]

# What differs by the facts of axes, what is not done about it, and what a network then sees.
_AXES = {
    "sampling rate": ("sampling rates", "resampled", "the same sound has another length"),
    "spacing": ("spacings", "resampled", "the same structure has another size"),
    "orientation": ("axes", "turned", "the same side is at another end"),
    "scale": ("stated scales", "applied", "the same quantity has another raw value"),
}
_UNKNOWN = " unknown units"
_SHOWN = 3


def axes_in(stated: Iterable[tuple[Facts, str]]) -> dict[str, dict[str, str]]:
    """What the facts of samples say of axes, each with the name of its sample."""
    found: dict[str, dict[str, str]] = {}
    for facts, sample in stated:
        for name, words in along_axes(facts):
            found.setdefault(name, {}).setdefault(words, sample)
    return found


def axes_of_state(*states: DatasetState) -> dict[str, dict[str, str]]:
    """What the samples that were measured state of their axes."""
    return axes_in(((fact,), stated.example) for state in states for fact, stated in sorted(state.facts.items()))


def axes_of(stats: DatasetStats) -> dict[str, dict[str, str]]:
    """What the samples of statistics state of their axes; statistics name no sample."""
    facts = stats.extra.get("facts")
    facts = facts if isinstance(facts, Mapping) else {}
    return axes_in((((name, words),), "") for name, listed in facts.items() for words in _listed(str(listed)))


def _listed(words: str) -> list[str]:
    """The words of a fact, one for each that samples state; those of a scale are one as files state it."""
    return [words] if words.endswith(("not applied", "not inverted")) else words.split(", ")


def axes_stated(axes: Axes) -> Facts:
    """The same as facts, for a document."""
    return tuple((name, words) for name, listed in sorted(axes.items()) for words in sorted(listed))


def axes_differ(known: _Words, found: _Words, sides: tuple[str, str] = ("the source", "the target")) -> tuple[str, ...]:
    """That two sides state different sampling rates, spacings or axes; nothing is said of what one of them does not state."""
    return tuple(
        _differ(name, known[name], found[name], sides)
        for name in _stated_by_both(known, found)
        if _new(known[name], found[name]) or _new(found[name], known[name])
    )


def untrained_axes(trained: _Words, found: Axes) -> tuple[str, ...]:
    """That samples state other sampling rates, spacings or axes than all those that a network was trained on."""
    notes = []
    for name in _stated_by_both(trained, found):
        if new := _new(found[name], trained[name]):
            place = found[name][new[0]]
            said = f"the data{f', such as {place!r}' if place else ''}"
            notes.append(_differ(name, trained[name], new, ("training", said)))
    return tuple(notes)


def several_axes(axes: Axes) -> tuple[str, ...]:
    """That samples of training state several sampling rates, spacings or axes."""
    notes = []
    for name, (noun, left, seen) in _AXES.items():
        if len({*(plain := _without_unknown(axes.get(name, {}), ())).values()}) > 1:
            ordered = sorted(plain, key=_by_number)
            told = f"{len({*plain.values()})} {noun} in the samples, such as {ordered[0]} and {ordered[-1]}"
            notes.append(f"{told}: nothing is {left}, so {seen} in each")
    return tuple(notes)


def _stated_by_both(known: _Words, found: _Words) -> list[str]:
    return [name for name in _AXES if known.get(name) and found.get(name)]


def _differ(name: str, first: Iterable[str], second: Iterable[str], sides: tuple[str, str]) -> str:
    noun, left, seen = _AXES[name]
    said = [f"{_some_of(sorted(words, key=_by_number))} in {side}" for words, side in zip((first, second), sides, strict=True)]
    return f"{noun} differ: {said[0]}, {said[1]}; nothing is {left}, so {seen}"


def _some_of(words: list[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def _by_number(words: str) -> tuple[float, str]:
    first = words.split(" ", 1)[0]
    return (float(first) if first.replace(".", "", 1).isdecimal() else 0.0, words)


def _new(words: Iterable[str], others: Iterable[str]) -> list[str]:
    """Those words that the others do not have."""
    known = {*_without_unknown(others, words).values()}
    return [word for word, plain in _without_unknown(words, others).items() if plain not in known]


def _without_unknown(words: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Spacings without their units if some of either side have unknown ones, so that numbers alone are compared."""
    if not any(word.endswith(_UNKNOWN) for word in (*words, *others)):
        return {word: word for word in words}
    return {word: word.removesuffix(_UNKNOWN) if word.endswith(_UNKNOWN) else word.rpartition(" ")[0] or word for word in words}
