"""``python -m benchmarks [--quick] [--only NAME] [--json FILE] [--write | --merge FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks.harness import Outcome, Result, Setting, guarded
from benchmarks.rows import ROWS
from benchmarks.table import terminal_table, write_page
from tare.system.engines.local import default_workers

_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_KEPT = Path(__file__).with_name("figures.json")


def main() -> None:
    """Measure the groups asked for, show them as they come, and write them; exit code 1 if one failed."""
    arguments = _parsed()
    if arguments.merge is not None:
        _write(arguments.merge["rows"])
        return
    console = Console() if sys.stdout.isatty() else Console(width=160)
    if arguments.quick:
        torch.set_num_threads(1)  # threads that wait for each other take minutes where the machine does something else, too
    data, only = os.environ.get("TARE_DATA"), arguments.only
    figures: list[dict[str, Any]] = []
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        places = [Path(part) for part in data.split(os.pathsep)] if data else []
        setting = Setting(Path(scratch), places[0] if places else None, arguments.quick, default_workers())
        for number, row in enumerate(ROWS, 1):
            if only and row.name not in only:
                continue
            started = time.perf_counter()
            for outcome in guarded(row.name, lambda row=row: row.run(setting)):  # type: ignore[misc]
                figures.append(_figure(row.name, outcome))
                console.print(f"{row.name}: {_said(outcome)}", style="dim", highlight=False, markup=False)
            taken = time.perf_counter() - started
            console.print(f"[{number} of {len(ROWS)}] {row.name} took {taken:.1f} s", style="bold", markup=False)
    console.print(terminal_table(figures))
    console.print(f"{len(figures)} rows in {time.perf_counter() - begun:.0f} s")
    document = {"quick": arguments.quick, "rows": figures}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if arguments.write:
        _write(figures)
    sys.exit(1 if any(figure.get("failure") for figure in figures) else 0)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data and fewer rounds, to see that everything runs")
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"one group, repeatable: {', '.join(names)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--write", action="store_true", help="replace the measured groups in docs/benchmarks.md and its picture")
    parser.add_argument("--merge", type=Path, metavar="FILE", help="measure nothing: put figures of --json FILE on the page")
    arguments = parser.parse_args()
    if arguments.merge is not None:
        arguments.merge = json.loads(arguments.merge.read_text(encoding="utf-8"))
    if (arguments.write and arguments.quick) or (arguments.merge is not None and arguments.merge["quick"]):
        parser.error("--quick shows that everything runs; its figures are not for the page")
    return arguments


def _figure(group: str, outcome: Outcome) -> dict[str, Any]:
    machine = f"{default_workers()} processors ({platform.machine()}), Python {platform.python_version()}"
    if group == "accelerator" and torch.cuda.is_available():
        machine = f"{torch.cuda.get_device_name()}, {machine}, torch {torch.__version__}"
    figure = {"group": group, "machine": machine, **asdict(outcome)}
    return {**figure, "median": outcome.median, "met": outcome.met()} if isinstance(outcome, Result) else figure


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Result):
        return f"{outcome.name}: {outcome.ratio_of} = {outcome.median:.2f}"
    return f"{outcome.name}: {outcome.reason}"


def _write(figures: Sequence[dict[str, Any]]) -> None:
    """Keep what was measured beside what was measured before in other groups, and write all of it to the page.

    A group of which nothing could be measured here, as without its device, keeps what was measured elsewhere.
    """
    kept = json.loads(_KEPT.read_text(encoding="utf-8")) if _KEPT.exists() else []
    measured = {figure["group"] for figure in figures if "median" in figure or figure["failure"]}
    measured |= {figure["group"] for figure in figures} - {figure["group"] for figure in kept}
    order = {row.name: place for place, row in enumerate(ROWS)}
    whole = [figure for figure in kept if figure["group"] not in measured and figure["group"] in order]
    whole += [figure for figure in figures if figure["group"] in measured]
    whole.sort(key=lambda figure: order[figure["group"]])
    _KEPT.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_page(_PAGE, _PAGE.with_suffix(".svg"), whole)


if __name__ == "__main__":
    main()
