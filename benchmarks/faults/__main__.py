"""``python -m benchmarks.faults [--kills N] [--seed N] [--only WORD] [--write FILE]``: kill, starve and disturb commands."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.faults.children import finished
from benchmarks.faults.jobs import EXPORT, JOBS, MEASURE, SETUP, STUDY, TRANSFER, prepare
from benchmarks.faults.kills import Killed, killed
from benchmarks.faults.limits import FILES, SIGNALS, ended_by, few_files, little_memory, out_of_time, starved
from benchmarks.faults.others import WRITERS, clear, clock_jumps, no_file_grows, second_refused, small_disk, unwritten
from benchmarks.faults.places import filled, removed, replaced_by_link
from benchmarks.faults.workers import prepare as prepare_workers
from benchmarks.faults.workers import worked, worker_killed
from benchmarks.hostile.__main__ import preload

Row = tuple[str, str, list[str]]


def main() -> None:
    """Do all of it, say what is wrong, and print or write the tables; exit code 1 if anything is."""
    arguments = _parsed()
    preload()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        clear(folder)
        done = finished(SETUP, folder)
        if done.code != 0:
            sys.exit(f"tare {' '.join(SETUP)}: {done.said}")
        deaths = []
        for job in JOBS:
            if arguments.only is None or arguments.only in f"kill {job.name}":
                deaths.append(killed(job, folder, arguments.kills, arguments.seed, _often))
                print(deaths[-1], file=sys.stderr)
        rows = _others(folder, arguments.only) + _ends(folder, arguments.only) + _workers(folder, arguments.only, arguments.seed)
    text = f"{_kill_table(deaths)}\n\n{_table(rows)}"
    print(text)
    for each in deaths:
        for wrong in each.wrong:
            print(f"killed {each.job}: {wrong}", file=sys.stderr)
    for fault, command, wrongs in rows:
        for wrong in wrongs:
            print(f"{fault}: {command}: {wrong}", file=sys.stderr)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "faults", text)
    sys.exit(1 if any(each.wrong for each in deaths) or any(wrongs for *_, wrongs in rows) else 0)


def _often() -> None:
    """In a child: the checkpoint of a pass is written after every chunk, not every half minute, so that kills meet it."""
    import tare.measuring.checkpoint

    tare.measuring.checkpoint.EVERY = 0.0


def _others(folder: Path, only: str | None) -> list[Row]:
    rows: list[Row] = []

    def wanted(fault: str, command: str) -> bool:
        return only is None or only in f"{fault} {command}"

    for command, argv in WRITERS.items():
        if wanted("file too large", command):
            clear(folder)
            rows.append(("file too large", command, unwritten(folder, argv, _starved)))
        for fault, options in (("full disk", {}), ("disk of 300 KB", {"size": "300k"}), ("read-only disk", {"flags": ",ro"})):
            if wanted(fault, command):
                clear(folder)
                with small_disk(folder / "made", **options) as mounted:
                    if mounted:
                        rows.append((fault, command, unwritten(folder, argv, _often)))
    for job in (MEASURE, TRANSFER, STUDY, EXPORT):
        if wanted("second process", job.name):
            rows.append(("second process", job.name, second_refused(job, folder)))
        if wanted("clock jump", job.name):
            rows.append(("clock jump", job.name, clock_jumps(job, folder, _often, 0.4)))
    return rows


def _ends(folder: Path, only: str | None) -> list[Row]:
    """Signals and limits of the system, and a folder that does not stay where it was."""
    jobs = (MEASURE, TRANSFER, STUDY, EXPORT)
    cases: list[tuple[str, str, Callable[[], list[str] | None]]] = [
        *((number.name, job.name, partial(ended_by, number, job, folder, 0.4)) for job in jobs for number in SIGNALS),
        *(("SIGXCPU", job.name, partial(out_of_time, job, folder)) for job in jobs),
        *(("memory limit", name, partial(starved, argv, folder, little_memory)) for name, argv in WRITERS.items()),
        *(
            ("few open files", name, partial(starved, argv, folder, partial(few_files, number)))
            for name, argv in WRITERS.items()
            for number in FILES
        ),
    ]
    places = {"folder removed": removed, "folder replaced by a link": replaced_by_link, "disk runs full meanwhile": filled}
    cases += [(fault, job.name, partial(disturb, job, folder)) for fault, disturb in places.items() for job in (TRANSFER, STUDY)]
    chosen = [case for case in cases if only is None or only in f"{case[0]} {case[1]}"]
    found = [(fault, name, run()) for fault, name, run in chosen]
    return [(fault, name, wrongs) for fault, name, wrongs in found if wrongs is not None]


def _workers(folder: Path, only: str | None, seed: int) -> list[Row]:
    """Those on Ray are left out where it is not installed."""
    kinds = {case: f"worker ended{' on Ray' if 'ray' in case.name else ''}" for case in worked(ray=find_spec("ray") is not None)}
    chosen = [case for case, kind in kinds.items() if only is None or only in f"{kind} {case.name}"]
    if chosen:
        prepare_workers(folder)
    return [(kinds[case], case.name, worker_killed(case, folder, seed)) for case in chosen]


def _starved() -> None:
    _often()
    no_file_grows()


def _kill_table(deaths: list[Killed]) -> str:
    lines = ["| command | killed | came to its end after | files looked at | wrong |", "|---|---|---|---|---|"]
    lines += [f"| {each.job} | {each.kills} | {each.ends} | {each.looked} | {len(each.wrong)} |" for each in deaths]
    kills, ends, looked = (sum(getattr(each, name) for each in deaths) for name in ("kills", "ends", "looked"))
    return "\n".join([*lines, f"| **all** | **{kills}** | **{ends}** | **{looked}** | **{sum(len(d.wrong) for d in deaths)}** |"])


def _table(rows: list[Row]) -> str:
    lines = ["| fault | commands | answered rightly |", "|---|---|---|"]
    for fault in dict.fromkeys(row[0] for row in rows):
        mine = [wrongs for name, _, wrongs in rows if name == fault]
        lines.append(f"| {fault} | {len(mine)} | {sum(not wrongs for wrongs in mine)} |")
    return "\n".join(lines)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=25, help="of each of the four commands")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", help="commands or faults with this in their name; `kill` for the kills alone")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
