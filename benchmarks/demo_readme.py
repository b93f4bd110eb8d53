"""Write what ``tare demo`` prints into README, between its markers: ``python -m benchmarks.demo_readme``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.marks import between
from tare.reporting.demo.text import demo_lines
from tare.studying.demo.networks import SHIPPED
from tare.studying.demo.run import run_demo
from tare.system.progress import SILENT

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- demo: python -m benchmarks.demo_readme -->", "<!-- /demo -->"


def renewed(text: str, lines: list[str]) -> str:
    """The text with other lines between its markers. Raises ValueError for a text without both."""
    block = "\n".join(line.rstrip() for line in lines)
    return between(text, f"```text\n{block}\n```", BEGIN, END)


def main() -> int:
    """Run the demo and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        lines = demo_lines(run_demo(Path(folder), SILENT, SHIPPED, real=True))
    README.write_text(renewed(README.read_text(encoding="utf-8"), lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
