"""Images and recordings named one by one: folders of recordings, folders behind a URL, list files and CSV manifests."""

from __future__ import annotations

import csv
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tare.errors import DataError
from tare.samples.records import Sample, Skipped, Stack
from tare.sources.base import ItemSource
from tare.sources.encoded import claims_sample, sample_of
from tare.sources.files.image_folder import first_level, walk_files
from tare.sources.files.masks import NamedImages, is_drawn
from tare.sources.files.quotes import without_literal
from tare.sources.options import Options
from tare.sources.places import file_system, is_url, open_binary, read_bytes
from tare.system.local.opened import ChangedError, NotRegularError, said

PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img")
_LABEL_COLUMNS = ("label", "class", "target", "category", "label_name", "class_name")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file and its label."""

    path: str
    label: str | None = None


class Listing(ABC):
    """A stream of file names."""

    @abstractmethod
    def __iter__(self) -> Iterator[Listed]:
        """Every file, in a fixed order."""


@dataclass(frozen=True)
class ListedFiles(ItemSource[Listed]):
    """The files that a listing names, decoded by their content."""

    name: str
    listing: Listing
    options: Options

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """That files are listed more than once, if the user or a file listed them."""
        return _repeated(self.listing) if isinstance(self.listing, Named | Manifest) else ()

    def items(self) -> Iterator[Listed]:
        """The files, in the order of the listing.

        Raises :class:`DataError` at the end if most images without labels have a mask beside them, unless masks are named.
        """
        return iter(self.listing) if self.options.mask is not None else self._unmasked()

    def _unmasked(self) -> Iterator[Listed]:
        images, folder = NamedImages(), f"{os.path.dirname(self.name)}/"  # noqa: PTH120 - it may be a URL
        for item in self.listing:
            if item.label is None and claims_sample(item.path):
                images.add(item.path.removeprefix(folder), partial(is_drawn, partial(read_bytes, item.path)))
            yield item
        images.check(self.name, "take the masks out, or measure only the foreground with --mask")

    def number(self) -> int:
        """Number of files."""
        return sum(1 for _ in self.items())

    def read_item(self, item: Listed) -> Sample | Stack | Skipped:
        """Decode one file."""
        claims = claims_sample(item.path)
        try:
            data = read_bytes(item.path)
        except NotRegularError as error:
            return Skipped(item.path, said(error), not claims, item.label)
        except (OSError, ValueError) as error:  # ValueError: a null byte in a listed name
            reason = said(error) if isinstance(error, ChangedError) else f"cannot be opened: {said(error)}"
            return Skipped(item.path, reason, label=item.label)
        return sample_of(item.path, data, self.options, item.label, claimed=claims)


@dataclass(frozen=True)
class Named(Listing):
    """Files named one by one."""

    paths: tuple[str, ...]

    def __iter__(self) -> Iterator[Listed]:
        yield from map(Listed, self.paths)


@dataclass(frozen=True)
class LocalFolder(Listing):
    """Every file below a folder; the first level names the label."""

    root: str

    def __iter__(self) -> Iterator[Listed]:
        for path in walk_files(Path(self.root)):
            yield Listed(path, first_level(path, str(Path(self.root))))


@dataclass(frozen=True)
class RemoteFolder(Listing):
    """Every file below a URL; the first level names the label."""

    root: str

    def __iter__(self) -> Iterator[Listed]:
        system, root = file_system(self.root)
        for folder, folders, files in system.walk(root):
            folders.sort()
            for name in sorted(files):
                path = f"{folder.rstrip('/')}/{name}"
                yield Listed(system.unstrip_protocol(path), first_level(path, root))


@dataclass(frozen=True)
class Manifest(Listing):
    """A text file with one path a line; with a ``delimiter``, a CSV with a path column and an optional label column.

    ``label`` names the column of labels, if it is not a usual name. Relative paths start at the manifest's own folder. A URL in
    it is refused unless ``remote`` URLs are allowed.
    """

    place: str
    delimiter: str | None = None
    label: str | None = None
    remote: bool = False

    def __iter__(self) -> Iterator[Listed]:
        folder = self.place.rpartition("/")[0] if is_url(self.place) else str(Path(self.place).parent)
        with open_binary(self.place) as file:
            lines = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
            for path, label in _entries(lines, self):
                beside = f"{folder}/{path}" if folder else path
                if Path(path).is_absolute() or (is_url(path) and (is_url(self.place) or not os.path.lexists(beside))):
                    self._check(path)
                    beside = path
                yield Listed(beside, label)

    def _check(self, path: str) -> None:
        """Raise :class:`DataError` for a URL that only the list names: whoever wrote it would choose whom this machine asks."""
        if is_url(path) and not self.remote:
            found = f"the address {path!r} in {self.place!r}"
            raise DataError("a list of files, not of addresses", found, "fetch the files first, or allow it with --allow-remote")


def _repeated(listing: Listing) -> tuple[str, ...]:
    """A sentence on the files that a listing names once more; annotations often have a row a box, and so many rows an image."""
    seen: set[str] = set()
    again: list[str] = []
    for item in listing:
        path = os.path.normpath(item.path)
        again += [item.path] if path in seen else []
        seen.add(path)
    if not again:
        return ()
    number = len(seen) + len(again)
    said = f"{len(again):,} of {number:,} entries name a file that was named before, the first {again[0]!r}: each counts"
    return (f"{said}, in training and in validation alike",)


def open_encoded(place: str, options: Options) -> ListedFiles:
    """Open a single image or recording."""
    return open_named(place, (place,), options)


def open_folder(place: str, options: Options) -> ListedFiles:
    """Open a folder of recordings or images, local or behind a URL."""
    return ListedFiles(place, RemoteFolder(place) if is_url(place) else LocalFolder(place), options)


def open_named(name: str, files: tuple[str, ...], options: Options) -> ListedFiles:
    """Open images or recordings that the user named one by one."""
    return ListedFiles(name, Named(files), options)


def open_manifest(place: str, options: Options, delimiter: str | None = None) -> ListedFiles:
    """Open a list file, or with a ``delimiter`` a CSV manifest. Raises :class:`DataError` if it is empty or unreadable."""
    with open_binary(place) as file:
        if not file.read(1):
            raise DataError("a list with at least one path", f"{place!r} is empty", "write one path a line")
    return ListedFiles(place, Manifest(place, delimiter, options.label, options.remote), options)


def is_path_column(name: str) -> bool:
    """Whether a CSV column of this name holds paths."""
    return name.strip().lower() in PATH_COLUMNS


def is_label_column(name: str) -> bool:
    """Whether a CSV column of this name holds classes."""
    return name.strip().lower() in _LABEL_COLUMNS


def _entries(lines: io.TextIOWrapper, manifest: Manifest) -> Iterator[tuple[str, str | None]]:
    place = manifest.place
    if manifest.delimiter is None:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                yield line.strip(), None
        return
    held: list[str] = []
    rows = csv.reader(_recorded(lines, held), delimiter=manifest.delimiter)
    written: dict[str, str] = {}
    try:
        header = [name.strip() for name in next(rows, [])]
        held.clear()
        path, label = _columns(header, manifest)
        for row in rows:
            if len(held) > 1 and without_literal("".join(held).encode(), manifest.delimiter).count(b'"') % 2:
                raise DataError("quotes that close", f"an open one in {place!r}", "close it, or double a quote within a cell")
            held.clear()
            if len(row) > path and row[path].strip():
                yield row[path].strip(), _one_way(row[label], written, place) if label is not None and len(row) > label else None
    except csv.Error as error:
        raise DataError("a CSV manifest", f"line {rows.line_num} of {place!r}: {error}", "check the file") from None


def _recorded(lines: Iterable[str], held: list[str]) -> Iterator[str]:
    """The lines, which are also added to those of a row: one with a quote left open holds all lines behind it."""
    for line in lines:
        held.append(line)
        yield line


def _columns(header: Sequence[str], manifest: Manifest) -> tuple[int, int | None]:
    """Where the paths stand, and the classes if there are any."""
    path = next((index for index, name in enumerate(header) if is_path_column(name)), None)
    label = next((index for index, name in enumerate(header) if is_label_column(name)), None)
    if path is None:
        raise DataError(f"a column named one of {', '.join(PATH_COLUMNS)}", f"{header} in {manifest.place!r}", "rename one")
    if manifest.label is None:
        return path, label
    if manifest.label not in header:
        raise DataError(f"one of the columns {', '.join(header[:12])}", f"{manifest.label!r} for --label", "choose among them")
    return path, header.index(manifest.label)


def _one_way(label: str, written: dict[str, str], place: str) -> str:
    """A label without the blanks around it. Raises :class:`DataError` for two that differ by these alone."""
    plain = label.strip()
    if written.setdefault(plain, label) != label:
        found = f"{written[plain]!r} and {label!r} in {place!r}"
        raise DataError("classes whose names differ by more than blanks", found, "write them in one way")
    return plain
