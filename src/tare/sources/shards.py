"""One dataset in many files: shards of a table, of an archive, or of arrays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any
from uuid import uuid4

from tare.errors import DataError
from tare.samples.records import Facts, Record
from tare.sources.base import Indexed, Source
from tare.sources.options import Options


@dataclass(frozen=True)
class Shards(Source[tuple[str, Any]]):
    """Files opened one after the other, in the order given."""

    name: str
    files: tuple[str, ...]
    options: Options
    open_file: Callable[[str, Options], Source[Any]]
    assumed: tuple[str, ...] = ()
    opening: int = field(default_factory=lambda: uuid4().int, compare=False)

    def opened(self, file: str) -> Source[Any]:
        """The source of a file, kept for this dataset alone: one that is opened later sees files that changed in between."""
        return _kept(self.open_file, file, self.options, self.opening)

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """What was assumed for all files, else what the first file's source says."""
        return self.assumed or (self.opened(self.files[0]).remarks if self.files else ())

    @property
    def channel_names(self) -> tuple[str, ...] | None:  # type: ignore[override]
        """The names that the first file states."""
        return self.opened(self.files[0]).channel_names if self.files else None

    @property
    def stated(self) -> Facts:  # type: ignore[override]
        """What the first file states; another file that states something else is refused."""
        return self.opened(self.files[0]).stated if self.files else ()

    def chunks(self) -> Iterator[tuple[str, Any]]:
        """A file and one of its chunks. Raises :class:`DataError` if channel names differ between files."""
        for file in self.files:
            source = self.opened(file)
            if source.channel_names != self.channel_names:
                raise DataError(
                    f"the columns {self.channel_names} in every file",
                    f"{source.channel_names} in {file!r}",
                    "choose common ones with --columns",
                )
            if source.stated != self.stated:
                found = f"{_words(source.stated)} in {file!r} and {_words(self.stated)} in {self.files[0]!r}"
                raise DataError("files that state the same of their values", found, "measure each kind by itself")
            for chunk in source.chunks():
                yield file, chunk

    def chunk_length(self, chunk: tuple[str, Any]) -> int:
        """Number of samples in the file's chunk."""
        return self.opened(chunk[0]).chunk_length(chunk[1])

    def beside(self, chunk: tuple[str, Any]) -> Iterator[str]:
        """The files beside the file's chunk."""
        return self.opened(chunk[0]).beside(chunk[1])

    def number(self) -> int | None:
        """Number of samples in all files; None if one of them does not tell."""
        found = [self.opened(file).number() for file in self.files]
        return sum(each for each in found if each is not None) if None not in found else None

    def read(self, chunk: tuple[str, Any]) -> Iterator[Record]:
        """Read with the file's own source."""
        return self.opened(chunk[0]).read(chunk[1])

    @property
    def unindexed(self) -> str:  # type: ignore[override]
        """The reason of the first file's source."""
        return self.opened(self.files[0]).unindexed

    def indexed(self) -> Indexed | None:
        """The samples of all files, one file after the other; None if one of the files cannot be read by index."""
        parts = self._indexed()
        if parts is None:
            return None
        ends = list(accumulate(part.number for part in parts))

        def read(index: int) -> Iterator[Record]:
            place = bisect_right(ends, index)
            return parts[place].read(index - (ends[place] - parts[place].number))

        return Indexed(ends[-1], read, all(part.threads for part in parts))

    def files_by_index(self) -> list[str]:
        """The file of each sample that :meth:`indexed` gives."""
        parts = self._indexed() or []
        return [file for file, part in zip(self.files, parts, strict=False) for _ in range(part.number)]

    def _indexed(self) -> list[Indexed] | None:
        """The samples of each file; None if one of the files cannot be read by index."""
        parts = []
        for file in self.files:
            part = self.opened(file).indexed()
            if part is None:
                return None
            parts.append(part)
        return parts


def _words(facts: Facts) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts) or "nothing"


@lru_cache(maxsize=16)
def _kept(open_file: Callable[[str, Options], Source[Any]], file: str, options: Options, opening: int) -> Source[Any]:
    del opening
    return open_file(file, options)
