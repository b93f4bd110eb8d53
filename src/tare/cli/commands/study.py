"""``tare study``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tare.cli.fields import command, load
from tare.cli.options import Json, print_json, show, typed
from tare.datasets.options import DATA
from tare.networks.inputs import NET
from tare.normalisation.inputs import NORM
from tare.studying.inputs import FOLDER, OWN, RUN, TABLE, StudyCommand, StudyOptions, TableOptions
from tare.system.options import flag, words

if TYPE_CHECKING:
    from tare.studying.plan import StudyPlan

_INTERRUPTED = 130


@command(StudyCommand, panels=("", RUN, FOLDER, OWN, NORM, NET, DATA, TABLE))
def study(options: StudyCommand, as_json: Json = False) -> None:
    """Measure which normalisation is better, and by how much: paired, repeated, with intervals.

    Results are kept: a study that was stopped goes on where it stopped, and an extended study measures only the new cells.
    Exit code 0 if every cell was measured, 1 if some failed, 2 for unusable input, 130 if it was stopped.
    """
    from tare.errors import SpecError
    from tare.studying.execution.processes import prepare

    out = options.out
    if options.analyse is None and out is not None and not options.dry_run and options.engine == "local" and options.workers != 1:
        prepare()  # workers load their libraries while this process loads its own
    load("tare.studying.execution.running" if options.analyse is None and not options.dry_run else "tare.studying.plan")
    from tare.studying.plan import requested_plan

    if options.analyse is not None:
        _analyse_table(options.analyse, options, as_json)
        return
    if options.plan is None and options.data is None:
        raise SpecError("a study to run, or --analyse TABLE", "neither", "for example: tare study digits --out study/")
    usual = "folder" if options.evaluate is None else "evaluate"
    chosen = requested_plan(options.plan or usual, options.keys() | ({"networks": options.model} if options.model else {}))
    if options.dry_run:
        _say(chosen, out, options.workers, as_json)
        return
    if out is None:
        raise SpecError("a directory for the study", "no --out", "for example: --out study/")
    _run(chosen, out, options, as_json)


def _run(plan: StudyPlan, out: Path, options: StudyOptions, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.study.progress import watching
    from tare.studying.execution.running import Stopped, run_study

    @contextmanager
    def watch(total: int) -> Iterator[Callable[[Sequence[dict[str, Any]], float | None], None]]:
        # Workers have begun, so this process has nothing else to do. A function of the user may run in it, and must not meet a
        # library that is half loaded.
        if options.evaluate is None:
            threading.Thread(target=_load_page, daemon=True).start()
        with watching(total) as tell:
            yield tell

    line = typed()
    try:
        machine: dict[str, Any] = {"workers": options.workers, "engine": options.engine, "tracker": options.tracker}
        run = run_study(plan, out, watch=watch, reporter=console, command=line, **machine)
    except Stopped as stopped:
        console.note(f"stopped: {stopped}")
        raise typer.Exit(_INTERRUPTED) from None
    from tare.reporting.study.report import print_study, write_study

    write_study(run, out / "report.html")
    show(run, as_json, print_study, out / "report.html")
    raise typer.Exit(1 if run.failed else 0)


def _load_page() -> None:
    """Load what draws the page; what cannot be loaded is told when it is used."""
    with suppress(Exception):
        from tare.reporting import html
        from tare.reporting.study import report as study_report

        del study_report
        html.plotting_library()


def _say(plan: StudyPlan, out: Path | None, workers: int | None, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.study.report import print_plan
    from tare.studying.execution.estimate import estimated_seconds
    from tare.studying.execution.running import missing_cells, told

    missing = missing_cells(plan, out)
    with console.working("timing a pass to estimate the time"):
        seconds = estimated_seconds(plan, workers, missing)
    if as_json:
        counts = {"cells": plan.number, "missing": missing, "estimated_seconds": round(seconds, 1), "notes": list(told(plan))}
        print_json({**plan.to_json(), **counts})
    else:
        print_plan(plan, missing, seconds, told(plan))


def _analyse_table(path: Path, options: StudyCommand, as_json: bool) -> None:
    from tare.errors import SpecError
    from tare.reporting.study.analysis import print_analysis
    from tare.studying.analysis.analysis import analyse as analysed
    from tare.studying.analysis.scores import check_table_columns, read_results, scores_of

    _check_used(options)
    strategy, score, size, baseline = options.strategy_column, options.score_column, options.size_column, options.baseline
    pair, group = words(options.pair_columns, ""), words(options.group_columns, "")
    group = [*group, *([size] if size and size not in group else [])]
    rows = read_results(path)
    check_table_columns(rows, [strategy, score, *pair, *group])
    scores = scores_of(rows, strategy=strategy, score=score, pair=pair, group=group)
    lower = bool(options.lower)
    if options.lower and list(options.lower) != [score]:
        named = repr(",".join(options.lower))
        raise SpecError(f"{score!r} alone for --lower, which is the score", named, "correct it, or leave it out")
    margin = scores.margin(baseline, 1.0 if options.margin is None else options.margin, lower=lower)
    found = analysed(scores, baseline=baseline, margin=margin, size=size, lower=lower, score=score)
    show(found, as_json, print_analysis)


def _check_used(options: StudyCommand) -> None:
    """Raise :class:`SpecError` for options that the analysis of a table does not use."""
    from tare.errors import SpecError

    used = {*(entry.name for entry in fields(TableOptions)), "margin", "lower"}
    given = [entry.name for entry in fields(options) if entry.name not in used and getattr(options, entry.name) != entry.default]
    if given:
        named = ", ".join(name if name == "plan" else flag(name) for name in given)
        raise SpecError("a table to analyse, and what its columns mean", named, "leave it out: --analyse measures nothing")
