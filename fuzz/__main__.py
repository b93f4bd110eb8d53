"""``python -m fuzz [--seconds N] [--only WORD] [--write FILE]``: fuzz every target for so long, with ``atheris``."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
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
    found = [
        _fuzzed(name, arguments.seconds, arguments.runs) for name in targets() if arguments.only is None or arguments.only in name
    ]
    lines = ["| parser | inputs tried | places reached | faults |", "|---|---|---|---|"]
    lines += [f"| {each.name} | {each.tried:,} | {each.reached} | {1 if each.fault else 0} |" for each in found]
    total = sum(each.tried for each in found)
    lines += [f"| **all** | **{total:,}** | | **{sum(bool(each.fault) for each in found)}** |"]
    text = "\n".join([*lines, "", f"{arguments.seconds} seconds each."])
    print(text)
    if arguments.write is not None:
        from benchmarks.check_rates.__main__ import insert

        insert(arguments.write, "fuzz", text)
    sys.exit(1 if any(each.fault for each in found) else 0)


def _fuzzed(name: str, seconds: int, runs: int) -> Fuzzed:
    with tempfile.TemporaryDirectory() as corpus:
        options = [
            corpus,
            f"-max_total_time={seconds}",
            f"-runs={runs}",
            "-seed=1",
            "-timeout=20",
            "-rss_limit_mb=4096",
            "-max_len=65536",
        ]
        command = [sys.executable, "-m", "fuzz.one", name, *options, "-print_final_stats=1", f"-artifact_prefix={corpus}/"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    said = done.stdout + done.stderr
    tried = re.findall(r"stat::number_of_executed_units:\s*(\d+)", said)
    reached = re.findall(r"\bcov: (\d+)", said)
    fault = "" if done.returncode == 0 else said[-3000:]
    if fault:
        print(f"{name}:\n{fault}", file=sys.stderr)
    return Fuzzed(name, int(tried[-1]) if tried else 0, int(reached[-1]) if reached else 0, fault)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--runs", type=int, default=-1, help="at most so many inputs for each target")
    parser.add_argument("--only", help="targets with this in their name")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
