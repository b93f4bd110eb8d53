"""Tensors in ``.safetensors`` files, and in ``.pt`` files without running what they hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from math import prod
from typing import Any

import numpy as np

from tare.errors import DataError, reason_of
from tare.sources.arrays.in_memory import ArraySource, numpy_of, open_array
from tare.sources.containers.labels import words_of
from tare.sources.containers.stored import Claimed, StoredArray, chosen, described, open_claimed
from tare.sources.containers.tensor_file import Tensor, TensorSlices, tensors_in
from tare.sources.options import Options
from tare.sources.places import opened_for, parted

_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f4", "BF16": "f4", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1",
    "U16": "u2", "U32": "u4", "U64": "u8", "BOOL": "?",
}  # fmt: skip
#: Half precision as it is stored; bfloat16 as the upper halves of single precision.
_STORED = {"F16": "f2", "BF16": "u2"}


def open_safetensors(place: str, options: Options) -> StoredArray:
    """Open one tensor of a file, ``FILE#TENSOR``. Raises :class:`DataError` if the file is damaged or several are there."""
    file, name = parted(place, options.array)
    with opened_for(file) as opened:
        tensors = tensors_in(opened, file)
    kinds = {each: described(one.shape, one.kind) for each, one in tensors.items() if one.kind in _DTYPES and one.shape}
    found = chosen(file, kinds, name)
    tensor = tensors[found]
    opener = partial(_tensor, file, tensor)
    return open_claimed(Claimed(f"{file}#{found}", tensor.shape, np.dtype(_DTYPES[tensor.kind]), opener), options)


@dataclass(frozen=True)
class SavedTensor(ArraySource):
    """Samples along the first axis of a tensor, and the ``others``, lists and tensors that are as long."""

    others: Mapping[str, Any] = field(default_factory=dict)


def open_pt(place: str, options: Options) -> SavedTensor:
    """Open one tensor of a file that ``torch.save`` wrote, ``FILE#TENSOR``, mapped into memory.

    PyTorch reads it with ``weights_only``: a pickle that holds more than tensors and plain values is refused and never run.
    Raises :class:`DataError` for such a file, a damaged one, or one with several tensors.
    """
    file, name = parted(place, options.array)
    whole = _loaded(file)
    tensors = dict(_found(whole, ""))
    shown = {each: described(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for each, tensor in tensors.items()}
    found = chosen(file, shown, name)
    source = open_array(numpy_of(tensors[found]), options)
    stated = {each.name: getattr(source, each.name) for each in fields(source)}
    stated["name"] = f"{file}#{found}" if found != "tensor" else file
    return SavedTensor(**stated, others=_as_long(whole, len(tensors[found])))


def _as_long(whole: Any, number: int) -> dict[str, Any]:
    """The lists and tensors of a dictionary that hold as many entries as there are samples."""
    beside = whole.items() if isinstance(whole, dict) else ()
    arrays = {str(name): numpy_of(each) if hasattr(each, "detach") and each.ndim == 1 else each for name, each in beside}
    return {name: each for name, each in arrays.items() if isinstance(each, list | tuple | np.ndarray) and len(each) == number}


def words_beside(file: str, number: int, wanted: Callable[[str], bool]) -> dict[str, list[str]]:
    """The words of the tensors of ``number`` numbers in a ``.safetensors`` file whose names are ``wanted``, one a sample."""
    with opened_for(file) as opened:
        tensors = {name: one for name, one in tensors_in(opened, file).items() if wanted(name) and one.kind in _DTYPES}
        read = {name: TensorSlices(opened, one, _stored_dtype(one)) for name, one in tensors.items() if prod(one.shape) == number}
        return words_of({name: each[(slice(None),) * len(each.tensor.shape)] for name, each in read.items()}, number)


def _stored_dtype(tensor: Tensor) -> np.dtype[Any]:
    return np.dtype(_STORED.get(tensor.kind, _DTYPES[tensor.kind])).newbyteorder("<")


@contextmanager
def _tensor(file: str, tensor: Tensor) -> Iterator[Any]:
    with opened_for(file) as opened:
        yield TensorSlices(opened, tensor, _stored_dtype(tensor))


def _loaded(file: str) -> Any:
    import torch

    try:
        with opened_for(file) as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the refusal says
            return torch.load(
                opened, map_location="cpu", weights_only=True
            )  # not mapped: a file that is cut would end the program
    except DataError:
        raise
    except Exception as error:
        unpickled = "Weights only" in reason_of(error, None)
        found = "damaged, or other objects than tensors, which are never unpickled" if unpickled else _reason(error)
        remedy = "save the tensors alone, or as .safetensors" if unpickled else "fetch it again"
        raise DataError("a .pt file of tensors", f"{file!r}: {found}", remedy) from None


def _reason(error: Exception) -> str:
    return reason_of(error) or type(error).__name__


def _found(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors in lists and dictionaries, by their keys with dots between."""
    if hasattr(value, "detach"):
        if value.ndim and value.numel() and not value.is_complex() and not value.is_sparse and not value.is_quantized:
            yield name or "tensor", value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _found(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _found(each, f"{name}.{index}" if name else str(index))
