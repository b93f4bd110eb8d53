"""``python -m fuzz [--seconds N] [--runs N] [--only WORD] [--write FILE]``: fuzz every target for so long, with ``atheris``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import targets


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of a target: inputs tried, places of tare's code reached, and what libFuzzer says of a fault."""

    name: str
    tried: int
    reached: int
    fault: str


def main() -> None:
    """Fuzz, print what was found, and print or write the table; exit code 1 if there was a fault."""
    arguments = _parsed()
    if importlib.util.find_spec("atheris") is None:
        sys.exit("error: expected the fuzzer, found no atheris; pip install 'tare[fuzz]'")
    names = [name for name in targets() if arguments.only is None or arguments.only in name]
    found = _fuzzed(names, arguments.seconds, arguments.runs, arguments.workers)
    text = table(found, arguments.seconds, arguments.runs)
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "fuzz", text)
    sys.exit(1 if any(each.fault for each in found) else 0)


def table(found: Sequence[Fuzzed], seconds: int | None, runs: int | None) -> str:
    """What came of every target, all of them together, and the limits that they had."""
    lines = ["| parser | inputs tried | places reached | faults |", "|---|---|---|---|"]
    lines += [f"| {each.name} | {each.tried:,} | {each.reached} | {1 if each.fault else 0} |" for each in found]
    total, faults = sum(each.tried for each in found), sum(bool(each.fault) for each in found)
    limits = [f"{number:,} {unit}" for number, unit in ((seconds, "seconds"), (runs, "inputs")) if number is not None]
    return "\n".join([*lines, f"| **all** | **{total:,}** | | **{faults}** |", "", f"At most {' or '.join(limits)} each."])


def _fuzzed(names: Sequence[str], seconds: int | None, runs: int | None, workers: int) -> list[Fuzzed]:
    """What came of each, in the order of ``names``. The same ``runs`` try the same inputs, whenever and wherever."""
    options = ["-seed=1", "-timeout=20", "-rss_limit_mb=4096", "-max_len=65536", "-print_final_stats=1"]
    options += [f"-{name}={number}" for name, number in (("max_total_time", seconds), ("runs", runs)) if number is not None]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fuzz.one", folder, str(workers), *options, *names]
        # What a set of texts is walked in depends on a secret otherwise, and with it what is reached first.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, text=True, check=True)  # noqa: S603
        codes = {int(number): int(code) for number, code in (line.split() for line in done.stdout.splitlines())}
        logs = [Path(folder, f"{number}.log").read_text(errors="replace") for number in range(len(names))]
    return [_outcome(name, codes[number], log) for number, (name, log) in enumerate(zip(names, logs, strict=True))]


def _outcome(name: str, code: int, said: str) -> Fuzzed:
    tried = re.findall(r"stat::number_of_executed_units:\s*(\d+)", said)
    reached = re.findall(r"\bcov: (\d+)", said)
    fault = "" if code == 0 else said[-3000:] or f"exit code {code}"
    if fault:
        print(f"{name}:\n{fault}", file=sys.stderr)
    return Fuzzed(name, int(tried[-1]) if tried else 0, int(reached[-1]) if reached else 0, fault)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, help="at most so long for each target; 60 if there is no other limit")
    parser.add_argument("--runs", type=int, help="at most so many inputs for each target, the same ones every time")
    parser.add_argument("--workers", type=int, default=1, help="targets at a time")
    parser.add_argument("--only", help="targets with this in their name")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    arguments = parser.parse_args()
    if arguments.seconds is None and arguments.runs is None:
        arguments.seconds = 60
    return arguments


if __name__ == "__main__":
    main()
