"""``tare study``."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tare.cli.options import SPEC_HELP, EngineName, Json, Workers, print_json

if TYPE_CHECKING:
    from tare.studying.plan import StudyPlan

_RUN, _FOLDER, _TABLE = "Run a study", "On your own images, with networks that come pretrained", "Analyse a table from elsewhere"
_INTERRUPTED = 130


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def study(
    plan: Annotated[
        str | None, typer.Argument(help="digits, signals, or a plan as a YAML file.", metavar="NAME|PLAN", show_default=False)
    ] = None,
    out: Annotated[Path | None, _option(_RUN, "Its directory; what is there already is kept.")] = None,
    strategies: Annotated[str | None, _option(_RUN, "Strategies, with commas.")] = None,
    shifts: Annotated[
        str | None, _option(_RUN, "content, gain:0.5, offset:0.25, gain:0.5+offset:0.25, bits:4, invert, swap, blur:1, units:10.")
    ] = None,
    sizes: Annotated[str | None, _option(_RUN, "Numbers of target samples to learn from.")] = None,
    networks: Annotated[str | None, _option(_RUN, "Networks, such as cnn-batch,cnn-none.")] = None,
    protocols: Annotated[str | None, _option(_RUN, "probe, finetune, scratch.")] = None,
    batchnorm: Annotated[
        str | None, _option(_RUN, "Under probe: eval, reestimate (its moments, on the training samples).")
    ] = None,
    seeds: Annotated[int | None, _option(_RUN, "Repetitions, each with samples of its own.", min=2)] = None,
    margin: Annotated[float, _option(_RUN, "Difference that counts as none: points of accuracy.")] = 1.0,
    dry_run: Annotated[bool, _option(_RUN, "Say what would be measured, and how long it would take.", "--dry-run")] = False,
    workers: Workers = None,
    engine: Annotated[EngineName, _option(_RUN, "Where cells are measured.")] = EngineName.local,
    data: Annotated[
        str | None,
        _option(_FOLDER, "A folder with a folder per class, or a labelled manifest, .tar, .parquet or .npz.", metavar="DATA"),
    ] = None,
    label: Annotated[str | None, _option(_FOLDER, "The column or array of labels, if not called so.")] = None,
    label_pattern: Annotated[
        str | None,
        _option(_FOLDER, "Regular expression: its first group in a sample's path is the label, the others are left out."),
    ] = None,
    array: Annotated[str | None, _option(_FOLDER, "The array of an .npz file, or the column of images.")] = None,
    model: Annotated[
        list[str] | None, _option(_FOLDER, "A network as `tare transfer --model` takes it; more than once for several.")
    ] = None,
    weights: Annotated[str | None, _option(_FOLDER, "pretrained, none, or a .safetensors or .pth file.")] = None,
    mean: Annotated[str | None, _option(_FOLDER, "Source mean in unit values, if the network states none.")] = None,
    std: Annotated[str | None, _option(_FOLDER, "Source std, likewise.")] = None,
    spec: Annotated[str | None, _option(_FOLDER, SPEC_HELP, metavar="SPEC")] = None,
    analyse: Annotated[Path | None, _option(_TABLE, "A CSV, TSV, Parquet or JSON table of scores.")] = None,
    strategy_column: Annotated[str, _option(_TABLE, "The column that is compared.")] = "strategy",
    score_column: Annotated[str, _option(_TABLE, "The column of scores.")] = "accuracy",
    pair_columns: Annotated[str, _option(_TABLE, "Columns that pair rows: what was equal but for the strategy.")] = "seed",
    group_columns: Annotated[str, _option(_TABLE, "Columns that make comparisons of their own.")] = "",
    size_column: Annotated[str | None, _option(_TABLE, "The column of sizes, for crossovers.")] = None,
    baseline: Annotated[str, _option(_TABLE, "The strategy that the others are compared with.")] = "source",
    as_json: Json = False,
) -> None:
    """Which normalisation is better, on which data, and by how much: paired, repeated, with intervals.

    Cells are kept by what they depend on: a study that was stopped goes on, one that is extended computes only what is new.
    Exit code 0 if every cell was measured, 1 if some failed, 2 for unusable input, 130 if it was stopped.
    """
    from tare.errors import SpecError
    from tare.studying.execution.processes import prepare

    if analyse is None and out is not None and not dry_run and engine is EngineName.local and workers != 1:
        prepare()  # workers load their libraries while this process loads its own
    from tare.studying.plan import requested_plan

    if analyse is not None:
        columns = (strategy_column, score_column, _listed(pair_columns), _listed(group_columns), size_column)
        _analyse_table(analyse, columns, baseline, margin, as_json)
        return
    lists = {"strategies": strategies, "shifts": shifts, "networks": networks, "protocols": protocols, "batchnorm": batchnorm}
    stated: dict[str, Any] = {key: _listed(value) for key, value in lists.items() if value is not None}
    stated |= {"sizes": _numbers(sizes)} if sizes is not None else {}
    stated |= {name: _reals(text, name) for name, text in (("mean", mean), ("std", std)) if text is not None}
    stated |= {"networks": model} if model else {}
    plain = {
        "seeds": seeds,
        "data": data,
        "label": label,
        "label_pattern": label_pattern,
        "array": array,
        "weights": weights,
        "spec": spec,
        "margin": margin if margin != 1.0 else None,
    }
    stated |= {key: value for key, value in plain.items() if value is not None}
    if plan is None and data is None:
        raise SpecError("a study to run, or --analyse TABLE", "neither", "for example: tare study digits --out study/")
    chosen = requested_plan(plan or "folder", stated)
    if dry_run:
        _say(chosen, out, workers, as_json)
        return
    if out is None:
        raise SpecError("a directory for the study", "no --out", "for example: --out study/")
    _run(chosen, out, workers, engine.value, as_json)


def _run(plan: StudyPlan, out: Path, workers: int | None, engine: str, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.study.progress import watching
    from tare.studying.execution.running import Stopped, run_study

    @contextmanager
    def watch(total: int) -> Iterator[Callable[[Sequence[dict[str, Any]]], None]]:
        threading.Thread(target=_load_page, daemon=True).start()  # workers have begun: this process has nothing else to do
        with watching(total) as tell:
            yield tell

    command = shlex.join(["tare", *sys.argv[1:]])
    try:
        run = run_study(plan, out, workers=workers, engine=engine, watch=watch, command=command)  # type: ignore[arg-type]
    except Stopped as stopped:
        console.note(f"stopped: {stopped}")
        raise typer.Exit(_INTERRUPTED) from None
    from tare.reporting.study.report import print_study, write_study

    write_study(run, out / "report.html")
    if as_json:
        print_json(run.to_json())
    else:
        print_study(run, out / "report.html")
    raise typer.Exit(1 if run.failed else 0)


def _load_page() -> None:
    """Load what draws the page."""
    from tare.reporting import html
    from tare.reporting.study import report as study_report

    del study_report
    html.plotting_library()


def _say(plan: StudyPlan, out: Path | None, workers: int | None, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.study.report import print_plan
    from tare.studying.execution.estimate import estimated_seconds
    from tare.studying.execution.running import missing_cells

    missing = missing_cells(plan, out)
    with console.working("measuring a few cells to estimate the time"):
        seconds = estimated_seconds(plan, workers, missing)
    if as_json:
        print_json({**plan.to_json(), "cells": plan.number, "missing": missing, "estimated_seconds": round(seconds, 1)})
    else:
        print_plan(plan, missing, seconds)


def _analyse_table(
    path: Path, columns: tuple[str, str, list[str], list[str], str | None], baseline: str, margin: float, as_json: bool
) -> None:
    from tare.reporting.study.analysis import print_analysis
    from tare.studying.analysis.analysis import analyse as analysed
    from tare.studying.analysis.scores import check_table_columns, read_results, scores_of

    strategy, score, pair, group, size = columns
    group = [*group, *([size] if size and size not in group else [])]
    rows = read_results(path)
    check_table_columns(rows, [strategy, score, *pair, *group])
    scores = scores_of(rows, strategy=strategy, score=score, pair=pair, group=group)
    found = analysed(scores, baseline=baseline, margin=margin / 100 if scores.largest <= 1.0 else margin, size=size)
    if as_json:
        print_json(found.to_json())
    else:
        print_analysis(found)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> list[int]:
    from tare.errors import SpecError

    parts = _listed(text)
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise SpecError("whole numbers with commas for --sizes", f"{wrong[0]!r}", "for example 20,80,320")
    return [int(part) for part in parts]


def _reals(text: str, name: str) -> list[float]:
    from tare.errors import SpecError

    try:
        return [float(part) for part in _listed(text)]
    except ValueError:
        raise SpecError(f"numbers with commas for --{name}", f"{text!r}", "for example 0.485,0.456,0.406") from None
