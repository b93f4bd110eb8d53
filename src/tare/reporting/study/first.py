"""The first screen of a study: the answer, each strategy's difference from the baseline, and what to do now."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import cast

from tare.errors import shell_word
from tare.normalisation.names import MEANINGS, Strategy
from tare.reporting import html
from tare.reporting.page.frame import Badge, FirstScreen, Step
from tare.reporting.page.rows import Mark, Row, drawn, point, scale_of
from tare.statistics.intervals import Interval
from tare.studying.analysis.analysis import Analysis
from tare.studying.analysis.answer import answer
from tare.studying.result import StudyRun

_EXTENDED = 2


def first_screen(run: StudyRun, failures: list[str]) -> FirstScreen:
    """The answer's first sentence as the verdict, its second below it; an unfinished study and failed cells are said first."""
    verdict, more = answer(run.analysis)
    shown = sum(item.shown for item in run.analysis.contrasts)
    return FirstScreen(
        verdict=verdict,
        lead=more,
        badges=(
            Badge(f"{shown} of {len(run.analysis.contrasts)} differences shown", "good" if shown else "plain"),
            Badge(f"{run.plan.seeds} seeds"),
            Badge(f"{len(run.rows):,} cells"),
        ),
        picture_title=_title(run.analysis),
        picture=_picture(run.analysis),
        steps=_steps(run),
        warning=" ".join([*_unfinished(run), *failures]),
    )


def _unfinished(run: StudyRun) -> list[str]:
    if not run.missing:
        return []
    total = run.plan.number
    return [f"Unfinished: {total - run.missing:,} of {total:,} cells are measured. Every figure here can still change."]


def _title(analysis: Analysis) -> str:
    score = f"{analysis.score[:1].upper()}{analysis.score[1:]}"
    number = len({item.group for item in analysis.contrasts})
    return f"{score} against {analysis.baseline}" + (f", mean over {number} comparisons" if number > 1 else "")


def _picture(analysis: Analysis) -> list[str]:
    """A row a strategy: its mean difference over all groups with the interval, and in how many groups it is better or worse."""
    baseline = Row(analysis.baseline, [Mark(0.0, colour="grey", shape="tick")], "0", "baseline")
    differences = {item.strategy: item.difference for item in (analysis.overall or analysis.contrasts)}
    if not differences:
        return []
    rows = [baseline, *(_row(analysis, name, found) for name, found in differences.items())]
    times = 100.0 if analysis.unit else 1.0
    scale = scale_of(
        rows,
        f"{analysis.unit or analysis.score} above {analysis.baseline}, 95% interval",
        zero=0.0,
        band=(-times * analysis.margin, times * analysis.margin),
    )
    caption = (
        f"Grey band: {analysis.margin_text}, less than which a difference counts as none. Hollow: the interval contains 0. Below "
        "each name: the single comparisons that are shown, after adjustment for all of them."
    )
    if analysis.lower:
        caption += f" A lower {analysis.score} is better."
    return [drawn(rows, scale, _title(analysis)), html.paragraph(caption, "faint")]


def _row(analysis: Analysis, name: str, found: Interval) -> Row:
    times = 100.0 if analysis.unit else 1.0
    counts = Counter(item.statement for item in analysis.contrasts if item.strategy == name)
    words = [f"{counts[word]} {word}" for word in ("better", "worse", "equivalent") if counts[word]]
    ends = analysis.ends(found)
    hollow = not (found.low > 0 or found.high < 0)
    mark = replace(point(found, times, said=f"{name}: {ends}"), hollow=hollow)
    return Row(name, [mark], analysis.told(found.estimate), ", ".join(words) or f"0 of {counts.total()} shown", ends)


def _steps(run: StudyRun) -> list[Step]:
    folder = shell_word(run.folder)
    if run.missing:
        return [Step("Go on. Measured cells are kept:", f"tare study {folder}/plan.json --out {folder}")]
    better = Counter(item.strategy for item in run.analysis.contrasts if item.statement == "better").most_common(1)
    steps = [_use(better[0][0])] if better and not run.plan.evaluate else []
    undecided = sum(item.statement in ("undecided", "too few") for item in run.analysis.contrasts)
    if undecided:
        seeds = _EXTENDED * run.plan.seeds
        more = f"{undecided} comparisons are open. More seeds narrow them; measured cells are kept:"
        steps.append(Step(more, f"tare study {folder}/plan.json --seeds {seeds} --out {folder}"))
    return [*steps, Step("Take the figures along:", f"tare report {folder} --png curves.png")]


def _use(strategy: str) -> Step:
    meaning = MEANINGS.get(cast("Strategy", strategy), "")
    words = f"Use {strategy}{f' ({meaning})' if meaning else ''} where your data are like those that it won on:"
    return Step(words, f"tare transfer --model MODEL DATA --strategy {strategy} --out run")
