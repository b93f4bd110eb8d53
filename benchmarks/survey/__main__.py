"""Check whole folders: ``python -m benchmarks.survey FOLDER... [--labels CSV] [--verdicts CSV] [--write docs/survey.md]``.

Each folder is one repository. Nothing of it is imported or run. ``--findings FILE`` keeps what was found, and
``--read FILE`` makes the tables of it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.marks import insert_between
from benchmarks.survey.examination import Examined, examination, read_findings, write_findings
from benchmarks.survey.labels import Judged, judge, read_labels
from benchmarks.survey.tables import codes_table, recall_table, summary, verdict_table
from benchmarks.survey.verdicts import counted, read_verdicts

BEGIN, END = "<!-- written by python -m benchmarks.survey: begin -->", "<!-- end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the folders, print the tables or write them, and say what was missed; 1 if a check failed."""
    options = _parsed(arguments)
    kept = [each for path in options.read for each in read_findings(path)]
    examined = [*kept, *surveyed(options.folders, options.root)]
    judged = judge(read_labels(options.labels), examined) if options.labels else None
    if options.findings:
        write_findings(options.findings, examined)
    text = _text(examined, judged, options.verdicts)
    if options.write:
        insert(options.write, text)
    else:
        print(text)
    _say(examined, judged)
    return 1 if any(each.failure for each in examined) else 0


def surveyed(folders: Sequence[Path], root: Path | None = None) -> list[Examined]:
    """What the check finds in each folder, which is named relative to ``root``."""
    from tare.checking.repository.api import examined

    return [examination(folder, examined, os.path.relpath(folder, root or Path())) for folder in folders]


def insert(page: Path, text: str) -> None:
    """Put the tables between the marks of a page. Raises ``SystemExit`` if it has none."""
    insert_between(page, text, BEGIN, END)


def _text(examined: Sequence[Examined], judged: Judged | None, verdicts: Path | None) -> str:
    parts = [summary(examined), codes_table(examined)]
    if judged is not None:
        parts.append(recall_table(judged))
    if verdicts is not None:
        parts.append(verdict_table(counted(examined, read_verdicts(verdicts))))
    return "\n\n".join(parts)


def _say(examined: Sequence[Examined], judged: Judged | None) -> None:
    """What is not in the tables, for whoever mends it."""
    for each in examined:
        if each.failure:
            print(f"{each.folder}: {each.failure}", file=sys.stderr)
    for label in judged.missed if judged else ():
        print(f"missed: {label.folder}/{label.place}: {label.kind}", file=sys.stderr)
    for label, finding in judged.alarms if judged else ():
        print(f"false alarm: {label.folder}/{finding.place}: {finding.code} {finding.message}", file=sys.stderr)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.survey", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="one repository each")
    parser.add_argument(
        "--root", type=Path, metavar="FOLDER", help="folders are named relative to this one in labels and verdicts"
    )
    parser.add_argument("--labels", type=Path, metavar="CSV", help="places whose mistakes are known")
    parser.add_argument("--verdicts", type=Path, metavar="CSV", help="findings that were read by hand")
    parser.add_argument("--findings", type=Path, metavar="FILE", help="write all findings here, one JSON object a folder")
    parser.add_argument("--read", type=Path, metavar="FILE", action="append", default=[], help="findings that were kept before")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this document")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
