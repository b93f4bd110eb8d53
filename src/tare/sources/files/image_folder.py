"""A folder of images, nested or not; the first folder level names the label, as in torchvision's ImageFolder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from stat import S_ISREG
from typing import Any

from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.decode import SUFFIXES, Decoded, UndecodableError, decode_noted, image_format
from tare.samples.modes import ColourMode, PageMode
from tare.samples.records import Sample, Skipped, Stack
from tare.samples.transparency import Background
from tare.sources.base import ItemSource
from tare.sources.encoded import of_decoded
from tare.system.scratch import scratch_memory


@dataclass(frozen=True)
class ImageFolder(ItemSource[str]):
    """All images below ``root``, at any depth; see :func:`open_image_folder`."""

    root: Path
    colour: ColourMode = "stored"
    turned: bool | None = None
    background: Background | None = None
    pages: PageMode | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """The folder as the user named it."""
        return str(self.root)

    def items(self) -> Iterator[str]:
        """Paths of the files, in the order of a sorted walk."""
        return walk_files(self.root)

    def number(self) -> int:
        """Number of files."""
        return sum(1 for _ in self.items())

    def read_item(self, item: str) -> Sample | Stack | Skipped:
        """Decode one file."""
        decoded = read_noted(item, self.colour, turned=self.turned, background=self.background, pages=self.pages)
        if isinstance(decoded, Skipped):
            return decoded
        return of_decoded(item, decoded, first_level(item, str(self.root)))


def open_image_folder(
    root: Path,
    colour: ColourMode = "stored",
    *,
    turned: bool | None = None,
    background: Background | None = None,
    pages: PageMode | None = None,
) -> ImageFolder:
    """Check that ``root`` is a readable folder and return it as a source; ``turned`` rotates images as EXIF states.

    Raises :class:`DataError` if it does not exist, is not a folder, or cannot be listed.
    """
    if not root.exists():
        raise DataError("an existing folder of images", f"{str(root)!r} does not exist", "check the path")
    if not root.is_dir():
        raise DataError("a folder of images", f"{str(root)!r} is a file", "name the folder that holds the images")
    if not os.access(root, os.R_OK | os.X_OK):
        raise DataError("a readable folder", f"no permission to list {str(root)!r}", "change its permissions")
    return ImageFolder(root, colour, turned, background, pages)


def walk_files(root: Path) -> Iterator[str]:
    """Yield every file below ``root``, sorted within each folder; links to folders are not followed, so a walk ends."""
    for folder, folders, files in os.walk(root, onerror=_raise):
        folders.sort()
        for name in sorted(files):
            yield os.path.join(folder, name)


def first_level(path: str, root: str) -> str | None:
    """Name the folder directly below ``root`` that ``path`` lies in, or None if it lies in ``root`` itself."""
    first, separator, _ = path[len(root) :].lstrip(os.sep).partition(os.sep)
    return first if separator else None


def read_image(path: str, colour: ColourMode) -> NDArray[Any] | Skipped:
    """Read and decode one file, or return the reason as :class:`Skipped`."""
    decoded = read_noted(path, colour)
    return decoded if isinstance(decoded, Skipped) else decoded.values


def read_noted(
    path: str,
    colour: ColourMode,
    *,
    turned: bool | None = None,
    background: Background | None = None,
    pages: PageMode | None = None,
) -> Decoded | Skipped:
    """Read and decode one file like :func:`read_image`, with notes on what decoding left out."""
    claims_image = os.path.splitext(path)[1].lower() in SUFFIXES
    try:
        status = os.stat(path)
        if not S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
            return Skipped(path, "not a regular file", foreign=not claims_image)
        with open(path, "rb", buffering=0) as file:
            if not claims_image and image_format(file.read(16)) is None:
                return Skipped(path, "not an image by name or content", foreign=True)
            file.seek(0)
            data = _content(file, status.st_size)
        return decode_noted(data, colour, turned=turned, background=background, pages=pages)
    except OSError as error:
        return Skipped(path, f"cannot be opened: {error.strerror or error}")
    except UndecodableError as error:
        return Skipped(path, str(error))


def _content(file: FileIO, size: int) -> memoryview:
    """The first ``size`` bytes of a file (all bytes of a shorter one), in memory that was used before."""
    memory = memoryview(scratch_memory(size, "file"))[:size]  # type: ignore[arg-type]
    read = 0
    while read < size and (count := file.readinto(memory[read:])):
        read += count
    return memory[:read]


def _raise(error: OSError) -> None:
    raise DataError(
        "a folder whose subfolders can be listed", f"{error.filename!r}: {error.strerror}", "change its permissions"
    ) from None
