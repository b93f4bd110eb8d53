"""Whether a TIFF is a scene rather than a picture, by its tags."""

from __future__ import annotations

import os

from tare.samples.tiff import tags_of
from tare.sources.places import is_url
from tare.system.local.opened import opened

#: Tags of a GeoTIFF: its place on Earth, and GDAL's metadata and no-data value.
_GEO_TAGS = frozenset((33550, 33922, 34264, 34735, 42112, 42113))
_DESCRIPTION, _COLOURS = 270, 320


#: How the description of an OME-TIFF begins, and the bytes at both ends of a file in which it stands.
_OME, _LOOKED_AT = b"<OME", 1 << 16


def scene_kind(place: str) -> str | None:
    """Whether a local TIFF is a scene: "geo" if it states a place on Earth or GDAL's metadata, "ome" for OME-TIFF, else None.

    A map of places in a palette is a picture of the palette's colours, wherever it lies.
    """
    if is_url(place) or os.path.splitext(place)[1].lower() not in (".tif", ".tiff"):
        return None
    try:
        with opened(place, 0) as file:
            size = os.fstat(file.fileno()).st_size

            def read(start: int, length: int) -> bytes:
                if start > size:
                    return b""
                file.seek(start)
                return file.read(length)

            tags = tags_of(read)
            ends = read(0, _LOOKED_AT) + read(max(0, size - _LOOKED_AT), _LOOKED_AT) if _DESCRIPTION in tags else b""
    except (OSError, ValueError):
        return None
    if tags & _GEO_TAGS:
        return None if _COLOURS in tags else "geo"
    return "ome" if _OME in ends else None
