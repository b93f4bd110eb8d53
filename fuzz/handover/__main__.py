"""``python -m fuzz.handover [--rounds N] [--seed N] [--only WORD] [--write FILE]``: the hand-overs between two steps.

The same random values are told in many ways: other formats, other orders of columns and rows, other types, parts stated
otherwise. Each chain of two steps (measure then transfer, transfer then predict, and so on) must answer alike whichever telling
each of its steps is given, or refuse in one line, or say what it must say.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fuzz.handover.matrix import Tally, explore, table
from fuzz.handover.worlds import worlds


def main() -> None:
    """Try all, print what differs, and print or write the table; exit code 1 if anything differs."""
    arguments = _parsed()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    tally = Tally()
    for number in range(arguments.rounds):
        for world in worlds():
            with tempfile.TemporaryDirectory() as folder:
                explore(world, arguments.seed + number, Path(folder), tally, arguments.only)
    for fault in tally.faults:
        print(fault, file=sys.stderr)
    if arguments.refusals:
        print("\n".join(tally.refusals), file=sys.stderr)
    text = table(tally, arguments.rounds, arguments.seed)
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "handover", text)
    sys.exit(1 if tally.faults else 0)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz.handover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="draws of each world")
    parser.add_argument("--seed", type=int, default=0, help="of the first draw; the others follow")
    parser.add_argument("--only", default="", help="hand-overs with this in their line: 'world: chain, second on telling'")
    parser.add_argument("--refusals", action="store_true", help="also print each refusal")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
