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

Each example is a pipeline with one mistake, as people post it when they are stuck: first the symptom, in the words of such a
post, then the code, then `tare check` and what it prints. `python -m benchmarks.gallery` writes this page, and a test runs every
command again.

The examples with `--data photos` use synthetic images, which `python docs/gallery/made_photos.py photos` writes.
"""

#: Headings that are more than the name of the file.
_TITLES = {
    "albumentations_max_1": "Albumentations with max_pixel_value=1",
    "caffe_network": "Caffe network",
    "clip_weights": "CLIP weights",
    "divided_if_above_one": "Divided only if above one",
    "hf_processor_on_floats": "Hugging Face processor on floats",
    "keras_efficientnet": "Keras EfficientNet",
    "min_max_of_each_image": "Minimum and maximum of each image",
    "mnist_constants": "MNIST constants",
    "normalize_before_jitter": "Normalize before colour jitter",
    "normalize_before_to_tensor": "Normalize before ToTensor",
    "one_stage_only": "Normalised in one stage only",
    "opencv_image": "OpenCV image",
    "statistics_with_test": "Statistics that include test data",
    "std_is_mean": "Std equal to the mean",
    "std_of_each_image": "Std of single images",
}


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
    title = _TITLES.get(example.name, example.name.replace("_", " ").capitalize())
    fence = "```"
    return (
        f"## {title}\n\n{example.symptom}\n\n{fence}python\n{example.code}\n{fence}\n\n"
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
