"""LeRobot datasets: folders of Parquet files with a row a time step, whose independent samples are episodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tare.errors import DataError, reason_of
from tare.samples.records import Record
from tare.sources.base import Source
from tare.sources.options import Options
from tare.sources.tables.records import TablePlan, is_index, plan_table, records_of
from tare.system.local.opened import regular, text_of

_EPISODE = "episode_index"
_NAMED = re.compile(r"\.parquet#episode (\d+)")
_MOST_METADATA = 1 << 24


@dataclass(frozen=True)
class LeRobotSource(Source[tuple[str, int]]):
    """The chosen columns of all episodes; a chunk is a row group of a file."""

    name: str
    files: tuple[str, ...]
    plan: TablePlan
    options: Options
    channel_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()

    unindexed = "whose rows belong to episodes"

    @property
    def cluster_of(self) -> Any:  # type: ignore[override]
        """The episode of a row: rows of one episode are not independent."""
        return episode_of

    def chunks(self) -> Iterator[tuple[str, int]]:
        """Row groups."""
        for file in self.files:
            with _file(file) as parquet:
                yield from ((file, group) for group in range(parquet.num_row_groups))

    def number(self) -> int:
        """Number of rows in all files."""
        return sum(map(_rows, self.files))

    def chunk_length(self, chunk: tuple[str, int]) -> int:
        """Number of rows."""
        with _file(chunk[0]) as parquet:
            return int(parquet.metadata.row_group(chunk[1]).num_rows)

    def read(self, chunk: tuple[str, int]) -> Iterator[Record]:
        """The rows of a row group, episode by episode."""
        file, group = chunk
        try:
            with _file(file) as parquet:
                table = parquet.read_row_group(group, columns=[*self.plan.needed, _EPISODE])
        except (OSError, ValueError, KeyError) as error:
            raise DataError("a LeRobot file", f"{file!r}: {reason_of(error)}", "fetch it again") from None
        yield from self._episodes(table, file)

    def _episodes(self, table: Any, file: str) -> Iterator[Record]:
        episodes = table.column(_EPISODE).to_pylist()
        start = 0
        for stop in range(1, len(episodes) + 1):
            if stop == len(episodes) or episodes[stop] != episodes[start]:
                path = f"{file}#episode {episodes[start]}"
                records = records_of(table.slice(start, stop - start), self.plan, path, start, self.options)
                yield from (_within(path, record) for record in records)
                start = stop


def _within(path: str, record: Record) -> Record:
    """The record with its episode in its name: an image in a cell brings a path of its own, the same in each episode."""
    return record if record.path.startswith(path) else replace(record, path=f"{path}/{record.path}")


def episode_of(path: str) -> str:
    """Name the episode in the path of a row."""
    match = _NAMED.search(path)
    return match.group(1) if match else path


def open_lerobot(place: str, options: Options) -> LeRobotSource:
    """Open a dataset: all columns of numbers that do not count rows, by dimension, with the names of ``meta/info.json``.

    Raises :class:`DataError` if metadata or files are damaged, no Parquet file is there, or episodes are not numbered.
    """
    files = tuple(sorted(map(str, (Path(place) / "data").rglob("*.parquet"))))
    if not files:
        raise DataError("a LeRobot dataset with Parquet files", f"none below {place}/data", "fetch the dataset again")
    features = _features(Path(place) / "meta" / "info.json")
    with _file(files[0]) as parquet:
        schema, first = parquet.schema_arrow, parquet.read_row_group(0) if parquet.num_row_groups else None
    if _EPISODE not in schema.names or first is None:
        raise DataError(f"rows with a column {_EPISODE}", f"{', '.join(schema.names)} in {files[0]!r}", "fetch the dataset again")
    columns = options.columns or tuple(name for name in schema.names if _measured(schema.field(name).type, name))
    plan = plan_table(schema, replace(options, columns=columns), place, lambda column: first.column(column)[:64])
    names = tuple(_channel(each, features) for each in plan.channel_names or ())
    remark = "rows of one episode are not independent: standard errors count episodes"
    return LeRobotSource(place, files, plan, options, names, (*plan.remarks, remark))


def _measured(kind: Any, name: str) -> bool:
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else kind
    return (pa.types.is_floating(inner) or pa.types.is_integer(inner)) and not is_index(name)


def _features(place: Path) -> dict[str, Any]:
    try:
        if place.stat().st_size > _MOST_METADATA:
            raise ValueError(f"{place.stat().st_size} bytes")
        features = json.loads(text_of(place)).get("features", {})
        return features if isinstance(features, dict) else {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError("LeRobot metadata", f"{str(place)!r}: {reason_of(error)}", "fetch the dataset again") from None


def _channel(name: str, features: dict[str, Any]) -> str:
    """``observation.state[0]`` with the name of the dimension, if the metadata state it."""
    column, bracket, place = name.partition("[")
    feature = features.get(column)
    names = feature.get("names") if isinstance(feature, dict) else None
    names = next(iter(names.values()), None) if isinstance(names, dict) else names
    index = int(place[:-1]) if bracket else 0
    stated = names[index] if isinstance(names, list) and index < len(names) else None
    return f"{column}[{stated}]" if bracket and isinstance(stated, str) else name


def _rows(place: str) -> int:
    with _file(place) as parquet:
        return int(parquet.metadata.num_rows)


def _file(place: str) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        regular(place)
        return parquet.ParquetFile(place)
    except (OSError, pa.ArrowException) as error:
        raise DataError("a Parquet file", f"{place!r}: {reason_of(error)}", "fetch the dataset again") from None
