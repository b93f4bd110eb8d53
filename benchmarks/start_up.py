"""Processor time from the start of each command until its work begins, and of loading PyTorch alone.

A command without PyTorch may take a second. Loading PyTorch alone takes longer: a command that needs it may
take half a second more.

The work of a command begins where it calls its task with a checked request. ``python -m benchmarks.start_up [--write FILE]``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.usage_errors import made_place

#: The most processor time of a start and of measuring one image, in seconds.
MOST, MOST_OF_AN_IMAGE = 1.0, 0.5
#: The most that a command may take beyond PyTorch, which it loads.
BEYOND = 0.5

# The function of the task is replaced by the end of the process.
_PROGRAM = """
import importlib, os, sys, time
module, name = {work!r}.split(":")
def end(*arguments, **keywords):
    print(time.process_time(), flush=True)
    os._exit(0)
setattr(importlib.import_module(module), name, end)
from tare.cli.start import main
main()
"""

_WHOLE = """
import sys, time
from tare.cli.start import main
try:
    main()
finally:
    print(time.process_time(), file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Start:
    """A command line, and the function where its work begins."""

    line: str
    work: str
    torch: bool = False


_NET = "--model timm:resnet18 --weights none"
STARTS = (
    Start("measure photos/a/0.png", "tare.measuring.api:measured"),
    Start("compare photos photos", "tare.comparing.sides:sides_from"),
    Start("spec timm:resnet18", "tare.readers.table:read_spec"),
    Start("check photos", "tare.checking.linting.api:code_checked"),
    Start("rule TARE100", "tare.checking.rules.index:rule_text"),
    Start("drift photos photos", "tare.monitoring.api:reference_of"),
    Start("identify --model timm:resnet18 --checkpoint pretrained photos", "tare.identifying.ranking:identified", torch=True),
    Start(f"advise {_NET} photos", "tare.advising.api:advised", torch=True),
    Start(f"explain {_NET} photos", "tare.advising.explaining.api:explained", torch=True),
    Start("study digits --out new-study", "tare.studying.execution.running:run_study", torch=True),
    Start(f"transfer {_NET} photos --out new-run", "tare.transferring.protocols:transferred", torch=True),
    Start("fold timm:resnet18 --weights none --out new-fold", "tare.networks.stored.folded:fold_to", torch=True),
    Start(
        "respec timm:resnet18 --weights none --to catalog:imagenet --out new-respec",
        "tare.networks.stored.folded:respec_to",
        torch=True,
    ),
    Start("demo --out new-demo --overwrite", "tare.studying.demo.run:run_demo", torch=True),
)


def until_work(start: Start, place: Path) -> float:
    """Processor seconds until the work of a command begins. Raises RuntimeError if it ends before."""
    done = _run([sys.executable, "-c", _PROGRAM.format(work=start.work), *start.line.split()], place)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"tare {start.line}: code {done.returncode}, {done.stderr[-300:]}")
    return float(done.stdout)


def loading_torch(place: Path) -> float:
    """Processor seconds of an interpreter that only loads PyTorch."""
    return float(_run([sys.executable, "-c", "import time, torch\nprint(time.process_time())"], place).stdout)


def one_image(place: Path) -> float:
    """Processor seconds of the whole command that measures one image."""
    return float(_run([sys.executable, "-c", _WHOLE, "measure", "photos/a/0.png"], place).stderr.split()[-1])


def table(seconds: list[tuple[Start, float]], torch: float, image: float) -> str:
    """A row of a Markdown table for each command."""
    lines = ["| command | until its work begins | beyond PyTorch | bound | |", "|---|--:|--:|---|---|"]
    for start, whole in seconds:
        beyond, most = (f"{whole - torch:.2f} s", torch + BEYOND) if start.torch else ("not loaded", MOST)
        bound = f"PyTorch + {BEYOND} s" if start.torch else f"{MOST:.0f} s"
        met = "met" if whole <= most else "**missed**"
        lines.append(f"| `tare {start.line.split()[0]}` | {whole:.2f} s | {beyond} | {bound} | {met} |")
    met = "met" if image <= MOST_OF_AN_IMAGE else "**missed**"
    alone = f"Loading PyTorch alone takes {torch:.2f} s."
    whole_image = f"`tare measure` of one image takes {image:.2f} s in all (at most 0.5 s: {met})."
    return "\n".join([*lines, "", f"{alone} {whole_image}"])


def _run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own code


def main() -> None:
    """Measure every start three times and take the least, since other work on the machine only adds."""
    parser = argparse.ArgumentParser(description="Processor time until the work of each command begins.")
    parser.add_argument("--write", type=Path, help="Put the table between the marks of this page.")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rounds = range(arguments.rounds)
    with tempfile.TemporaryDirectory() as scratch:
        place = made_place(Path(scratch))
        seconds = [(one, min(until_work(one, place) for _ in rounds)) for one in STARTS]
        text = table(seconds, min(loading_torch(place) for _ in rounds), min(one_image(place) for _ in rounds))
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "start", text)


if __name__ == "__main__":
    main()
