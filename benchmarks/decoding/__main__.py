"""``python -m benchmarks.decoding [--write FILE]``: made files of every format, depth and meaning, right or refused."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.decoding.kinds import every
from benchmarks.decoding.paths import REFUSED, RIGHT, judged

_COLUMNS = ("1 to 7 bits", "8 bits", "9 to 15 bits", "16 bits", "32 and 64 bits", "signed", "floats")


def main() -> None:
    """Judge all files, print what is wrong, and print or write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="print each file that is refused")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    arguments = parser.parse_args()
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for made in every():
            answer = judged(made, Path(folder))
            found[made.format, column(made.depth)][answer if answer in (RIGHT, REFUSED) else "wrong"] += 1
            if answer not in (RIGHT, REFUSED) or (arguments.verbose and answer == REFUSED):
                print(f"{made.ident}: {answer}", file=sys.stderr)
    text = table(found)
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "decoding", text)
    sys.exit(1 if any(counts["wrong"] for counts in found.values()) else 0)


def column(depth: str) -> str:
    """The column of the table for a depth."""
    if "signed" in depth:
        return "signed"
    if depth.startswith("float"):
        return "floats"
    bits = int(depth.split(maxsplit=1)[0])
    if bits in (8, 16):
        return f"{bits} bits"
    return "1 to 7 bits" if bits < 8 else "9 to 15 bits" if bits < 16 else "32 and 64 bits"


def table(found: dict[tuple[str, str], Counter[str]]) -> str:
    """One row a format: files read rightly / refused, in each column of depths."""
    lines = [f"| format | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 1) + "|"]
    formats = [*dict.fromkeys(name for name, _ in found)]
    for name in [*(each for each in formats if _count(found, each, RIGHT)), *(f for f in formats if not _count(found, f, RIGHT))]:
        cells = [_cell(found.get((name, each), Counter())) for each in _COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    total = sum(found.values(), Counter())
    right, refused, wrong = (total[answer] for answer in (RIGHT, REFUSED, "wrong"))
    said = f"{right} of {total.total()} files are read rightly, {refused} are refused in one line, {wrong} are read wrongly."
    return "\n".join([*lines, "", said])


def _count(found: dict[tuple[str, str], Counter[str]], name: str, answer: str) -> int:
    return sum(counts[answer] for (each, _), counts in found.items() if each == name)


def _cell(counts: Counter[str]) -> str:
    if not counts:
        return ""
    wrong = f" / **{counts['wrong']} wrong**" if counts["wrong"] else ""
    return f"{counts[RIGHT]} / {counts[REFUSED]}{wrong}"


if __name__ == "__main__":
    main()
