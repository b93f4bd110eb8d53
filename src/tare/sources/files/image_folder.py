"""A folder of images, nested or not; the first folder level names the label, as in torchvision's ImageFolder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.decode import SUFFIXES, Decoded, UndecodableError, decode_noted, image_format
from tare.samples.modes import ColourMode, PageMode
from tare.samples.records import Sample, Skipped, Stack
from tare.samples.transparency import Background
from tare.sources.base import ItemSource
from tare.sources.encoded import of_decoded
from tare.sources.files.apart import LOOKED_AT, channels_apart
from tare.system.local.opened import ChangedError, NotRegularError, fill, opened, said
from tare.system.scratch import scratch_memory

#: Folders that hold no files of the user: thumbnails of Synology's file stations, and what macOS keeps beside files in archives.
_OF_SYSTEMS = frozenset(("@eaDir", "__MACOSX"))


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

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the names of TIFF files say of their channels (coloured pictures may be named by a colour), and links."""
        home, number, tiffs, repeated = os.path.realpath(self.root), 0, list[str](), list[str]()
        for path in self.items():
            number += 1
            if len(tiffs) < LOOKED_AT and path.lower().endswith((".tif", ".tiff")):
                tiffs.append(path)
            if _is_repeated(path, home):
                repeated.append(path)
        apart = channels_apart(tiffs)
        if not repeated:
            return apart
        links = f"{len(repeated)} of {number} files are links to others of them, such as {repeated[0]!r}: each counts twice"
        return (*apart, links)

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


def walk_files(root: Path, within: Path | None = None) -> Iterator[str]:
    """Yield every file below ``root``, sorted within each folder, files before folders: the one listing of every command.

    A folder whose name begins with a dot is left out, and so are those that systems make beside files. A link to a folder is
    followed if that folder lies elsewhere than below ``within`` (by default ``root``), and the first time; so a walk ends, and
    such a link lets no file come twice. A folder that is left out is yielded itself, as something that is no file, so that it
    can be listed.
    """
    home, seen = os.path.realpath(within or root), set[str]()
    held = [os.fspath(root)]
    while held:
        folder = held.pop()
        names, folders = _entries(folder)
        entered = [name for name in folders if _is_entered(os.path.join(folder, name), name, home, seen)]
        held += [os.path.join(folder, name) for name in reversed(entered)]
        for name in sorted({*names, *folders} - {*entered}):
            yield os.path.join(folder, name)


def _is_repeated(path: str, home: str) -> bool:
    """Whether a path is a link to a file that the walk below ``home`` comes to as well."""
    if not os.path.islink(path) or not os.path.isfile(path):  # noqa: PTH113, PTH114 - millions of names
        return False
    target = Path(os.path.relpath(os.path.realpath(path), home))  # one outside begins with a dot, too
    return not any(name.startswith(".") or name in _OF_SYSTEMS for name in target.parts[:-1])


def folders_in(root: Path) -> list[str]:
    """The names of the folders directly in ``root`` that :func:`walk_files` enters, sorted."""
    home, seen = os.path.realpath(root), set[str]()
    return [name for name in _entries(os.fspath(root))[1] if _is_entered(os.path.join(root, name), name, home, seen)]


def _is_entered(path: str, name: str, home: str, seen: set[str]) -> bool:
    if name.startswith(".") or name in _OF_SYSTEMS:
        return False
    if not os.path.islink(path):  # noqa: PTH114 - millions of names
        return True
    target = os.path.realpath(path)
    inside = f"{target}{os.sep}".startswith(f"{home}{os.sep}") or home.startswith(f"{target}{os.sep}")
    if inside or target in seen:
        return False
    seen.add(target)
    return True


def _entries(folder: str) -> tuple[list[str], list[str]]:
    """The names of files and of folders in a folder, folders sorted. Raises :class:`DataError` if it cannot be listed."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if _is_folder(entry) else files).append(entry.name)
    except OSError as error:
        _raise(error)
    return files, sorted(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def claims_or_is(path: str, suffixes: Collection[str], recognises: Callable[[bytes], object]) -> bool:
    """Whether a file is a sample by the ending of its name, or else by its first 16 bytes: the rule of every command."""
    if os.path.splitext(path)[1].lower() in suffixes:
        return True
    try:
        with opened(path, 0) as file:
            return bool(recognises(file.read(16)))
    except (OSError, ValueError):
        return False


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
        with opened(path, 0) as file:
            if not claims_image and image_format(file.read(16)) is None:
                return Skipped(path, "not an image by name or content", foreign=True)
            file.seek(0)
            data = _content(file, os.fstat(file.fileno()).st_size)
        return decode_noted(data, colour, turned=turned, background=background, pages=pages)
    except NotRegularError as error:
        return Skipped(path, said(error), foreign=not claims_image)
    except ChangedError as error:
        return Skipped(path, said(error))
    except (OSError, ValueError) as error:  # ValueError: a null byte in a name
        return Skipped(path, f"cannot be opened: {said(error)}")
    except UndecodableError as error:
        return Skipped(path, str(error))


def _content(file: BinaryIO, size: int) -> memoryview:
    """The first ``size`` bytes of a file, in memory that was used before."""
    memory = memoryview(scratch_memory(size, "file"))[:size]  # type: ignore[arg-type]
    return memory[: fill(file, memory)]


def _raise(error: OSError) -> NoReturn:
    raise DataError(
        "a folder whose subfolders can be listed", f"{error.filename!r}: {error.strerror}", "change its permissions"
    ) from None
