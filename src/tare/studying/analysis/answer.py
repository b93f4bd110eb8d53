"""The answer of a study in two sentences: for the same raw values, and for another sensor."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tare.studying.analysis.analysis import Analysis, group_text
from tare.studying.analysis.contrasts import Contrast

_SAME = "content"


def answer(analysis: Analysis) -> tuple[str, str]:
    """Two sentences from the numbers: on the shift ``content`` and on other shifts; without both, on all and on the open rest."""
    same = [item for item in analysis.contrasts if dict(item.group).get("shift") == _SAME]
    other = [item for item in analysis.contrasts if item not in same]
    if same and other:
        shifts = ", ".join(dict.fromkeys(dict(item.group)["shift"] for item in other))
        return (
            f"Where raw values mean the same in both datasets, {_findings(analysis, same)}.",
            f"Where another sensor recorded the target ({shifts}), {_findings(analysis, other)}.",
        )
    text = _findings(analysis, analysis.contrasts)
    return f"{text[0].upper()}{text[1:]}.", _limits(analysis)


def _findings(analysis: Analysis, items: Sequence[Contrast]) -> str:
    """Which strategies are better or worse than the baseline in how many comparisons, and the largest difference."""
    shown = [item for item in items if item.shown]
    total, base = len(items), analysis.baseline
    if not shown:
        equivalent = sum(item.statement == "equivalent" for item in items)
        within = f" (shown to be within {analysis.margin_text} in {equivalent})" if equivalent else ""
        return f"no strategy is shown to differ from {base} in any of {total} comparisons{_span(analysis, items)}{within}"
    of_each = Counter(item.strategy for item in items)
    parts = []
    for statement in ("better", "worse"):
        counts = Counter(item.strategy for item in items if item.statement == statement).most_common()
        if counts:
            (first, number), *others = counts
            alike = len({of_each[name] for name, _ in counts}) == 1
            named = [f"{name} in {count}{'' if alike else f' of {of_each[name]}'}" for name, count in others]
            rest = f"{', ' if others else ''}{_joined(named)}"
            parts.append(f"{first} is {statement} than {base} in {number} of {of_each[first]} comparisons{rest}")
    largest = max(shown, key=lambda item: abs(item.difference.estimate))
    gap = largest.difference
    most = (
        f"the largest difference is {analysis.told(gap.estimate)}{analysis.unit_text} ({analysis.ends(gap)}; "
        f"{largest.strategy}, {group_text(largest.group)})"
    )
    undecided = f"; in {total - len(shown)} of all {total} no difference is shown" if len(shown) < total else ""
    return f"{'; '.join(parts)}{undecided}; {most}"


def _span(analysis: Analysis, items: Sequence[Contrast]) -> str:
    """Between what the intervals lie; nothing where no comparison has one."""
    known = [item.difference for item in items if math.isfinite(item.difference.low)]
    if not known:
        return ", since none has two pairs"
    low, high = min(each.low for each in known), max(each.high for each in known)
    return f": their intervals lie between {analysis.told(low)} and {analysis.told(high)}{analysis.unit_text}"


def _limits(analysis: Analysis) -> str:
    """How many comparisons are open, and the widest interval, which more seeds or samples would narrow."""
    undecided = [item for item in analysis.contrasts if item.statement in ("undecided", "too few")]
    if not undecided:
        return "Every comparison is settled at the 5% level, adjusted over all comparisons."
    known = [item for item in undecided if math.isfinite(item.difference.low)]
    if not known:
        return f"{len(undecided)} of {len(analysis.contrasts)} comparisons are open, with one pair each: use more seeds."
    widest = max(known, key=lambda item: item.difference.high - item.difference.low)
    gap = widest.difference
    where = f"{widest.strategy}{', ' if widest.group else ''}{group_text(widest.group)}"
    return (
        f"{len(undecided)} of {len(analysis.contrasts)} comparisons are open; the widest interval is "
        f"{analysis.ends(gap)}{analysis.unit_text} ({where})."
    )


def _joined(parts: Sequence[str]) -> str:
    return "".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"
