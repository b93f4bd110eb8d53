"""The kinds of input, each with its data, the network that it is fed to, and the options that the two need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.input_table import made

_SENTINEL = ("B02", "B03", "B04", "B08")
_ALL = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
_LABELS = ("--label", "labels")
_OWN = "benchmarks/input_table/networks.py"
_IMAGES = ("--size", "32", "--weights", "none")


@dataclass(frozen=True)
class Kind:
    """One row of the table: ``needs`` are the libraries that make and read the data, ``options`` those of the network."""

    name: str
    make: Callable[[Path], Path]
    network: str = "timm:test_resnet"
    options: tuple[str, ...] = _IMAGES
    bands: tuple[str, ...] = ()
    array: str = ""
    needs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    first: str = "train/one/0.png"
    network_of: Callable[[Path], object] | None = None


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("colour images", made.colours),
        Kind("grey images", made.grey, options=(*_IMAGES, "--in-channels", "1")),
        Kind("16-bit grey images", made.deep_grey, options=(*_IMAGES, "--in-channels", "1")),
        Kind(
            "GeoTIFF, 13 bands", made.scenes(_ALL), options=(*_IMAGES, "--in-channels", "13"), needs=("rasterio",),
            first="train/one/0.tif",
        ),
        Kind(
            "GeoTIFF, 3 bands chosen", made.scenes(_SENTINEL), bands=("--bands", "B04,B03,B02"), needs=("rasterio",),
            first="train/one/0.tif",
        ),
        Kind(
            "GeoTIFF, 2 radar bands", made.scenes(("VV", "VH")), options=(*_IMAGES, "--in-channels", "2"), needs=("rasterio",),
            first="train/one/0.tif",
        ),
        Kind(
            "TIFF, 4 unnamed channels", made.pages, options=(*_IMAGES, "--in-channels", "4"), needs=("tifffile",),
            first="train/one/0.tif",
        ),
        Kind("arrays (.npz), 4 channels", made.array, options=(*_IMAGES, "--in-channels", "4"), first="", array="x"),
        Kind(
            "HDF5, 4 channels", made.container(".h5"), options=(*_IMAGES, "--in-channels", "4"), needs=("h5py",),
            labels=_LABELS, first="",
        ),
        Kind(
            "Zarr, 4 channels", made.container(".zarr"), options=(*_IMAGES, "--in-channels", "4"), needs=("zarr",),
            labels=_LABELS, first="",
        ),
        Kind(
            "volumes (NIfTI)", made.volumes, f"{_OWN}:volumes", ("--weights", "none"), needs=("nibabel",),
            first="train/one/0.nii.gz",
        ),
        Kind(
            "volumes (DICOM series)", made.series, f"{_OWN}:volumes", ("--weights", "none"), needs=("pydicom",),
            first="train/one/0",
        ),
        Kind(
            "X-rays (DICOM)", made.radiographs, options=(*_IMAGES, "--in-channels", "1"), needs=("pydicom",),
            first="train/one/0.dcm",
        ),
        Kind(
            "video (MP4)", made.clips, f"{_OWN}:clips", ("--weights", "none", "--frames", "4", "--size", "24"), needs=("av",),
            first="train/one/0.mp4",
        ),
        Kind(
            "recordings (WAV), log-mel", made.recordings(".wav"), "hf:{root}/ast", (), needs=("soundfile", "transformers"),
            network_of=made.spectrogram_network, first="train/one/0.wav",
        ),
        Kind(
            "recordings (WAV)", made.recordings(".wav"), "tare:cnn1d", ("--weights", "none"), needs=("soundfile",),
            first="train/one/0.wav",
        ),
        Kind(
            "recordings (FLAC)", made.recordings(".flac"), "tare:cnn1d", ("--weights", "none"), needs=("soundfile",),
            first="train/one/0.flac",
        ),
        Kind("tables (CSV)", made.rows, "tare:mlp", ("--weights", "none"), first=""),
    )
}  # fmt: skip
