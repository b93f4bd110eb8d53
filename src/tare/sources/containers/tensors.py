"""Tensors in ``.safetensors`` files, and in ``.pt`` files without running what they hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tare.errors import DataError, reason_of
from tare.sources.arrays.in_memory import ArraySource, numpy_of, open_array
from tare.sources.containers.stored import Claimed, StoredArray, chosen, described, open_claimed
from tare.sources.options import Options
from tare.sources.places import parted

_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f4", "BF16": "f4", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1",
    "U16": "u2", "U32": "u4", "U64": "u8", "BOOL": "?",
}  # fmt: skip


def open_safetensors(place: str, options: Options) -> StoredArray:
    """Open one tensor of a file, ``FILE#TENSOR``. Raises :class:`DataError` if the file is damaged or several are there."""
    file, name = parted(place, options.array)
    with _tensors(file) as opened:
        slices = {each: opened.get_slice(each) for each in opened.keys()}  # noqa: SIM118 - no dictionary
        kinds = {each: (tuple(one.get_shape()), str(one.get_dtype())) for each, one in slices.items()}
    found = chosen(file, {each: described(*kind) for each, kind in kinds.items() if kind[1] in _DTYPES and kind[0]}, name)
    shape, kind = kinds[found]
    claimed = Claimed(f"{file}#{found}", shape, np.dtype(_DTYPES[kind]), partial(_tensor, file, found))
    return open_claimed(claimed, options)


def open_pt(place: str, options: Options) -> ArraySource:
    """Open one tensor of a file that ``torch.save`` wrote, ``FILE#TENSOR``, mapped into memory.

    PyTorch reads it with ``weights_only``: a pickle that holds more than tensors and plain values is refused and never run.
    Raises :class:`DataError` for such a file, a damaged one, or one with several tensors.
    """
    file, name = parted(place, options.array)
    tensors = dict(_found(_loaded(file), ""))
    shown = {each: described(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for each, tensor in tensors.items()}
    found = chosen(file, shown, name)
    source = open_array(numpy_of(tensors[found]), options)
    return replace(source, name=f"{file}#{found}" if found != "tensor" else file)


@contextmanager
def _tensors(file: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except (SafetensorError, OSError) as error:
        raise DataError("a .safetensors file", f"{file!r}: {reason_of(error)}", "fetch it again") from None


@contextmanager
def _tensor(file: str, name: str) -> Iterator[Any]:
    with _tensors(file) as opened:
        yield _Slices(opened.get_slice(name))


class _Slices:
    """Slices of one tensor as NumPy arrays."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __getitem__(self, place: Any) -> Any:
        return numpy_of(self.tensor[place])


def _loaded(file: str) -> Any:
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception:
        try:  # files of old versions cannot be mapped
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what the refusal says
                return torch.load(file, map_location="cpu", weights_only=True)
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
