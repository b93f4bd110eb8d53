"""Run a study: measure every missing cell, in any number of processes, and analyse all cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tare.errors import DataError, OutputError
from tare.networks.stored.directory import versions
from tare.networks.stored.source import source_code
from tare.networks.weights import network_digest
from tare.readers.table import read_spec
from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.scores import scores_of
from tare.studying.cells.cell import Result, failed, measure_cells, row_of
from tare.studying.cells.fed_inputs import example_inputs, fed_inputs, prove_different
from tare.studying.evaluation.cells import EVALUATION
from tare.studying.evaluation.table import COLUMNS as OWN_COLUMNS
from tare.studying.execution.estimate import estimated_seconds
from tare.studying.execution.kept import KeptFeatures, keep_examples, kept_examples, kept_network
from tare.studying.execution.processes import mapped, one_thread, stoppable
from tare.studying.execution.remaining import Measured, Remaining, Timed
from tare.studying.execution.store import COLUMNS, Store
from tare.studying.execution.tracking import log_study
from tare.studying.kind import Kind
from tare.studying.plan import Cell, StudyPlan
from tare.studying.result import FedInputs, Row, StudyRun
from tare.studying.tasks.task import Pretrained
from tare.system.engines.local import Engine, default_workers
from tare.system.files import json_text, staying, write_text
from tare.system.local.opened import text_of
from tare.system.lock import only_writer
from tare.system.progress import SILENT, Reporter
from tare.system.trackers.opening import tracked

#: Raised by every change of the code that changes results, so that older results are measured again.
_EDITION = 8
#: Takes the rows of measured cells, and the seconds left, if they are known.
Told = Callable[[Sequence[Row], float | None], None]
#: Given the number of cells to measure, gives a context with such a function.
CellWatcher = Callable[[int], AbstractContextManager[Told]]


class Stopped(Exception):  # noqa: N818 - the user asked for it
    """The study was stopped after ``done`` of ``total`` cells; they are kept in ``folder``."""

    def __init__(self, folder: Path, done: int, total: int) -> None:
        self.folder, self.done, self.total = folder, done, total
        super().__init__(f"{done} of {total} cells are kept in {str(folder)!r}; the same command goes on from there")


def _kind(plan: StudyPlan) -> Kind:
    if plan.evaluate:
        return EVALUATION
    return Kind(prove_different, _inputs, _units, measure_unit, tuple, _accuracies, fed_inputs, example_inputs)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Cells that share a network's name, a protocol, a shift and a block of seeds, and the folder of their study."""

    plan: StudyPlan
    root: str
    inputs: str
    cells: tuple[Cell, ...]


def run_study(
    plan: StudyPlan,
    folder: Path,
    *,
    workers: int | None = None,
    engine: Engine = "local",
    watch: CellWatcher | None = None,
    tracker: Sequence[str] = (),
    reporter: Reporter = SILENT,
    command: str = "",
) -> StudyRun:
    """Run ``plan`` in ``folder``; measured cells are kept, and the same plan gives the same bytes for any ``workers``.

    ``command`` is printed on the page; ``watch`` receives the rows of cells as they are measured; ``tracker`` names trackers that
    log the finished study, and ``reporter`` is told if one of them fails.

    Raises :class:`StrategyError` before anything is measured if two strategies feed the network the same tensors,
    :class:`OutputError` if ``folder`` belongs to something else or another process writes to it, and :class:`Stopped` after an
    interrupt.
    """
    place = folder.absolute()  # a function of the user's may change the working directory
    store = Store(place, folder)
    kind = _kind(plan)
    with one_thread(), ExitStack() as stack, stoppable() as stopping:
        kind.prove(plan)
        stack.enter_context(only_writer(place))
        store.begin(plan.to_json())
        stack.enter_context(staying(place))
        trackers = stack.enter_context(tracked(tracker, place, reporter, plan.to_json()))
        inputs = kind.inputs(plan)
        wanted = {cell.digest(inputs[cell.network]): cell for cell in plan.cells()}
        done = _usable(kind, store.done(), wanted)
        missing = [cell for digest, cell in wanted.items() if digest not in done]
        if missing:  # a summary that is there is of other cells, such as those of the data before they were corrected
            store.reopen()
        units = kind.units(plan, place, inputs, missing)
        number = workers or default_workers()
        remaining = Remaining(missing, min(number, len(units)), partial(_block, plan))
        given = watch is not None and bool(missing) and not plan.evaluate and plan.task.given is not None
        expected = estimated_seconds(plan, number, len(missing)) if given else None
        found = mapped(Timed(kind.measure), units, number, engine, stopping)
        done |= _measured(found, remaining, len(missing), store, watch, expected)
        if len(done) < len(wanted):
            raise Stopped(folder, len(done), len(wanted))
        table = kind.table(done[digest] for digest in wanted)
        store.write_results(table)
        analyses = kind.analyses(plan, table)
        run = StudyRun(
            folder,
            plan,
            table,
            kind.fed(plan),
            kind.examples(plan),
            analyses,
            len(missing),
            command,
            versions(),
            notes=told(plan),
        )
        keep_examples(store, run.views)
        write_text(place / "summary.json", json_text(run.to_json()) + "\n")
        log_study(run, trackers)
    return run


def told(plan: StudyPlan) -> tuple[str, ...]:
    """What was assumed or left out when the samples of a plan were read, each a sentence."""
    return plan.subject.source.remarks if plan.evaluate else plan.task.target().remarks


def missing_cells(plan: StudyPlan, folder: Path | None) -> int:
    """Number of cells of ``plan`` missing in ``folder``. Raises :class:`OutputError` if the folder has another plan."""
    if folder is None or not (folder / "plan.json").is_file():
        return plan.number
    store, inputs = Store(folder), _kind(plan).inputs(plan)
    store.check(plan.to_json())
    wanted = {cell.digest(inputs[cell.network]): cell for cell in plan.cells()}
    return len(wanted) - len(_usable(_kind(plan), store.done(), wanted))


def read_study(folder: Path) -> StudyRun:
    """Read a finished study from its directory. Raises :class:`OutputError` if it is not a study, or not finished."""
    from tare.studying.analysis.scores import check_table_columns, read_results

    store = Store(folder)
    plan = StudyPlan.of_json(store.plan())
    try:
        document = json.loads(text_of(folder / "summary.json"))
        fed = tuple(FedInputs(**{**item, "shares": tuple(item["shares"])}) for item in document["fed"])
        command, libraries = str(document["command"]), dict(document["versions"])
        notes = tuple(map(str, document.get("notes", ())))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        found = f"no readable summary.json in {str(folder)!r}"
        raise OutputError("a finished study", found, "run it again: measured cells are kept") from None
    rows = tuple(read_results(folder / "results.parquet"))
    check_table_columns(rows, OWN_COLUMNS if plan.evaluate else COLUMNS)
    analyses = _kind(plan).analyses(plan, rows)
    return StudyRun(folder, plan, rows, fed, kept_examples(store), analyses, 0, command, libraries, notes=notes)


def open_study(folder: Path) -> StudyRun:
    """Read a finished study, or what is measured by now of one that was stopped or still runs.

    Raises :class:`OutputError` if the directory is not a study's, or if no two strategies can be compared yet.
    """
    if (folder / "summary.json").is_file():
        run = read_study(folder)
        if len(run.rows) == run.plan.number:  # else a finished study was extended, and the extension is not finished
            return run
    return _unfinished(folder, StudyPlan.of_json(Store(folder).plan()))


def _unfinished(folder: Path, plan: StudyPlan) -> StudyRun:
    store, kind = Store(folder), _kind(plan)
    inputs = kind.inputs(plan)
    wanted = {cell.digest(inputs[cell.network]): cell for cell in plan.cells()}
    done = _usable(kind, store.done(), wanted)
    rows = kind.table(done[digest] for digest in wanted if digest in done)
    strategies = {row["strategy"] for row in rows}
    analyses = kind.analyses(plan, rows) if "source" in strategies and len(strategies) > 1 else {}
    if not analyses or not next(iter(analyses.values())).contrasts:
        found = f"{len(rows)} of {plan.number} cells measured in {str(folder)!r}, and no two strategies to compare"
        raise OutputError("a study with a first comparison", found, "let it run on; the same command continues it")
    missing = len(wanted) - len(done)
    return StudyRun(folder, plan, rows, (), (), analyses, 0, versions=versions(), missing=missing)


def _usable(kind: Kind, kept: Mapping[str, Row], wanted: Mapping[str, Cell]) -> dict[str, Row]:
    """The kept rows of wanted cells that need not be measured again, by their hashes."""
    here = {digest: kept[digest] for digest in wanted if digest in kept and not kept[digest]["error"]}
    return {digest: here[digest] for digest, row in zip(here, kind.table(here.values()), strict=True) if not row["error"]}


def _accuracies(plan: StudyPlan, rows: Sequence[Row]) -> dict[str, Analysis]:
    """Analyse a study's rows: strategies are paired by seed within network, shift, size, and other columns that vary."""
    if rows and all(row["accuracy"] is None for row in rows):
        raise DataError("a cell that can be measured", rows[0]["error"], "repair the network or the data and run it again")
    networks = ["network"] if len(plan.networks) > 1 else []
    varied = [name for name in ("protocol", "batchnorm") if _varies_beyond_network(rows, name)]
    group = [*networks, *varied, "shift", "size"]
    scores = scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=group)
    return {"accuracy": analyse(scores, margin=plan.margin / 100, size="size")}


def _varies_beyond_network(rows: Sequence[Row], name: str) -> bool:
    pairs = {(row["network"], row[name]) for row in rows}
    return len(pairs) > len({network for network, _ in pairs})


def _measured(
    found_in: Generator[Measured, None, None],
    remaining: Remaining,
    number: int,
    store: Store,
    watch: CellWatcher | None,
    expected: float | None,
) -> dict[str, Row]:
    """The rows of measured cells; ``expected`` are the seconds that all will take, told until the first are measured."""
    done: dict[str, Row] = {}
    with ExitStack() as stack:
        tell = stack.enter_context(watch(number)) if watch else None
        if tell is not None and expected is not None:
            tell([], expected)
        found = stack.enter_context(closing(found_in))
        for unit in found:
            rows = {result.cell.digest(unit.inputs): row_of(result) for result in unit.results}
            store.keep(_name(rows), rows)
            done |= rows
            left = remaining.after(unit)
            if tell is not None:
                tell(list(rows.values()), left)
    return done


def _block(plan: StudyPlan, cell: Cell) -> tuple[object, ...]:
    """What cells have in common that share what is kept: features of a given network, or a network that is pretrained."""
    if plan.evaluate or plan.task.given is not None:
        return cell.network, cell.shift
    return cell.network, cell.seed // plan.task.together


def _units(plan: StudyPlan, folder: Path, inputs: Mapping[str, str], missing: Iterable[Cell]) -> list[_Unit]:
    """Units of cells that share networks, sorted by shift: the first shift pretrains the networks of all seeds."""
    number, shared = plan.task.together, dict[tuple[Any, ...], list[Cell]]()
    for cell in missing:
        key = (cell.network, cell.protocol, cell.batchnorm, cell.seed // number, cell.shift)
        shared.setdefault(key, []).append(cell)
    units = [_Unit(plan, str(folder), inputs[key[0]], tuple(cells)) for key, cells in shared.items()]
    return sorted(units, key=lambda unit: plan.shifts.index(unit.cells[0].shift))


def measure_unit(unit: _Unit) -> tuple[str, list[Result]]:
    """Measure the cells of one unit; its networks are pretrained together and kept for the other units.

    Raises :class:`DataError` if what this process reads is not what the study began with.
    """
    with one_thread():
        _check_inputs(unit.plan, unit.plan.opening, unit.cells[0].network, unit.inputs)
        found = [_measured_seed(unit, list(cells)) for _, cells in groupby(unit.cells, lambda cell: cell.seed)]
        return unit.inputs, [result for results in found for result in results]


def _measured_seed(unit: _Unit, cells: Sequence[Cell]) -> list[Result]:
    plan, store, first = unit.plan, Store(Path(unit.root)), cells[0]
    try:
        source = kept_network(plan.task, store, unit.inputs, first.network, first.seed)
        shared = KeptFeatures(store, unit.inputs, first.network) if plan.task.given else None
        return measure_cells(plan.task, source, cells, plan.pool, shared)
    except OutputError:
        raise
    except Exception as error:  # pretraining failed: these cells cannot be measured, but others may
        return failed(cells, len(plan.task.target().labels) - plan.pool, error)


@lru_cache(maxsize=64)
def _check_inputs(plan: StudyPlan, opening: int, network: str, begun: str) -> None:
    """Once a plan in a process, which reads data and network by itself: cells are kept under the hash of what the study had.

    ``opening`` is that of the plan, which is no part of its equality.
    """
    del opening
    if _inputs(plan, [network])[network] != begun:
        found = f"others, of {network!r}, in a process that began later"
        raise DataError("data, constants, weights and code that stay what they were", found, "run the study again")


def _inputs(plan: StudyPlan, networks: Sequence[str] = ()) -> dict[str, str]:
    """A hash by network of what its cells depend on: data, constants, weights, the user's code, edition and versions."""
    task = plan.task
    computing = [torch.__version__, version("scikit-learn"), np.__version__]
    parts: list[Any] = [_EDITION, task.target().digest(), plan.pool, *computing]
    parts.append(task.source().digest() if task.source is not None else _constants(plan))
    found = {}
    for name in networks or plan.networks:
        network = [*_given(task.given(name)), *source_code(name).values()] if task.given is not None else []
        found[name] = hashlib.sha256(json.dumps([*parts, *network]).encode()).hexdigest()
    return found


def _given(network: Pretrained) -> list[str]:
    """A network that comes pretrained, and the constants that it states itself, whoever wrote them."""
    return [network_digest(network.module), network.head, repr((network.constants, network.seen))]


def _constants(plan: StudyPlan) -> list[Any]:
    """The stated constants; of a spec file the content, since the file may change."""
    stated = [read_spec(plan.spec).to_json()] if plan.spec else []
    return [plan.mean, plan.std, *stated, *([plan.window] if plan.window else [])]


def _name(rows: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(rows)).encode()).hexdigest()[:32]
