"""Open data of which all samples count as one: what counts parts of a dataset as one says so.

Every command that opens data without keeping their parts apart opens them here.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tare.datasets.parts.columns import Columns, columns_of, columns_of_archive, columns_of_table, inner_of
from tare.datasets.parts.folders import PartFolders, folders_below, part_folders, parts_of_files
from tare.datasets.parts.names import are_parts, pooled_remark
from tare.datasets.parts.stated import shards_of, stating, unused_remark
from tare.errors import shell_word
from tare.samples.records import Record
from tare.sources.base import Source
from tare.sources.derived import SameChannels
from tare.sources.files.each import EachFile
from tare.sources.files.listed import ListedFiles
from tare.sources.files.tar import TarArchive, TarEntry
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.places import files_at


@dataclass(frozen=True)
class Pooled(SameChannels):
    """The samples of another source, whatever part they are of, with a remark if there are several parts.

    Of an archive that is only read once the folders are those of the chunks that were given by then.
    """

    place: Path | None = None
    seen: set[str] = field(default_factory=set, compare=False)

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """That parts are counted as one, and the other source's remarks."""
        return (*filter(None, [self._told or self._told_of_chunks()]), *self.source.remarks)

    @cached_property
    def _told(self) -> str | None:
        return (None if self.place is None else pooled_folders(self.place)) or pooled_samples(self.source)

    def _told_of_chunks(self) -> str | None:
        found = part_folders(sorted(self.seen))
        return None if found is None else _of_folders(found, self.name)

    def changed(self, record: Record) -> Iterator[Record]:
        """The record itself."""
        yield record

    def chunks(self) -> Iterator[Any]:
        """The other source's chunks."""
        for chunk in self.source.chunks():
            if isinstance(chunk, tuple):
                self.seen.update(f"{os.path.dirname(each.name)}/" for each in chunk if isinstance(each, TarEntry))  # noqa: PTH120
            yield chunk


def open_pooled(data: Any, options: Options | None = None) -> Source[Any]:
    """Open data as :func:`tare.sources.opening.open_source` does; a remark says so if they hold several parts of a dataset."""
    in_folder = isinstance(data, str | os.PathLike) and os.path.isdir(data)  # noqa: PTH112 - a name may be too long
    return Pooled(open_source(data, options), Path(data) if in_folder else None)


def pooled_folders(root: Path) -> str | None:
    """A remark that folders of parts in one folder are counted as one; None if there are none, or none of training."""
    found = folders_below(root)
    if found is None:
        return None
    if found.level:
        return _of_folders(found, str(root))
    return pooled_remark(found.names, found.trained, f"tare measure {shell_word(root / found.trained)}")


def pooled_table(name: str, measured: Sequence[str]) -> str | None:
    """A remark that all rows of a table count as one, of which a column states the parts; ``measured`` are their values."""
    return _of_columns(columns_of_table(name), measured)


def pooled_archive(name: str, samples: str, number: int) -> str | None:
    """A remark that all ``samples`` of an ``.npz`` count as one, of which an array beside them states the parts."""
    columns = columns_of_archive(name, samples, number) if name.lower().endswith(".npz") else None
    return None if columns is None else _of_columns(columns, ())


def pooled_samples(source: Source[Any], folders: PartFolders | None = None) -> str | None:
    """A remark that a source counts the parts of a dataset as one, which shards, columns or folders state; else None.

    ``folders`` are those of its samples, where they are known already.
    """
    shards = shards_of(source)
    stated = () if shards is None else parts_of_files(shards.files)
    if shards is not None and are_parts(stated):
        files = [file for file, part in zip(shards.files, stated, strict=True) if part == "train"]
        return pooled_remark([*dict.fromkeys(part or "other files" for part in stated)], "train", _command(files))
    columns = columns_of(source)
    if columns is not None and (told := _of_columns(columns, source.channel_names or ())) is not None:
        return told
    folders = folders or part_folders(_paths(inner_of(source)))
    return None if folders is None else _of_folders(folders, source.name)


def _of_columns(columns: Columns, measured: Sequence[str]) -> str | None:
    found = stating(columns)
    if found is None:
        return unused_remark(columns, measured=measured)
    trained = next(word for word in found.words if found.parts[word] == "train")
    different = [word if part else repr(word) if word.strip() else "rows of no part" for word, part in found.parts.items()]
    return f"{found.named.removeprefix('the ')}: {pooled_remark(different, trained)}"


def _of_folders(found: PartFolders, name: str) -> str:
    return f"folders in {name!r}: {pooled_remark(found.names, found.trained)}"


def _paths(source: Source[Any]) -> Sequence[str]:
    """The files of a list, or in an archive, if they are known without reading them."""
    if isinstance(source, ListedFiles):
        return [item.path for item in source.items()]
    if isinstance(source, EachFile):
        return source.files
    return source.paths() if isinstance(source, TarArchive) else ()


def _command(files: Sequence[str]) -> str:
    """The command that measures these files alone, if a pattern names them; else empty."""
    if len(files) > 1:
        pattern = f"{glob.escape(os.path.commonprefix([*files]))}*"  # noqa: RUF071 - of characters
        return f"tare measure {shell_word(pattern)}" if sorted(files_at(pattern)) == sorted(files) else ""
    return f"tare measure {shell_word(files[0])}"
