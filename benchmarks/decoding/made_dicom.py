"""DICOM images of every depth, sign and photometric interpretation that a network is fed."""

from __future__ import annotations

import io
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decoding.made import Files, Made, levels


def dicoms() -> Files:
    """Grey of both directions, colours, and what has no meaning here."""
    for bits, signed, look in product((8, 10, 12, 16), (False, True), ("MONOCHROME1", "MONOCHROME2")):
        values = levels(bits, 1, 400 + bits, signed=signed)
        stored = values[..., 0].astype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
        ends = -1 if signed else (1 << bits) - 1
        meant = (ends - values if look == "MONOCHROME1" else values).astype(stored.dtype)
        yield Made("DICOM", f"{bits} bits{' signed' * signed}", look, dicom(stored, look, bits), meant)
    colour = levels(8, 3, 420).astype(np.uint8)
    yield Made("DICOM", "8 bits", "RGB", dicom(colour, "RGB", 8), colour)
    planar = np.ascontiguousarray(np.moveaxis(colour, -1, 0))
    yield Made(
        "DICOM", "8 bits", "RGB planar", dicom(colour, "RGB", 8, PixelData=planar.tobytes(), PlanarConfiguration=1), colour
    )
    for look in ("PALETTE COLOR", "CMYK", "HSV"):
        yield Made("DICOM", "8 bits", look, dicom(levels(8, 1, 421)[..., 0].astype(np.uint8), look, 8), None)


def dicom(values: NDArray[Any], look: str, bits: int, **tags: Any) -> bytes:
    """One image, uncompressed."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.SeriesInstanceUID = CTImageStorage, "1.2.3", "1.2"
    data.Modality, data.InstanceNumber = "OT", 1
    data.Rows, data.Columns, data.SamplesPerPixel = *values.shape[:2], 1 if values.ndim == 2 else 3
    data.PhotometricInterpretation = look
    data.BitsAllocated, data.BitsStored, data.HighBit = 8 * values.dtype.itemsize, bits, bits - 1
    data.PixelRepresentation = int(values.dtype.kind == "i")
    if values.ndim == 3:
        data.PlanarConfiguration = 0
    data.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
