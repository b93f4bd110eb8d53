"""torch ``Dataset`` and ``DataLoader`` whose items are images, tensors, or tuples or dictionaries that hold one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from tare.errors import DataError, TareError, reason_of
from tare.samples.decode import of_pillow
from tare.samples.records import Record, Sample, Skipped, stacked_rows
from tare.sources.arrays.axes import as_record, axes_of
from tare.sources.arrays.in_memory import numpy_of
from tare.sources.arrays.masked import is_masked, kept
from tare.sources.base import Indexed, Source
from tare.sources.options import Options
from tare.system.handed.tensors import is_tensor

_CHUNK = 64
_PICTURE = 3  # axes of one image
_KEYS = ("image", "images", "pixel_values", "img", "input", "inputs", "x", "data")
#: Samplers that give every sample once; the last is that of a dataset without a length.
_WHOLE = ("SequentialSampler", "RandomSampler", "_InfiniteConstantSampler")
_LABEL_KEYS = ("label", "labels", "target", "y")


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One item of a dataset (or one batch of a loader) with its number, or the error that reading it raised."""

    number: int
    value: Any
    error: str | None = None


@dataclass(frozen=True)
class TorchSource(Source[tuple[Item, ...]]):
    """Items in the data's own order. The main thread fetches them, since a dataset need not be thread-safe."""

    name: str
    data: Any
    options: Options
    batched: bool
    remarks: tuple[str, ...] = ()

    def chunks(self) -> Iterator[tuple[Item, ...]]:
        """Groups of items; a batch of a loader is a group of its own."""
        items = _items(self.data)
        while chunk := tuple(islice(items, 1 if self.batched else _CHUNK)):
            yield chunk

    def chunk_length(self, chunk: tuple[Item, ...]) -> int:
        """Number of samples."""
        if not self.batched:
            return len(chunk)
        return sum(1 if item.error else len(_input(item.value, self.options)[0]) for item in chunk)

    def number(self) -> int | None:
        """Length of a map-style dataset; None for a loader or a stream."""
        return len(self.data) if not self.batched and _is_map(self.data) else None

    def read(self, chunk: tuple[Item, ...]) -> Iterator[Record]:
        """Turn each item into a record, or give the reason why it is unreadable."""
        for item in chunk:
            path = f"{self.name}[{item.number}]"
            if item.error is not None:
                yield Skipped(path, item.error)
            else:
                yield self._batch(path, item.value) if self.batched else self._sample(path, item.value)

    def indexed(self) -> Indexed | None:
        """One item of a map-style dataset, read by one thread; None for a loader or a stream, which have their own order."""
        if self.batched or not _is_map(self.data):
            return None
        return Indexed(len(self.data), lambda number: self.read((_item(self.data, number),)), threads=False)

    @property
    def _largest(self) -> int | None:
        """The number of samples of a batch that is not the last; None if it is not known."""
        size: int | None = self.data.batch_size
        return min(size, len(self.data.dataset)) if size is not None and _is_map(self.data.dataset) else size

    @cached_property
    def _item_axes(self) -> int | None:
        """The number of axes of the input of one item; None for a stream, and where torch itself stacks items."""
        if _gives_new(self.data) or not _is_map(self.data.dataset) or not len(self.data.dataset):
            return None
        item = _item(self.data.dataset, 0)
        shape = None if item.error else getattr(_input(item.value, self.options)[0], "shape", None)
        return None if shape is None else len(shape)

    def _batch(self, path: str, value: Any) -> Record:
        _check_batch(path, value, None if _gives_new(self.data) else self._largest, self._item_axes)
        values = numpy_of(_input(value, self.options)[0])
        if is_masked(values):
            raise DataError("batches without a mask", f"masked values in {path}", "pass a dataset, or fill them")
        return as_record(path, np.ma.getdata(values), axes_of(values.shape, values.dtype, self.options.layout, path))

    def _sample(self, path: str, value: Any) -> Record:
        found, label = _input(value, self.options)
        notes = _others(value)
        if hasattr(found, "getbands"):  # a Pillow image, whose axes need no guessing
            options = self.options
            decoded = of_pillow(found, options.channels, options.background, options.turned)
            return Sample(path, decoded.values, label, (*decoded.notes, *notes))
        values = numpy_of(found)
        layout = self.options.layout
        axes = axes_of((1, *values.shape), values.dtype, "N" + layout.upper().removeprefix("N") if layout else None, path)
        facts = (("layout", axes[1:]),) if len(axes) == 4 and "C" in axes else ()  # items of two layouts are refused
        if is_masked(values):
            shown = kept(path, values, axes.index("C") - 1 if "C" in axes else None)
            return replace(shown, label=label, notes=(*shown.notes, *notes), facts=facts)
        values = np.ma.getdata(values)
        if axes in ("N", "NC"):
            return stacked_rows(path, values.reshape(1, -1))
        if "C" not in axes:
            return Sample(path, values[..., None], label, notes)
        return Sample(path, np.moveaxis(values, axes.index("C") - 1, -1), label, notes, facts)


#: What has items that are no samples: raw memory of any type, which an array would give its type and axes, and containers.
_NO_SAMPLES = (str, bytes, bytearray, memoryview, array, Mapping, list, tuple)


def is_torch_data(data: Any) -> bool:
    """Whether ``data`` is a torch dataset or loader, or a sequence that could be one; torch is not imported."""
    names = {kind.__name__ for kind in type(data).__mro__ if kind.__module__.startswith("torch.")}
    sequence = hasattr(data, "__getitem__") and hasattr(data, "__len__") and "UntypedStorage" not in names
    return bool(names & {"Dataset", "DataLoader"}) or (sequence and not isinstance(data, _NO_SAMPLES))


def open_torch_data(data: Any, options: Options) -> TorchSource:
    """Wrap a dataset (map-style or iterable) or a loader; ``columns`` names the key of an item that is a dictionary.

    Raises :class:`DataError` for more than one name.
    """
    if len(options.columns or ()) > 1:
        raise DataError("one key that holds the input of an item", ", ".join(options.columns or ()), "name one with --columns")
    # Of a loader with a batch sampler of its own torch says that the size of a batch is None.
    batched = any(kind.__name__ == "DataLoader" for kind in type(data).__mro__) and data.batch_sampler is not None
    return TorchSource(type(data).__name__, data, options, batched, _loader_remarks(data) if batched else ())


def _loader_remarks(data: Any) -> tuple[str, ...]:
    """What of its dataset a loader leaves out or draws more than once."""
    batches: Any = data.batch_sampler
    plain = type(batches).__name__ == "BatchSampler"
    sampler: Any = batches.sampler if plain else batches
    dataset: Any = getattr(data, "dataset", None)
    kind = type(sampler).__name__
    drawn = kind not in _WHOLE or bool(getattr(sampler, "replacement", False))
    drawn = drawn or (_is_map(dataset) and hasattr(sampler, "__len__") and len(sampler) < len(dataset))
    told = [f"the samples are those that {kind} draws, which need not be all, or each once"] if drawn else []
    left = len(dataset) % batches.batch_size if plain and batches.drop_last and _is_map(dataset) and not drawn else 0
    processes = getattr(data, "num_workers", 0)
    if processes > 1 and not _is_map(dataset):
        told.append(f"a stream that {processes} processes read: unless it divides itself, each sample comes {processes} times")
    return (*told, *([f"left out {left} of {len(dataset)} samples: the loader has drop_last=True"] if left else []))


def _items(data: Any) -> Iterator[Item]:
    if not _is_map(data):
        try:
            for number, value in enumerate(data):
                yield Item(number, _own(data, value))
        except TareError:
            raise
        except Exception as error:  # the dataset's own: a loader that failed gives nothing more
            found = f"{type(error).__name__}: {reason_of(error)}"
            raise DataError(f"a {type(data).__name__} whose items can be read", found, "mend the dataset") from None
        return
    try:
        count = len(data)
    except Exception as error:  # a sparse matrix has no length
        found = f"{type(error).__name__}: {reason_of(error)}"
        raise DataError(f"a {type(data).__name__} that tells its length", found, "pass an array, as of toarray()") from None
    for number in range(count):
        yield _item(data, number)


def _is_map(data: Any) -> bool:
    """Whether items are read by their numbers; a stream of torch's inherits a method for it that only raises an error."""
    streamed = any(kind.__name__ == "IterableDataset" for kind in type(data).__mro__)
    return not streamed and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _item(data: Any, number: int) -> Item:
    try:
        return Item(number, _own(data, data[number]))
    except Exception as error:  # whatever one item raises, the others are still good
        return Item(number, None, f"{type(error).__name__}: {error}")


def _own(data: Any, value: Any) -> Any:
    """What data gave, in arrays that it does not write to later."""
    return value if _gives_new(data) else _copied(value)


def _copied(value: Any) -> Any:
    """An item with arrays of its own: a dataset may fill one array again for each item, and many are held before one is read."""
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        entries = (*map(_copied, value[:1]), *value[1:])
        return entries if isinstance(value, tuple) else list(entries)
    if is_tensor(value):
        return value.clone()
    if hasattr(value, "getbands"):  # one of a file is new with every opening, and knows its format, which a copy does not
        return value if getattr(value, "format", None) else value.copy()
    return value.copy("K") if isinstance(value, np.ndarray) else value


def _gives_new(data: Any) -> bool:
    """Whether what data give is new, or never written to: batches that torch itself stacks, and rows of tensors."""
    if hasattr(data, "batch_sampler"):
        return data.batch_sampler is not None and getattr(data.collate_fn, "__name__", "") == "default_collate"
    return type(data).__name__ == "TensorDataset"


def _input(value: Any, options: Options) -> tuple[Any, str | None]:
    """Find the input in an item or batch, and its label if that is a single number or word."""
    if isinstance(value, Mapping):
        key = options.columns[0] if options.columns else next((key for key in _KEYS if key in value), None)
        if key not in value:
            raise DataError("items with a key that holds the input", f"the keys {list(value)}", "name it with --columns")
        if options.label is not None and options.label not in value:
            raise DataError("items with the key of --label", f"the keys {list(value)}", "name another with --label")
        places = _LABEL_KEYS if options.label is None else (options.label,)
        label = next((value[place] for place in places if place in value), None)
        return value[key], _label(label)
    if options.columns:
        found = f"items of type {type(value).__name__}, and {options.columns[0]!r}"
        raise DataError("items that are dictionaries, where --columns names a key", found, "leave it out")
    if isinstance(value, tuple | list):
        if not value:
            raise DataError("items that hold an input", "an empty tuple", "check the dataset")
        if _is_single(value[0]) and not all(map(_is_single, value)):
            found = f"{type(value[0]).__name__} first, and an array behind it"
            raise DataError(
                "items whose first entry is the input", found, "return the input first, or a dictionary with its name"
            )
        return value[0], _label(value[1]) if len(value) > 1 else None
    return value, None


def _check_batch(path: str, value: Any, size: int | None, of_item: int | None) -> None:
    """Raise :class:`DataError` for a batch whose first entry is no input: labels, or one item of a list of them.

    A function of the user may leave the items of a batch as they are: arrays with as many axes as the input ``of_item`` has. Of a
    stream, whose items are not known, as many arrays of one kind as a batch has samples, its ``size``.
    """
    if not isinstance(value, tuple | list) or not value or not all(hasattr(each, "shape") for each in value):
        return
    axes = [len(each.shape) for each in value]
    if axes[0] == 1 and max(axes) > 1:
        found = f"one of numbers first, and an array of {max(axes)} axes behind it, in {path}"
        raise DataError("batches whose first entry is the input", found, "return the input first, or a dictionary with its name")
    apart = axes[0] == of_item
    if of_item is None and len(value) == size:
        kinds = {(len(each.shape), str(each.dtype)) for each in value}
        stacked = all(each.shape[0] == size for each in value if len(each.shape)) and (axes[0] > _PICTURE or size == 1)
        apart = len(kinds) == 1 and not stacked
    if apart:
        found = f"a list of {len(value)} arrays of {axes[0]} axes in {path}"
        raise DataError("batches in one array, samples first", found, "stack them in collate_fn, or pass the dataset itself")


def _others(value: Any) -> tuple[str, ...]:
    """A note if an item holds more than one array or image, such as two views or a mask."""
    if not isinstance(value, tuple | list):
        return ()
    more = sum(hasattr(each, "getbands") or len(getattr(each, "shape", ())) > 1 for each in value[1:])
    return (f"{more} more of its arrays left out: the first is measured",) if more else ()


def _is_single(value: Any) -> bool:
    """Whether an entry of an item is one number or word, such as a label or an index."""
    return isinstance(value, int | float | str) or (hasattr(value, "shape") and len(value.shape) == 0)


def _label(value: Any) -> str | None:
    if hasattr(value, "item") and getattr(value, "size", None) is not None and np.asarray(value).size == 1:
        value = np.asarray(value).item()
    return str(value) if isinstance(value, int | str) else None
