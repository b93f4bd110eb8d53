"""The terminal output and the page of ``tare study``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from tare.errors import OutputError
from tare.reporting import html
from tare.reporting.console import begun, out, shown
from tare.reporting.page.frame import Made, framed
from tare.reporting.study.analysis import print_analysis
from tare.reporting.study.charts import VegaSpec, difference_charts, fed_charts, learning_curves, picture, stored_chart
from tare.reporting.study.first import first_screen
from tare.reporting.study.parts import HIGH, LOW, examples, meanings, sorted_table, toggles
from tare.studying.analysis.analysis import Analysis
from tare.studying.analysis.answer import answer
from tare.studying.plan import StudyPlan
from tare.studying.result import StudyRun
from tare.system.files import replacing, write_text

_CURVES = (
    "Mean {} over seeds on held-out samples, against the number of target samples in training. Bands are 95% intervals. "
    "Two bands may overlap although the paired difference of the strategies is clear; the next picture shows the differences."
)
_DIFFERENCES = (
    "{} of each strategy minus that of source, with the same seed, network and samples. Bars are 95% intervals of single "
    "comparisons. A filled mark is shown to be better or worse after Holm's adjustment over all comparisons of this page; a "
    "hollow mark is not. The grey band is the equivalence margin: a smaller difference counts as no difference."
)
_FED = (
    "Grey: the inputs of pretraining (dataset0). Lines: the target's training samples as each strategy feeds them. The closer a "
    "line is to the grey area, the more the inputs resemble those of pretraining. Values beyond the ends are counted at the ends."
)


_METHOD_OF_YOURS = (
    "Each trial calls the function {} with a normalisation, the indices of the training samples and a seed; all strategies of a "
    "seed get the same samples and the same {} held-out samples. The target's mean and std come from the training samples alone. "
    "A smaller training set is the beginning of a larger one."
)


def print_plan(plan: StudyPlan, missing: int, seconds: float, notes: Sequence[str] = ()) -> None:
    """Print what a study varies, its number of cells, the estimated time, and what is to be said of the samples."""
    trained = (("protocols", plan.protocols), ("batch norm", plan.batchnorm), ("shifts", plan.shifts))
    axes = (
        ("networks", plan.networks),
        *((("function", (plan.evaluate,)),) if plan.evaluate else trained),
        ("sizes", plan.sizes),
        ("strategies", plan.strategies),
    )
    for name, values in axes:
        out.print(f"{name:<11} {shown(', '.join(map(str, values)))}", soft_wrap=True)
    out.print(f"{'seeds':<11} {plan.seeds}")
    stored = f", {plan.number - missing:,} already measured" if missing < plan.number else ""
    tested = (plan.subject.number if plan.evaluate else len(plan.task.target().labels)) - plan.pool
    length = f"about {duration(seconds)} as this machine is now"
    out.print(f"[bold]{plan.number:,} cells[/]{stored}, each tested on {tested:,} samples; {length}", soft_wrap=True)
    for note in notes:
        out.print(shown(note), soft_wrap=True)


def print_study(run: StudyRun, page: Path) -> None:
    """Print the analysis, the answer in two sentences, the failures, and the path of the page."""
    for name, analysis in run.analyses.items():
        if len(run.analyses) > 1:
            out.print(f"\n[bold]{begun(name)}[/]")
        print_analysis(analysis)
        for sentence in answer(analysis):
            out.print(f"\n[bold]{shown(sentence)}[/]", soft_wrap=True)
    for note in run.notes:
        out.print(shown(note), soft_wrap=True)
    if run.missing:
        out.print(f"\n[yellow]Unfinished[/]: {run.missing:,} of {run.plan.number:,} cells are not measured yet.", soft_wrap=True)
    for sentence in _failures(run):
        out.print(f"[red]{shown(sentence)}[/]", soft_wrap=True)
    out.print(f"\n{len(run.rows):,} cells, {run.measured:,} measured now; report: [bold]{shown(str(page))}[/]", soft_wrap=True)


def write_study(run: StudyRun, path: Path) -> None:
    """Write the study's self-contained page."""
    scores = [_of_score(run, analysis) for analysis in run.analyses.values()]
    fed, stored = fed_charts(run.fed), stored_chart(run.fed)
    script = (files("tare.reporting.study") / "study.js").read_text(encoding="utf-8")
    rest = [
        toggles(run.plan.strategies),
        *(part for parts, _ in scores for part in parts),
        _fed_fold(run, fed, stored),
        *(_numbers(run, analysis) for analysis in run.analyses.values()),
        html.fold("Method", "how cells are measured and compared", map(html.paragraph, [*_method(run), *run.notes])),
        f"<script>{script}</script>",
    ]
    charts = {name: spec for _, drawn in scores for name, spec in drawn.items()}
    libraries = ", ".join(f"{name} {number}" for name, number in run.versions.items() if name != "tare")
    made = Made(_subject(run).removesuffix("."), run.command, {"Folder": str(run.folder), "Libraries": libraries})
    text = framed("study", first_screen(run, _failures(run)), rest, made, {**charts, **fed, **stored})
    write_text(path, text)


def _fed_fold(run: StudyRun, fed: dict[str, VegaSpec], stored: dict[str, VegaSpec]) -> str:
    if not run.fed:  # they are measured once, at the end of the study
        return html.fold("The strategies", "what each normalises with", [meanings(run.plan.strategies)])
    parts = [
        meanings(run.plan.strategies),
        *([html.panels(fed, _FED)] if fed else []),
        *([html.panels(stored, "The target's training samples before normalisation, under each shift.")] if stored else []),
        *_examples(run),
    ]
    return html.fold("What the network is fed", "inputs under each strategy, beside those of pretraining", parts)


def _of_score(run: StudyRun, analysis: Analysis) -> tuple[list[str], dict[str, VegaSpec]]:
    """The pictures and sentences of one score as parts of the page, and the pictures' specifications."""
    curves, gaps = learning_curves(analysis), difference_charts(analysis)
    name = analysis.score
    of_it = f": {name}" if len(run.analyses) > 1 else ""
    if of_it:
        curves, gaps = ({f"{name} {key}": spec for key, spec in charts.items()} for charts in (curves, gaps))
    better = f" A lower {name} is better." if analysis.lower else ""
    title = f"{name[:1].upper()}{name[1:]}"
    panels = html.panels(curves, _CURVES.format(name) + better)
    differences = [html.panels(gaps, _DIFFERENCES.format(title) + better), html.items(analysis.sentences)]
    parts = [
        html.fold(f"{title} against the size of the target", f"{len(curves)} learning curves", [panels], is_open=not of_it),
        html.fold(f"Differences from {analysis.baseline}{of_it}", _gist(analysis), differences),
    ]
    return parts, {**curves, **gaps}


def _gist(analysis: Analysis) -> str:
    shown = [item for item in analysis.contrasts if item.shown]
    return f"{len(shown)} of {len(analysis.contrasts)} are shown, after adjustment for all of them"


def _numbers(run: StudyRun, analysis: Analysis) -> str:
    of_it = f": {analysis.score}" if len(run.analyses) > 1 else ""
    table = sorted_table(analysis, searched=analysis is run.analysis)
    return html.fold(f"Every number{of_it}", f"{len(analysis.means)} means; sort and filter them", [table])


def write_curves(run: StudyRun, path: Path) -> None:
    """Write the learning curves as a picture; the suffix is ``.png`` or ``.svg``."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise OutputError("a picture that ends in .png or .svg", f"{str(path)!r}", "rename it")
    content = picture(learning_curves(run.analysis), run.plan.strategies, kind)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def duration(seconds: float) -> str:
    """A duration, rounded as an estimate should be."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _failures(run: StudyRun) -> list[str]:
    if not run.failed:
        return []
    errors = dict.fromkeys(row["error"] for row in run.rows if row["error"])
    first = next(iter(errors))
    more = f", and {len(errors) - 1} other errors" if len(errors) > 1 else ""
    return [f"{run.failed} of {len(run.rows)} cells failed and are missing from every figure here: {first}{more}."]


def _subject(run: StudyRun) -> str:
    plan = run.plan
    shifts = "" if plan.evaluate else f"{len(plan.shifts)} shifts, "
    return (
        f"{len(run.rows):,} cells: {len(plan.strategies)} strategies, {shifts}{len(plan.sizes)} sizes, "
        f"{len(plan.networks)} {'network' if len(plan.networks) == 1 else 'networks'}, {plan.seeds} seeds; study {plan.study!r}."
    )


def _examples(run: StudyRun) -> list[str]:
    if not run.views:
        return []
    caption = (
        f"All pictures share one scale: black is {LOW:+g} input std, white {HIGH:+g}. Mean and std are of all training samples."
    )
    return [examples(run.views, run.fed), html.paragraph(caption, "faint")]


def _method(run: StudyRun) -> list[str]:
    plan = run.plan
    tested = next((row["tested"] for row in run.rows), 0)
    margin = f"{plan.margin:g} {'point' if plan.margin == 1 else 'points'}"
    if plan.evaluate:
        margin = ", ".join(f"{analysis.margin_text} of {name}" for name, analysis in run.analyses.items())
    return [
        _METHOD_OF_YOURS.format(plan.evaluate, tested) if plan.evaluate else _measured(plan, tested),
        "Before anything was measured, a check showed that the strategies feed the network different tensors. Means have "
        "Student's t intervals over seeds; differences are paired by seed. The p values of better and worse, and those of "
        f"equivalence within {margin} (two one-sided tests), are adjusted by "
        "Holm separately, each over all comparisons. A crossover's interval holds the sizes at "
        "which the paired t interval holds zero (Fieller).",
    ]


def _measured(plan: StudyPlan, tested: int) -> str:
    """How tare measured the cells."""
    if plan.study == "folder":
        source = f"All seeds share the networks with weights {plan.weights!r}; a seed draws the samples."
    else:
        source = (
            "Each seed pretrains its own networks from scratch on dataset0, z-scored with dataset0's mean and std, and draws its "
            "own samples of the target."
        )
    return (
        f"{source} Under the protocol probe the network is frozen and a logistic head (L2, C = 1) is fitted on standardised "
        f"features. Every cell is tested on the same {tested} held-out samples of its seed. Mean and std of the target, batch "
        "norm's re-estimated moments, feature scaling and head come from the training samples alone. A smaller training set "
        "holds the first samples of a larger one."
    )
