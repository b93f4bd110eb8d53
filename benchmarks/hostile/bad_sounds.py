"""Recordings, videos, front ends and mixed folders that are broken, lie, or attack: what writes each, by name.

Formats whose library is not installed are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile.bad_images import flipped

Writer = Callable[[Path], Any]
_RNG = np.random.default_rng(3)
_NAMES = ("B02", "B03", "B04")
_AST = {"feature_extractor_type": "ASTFeatureExtractor", "mean": -4.3, "std": 4.6, "num_mel_bins": 16, "max_length": 32}


def good_recordings(folder: Path) -> None:
    """Three recordings that can be heard."""
    from scipy.io import wavfile

    folder.mkdir()
    for place in range(3):
        wavfile.write(folder / f"{place}.wav", 16000, _RNG.normal(0, 2000, 8000).astype(np.int16))


def bad_sounds() -> dict[str, Writer]:
    """File or folder name to what writes it: nothing in any of them can be measured as one dataset."""
    found: dict[str, Writer] = {}
    for ending, (module, write) in _WRITERS.items():
        if find_spec(module) is not None:
            found |= _damaged(ending, write)
    for name, (module, write) in _FOLDERS.items():
        if find_spec(module) is not None:
            found[name] = write
    return found


def bad_front_ends() -> dict[str, Writer]:
    """Name of a ``preprocessor_config.json`` to what writes it: no front end that can be used."""
    changes: dict[str, dict[str, Any]] = {
        "frames-of-a-terabyte": {"max_length": 1 << 40},
        "no-frames": {"max_length": 0},
        "frames-below-zero": {"max_length": -5},
        "frames-in-words": {"max_length": "many"},
        "half-a-frame": {"max_length": 10.5},
        "bins-without-end": {"num_mel_bins": 1e300},
        "bins-nan": {"num_mel_bins": float("nan")},
        "bins-true": {"num_mel_bins": True},
        "no-rate": {"sampling_rate": 0},
        "rate-of-a-gigahertz": {"sampling_rate": 10**9},
        "rate-list": {"sampling_rate": [16000]},
        "class-of-code": {"feature_extractor_type": "os.system"},
        "class-of-images": {"feature_extractor_type": "ViTFeatureExtractor"},
        "class-number": {"feature_extractor_type": 7},
        "own-code": {"feature_extractor_type": "MyExtractor", "auto_map": {"AutoFeatureExtractor": "evil.MyExtractor"}},
    }
    return {f"{name}.json": _json({**_AST, **change}) for name, change in changes.items()}


def _json(document: dict[str, Any]) -> Writer:
    return lambda path: path.write_text(json.dumps(document))


def _damaged(ending: str, write: Writer) -> dict[str, Writer]:
    """Four damages of a file that is whole otherwise."""

    def changed(change: Callable[[bytes], bytes]) -> Writer:
        def damage(path: Path) -> None:
            write(path)
            path.write_bytes(change(path.read_bytes()))

        return damage

    return {
        f"nothing{ending}": changed(lambda _: b""),
        f"prose{ending}": changed(lambda _: b"this is no sound " * 40),
        f"begun{ending}": changed(lambda data: data[:48]),
        f"flips{ending}": changed(lambda data: flipped(data[:300], 40) + data[300:]),
    }


def _sound(form: str) -> Writer:
    def write(path: Path) -> None:
        import soundfile

        soundfile.write(path, _RNG.uniform(-1, 1, (9000, 1)), 16000, format=form)

    return write


def _headed(change: Callable[[bytearray], None]) -> Writer:
    """A FLAC file with another STREAMINFO: 20 bits of rate, 8 of channels and depth, 36 of length, from byte 18 on."""

    def write(path: Path) -> None:
        _sound("FLAC")(path)
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return write


def _a_day(data: bytearray) -> None:
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4


def _no_rate(data: bytearray) -> None:
    data[18:21] = bytes([0, 0, data[20] & 0x0F])


def _cut_day(path: Path) -> None:
    """A WAV file whose header claims a day of sound."""
    from scipy.io import wavfile

    wavfile.write(path, 16000, np.ones(4000, np.int16))
    data = bytearray(path.read_bytes())
    data[40:44] = (86_400 * 32_000 & 0xFFFFFFFF).to_bytes(4, "little")
    path.write_bytes(data)


def _video(codec: str) -> Writer:
    def write(path: Path) -> None:
        import av

        with av.open(str(path), "w") as video:
            stream = video.add_stream(codec, rate=10)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
            for _ in range(4):
                values = _RNG.integers(0, 255, (48, 64, 3)).astype("uint8")
                video.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
            video.mux(stream.encode())

    return write


def _two_scenes(path: Path, first: dict[str, Any], second: dict[str, Any]) -> None:
    import rasterio

    path.mkdir()
    for name, options in (("a.tif", first), ("b.tif", second)):
        bands = options.pop("bands", 3)
        place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
        profile = {"count": bands, "height": 20, "width": 20, "dtype": "uint16", "photometric": "MINISBLACK", **place}
        with rasterio.open(path / name, "w", driver="GTiff", **profile) as file:
            file.write(_RNG.integers(1, 4000, (bands, 20, 20)).astype("uint16"))
            for key, value in options.items():
                setattr(file, key, value)


def _two_volumes(path: Path, spacing: float = 1.0, axes: int = 3) -> None:
    import nibabel

    path.mkdir()
    nibabel.save(nibabel.Nifti1Image(_RNG.normal(size=(6, 6, 6)), np.eye(4)), path / "a.nii.gz")
    other = _RNG.normal(size=(6, 6, 6, 2)[:axes])
    nibabel.save(nibabel.Nifti1Image(other, np.diag([spacing, spacing, spacing, 1.0])), path / "b.nii.gz")


def _objects(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=[b"a", b"b"], dtype=h5py.string_dtype())


def _references(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        group = file.create_group("g")
        file.create_dataset("x", data=[group.ref], dtype=h5py.ref_dtype)


def _soft_circle(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["x"] = h5py.SoftLink("/y")
        file["y"] = h5py.SoftLink("/x")


def _escaping_zarr(path: Path) -> None:
    import zarr

    array = zarr.create_array(path, shape=(4, 4), chunks=(4, 4), dtype="f8", zarr_format=2)
    array[:] = 1.0
    (path / "0.0").unlink()
    (path / "0.0").symlink_to("/etc/passwd")


_WRITERS: dict[str, tuple[str, Writer]] = {
    ".ogg": ("soundfile", _sound("OGG")),
    ".mp3": ("soundfile", _sound("MP3")),
    ".aiff": ("soundfile", _sound("AIFF")),
    ".au": ("soundfile", _sound("AU")),
    ".caf": ("soundfile", _sound("CAF")),
    ".w64": ("soundfile", _sound("W64")),
    ".avi": ("av", _video("mpeg4")),
    ".mkv": ("av", _video("mpeg4")),
}
_FOLDERS: dict[str, tuple[str, Writer]] = {
    "claims-a-day.flac": ("soundfile", _headed(_a_day)),
    "no-rate.flac": ("soundfile", _headed(_no_rate)),
    "claims-a-day.wav": ("scipy", _cut_day),
    "mixed-bands": ("rasterio", lambda path: _two_scenes(path, {"bands": 3}, {"bands": 4})),
    "mixed-scales": ("rasterio", lambda path: _two_scenes(path, {"scales": (0.1,) * 3}, {"scales": (0.2,) * 3})),
    "mixed-offsets": ("rasterio", lambda path: _two_scenes(path, {"offsets": (0.0,) * 3}, {"offsets": (-5.0,) * 3})),
    "mixed-band-names": ("rasterio", lambda path: _two_scenes(path, {"descriptions": _NAMES}, {"descriptions": _NAMES[::-1]})),
    "mixed-spacing": ("nibabel", lambda path: _two_volumes(path, spacing=2.0)),
    "mixed-axes": ("nibabel", lambda path: _two_volumes(path, axes=4)),
    "strings.h5": ("h5py", _objects),
    "references.h5": ("h5py", _references),
    "circle.h5": ("h5py", _soft_circle),
    "chunk-outside.zarr": ("zarr", _escaping_zarr),
}  # fmt: skip
