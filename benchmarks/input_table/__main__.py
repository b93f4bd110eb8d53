"""``python -m benchmarks.input_table [--kind NAME ...] [--write]``: run every cell, and write the table of ``docs/inputs.md``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks.input_table.kinds import KINDS
from benchmarks.input_table.running import COMMANDS, Outcome, outcomes
from benchmarks.marks import insert_between

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
BEGIN, END = "<!-- table: python -m benchmarks.input_table --write -->", "<!-- end of the table -->"


def table(found: Mapping[str, Mapping[str, Outcome]]) -> str:
    """The table in Markdown: y where the command ran, else the number of the reason below it."""
    reasons: list[str] = []
    lines = [f"| input | {' | '.join(COMMANDS)} |", f"|---|{'---|' * len(COMMANDS)}"]
    for name, row in found.items():
        cells = [_cell(row[command], reasons) for command in COMMANDS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", "Refused, in the words of the program:", "", *notes])


def _cell(outcome: Outcome, reasons: list[str]) -> str:
    if outcome.ran:
        return "y"
    if outcome.said not in reasons:
        reasons.append(outcome.said)
    return str(reasons.index(outcome.said) + 1)


def main() -> None:
    """Run the cells of the chosen kinds; with ``--write`` of all kinds, into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", nargs="*", choices=[*KINDS], help="Only these kinds; nothing is written.")
    parser.add_argument("--write", action="store_true", help="Write the table to docs/inputs.md.")
    asked = parser.parse_args()
    found = {}
    for name in asked.kind or KINDS:
        found[name] = outcomes(KINDS[name])
        print(name, *(f"{key}: {'y' if one.ran else one.said}" for key, one in found[name].items()), sep="\n  ", flush=True)
    crashed = [f"{name}, {key}" for name, row in found.items() for key, one in row.items() if one.crashed]
    if crashed:
        raise SystemExit(f"crashed: {'; '.join(crashed)}")
    if asked.write and not asked.kind:
        insert_between(PAGE, table(found), BEGIN, END)


if __name__ == "__main__":
    main()
