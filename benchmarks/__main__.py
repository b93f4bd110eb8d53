"""``python -m benchmarks [--quick] [--only NAME] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Result, Setting
from benchmarks.rows import ROWS
from tare.engines.local import default_workers


def main() -> None:
    """Measure the rows asked for, show them as they come, and write them as JSON."""
    arguments = _parsed()
    console = Console() if sys.stdout.isatty() else Console(width=140)
    results: list[Result] = []
    data = os.environ.get("TARE_DATA")
    with tempfile.TemporaryDirectory() as scratch:
        setting = Setting(Path(scratch), Path(data) if data else None, arguments.quick, default_workers())
        for row in ROWS:
            if arguments.only not in (None, row.name):
                continue
            for result in row.run(setting):
                results.append(result)
                console.print(f"{row.name}: {result.name}: {result.ratio_of} = {result.median:.2f}", style="dim")
    console.print(_table(results))
    if arguments.json is not None:
        machine = {"processors": default_workers(), "machine": platform.machine(), "python": platform.python_version()}
        rows = [{**asdict(result), "median": result.median, "met": result.met()} for result in results]
        arguments.json.write_text(json.dumps({"machine": machine, "quick": arguments.quick, "rows": rows}, indent=2) + "\n")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data and fewer rounds: under two minutes")
    parser.add_argument("--only", choices=[row.name for row in ROWS], help="measure one group of rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def _table(results: list[Result]) -> Table:
    table = Table(box=box.SIMPLE, title=f"{default_workers()} workers; each ratio: median (least to most) over rounds in turn")
    for heading in ("what", "ratio", "median", "spread", "goal", "reference", "ours"):
        table.add_column(heading, justify="left" if heading in ("what", "ratio") else "right")
    for result in results:
        spread = f"{min(result.ratios):.2f} to {max(result.ratios):.2f}"
        met = result.met()
        goal = result.goal if met is None else f"{result.goal} {'[green]met[/]' if met else '[red]missed[/]'}"
        times = [_figure(value, result.unit) for value in (result.reference, result.ours)]
        table.add_row(result.name, result.ratio_of, f"{result.median:.2f}", spread, goal, *times)
    return table


def _figure(value: float, unit: str) -> str:
    return f"{value:.0f} MB" if unit == "MB" else f"{value * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
