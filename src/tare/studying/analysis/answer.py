"""The answer of a study in two sentences: where raw values mean the same, and where another sensor recorded them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tare.studying.analysis.analysis import Analysis, group_text
from tare.studying.analysis.contrasts import Contrast

_SAME = "content"


def answer(analysis: Analysis) -> tuple[str, str]:
    """Two sentences, from the numbers only: on the shift ``content`` and on all others; or on strategies, and on sizes."""
    same = [item for item in analysis.contrasts if dict(item.group).get("shift") == _SAME]
    other = [item for item in analysis.contrasts if item not in same]
    if same and other:
        shifts = ", ".join(dict.fromkeys(dict(item.group)["shift"] for item in other))
        return (
            f"Where raw values mean the same in both datasets, {_told(analysis, same)}.",
            f"Where another sensor recorded the target ({shifts}), {_told(analysis, other)}.",
        )
    return _capital(f"{_told(analysis, analysis.contrasts)}."), _limits(analysis)


def _told(analysis: Analysis, items: Sequence[Contrast]) -> str:
    """Who is better and worse than the baseline in how many of the comparisons, by how much at most, and what is open."""
    shown = [item for item in items if item.shown]
    total, base = len(items), analysis.baseline
    if not shown:
        low, high = min(i.difference.low for i in items), max(i.difference.high for i in items)
        within = f" (shown to be within {analysis.margin_text} in {_count(items, 'equivalent')})"
        return (
            f"no strategy is shown to differ from {base} in any of {total} comparisons: their intervals lie between "
            f"{analysis.told(low)} and {analysis.told(high)}{analysis.suffix}{within if _count(items, 'equivalent') else ''}"
        )
    parts = []
    for statement in ("better", "worse"):
        by_strategy = _ranked(items, lambda item, wanted=statement: item.statement == wanted)  # type: ignore[misc]
        named_ones = {name: len(found) for name, found in by_strategy.items()}
        if named_ones:
            first, *others = named_ones.items()
            more = f"{', ' if others else ''}{_joined([f'{name} in {count}' for name, count in others])}"
            parts.append(f"{first[0]} is {statement} than {base} in {first[1]} of {_own(items)} comparisons{more}")
    largest = max(shown, key=lambda item: abs(item.difference.estimate))
    gap = largest.difference
    most = (
        f"the largest difference is {analysis.told(gap.estimate)}{analysis.suffix} ({analysis.ends(gap)}; "
        f"{largest.strategy}, {group_text(largest.group)})"
    )
    rest = total - len(shown)
    open_ones = f"; in {rest} of all {total} no difference is shown" if rest else ""
    return f"{'; '.join(parts)}{open_ones}; {most}"


def _limits(analysis: Analysis) -> str:
    """How far what is not shown could reach, which is what more seeds or samples would settle."""
    open_ones = [item for item in analysis.contrasts if item.statement in ("undecided", "too few")]
    if not open_ones:
        return "Every comparison is settled at the 5% level, over all of them together."
    widest = max(open_ones, key=lambda item: item.difference.high - item.difference.low)
    return (
        f"{len(open_ones)} of {len(analysis.contrasts)} comparisons are open; the widest interval is "
        f"{analysis.ends(widest.difference)}{analysis.suffix} "
        f"({widest.strategy}{', ' if widest.group else ''}{group_text(widest.group)})."
    )


def _ranked(items: Sequence[Contrast], wanted: Callable[[Contrast], bool]) -> dict[str, list[Contrast]]:
    """Contrasts that are ``wanted`` by strategy, those with most of them first."""
    found: dict[str, list[Contrast]] = {}
    for item in filter(wanted, items):
        found.setdefault(item.strategy, []).append(item)
    return dict(sorted(found.items(), key=lambda entry: -len(entry[1])))


def _own(items: Sequence[Contrast]) -> int:
    """How many comparisons each strategy has."""
    return len(items) // len({item.strategy for item in items})


def _count(items: Sequence[Contrast], statement: str) -> int:
    return sum(item.statement == statement for item in items)


def _joined(parts: Sequence[str]) -> str:
    return "".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
