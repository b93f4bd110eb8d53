"""What the documents show: commands and programs, in the order in which a reader meets them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of one line, without its comment, or a program; ``page`` is relative to the repository."""

    page: str
    kind: Literal["command", "python"]
    text: str

    def words(self) -> list[str]:
        """The words after ``tare``, up to where the shell takes over."""
        words = shlex.split(self.text.partition("tare ")[2])
        ends = [index for index, word in enumerate(words) if word in {"|", ">", "&&"}]
        return words[: ends[0]] if ends else words


def name_of(page: Path) -> str:
    """A page by its path in the repository."""
    return page.relative_to(ROOT).as_posix()


def shown_on(page: Path) -> Iterator[Shown]:
    """Commands of ``tare`` in blocks of a shell, and blocks of Python."""
    for language, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            yield Shown(name_of(page), "python", block)
        elif language in {"sh", "console", "bash", "shell"}:
            prompt = language == "console"
            for line in block.replace("\\\n", " ").splitlines():
                command = _uncommented(line.removeprefix("$ ")) if line.startswith("$ ") or not prompt else ""
                if re.search(r"(^|\| )tare ", command):
                    yield Shown(name_of(page), "command", command)


def inline_commands(page: Path) -> Iterator[str]:
    """What stands in a line of text as `tare ...`."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    yield from re.findall(r"`(tare [a-z][^`]*)`", text)


def _uncommented(line: str) -> str:
    """A line up to its comment, which a hash behind a blank begins."""
    return re.sub(r"(^|\s)#\s.*$", "", line).strip()
