"""A CSV is a table of numbers, or a manifest that names files; its header tells."""

from __future__ import annotations

from typing import Any

from tare.sources.base import Source
from tare.sources.files.listed import is_path_column, open_manifest
from tare.sources.options import Options
from tare.sources.tables.csv_table import open_csv_table, read_head


def open_csv(place: str, options: Options) -> Source[Any]:
    """Open a manifest if a column of text is named like one of paths and no columns were asked for, else a table."""
    head = read_head(place)
    paths = [name for name, numeric in zip(head.names, head.numeric, strict=True) if is_path_column(name) and not numeric]
    if paths and options.columns is None:
        return open_manifest(place, options, head.delimiter)
    return open_csv_table(place, options, head)
