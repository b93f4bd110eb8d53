"""What every test of a source needs: read it whole, and measure it with plain NumPy."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.measuring.one_pass import measure_state
from tare.samples.records import Record, Sample, Skipped
from tare.sources.base import Source
from tare.statistics.state import DatasetState


def records(source: Source[Any]) -> list[Record]:
    """Every record of a source, after a round trip of source and chunks through pickle, as another process would see them."""
    there = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    return [record for chunk in source.chunks() for record in there.read(pickle.loads(pickle.dumps(chunk)))]  # noqa: S301


def samples(source: Source[Any]) -> list[Sample]:
    """The samples of a source."""
    return [record for record in records(source) if isinstance(record, Sample)]


def skipped(source: Source[Any]) -> list[Skipped]:
    """What a source could not read."""
    return [record for record in records(source) if isinstance(record, Skipped)]


def state_of(source: Source[Any]) -> DatasetState:
    """Measure with one and with three workers, and insist on the same bits."""
    state = measure_state(source, 1)
    assert state == measure_state(source, 3)
    return state


def assert_moments(state: DatasetState, columns: NDArray[Any], *, scale: float = 1.0) -> None:
    """Compare mean and std of each channel with NumPy's over ``columns`` ``(values, C)``, NaN left out."""
    (group,) = state.groups.values()
    moments = [channel.moments for channel in group.channels]
    values = columns.astype(np.float64) * scale
    np.testing.assert_allclose([m.mean for m in moments], np.nanmean(values, axis=0), rtol=1e-12)
    np.testing.assert_allclose([m.std for m in moments], np.nanstd(values, axis=0), rtol=1e-12, atol=1e-15)
    assert [m.count for m in moments] == np.isfinite(values).sum(axis=0).tolist()


def assert_same_by_index(source: Source[Any]) -> None:
    """Insist that reading by index, from the last to the first, gives the records of reading in order."""
    indexed = source.indexed()
    assert indexed is not None
    by_index = [record for index in reversed(range(indexed.number)) for record in indexed.read(index)][::-1]
    in_order = records(source)
    assert list(map(_parts, by_index)) == list(map(_parts, in_order))


def _parts(record: Record) -> Any:
    if isinstance(record, Sample):
        return record.path, record.label, record.values.shape, record.values.tobytes(), record.notes
    return record


def assert_pooled_by_index(source: Source[Any]) -> None:
    """Insist that the samples by index, from the last to the first, have the moments of all of them read in order."""
    indexed = source.indexed()
    assert indexed is not None
    by_index = DatasetState.of(record for index in reversed(range(indexed.number)) for record in indexed.read(index))
    (ours,), (theirs,) = by_index.groups.values(), state_of(source).groups.values()
    assert ours.samples == theirs.samples == indexed.number
    for one, other in zip(ours.channels, theirs.channels, strict=True):
        np.testing.assert_allclose((one.moments.mean, one.moments.std), (other.moments.mean, other.moments.std), rtol=1e-12)
