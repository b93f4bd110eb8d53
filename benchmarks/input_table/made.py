"""Small labelled data of each kind: two classes, ``train/`` and ``val/`` where the data are files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Files of a class, in training and in validation.
_COUNTS = {"train": 5, "val": 3}
_SIDE = 32

Write = Callable[[Path, NDArray[Any]], None]
Draw = Callable[[np.random.Generator, int], NDArray[Any]]


def colours(root: Path) -> Path:
    """Colour photographs: 8-bit PNG."""
    return _folder(root, ".png", _pixels(3, 8), lambda path, values: Image.fromarray(values).save(path))


def grey(root: Path) -> Path:
    """Grey photographs: 8-bit PNG."""
    return _folder(root, ".png", _pixels(1, 8), lambda path, values: Image.fromarray(values[..., 0]).save(path))


def deep_grey(root: Path) -> Path:
    """Grey images of 16 bits: PNG."""
    return _folder(root, ".png", _pixels(1, 16), lambda path, values: Image.fromarray(values[..., 0]).save(path))


def scenes(bands: Sequence[str]) -> Callable[[Path], Path]:
    """Georeferenced tiles of uint16 with named bands."""

    def write(path: Path, values: NDArray[Any]) -> None:
        import rasterio

        place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
        profile = {"count": len(bands), "height": _SIDE, "width": _SIDE, "dtype": "uint16", **place}
        with rasterio.open(path, "w", driver="GTiff", **profile) as file:
            file.write(np.moveaxis(values, -1, 0))
            file.descriptions = tuple(bands)

    return lambda root: _folder(root, ".tif", _pixels(len(bands), 12), write)


def pages(root: Path) -> Path:
    """TIFF of four channels without names, as microscopes write them."""

    def write(path: Path, values: NDArray[Any]) -> None:
        import tifffile

        tifffile.imwrite(path, values, photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"] * 3)

    return _folder(root, ".tif", _pixels(4, 12), write)


def array(root: Path) -> Path:
    """Images of four channels in one ``.npz`` with labels."""
    return _archive(root, _pixels(4, 12))


def volumes(root: Path) -> Path:
    """Volumes: NIfTI, int16."""

    def write(path: Path, values: NDArray[Any]) -> None:
        import nibabel as nib

        nib.save(nib.Nifti1Image(values, np.eye(4)), path)

    def draw(rng: np.random.Generator, label: int) -> NDArray[Any]:
        return rng.normal(200 * label, 50, (8, 9, 10)).astype(np.int16)

    return _folder(root, ".nii.gz", draw, write)


def radiographs(root: Path) -> Path:
    """X-rays: one DICOM image a file, 12 bits."""

    def write(path: Path, values: NDArray[Any]) -> None:
        _slice(path, values[..., 0], "CR", f"1.2.{_number(path)}", 1)

    return _folder(root, ".dcm", _pixels(1, 12), write)


def series(root: Path) -> Path:
    """CT series: a folder of DICOM slices each, with slope and intercept."""

    def write(path: Path, values: NDArray[Any]) -> None:
        path.mkdir()
        for place, each in enumerate(values):
            _slice(path / f"IM{place}", each, "CT", f"1.2.{_number(path)}", place + 1)

    def draw(rng: np.random.Generator, label: int) -> NDArray[Any]:
        return rng.normal(1000 + 200 * label, 50, (6, 9, 10)).astype(np.uint16)

    return _folder(root, "", draw, write)


def _number(path: Path) -> int:
    """A number of its own for each file of the made data."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(str(Path(*path.parts[-3:]))))


def _slice(path: Path, values: NDArray[Any], modality: str, name: str, number: int) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, f"{name}.{number}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.SeriesInstanceUID = SecondaryCaptureImageStorage, f"{name}.{number}", name
    data.Modality, data.InstanceNumber, data.PhotometricInterpretation = modality, number, "MONOCHROME2"
    data.Rows, data.Columns, data.SamplesPerPixel = *values.shape, 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    if modality == "CT":
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 2.5 * number], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [0.7, 0.7], 2.5
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.PixelData = values.tobytes()
    data.save_as(path, enforce_file_format=True)


def recordings(suffix: str) -> Callable[[Path], Path]:
    """Recordings of one channel."""

    def write(path: Path, values: NDArray[Any]) -> None:
        import soundfile

        soundfile.write(path, values, 8000, subtype="PCM_16")

    return lambda root: _folder(root, suffix, _tone, write)


def spectrogram_network(folder: Path) -> None:
    """A small audio spectrogram transformer beside its feature extractor."""
    import transformers

    library: Any = transformers  # its own types are not complete
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = library.ASTConfig(**sizes, max_length=32, num_mel_bins=16, num_labels=2)
    library.ASTForAudioClassification(config).save_pretrained(folder)
    library.ASTFeatureExtractor(max_length=32, num_mel_bins=16).save_pretrained(folder)


def clips(root: Path) -> Path:
    """Video: MP4 of eight frames."""

    def write(path: Path, values: NDArray[Any]) -> None:
        import av

        with av.open(str(path), "w") as file:
            stream = file.add_stream("mpeg4", rate=8)
            stream.width, stream.height, stream.pix_fmt = _SIDE, _SIDE, "yuv420p"
            for _ in range(8):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(values)))
            file.mux(stream.encode())

    return _folder(root, ".mp4", _pixels(3, 8), write)


def rows(root: Path) -> Path:
    """A table of three numbers and a label: CSV."""
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{c:.3f},{label}" for label, (a, b, c) in _rows(rng)]
    path = root / "rows.csv"
    path.write_text("\n".join(("a,b,c,label", *lines)) + "\n", encoding="utf-8")
    return path


def container(suffix: str) -> Callable[[Path], Path]:
    """Images of four channels in HDF5 or Zarr, channels last, with an array of labels beside them."""

    def make(root: Path) -> Path:
        draw, rng = _pixels(4, 12), np.random.default_rng(0)
        values = np.stack([draw(rng, label) for label in (0, 1) for _ in range(8)])
        labels = np.repeat([0, 1], 8)
        path = root / f"images{suffix}"
        if suffix == ".h5":
            import h5py

            with h5py.File(path, "w") as file:
                file["images"], file["labels"] = values, labels
        else:
            import zarr

            group = zarr.open_group(path, mode="w")
            group.create_array("images", data=values)
            group.create_array("labels", data=labels)
        return Path(f"{path}#images")

    return make


def _folder(root: Path, suffix: str, draw: Draw, write: Write) -> Path:
    rng = np.random.default_rng(0)
    folder = root / "data"
    for part, count in _COUNTS.items():
        for label, name in enumerate(("one", "two")):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                write(folder / part / name / f"{index}{suffix}", draw(rng, label))
    return folder


def _archive(root: Path, draw: Draw) -> Path:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 8)
    path = root / "images.npz"
    np.savez(path, x=np.stack([draw(rng, int(label)) for label in labels]), y=labels)
    return path


def _pixels(channels: int, bits: int) -> Draw:
    """Tiles whose level and contrast differ by class."""
    top = 2**bits

    def draw(rng: np.random.Generator, label: int) -> NDArray[Any]:
        values = rng.normal(0.3 + 0.3 * label, 0.1, (_SIDE, _SIDE, channels)) * top
        return np.asarray(np.clip(values, 0, top - 1).astype(np.uint8 if bits == 8 else np.uint16))

    return draw


def _tone(rng: np.random.Generator, label: int) -> NDArray[Any]:
    steps = np.arange(800)
    return np.asarray(np.sin(steps * (0.05 + 0.2 * label)) * 0.3 + rng.normal(0, 0.05, steps.size))


def _rows(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[Any]]]:
    for label in (0, 1):
        for _ in range(20):
            yield ("one", "two")[label], rng.normal((0, 10, 100 + label), (1, 2, 5))
