"""What tare makes of a made file by each of its ways: measuring, training and the network's size. All must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decoding.made import HEIGHT, WIDTH, Made

_ENDINGS = {
    "TIFF": ".tif",
    "PNG": ".png",
    "Netpbm": ".ppm",
    "BMP": ".bmp",
    "JPEG": ".jpg",
    "WebP": ".webp",
    "GIF": ".gif",
    "JPEG 2000": ".jp2",
    "AVIF": ".avif",
    "HEIC": ".heic",
    "JPEG XL": ".jxl",
    "DICOM": ".dcm",
}
RIGHT, REFUSED = "right", "refused"


def judged(made: Made, folder: Path) -> str:
    """``right``, ``refused``, or in words what is wrong; ``folder`` takes the file."""
    path = folder / f"image{_ENDINGS.get(made.format, '.png')}"
    path.write_bytes(made.data)
    try:
        measured, trained, grey, rgb = _measured(path), _trained(path, "stored"), _trained(path, "grey"), _trained(path, "rgb")
    finally:
        path.unlink()
    if isinstance(measured, str) or isinstance(trained, str):
        return _both_refused(measured, trained)
    if made.expected is None:
        return f"read as {measured.dtype} {measured.shape}, not refused"
    wrong = _unlike(measured, made.expected, made.within)
    if wrong:
        return f"measured: {wrong}"
    if measured.dtype != trained.dtype or not np.array_equal(measured, trained, equal_nan=True):
        return "training reads other values than measuring"
    return _in_colours(measured, grey, rgb) or RIGHT


def _both_refused(measured: NDArray[Any] | str, trained: NDArray[Any] | str) -> str:
    if not (isinstance(measured, str) and isinstance(trained, str)):
        return f"refused by one way alone: {measured if isinstance(measured, str) else trained}"
    return f"more than one line: {measured!r}" if "\n" in measured + trained else REFUSED


def _unlike(values: NDArray[Any], expected: NDArray[Any], within: float) -> str | None:
    """What is wrong with values; numbers without a range of their own may come as float64, half floats as float32."""
    if values.shape != expected.shape:
        return f"shape {values.shape}, not {expected.shape}"
    if values.dtype != expected.dtype and (values.dtype.name, expected.dtype.name) != ("float32", "float16"):
        ranged = expected.dtype.name in ("uint8", "uint16") or values.dtype.name in ("uint8", "uint16")
        if ranged or not np.can_cast(expected.dtype, values.dtype, "same_kind"):
            return f"{values.dtype}, not {expected.dtype}"
    off = float(np.abs(values.astype(np.float64) - expected.astype(np.float64)).max())
    return f"off by {off:g} levels" if off > within else None


def _in_colours(stored: NDArray[Any], grey: NDArray[Any] | str, rgb: NDArray[Any] | str) -> str | None:
    """What is wrong with the same file as grey and as colours, where it is one of those."""
    if stored.shape[-1] not in (1, 3):
        return None
    if isinstance(grey, str) or isinstance(rgb, str):
        return f"refused as grey or colours alone: {grey if isinstance(grey, str) else rgb}"
    if grey.dtype != stored.dtype or rgb.dtype != stored.dtype:
        return f"{grey.dtype} in grey and {rgb.dtype} in colours, not {stored.dtype}"
    whole = np.repeat(stored, 3, axis=-1) if stored.shape[-1] == 1 else stored
    if not np.array_equal(rgb, whole, equal_nan=True):
        return "other values in colours than as stored"
    weighed = whole.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    size = max(1.0, float(np.abs(weighed).max())) if stored.dtype.kind == "f" else 1.0
    close = np.abs(grey[..., 0].astype(np.float64) - weighed).max() <= (
        1.01 if size == 1.0 and stored.dtype.kind != "f" else 1e-3 * size
    )
    return None if close else "other values in grey than the colours weigh"


def _measured(path: Path) -> NDArray[Any] | str:
    """The values that ``tare measure`` counts, or why it reads none."""
    from tare.errors import DataError
    from tare.samples.records import Part, Sample, Skipped
    from tare.sources.opening import open_source

    try:
        source = open_source(path)
        records = [record for chunk in source.chunks() for record in source.read(chunk)]
    except DataError as error:
        return str(error)
    if isinstance(records[0], Skipped):
        return records[0].reason
    if isinstance(records[0], Part):
        parts = [record.channels for record in records if isinstance(record, Part)]
        planes = [np.concatenate([np.asarray(part[c]) for part in parts]) for c in range(len(parts[0]))]
        return np.stack(planes, axis=-1).reshape(HEIGHT, WIDTH, -1)
    assert isinstance(records[0], Sample)  # noqa: S101 - one image
    return records[0].values


def _trained(path: Path, colour: Any) -> NDArray[Any] | str:
    """The values that training and predicting read, or why they read none."""
    from tare.datasets.files import read_named
    from tare.samples.records import Skipped

    values = read_named(str(path), colour)
    return values.reason if isinstance(values, Skipped) else np.asarray(values)
