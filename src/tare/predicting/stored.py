"""Samples to predict that lie together in one file or store: arrays, HDF5, Zarr, shards."""

from __future__ import annotations

from tare.datasets.opening import open_samples
from tare.datasets.samples import LabelledSamples
from tare.input_spec.geometry import SampleKind
from tare.samples.sound.front_end import FrontEnd
from tare.sources.options import Options
from tare.sources.places import parted

#: Those of arrays, whose columns have no names.
_ARRAYS = (".npy", ".npz", ".h5", ".hdf5", ".hdf", ".he5", ".nc", ".zarr", ".mat", ".safetensors")
_ENDINGS = (*_ARRAYS, ".tar", ".tar.gz", ".tgz", ".parquet", ".arrow", ".lmdb", ".mdb", ".tfrecord")

#: Those whose columns have names.
_WITH_NAMES = (".arrow",)


def is_store(word: str) -> bool:
    """Whether a word names a file or store of many samples, ``FILE`` or ``FILE#ARRAY``, by its ending."""
    return _ends_in(word, _ENDINGS)


def is_array(word: str) -> bool:
    """Whether a word names a file or store of arrays, by its ending: their columns have no names."""
    return _ends_in(word, _ARRAYS)


def _ends_in(word: str, endings: tuple[str, ...]) -> bool:
    return parted(word, None)[0].rstrip("/").lower().endswith(endings)


def samples_in(
    word: str,
    kind: SampleKind,
    front: FrontEnd | None = None,
    columns: tuple[str, ...] | None = None,
    *,
    channels: int | None = None,
    layout: str | None = None,
) -> LabelledSamples:
    """The samples of a store as those of ``kind``, of a table with names the ``columns``; ``layout`` states an array's axes.

    Raises :class:`tare.DataError` for others, or for none.
    """
    named = columns if word.lower().endswith(_WITH_NAMES) else None
    return open_samples(word, Options(front=front, columns=named, layout=layout), channels=channels).of_kind(kind)
