"""Names of arrays in containers, ``FILE#ARRAY``, and folders that are one dataset by what lies in them."""

from __future__ import annotations

import os
from pathlib import Path

from tare.errors import DataError


def parted(place: str, array: str | None) -> tuple[str, str | None]:
    """Split ``FILE#ARRAY``; ``array`` is the option that names the array, too.

    A file whose own name has a number sign is a file. Raises :class:`DataError` if both name an array.
    """
    file, sign, name = place.rpartition("#")
    if not sign or os.path.lexists(place):
        return place, array
    if array is not None and array != name:
        raise DataError("one name of an array", f"{name!r} and --array {array}", "leave one out")
    return file, name


def is_zarr(place: str) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((Path(place) / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


def is_lmdb(place: str) -> bool:
    """Whether a folder is an LMDB database."""
    return (Path(place) / "data.mdb").is_file()


def is_lerobot(place: str) -> bool:
    """Whether a folder holds a LeRobot dataset: ``meta/info.json`` beside ``data``."""
    return (Path(place) / "meta" / "info.json").is_file() and (Path(place) / "data").is_dir()
