"""What the header of a DICOM file says about one slice, and its stored values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import UNSTATED, Skipped
from tare.system.local.opened import regular

_DEFLATED = "1.2.840.10008.1.2.1.99"
#: JPEG, JPEG-LS near-lossless, JPEG 2000 and its high-throughput form, each where it may lose something (PS3.5, annex A.4).
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 203))
#: Pixels that lie in the file as they are, in little endian order (implicit or explicit) or big endian order.
_NATIVE = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"))
_LOOKS = (
    "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT",
)  # fmt: skip
_TAGS = [
    "SeriesInstanceUID", "Rows", "Columns", "NumberOfFrames", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType", "Modality",
    "Units", "PhotometricInterpretation", "BitsStored", "PixelPaddingValue", "PixelPaddingRangeLimit", "PixelRepresentation",
    "ModalityLUTSequence", "SOPClassUID", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "HighBit",
    "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit", "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit",
    "BitsAllocated",
]  # fmt: skip


@dataclass(frozen=True)
class Slice:
    """One file of a series. ``position`` is its place along the normal of its plane in mm; ``padding`` are raw values.

    ``spacing`` is that of columns and rows, X and Y of a volume; ``axes`` say where X, Y (from the last row to the first) and
    the normal point to, as of NIfTI files, "" if the header states no orientation.
    """

    path: str
    series: str
    shape: tuple[int, int]
    number: int
    position: float | None
    spacing: str
    thickness: str
    slope: float
    intercept: float
    rescaled: bool
    units: str
    photometric: str
    bits: int
    padding: tuple[float, float] | None
    signed: bool = False
    allocated: int = 0
    axes: str = ""

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest whole number that the bits of the file can store; those of 32 bits if it states none."""
        bits = self.bits or 32
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if self.signed else (0, (1 << bits) - 1)


def read_slice(path: str) -> Slice | Skipped:
    """Read the header of a file, without its pixels; a file without an image is foreign, a damaged one unreadable."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values that break the standard
            regular(path)
            meta = pydicom.filereader.read_file_meta_info(path)
            if str(meta.get("TransferSyntaxUID", "")) == _DEFLATED:
                return Skipped(path, "a deflated data set, which is not inflated: convert it, for example with dcmconv")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
            found = _slice(path, header)
            is_native = str(meta.get("TransferSyntaxUID", "")) in _NATIVE
            return _with_lowest_bits(found, header) if is_native and not isinstance(found, Skipped) else found
    except Exception as error:  # pydicom raises errors of many kinds for damaged files
        return Skipped(path, f"damaged DICOM: {reason_of(error) or type(error).__name__}")


def stored_values(each: Slice) -> Iterator[NDArray[Any]]:
    """The frames of a file as stored, ``(H, W)`` or ``(H, W, C)``; colours become RGB.

    Raises :class:`UndecodableError` without pixel data, or for a compression that cannot be decoded here, by its name.
    """
    import pydicom
    from pydicom.pixels import iter_pixels

    header = pydicom.dcmread(each.path, stop_before_pixels=False, defer_size=1 << 16)
    if not any(name in header for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise UndecodableError("no pixel data")
    if each.photometric not in _LOOKS:
        raise UndecodableError(f"the photometric interpretation {each.photometric!r}: only grey, RGB and YBR are read")
    syntax = header.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        decoder = _decoder(syntax)
        if decoder is None or not decoder.is_available:
            raise UndecodableError(f"compressed as {syntax.name}, which cannot be decoded here: pip install 'tare[medical]'")
    yield from iter_pixels(each.path)


def is_lossy(path: str) -> bool:
    """Whether a file is compressed with losses, or states that its pixels once were (PS3.3, C.7.6.1.1.5)."""
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["LossyImageCompression"])
    return str(header.get("LossyImageCompression", "")) == "01" or str(header.file_meta.get("TransferSyntaxUID", "")) in _LOSSY


def _decoder(syntax: Any) -> Any:
    from pydicom.pixels import get_decoder

    try:
        return get_decoder(syntax)
    except NotImplementedError:
        return None


def _slice(path: str, header: Any) -> Slice | Skipped:
    if "Rows" not in header or "Columns" not in header:
        kind = str(header.get("Modality", "")) or "unknown"
        return Skipped(path, f"no pixel data (a DICOM object of modality {kind})", foreign=True)
    if "ModalityLUTSequence" in header:
        return Skipped(path, "a lookup table instead of slope and intercept, which is not applied")
    maps = _maps(header)
    if len(maps) > 1:
        return Skipped(path, "frames of different slopes or intercepts, which are not applied: write one file for each frame")
    of_values = next(iter(maps.values()), header)
    rescaled = "RescaleSlope" in of_values or "RescaleIntercept" in of_values
    slope, intercept = _number(of_values, "RescaleSlope", 1.0), _number(of_values, "RescaleIntercept", 0.0)
    if not (isfinite(slope) and isfinite(intercept) and slope):
        return Skipped(path, f"a rescale slope of {slope:g} and an intercept of {intercept:g}, which give no values")
    spacing = header.get("PixelSpacing") or header.get("ImagerPixelSpacing")
    thickness = header.get("SliceThickness")
    return Slice(
        path,
        str(header.get("SeriesInstanceUID", "")) or path,
        (int(header.Rows), int(header.Columns)),
        int(header.get("InstanceNumber") or 0),
        _position(header),
        " x ".join(f"{float(step):.4g}" for step in reversed(spacing)) if spacing else "? x ?",
        f"{float(thickness):.4g}" if thickness else "?",
        slope,
        intercept,
        rescaled,
        _units(header, of_values, rescaled),
        str(header.get("PhotometricInterpretation", UNSTATED)),
        int(header.get("BitsStored", 0) or 0),
        _padding(header),
        int(header.get("PixelRepresentation", 0) or 0) == 1,
        int(header.get("BitsAllocated", 0) or 0),
        _axes(header),
    )


def _number(header: Any, name: str, missing: float) -> float:
    """The number of a tag; ``missing`` if the tag is absent or empty."""
    value = header.get(name)
    return missing if value is None or value == "" else float(value)


def _with_lowest_bits(found: Slice, header: Any) -> Slice | Skipped:
    """The slice; the reason to skip it if its values do not fill the lowest bits of what is allocated for them."""
    high = header.get("HighBit")
    if high is None or not found.bits or int(high) == found.bits - 1:
        return found
    return Skipped(found.path, f"{found.bits} bits of which the highest is bit {int(high)}, so that values are shifted")


def _maps(header: Any) -> dict[tuple[str, str], Any]:
    """The different maps of stored values of the groups of a file of many frames (DICOM PS3.3, C.7.6.16.2.9)."""
    groups = [*(header.get("SharedFunctionalGroupsSequence") or ()), *(header.get("PerFrameFunctionalGroupsSequence") or ())]
    maps = [each for group in groups for each in group.get("PixelValueTransformationSequence") or ()]
    return {(str(each.get("RescaleSlope", 1)), str(each.get("RescaleIntercept", 0))): each for each in maps}


def _axes(header: Any) -> str:
    """Where the axes of a volume point to, a letter each: right or left, anterior or posterior, superior or inferior.

    The cosines of a header grow to the left, the back and the head of a patient (DICOM PS3.3, C.7.6.2.1.1).
    """
    cosines = header.get("ImageOrientationPatient")
    if not cosines or len(cosines) != 6:
        return ""
    rows, columns = (np.array([float(value) for value in part]) for part in (cosines[:3], cosines[3:]))
    axes = np.abs(turned := np.stack([rows, -columns, np.cross(rows, columns)]))
    letters = ["", "", ""]
    for axis in np.argsort(-axes.max(axis=1), kind="stable"):  # of oblique planes the clearest axis first, as for NIfTI files
        place = int(np.argmax(axes[axis]))
        letters[axis] = ("LR", "PA", "SI")[place][int(turned[axis, place] < 0)]
        axes[:, place] = -1
    return "".join(letters)


def _position(header: Any) -> float | None:
    """The place of a slice along the normal of its plane (DICOM PS3.3, C.7.6.2.1.1)."""
    position, axes = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    if not position or not axes or len(axes) != 6:
        return None
    normal = np.cross([float(value) for value in axes[:3]], [float(value) for value in axes[3:]])
    return float(np.dot(normal, [float(value) for value in position]))


def _units(header: Any, of_values: Any, rescaled: bool) -> str:
    if of_values.get("RescaleType"):
        return str(of_values.RescaleType)
    if header.get("Units"):
        return str(header.Units)
    return "HU" if rescaled and header.get("Modality") == "CT" else UNSTATED


def _padding(header: Any) -> tuple[float, float] | None:
    """The raw values from the one to the other that pad the image; a signed value may be stored as an unsigned one."""
    for kind in ("Float", "DoubleFloat"):
        value = header.get(f"{kind}PixelPaddingValue")
        if value is not None:
            ends = float(value), _number(header, f"{kind}PixelPaddingRangeLimit", float(value))
            return min(ends), max(ends)
    value = header.get("PixelPaddingValue")
    if value is None or value == "":
        return None
    limit = header.get("PixelPaddingRangeLimit")
    signed = int(header.get("PixelRepresentation", 0) or 0) == 1
    stored = [int(end) - (1 << 16 if signed and int(end) >= 1 << 15 else 0) for end in (value, value if limit is None else limit)]
    return min(stored), max(stored)
