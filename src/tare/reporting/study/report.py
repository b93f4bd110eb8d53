"""What ``tare study`` prints, and its page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tare.errors import OutputError
from tare.reporting import html
from tare.reporting.console import out, shown
from tare.reporting.study.analysis import print_analysis
from tare.reporting.study.charts import difference_charts, fed_charts, learning_curves, picture, stored_chart
from tare.reporting.study.parts import HIGH, LOW, examples, meanings, sorted_table, toggles
from tare.studying.analysis.answer import answer
from tare.studying.plan import StudyPlan
from tare.studying.result import StudyRun
from tare.system.files import replacing, write_text

_CURVES = (
    "Mean accuracy over seeds on held-out samples, against the number of target samples that were learned from; bands are 95% "
    "intervals. Bands of two strategies may overlap where their paired difference is clear: look at the next picture for that."
)
_DIFFERENCES = (
    "Each strategy less source with the same seed, network and samples; bars are 95% intervals of single comparisons. Filled "
    "marks are shown to be better or worse after Holm's adjustment over all comparisons of this page; hollow ones are not. The "
    "grey band is the margin within which a difference counts as none."
)
_FED = (
    "Grey: dataset0 as it was fed in pretraining. Lines: the target's training samples as each strategy feeds them. The closer "
    "a line to the grey, the less the network meets what it has not seen. Values beyond the ends are counted at the ends."
)


def print_plan(plan: StudyPlan, missing: int, seconds: float) -> None:
    """Print what a study varies, how many cells that makes, and how long it would take."""
    axes = (
        ("networks", plan.networks),
        ("protocols", plan.protocols),
        ("batch norm", plan.batchnorm),
        ("shifts", plan.shifts),
        ("sizes", plan.sizes),
        ("strategies", plan.strategies),
    )
    for name, values in axes:
        out.print(f"{name:<11} {shown(', '.join(map(str, values)))}", soft_wrap=True)
    out.print(f"{'seeds':<11} {plan.seeds}")
    there = f", {plan.number - missing:,} of them there already" if missing < plan.number else ""
    tested = len(plan.task.target().labels) - plan.pool
    length = f"about {duration(seconds)} as this machine is now"
    out.print(f"[bold]{plan.number:,} cells[/]{there}, each tested on {tested:,} samples; {length}", soft_wrap=True)


def print_study(run: StudyRun, page: Path) -> None:
    """Print the analysis, then the answer in two sentences, what failed, and where the page is."""
    print_analysis(run.analysis)
    for sentence in answer(run.analysis):
        out.print(f"\n[bold]{shown(sentence)}[/]", soft_wrap=True)
    for sentence in _failures(run):
        out.print(f"[red]{shown(sentence)}[/]", soft_wrap=True)
    out.print(f"\n{len(run.rows):,} cells, {run.measured:,} measured now; report: [bold]{shown(str(page))}[/]", soft_wrap=True)


def write_study(run: StudyRun, path: Path) -> None:
    """Write the study's self-contained page."""
    curves, gaps, fed, stored = (
        learning_curves(run.analysis),
        difference_charts(run.analysis),
        fed_charts(run.fed),
        stored_chart(run.fed),
    )
    strategies = run.plan.strategies
    script = (files("tare.reporting.study") / "study.js").read_text(encoding="utf-8")
    body = [
        html.heading("Whose mean and std?", 1),
        *(html.paragraph(sentence, "lead") for sentence in answer(run.analysis)),
        *(html.paragraph(sentence, "failure") for sentence in _failures(run)),
        html.paragraph(_subject(run)),
        toggles(strategies),
        html.heading("Accuracy against the size of the target"),
        html.panels(curves, _CURVES),
        html.heading("Differences to source"),
        html.panels(gaps, _DIFFERENCES),
        html.heading("In words"),
        html.items(run.analysis.sentences),
        html.heading("What the network is fed"),
        meanings(strategies),
        html.panels(fed, _FED),
        *([html.panels(stored, "The target's training samples as they are stored, under each shift.")] if stored else []),
        *(_examples(run)),
        html.heading("The numbers"),
        sorted_table(run.analysis),
        html.heading("How this was made"),
        *(html.paragraph(text) for text in _method(run)),
        html.code(run.command or "tare.studying.execution.running.run_study"),
        html.paragraph(", ".join(f"{name} {number}" for name, number in run.versions.items()), "faint"),
        f"<script>{script}</script>",
    ]
    write_text(path, html.page(f"tare study {run.plan.study}", body, {**curves, **gaps, **fed, **stored}))


def write_curves(run: StudyRun, path: Path) -> None:
    """Write the learning curves as a picture whose kind the suffix names: ``.png`` or ``.svg``."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise OutputError("a picture that ends in .png or .svg", f"{str(path)!r}", "rename it")
    content = picture(learning_curves(run.analysis), run.plan.strategies, kind)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def duration(seconds: float) -> str:
    """A duration with as many digits as an estimate bears."""
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
    return (
        f"{len(run.rows):,} cells: {len(plan.strategies)} strategies, {len(plan.shifts)} shifts, {len(plan.sizes)} sizes, "
        f"{len(plan.networks)} {'network' if len(plan.networks) == 1 else 'networks'}, {plan.seeds} seeds; study {plan.study!r}."
    )


def _examples(run: StudyRun) -> list[str]:
    if not run.views:
        return []
    caption = f"Drawn on one scale: black is {LOW:+g} input std, white {HIGH:+g}; the figures are of all training samples."
    return [examples(run.views, run.fed), html.paragraph(caption, "faint")]


def _method(run: StudyRun) -> list[str]:
    plan = run.plan
    tested = next((row["tested"] for row in run.rows), 0)
    if plan.study == "folder":
        source = f"The networks come with weights {plan.weights!r}, and all seeds share them; a seed draws the samples."
    else:
        source = (
            "Each seed pretrains a network of its own from scratch on dataset0, z-scored with dataset0's mean and std, and draws "
            "its own samples of the target."
        )
    return [
        f"{source} Under the protocol probe the network is frozen and a logistic head (L2, C = 1) is fitted on standardised "
        f"features. Every cell is tested on the same {tested} held-out samples of its seed. Mean and std of the target, batch "
        "norm's re-estimated moments, feature scaling and head come from the training samples alone; smaller sizes are the "
        "first samples of larger ones.",
        "Before anything was measured the strategies were shown to feed the network different tensors. Means have Student's t "
        "intervals over seeds; differences are paired by seed; p values of better and worse, and of equivalence within "
        f"{plan.margin:g} {'point' if plan.margin == 1 else 'points'} (two one-sided tests), are each adjusted by Holm over all "
        "comparisons. Crossovers are bootstrapped over seeds.",
    ]
