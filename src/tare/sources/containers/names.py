"""Folders that are one dataset by what lies in them."""

from __future__ import annotations

from pathlib import Path


def is_zarr(place: str) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((Path(place) / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


def is_lmdb(place: str) -> bool:
    """Whether a folder is an LMDB database."""
    return (Path(place) / "data.mdb").is_file()


def is_lerobot(place: str) -> bool:
    """Whether a folder holds a LeRobot dataset: ``meta/info.json`` beside ``data``."""
    return (Path(place) / "meta" / "info.json").is_file() and (Path(place) / "data").is_dir()
