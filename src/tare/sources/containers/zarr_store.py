"""Arrays in Zarr folders, OME-Zarr among them, through zarr. No codec runs code, and no path leaves the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import DataError, reason_of
from tare.samples.records import UNSTATED, Facts
from tare.sources.arrays.conventions import attributes_of, chunks_of, facts_of, meant_dtype, unstored, viewed
from tare.sources.containers.labels import StoredLabels, check_labels, labelled, without_label
from tare.sources.containers.stored import (
    Claimed,
    StoredArray,
    check_chunk,
    check_numbers,
    check_size,
    chosen,
    described,
    one_sample,
    open_claimed,
)
from tare.sources.options import Options
from tare.sources.places import parted
from tare.system.local.opened import text_of
from tare.system.optional import require

#: Codecs that turn bytes into numbers. Others, above all pickle, are refused before an array is opened.
_CODECS = frozenset(
    (
        "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "crc32c_", "delta", "endian",
        "fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "quantize", "scale_offset",
        "sharding_indexed", "shuffle", "transpose", "zlib", "zstd",
    )
)  # fmt: skip
#: Chunks whose sizes are compared with those of their values, and what a codec may add.
_LOOKED_AT, _HEADERS = 10_000, 1 << 16
#: Chunks that are counted at most.
_MOST_COUNTED = 100_000
_MOST_METADATA = 1 << 24


def open_zarr(place: str, options: Options) -> StoredArray:
    """Open one array of a folder, ``FOLDER#ARRAY``; of an OME-Zarr image, full resolution unless another is named.

    Raises :class:`DataError` for objects, a codec that may run code, a name or link that leaves the folder, or several arrays.
    """
    require("zarr", extra="science", purpose="Zarr folders")
    folder, name = parted(place, options.array)
    root = _metadata(Path(folder))
    if root is None:
        raise DataError("a Zarr folder", f"{folder!r} without zarr.json, .zarray or .zgroup", "check the path")
    image = _ome_image(root)
    if name is None and image is not None:
        name = str(image["datasets"][0]["path"])
    if _is_array(root):
        found = ""
    else:
        every = {each: _described(Path(folder) / each) for each in _arrays(Path(folder))}
        found = chosen(folder, without_label(every, options.label), name)
    claimed = _claimed(folder, found, image)
    if options.label is not None:
        source = open_claimed(claimed, options)
        return labelled(source, _labels(folder, options.label, source))
    if image is None or options.layout is not None:
        return open_claimed(claimed, options)
    return one_sample(claimed, *_ome_axes(image, root, claimed))


def _labels(folder: str, name: str, source: StoredArray) -> StoredLabels:
    """The array of labels, of numbers or of texts of one length."""
    shown = f"{folder}#{name}"
    if name not in _arrays(Path(folder)):
        raise DataError("an array of labels", f"none at {shown!r}", "name it with --label")
    _check_codecs(Path(folder) / name, shown)
    with _array(folder, name) as array:
        check_labels(shown, tuple(array.shape), np.dtype(array.dtype).kind, source.number())
    return StoredLabels(shown, source.number(), partial(_array, folder, name))


def words_beside(place: str, name: str, source: StoredArray, wanted: Callable[[str], bool]) -> dict[str, list[str]]:
    """The words of the arrays in the group of another, one a sample, whose names are ``wanted``."""
    group = name.rpartition("/")[0]
    found: dict[str, list[str]] = {}
    for each in _arrays(Path(place)):
        inside, _, last = each.rpartition("/")
        if inside != group or not wanted(last):
            continue
        try:
            found[last] = [*_labels(place, each, source).of(0, source.number())]
        except DataError:  # it has another number of values, or is of objects
            continue
    return found


def _claimed(folder: str, name: str, image: Mapping[str, Any] | None) -> Claimed:
    shown = f"{folder}#{name}" if name else folder
    _check_codecs(Path(folder) / name, shown)
    with _array(folder, name) as array:
        dtype = np.dtype(array.dtype)
        check_numbers(dtype, shown)
        size = prod(array.shape) * dtype.itemsize
        if size > 1 << 33:
            check_size(shown, size, _stored(Path(folder) / name))
        check_chunk(shown, tuple(array.chunks), dtype.itemsize)
        along = tuple(int(length) for length in getattr(array, "shards", None) or array.chunks)
        _check_stored(Path(folder) / name, shown, prod(along) * dtype.itemsize)
        facts = (*_facts(image), *(() if image else facts_of(attributes_of(array), dtype)), *_unstored(array, along))
        opener = partial(_array, folder, name)
        if image is None and (meant := meant_dtype(dict(array.attrs), dtype)) != dtype:
            dtype, opener = meant, partial(viewed, opener, meant)
        return Claimed(shown, tuple(array.shape), dtype, opener, along, facts)


def _unstored(array: Any, along: tuple[int, ...]) -> Facts:
    """A fact on chunks that were never written, or are lost; of very many they are not counted."""
    number = chunks_of(tuple(array.shape), along)
    if number is None or number > _MOST_COUNTED:
        return ()
    try:
        stored = int(array.nchunks_initialized)
        inner = chunks_of(along, tuple(array.chunks)) or 1  # zarr counts the chunks of a shard
    except Exception:  # a store that cannot be listed is refused where it is read
        return ()
    return unstored(number, stored // inner if inner > 1 else stored, array.fill_value)


@contextmanager
def _array(folder: str, name: str) -> Iterator[Any]:
    import zarr

    try:
        array = zarr.open_array(store=zarr.storage.LocalStore(folder, read_only=True), path=name, mode="r")
    except Exception as error:  # zarr raises errors of many kinds for damaged metadata
        found = f"{folder}#{name}: {reason_of(error) or type(error).__name__}"
        raise DataError("a Zarr array", found, "check the folder, or fetch it again") from None
    yield array


def _arrays(root: Path) -> list[str]:
    """The arrays below a group, by their paths; links to folders are not followed."""
    found = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        metadata = _metadata(Path(folder)) if {"zarr.json", ".zarray"} & {*files} else None
        if metadata is not None and _is_array(metadata):
            folders.clear()  # what lies below are chunks
            found.append(os.path.relpath(folder, root).replace(os.sep, "/"))
    return found


def _is_array(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("node_type") == "array" or "chunks" in metadata


def _metadata(folder: Path) -> dict[str, Any] | None:
    """The metadata of an array or a group, of version 2 or 3, with its attributes; None if there is none."""
    for name in ("zarr.json", ".zarray", ".zgroup"):
        if (folder / name).is_file():
            found = _json(folder / name)
            attributes = _json(folder / ".zattrs") if (folder / ".zattrs").is_file() else {}
            return {"attributes": attributes, **found}
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_METADATA:
            raise ValueError(f"{path.stat().st_size} bytes of metadata")
        found = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("Zarr metadata", f"{str(path)!r}: {reason_of(error)}", "fetch it again") from None
    if not isinstance(found, dict):
        raise DataError("Zarr metadata", f"no JSON object in {str(path)!r}", "fetch it again")
    return found


def _described(folder: Path) -> str:
    metadata = _metadata(folder) or {}
    shape = metadata.get("shape")
    return described(tuple(shape) if isinstance(shape, list) else (), metadata.get("dtype") or metadata.get("data_type"))


def _check_codecs(folder: Path, name: str) -> None:
    """Raise :class:`DataError` for objects, an unknown codec, or what is no file of its own below an array's folder."""
    metadata = _metadata(folder) or {}
    kind = metadata.get("dtype") or metadata.get("data_type")
    if isinstance(kind, str) and (kind.startswith("|O") or kind in ("string", "variable_length_bytes")):
        raise DataError("an array of numbers", f"objects in {name!r}, which are never unpickled", "save the numbers themselves")
    unknown = sorted({*_codecs([metadata.get(key) for key in ("compressor", "filters", "codecs")])} - _CODECS)
    if unknown:
        found = f"the codec {unknown[0]!r} in {name!r}"
        raise DataError("codecs that only turn bytes into numbers", found, "save the array with blosc or zstd")
    _check_own(folder, name)


def _check_own(folder: Path, name: str) -> None:
    """Raise :class:`DataError` for a link, which may leave an array's folder, or a pipe, which would be waited for."""
    found = f"the link {folder.name!r}" if folder.is_symlink() else ""
    waiting = [str(folder)]
    while waiting and not found:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    kind = "link" if entry.is_symlink() else "pipe, socket or device"
                    found = f"the {kind} {os.path.relpath(entry.path, folder)!r}"
    if found:
        raise DataError("a Zarr folder that holds its own values", f"{found} in {name!r}", "copy the values")


def _codecs(parts: Any) -> Iterator[str]:
    """The names of all codecs in the metadata, those inside of others included."""
    if isinstance(parts, list):
        for part in parts:
            yield from _codecs(part)
    elif isinstance(parts, dict):
        named = parts.get("id") or parts.get("name")
        if named is not None:
            yield str(named).removeprefix("numcodecs.")
        inner = parts.get("configuration")
        if isinstance(inner, dict):
            yield from _codecs([inner.get("codecs"), inner.get("index_codecs")])


def _stored(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum((Path(place) / name).stat().st_size for place, _, names in os.walk(folder) for name in names)


def _check_stored(folder: Path, name: str, size: int) -> None:
    """Raise :class:`DataError` for a chunk whose file holds more bytes than its values take: it would be decoded whole."""
    files = (Path(place) / file for place, _, names in os.walk(folder) for file in names if not file.startswith((".z", "zarr")))
    large = next((file for file in islice(files, _LOOKED_AT) if file.stat().st_size > 2 * size + _HEADERS), None)
    if large is not None:
        found = f"{large.stat().st_size:,} in {str(large)!r} of {name!r}"
        raise DataError(
            f"chunks that take no more than their values, {size:,} bytes", found, "check the array: it lies about one"
        )


def _ome_image(root: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first image of OME-Zarr metadata (versions 0.4 and 0.5), or None."""
    attributes = root.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    images = (attributes.get("ome") or attributes).get("multiscales") if isinstance(attributes.get("ome", {}), dict) else None
    image = images[0] if isinstance(images, list) and images else None
    whole = isinstance(image, dict) and isinstance(image.get("datasets"), list) and image["datasets"]
    return image if image and whole and isinstance(image["datasets"][0], dict) and "path" in image["datasets"][0] else None


def _ome_axes(image: Mapping[str, Any], root: Mapping[str, Any], claimed: Claimed) -> tuple[str, tuple[str, ...] | None]:
    """One letter for each axis of an OME-Zarr image, which is one sample, and the names of its channels."""
    axes = [str(axis.get("name", "")) if isinstance(axis, dict) else str(axis) for axis in image.get("axes", ())]
    if len(axes) != len(claimed.shape) or len({*axes}) < len(axes) or any(len(axis) != 1 for axis in axes):
        raise DataError(
            "OME-Zarr axes of one letter each", f"{axes} for shape {claimed.shape} in {claimed.name!r}", "state --layout"
        )
    layout = "".join(axes).upper()
    return layout, _ome_names(root, claimed.shape[layout.index("C")] if "C" in layout else 1)


def _ome_names(root: Mapping[str, Any], channels: int) -> tuple[str, ...] | None:
    attributes = root["attributes"]
    stated = ((attributes.get("ome") or attributes).get("omero") or {}).get("channels") or ()
    names = [str(each.get("label", "")) for each in stated if isinstance(each, dict)]
    return tuple(names) if len(names) == channels and all(names) and len({*names}) == channels else None


def _facts(image: Mapping[str, Any] | None) -> Facts:
    """The spacing of an OME-Zarr image at full resolution."""
    if image is None:
        return ()
    try:
        axes = [axis for axis in image["axes"] if axis.get("type") == "space"]
        scale = image["datasets"][0]["coordinateTransformations"][0]["scale"][-len(axes) :]
        spacing = " x ".join(f"{float(step):.4g}" for step in scale)
        return ("units", UNSTATED), ("spacing", f"{spacing} {axes[-1].get('unit', 'unknown units')}")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return ("units", UNSTATED), ("spacing", UNSTATED)
