"""All made files, by the packages that write them beside Pillow and NumPy."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.decoding import made_coded
from benchmarks.decoding.made import Files
from benchmarks.decoding.made_dicom import dicoms
from benchmarks.decoding.made_png import pngs
from benchmarks.decoding.made_simple import bmps, netpbms
from benchmarks.decoding.made_tiff import tiffs

#: What makes the files of a kind, by its name, and the packages that this takes.
KINDS: dict[str, tuple[Callable[[], Files], tuple[str, ...]]] = {
    "PNG": (pngs, ()),
    "Netpbm": (netpbms, ()),
    "BMP": (bmps, ()),
    "TIFF": (tiffs, ()),
    "coded TIFF": (made_coded.jpeg_tiffs, ("tifffile", "imagecodecs")),
    "JPEG": (made_coded.jpegs, ("imagecodecs",)),
    "WebP": (made_coded.webps, ("imagecodecs",)),
    "GIF": (made_coded.gifs, ()),
    "JPEG 2000": (made_coded.jp2s, ("imagecodecs",)),
    "AVIF": (made_coded.avifs, ("imagecodecs",)),
    "HEIC": (made_coded.heics, ("pillow_heif",)),
    "JPEG XL": (made_coded.jxls, ("imagecodecs",)),
    "DICOM": (dicoms, ("pydicom",)),
    "others": (made_coded.foreign, ()),
}


def every() -> Files:
    """The files of every format, in a fixed order."""
    for files, _ in KINDS.values():
        yield from files()
