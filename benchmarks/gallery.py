"""Write ``docs/gallery.md``: each pipeline of ``docs/gallery``, its command and what the command really prints.

``python -m benchmarks.gallery`` runs in the repository's root. The command stands in the second line of each file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tare.cli import start as cli

ROOT = Path(__file__).parent.parent
HOME = ROOT / "docs" / "gallery.md"
PHOTOS = ROOT / "docs" / "gallery" / "made_photos.py"

_HEAD = """# Gallery

Pipelines as people post them when they are stuck, each with one mistake. Every output below was printed by the command above
it; `python -m benchmarks.gallery` writes this page, and a test runs every command again. The symptom stands in the first line.

The examples with `--data photos` use made images: `python docs/gallery/made_photos.py photos` writes them.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A file of the gallery: its name, the symptom, the command's words after ``tare``, and the code."""

    name: str
    symptom: str
    command: tuple[str, ...]
    code: str


def examples() -> Iterator[Example]:
    """All files of the gallery in the order of their names."""
    for path in sorted((ROOT / "docs" / "gallery").glob("*.py")):
        if path == PHOTOS:
            continue
        symptom, command, *code = path.read_text(encoding="utf-8").splitlines()
        words = shlex.split(command.removeprefix("# "))
        yield Example(path.stem, symptom.removeprefix("# "), tuple(words[1:]), "\n".join(code))


def make_photos(folder: Path) -> None:
    """Make the images that some examples measure."""
    subprocess.run([sys.executable, str(PHOTOS), str(folder)], check=True)  # noqa: S603


def section(example: Example, output: str) -> str:
    """One example as Markdown."""
    title = example.name.replace("_", " ")
    fence = "```"
    return (
        f"## {title[0].upper()}{title[1:]}\n\n{example.symptom}\n\n{fence}python\n{example.code}\n{fence}\n\n"
        f"{fence}console\n$ tare {shlex.join(example.command)}\n{output.strip()}\n{fence}\n"
    )


def steady(output: str) -> str:
    """The output without what depends on the installed versions of timm and torchvision."""
    return re.sub(r"(timm|torchvision) \d[\w.+]+ ", r"\1 ", output)


def run(example: Example, photos: Path) -> tuple[int, str]:
    """Exit code and output of an example's command, run in this process from the repository's root."""
    words = [str(photos) if word == "photos" else word for word in example.command]
    printed = io.StringIO()
    before = sys.argv
    try:
        sys.argv = ["tare", *words]
        with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed):
            cli.main()
    except SystemExit as left:
        code = left.code
    finally:
        sys.argv = before
    return int(code or 0), steady(printed.getvalue().replace(f"{photos.parent}{os.sep}", ""))


def main() -> None:
    """Run every command and write the page."""
    sections = []
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        make_photos(photos)
        for example in examples():
            code, output = run(example, photos)
            if code != 1:
                raise SystemExit(f"{example.name}: exit code {code}\n{output}")
            sections.append(section(example, output))
    HOME.write_text("\n".join([_HEAD, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
