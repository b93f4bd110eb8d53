"""Tables of JSON, one object a line, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tare.errors import DataError, reason_of
from tare.sources.options import Options
from tare.sources.places import open_binary
from tare.sources.tables.arrow import ArrowFile, open_batches


def open_json_lines(place: str, options: Options) -> ArrowFile:
    """Open a ``.jsonl`` file, plain or ``.gz``; the first block decides the type of each field.

    Raises :class:`DataError` if a line is no object, or a later one has other types or fields.
    """
    return open_batches(place, options, _batches)


@contextmanager
def _batches(place: str) -> Iterator[tuple[Any, Iterator[Any]]]:
    import pyarrow as pa
    from pyarrow import json

    with open_binary(place) as stream:
        try:
            how = json.ReadOptions(block_size=1 << 22)
            if hasattr(json, "open_json"):
                reader = json.open_json(stream, how)
                yield reader.schema, iter(reader)
            else:  # older releases of Arrow read the whole file
                table = json.read_json(stream, how)
                yield table.schema, iter(table.to_batches())
        except pa.ArrowException as error:
            raise DataError(
                "one JSON object a line, each with the same fields", f"{place!r}: {reason_of(error)}", "correct it"
            ) from None
