"""Whether a TIFF is a scene rather than a picture, by its tags."""

from __future__ import annotations

import mmap
import os

from tare.samples.tiff import tags_of
from tare.sources.places import is_url

#: Tags of a GeoTIFF: its place on Earth, and GDAL's metadata and no-data value.
_GEO_TAGS = frozenset((33550, 33922, 34264, 34735, 42112, 42113))


def is_georeferenced(place: str) -> bool:
    """Whether a local file is a TIFF that states a place on Earth, or GDAL's metadata."""
    if is_url(place) or os.path.splitext(place)[1].lower() not in (".tif", ".tiff"):
        return False
    try:
        with open(place, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return bool(tags_of(bytes(mapped[:16]) if len(mapped) < 16 else mapped) & _GEO_TAGS)
    except (OSError, ValueError, BufferError):
        return False
