"""What is fuzzed: by name, a function of bytes, and good inputs to begin from."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import TareError
from tare.samples.decode import UndecodableError

#: What may come out of a parser. The second is what a source turns into a listed ``Skipped``.
ALLOWED = (TareError, UndecodableError)
#: So many chunks of a source are read at most.
_CHUNKS = 8

_folder = tempfile.TemporaryDirectory(prefix="tare-fuzz-")


@dataclass(frozen=True, slots=True)
class Target:
    """A parser and good inputs of it; ``is_json`` if they are documents that can be changed as such."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    is_json: bool = False

    def __call__(self, data: bytes) -> bool:
        """Give the parser bytes; whether it took them. Anything but a typed error passes through."""
        try:
            self.run(data)
        except ALLOWED:
            return False
        return True


def _spec(data: bytes) -> None:
    from tare.input_spec.difference import spec_difference
    from tare.input_spec.spec import InputSpec

    spec = InputSpec.load(_file("spec.json", data))
    json.dumps(spec.to_json(), allow_nan=False)
    spec.describe()
    spec_difference(spec, InputSpec.of([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], raw_dtype="uint8"))


def _configuration(data: bytes) -> None:
    """A timm or Hugging Face configuration, as ``tare spec FILE.json`` reads it."""
    from tare.readers.table import read_spec

    spec = read_spec(str(_file("preprocessor_config.json", data)))
    json.dumps(spec.to_json(), allow_nan=False)
    for write in (spec.to_timm, spec.to_hf):
        with suppress(TareError):
            json.dumps(write(), allow_nan=False)


def _stats(data: bytes) -> None:
    from tare.comparing.shift import compare_stats
    from tare.statistics.dataset_stats import DatasetStats

    stats = DatasetStats.load(_file("stats.json", data))
    json.dumps(stats.to_json(), allow_nan=False)
    compare_stats(stats, stats).to_json()


def _idx(data: bytes) -> None:
    _read(_file("fuzz.idx", data))


def _npy(data: bytes) -> None:
    _read(_file("fuzz.npy", data))


def _tar(data: bytes) -> None:
    _read(_file("fuzz.tar", data))


def _csv(data: bytes) -> None:
    _read(_file("fuzz.csv", data))


def _manifest(data: bytes) -> None:
    _read(_file("fuzz.txt", data))


def _wav(data: bytes) -> None:
    from tare.samples.sound.wav import decode_wav, is_wav

    is_wav(data)
    values = decode_wav(data)
    if values.ndim != 2 or not values.size:
        raise AssertionError(f"a recording of shape {values.shape}")


def _plan(data: bytes) -> None:
    from tare.studying.plan import requested_plan

    plan = requested_plan(str(_file("plan.yaml", data)), {})
    json.dumps(plan.to_json(), allow_nan=False)


def _read(path: Path) -> None:
    from tare.sources.opening import open_source
    from tare.sources.options import Options

    source = open_source(path, Options())
    for chunk in islice(source.chunks(), _CHUNKS):
        source.chunk_length(chunk)
        for _ in source.read(chunk):
            pass


def _file(name: str, data: bytes) -> Path:
    path = Path(_folder.name) / name
    path.write_bytes(data)
    return path


def _document(**values: Any) -> bytes:
    return json.dumps(values).encode()


def _spec_seeds() -> tuple[bytes, ...]:
    from tare.input_spec.spec import InputSpec

    spec = InputSpec.of([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], raw_dtype="uint8", clip=(0.0, 250.0))
    return (json.dumps(spec.to_json()).encode(), _document(schema="tare.spec/1", mean=[0.5], std=[0.5], scale=1.0))


def _stats_seeds() -> tuple[bytes, ...]:
    import tare

    images = np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3), np.uint8)
    signals = np.random.default_rng(0).normal(size=(4, 32, 1))
    return tuple(json.dumps(tare.measure(each, workers=1).to_json()).encode() for each in (images, signals))


def _wav_seed(bits: int = 16, code: int = 1) -> bytes:
    body = struct.pack("<HHIIHH", code, 1, 8000, 8000 * bits // 8, bits // 8, bits)
    data = bytes(range(48))
    chunks = b"WAVEfmt " + struct.pack("<I", len(body)) + body + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _npy_seed(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _tar_seed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in (("a.wav", _wav_seed()), ("b" * 120 + ".npy", _npy_seed(np.zeros((4, 4), np.uint8))), ("a.cls", b"1")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def targets() -> dict[str, Target]:
    """All of them by name."""
    idx = b"\0\0\x08\x03" + struct.pack(">III", 5, 6, 6) + bytes(range(180))
    floats = b"\0\0\x0d\x02" + struct.pack(">II", 6, 2) + bytes(48)
    hf = _document(
        image_processor_type="ViTImageProcessor", do_resize=True, size={"height": 224, "width": 224}, resample=2,
        do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    timm = _document(input_size=[3, 224, 224], mean=[0.5] * 3, std=[0.5] * 3, interpolation="bicubic", crop_pct=0.9)
    plan = b"study: signals\nsizes: [10, 20]\nstrategies: [source, target]\nnetworks: mlp-none\nseeds: 3\nshifts: [content]\n"
    listing = b"a.wav\nb.png\n../c.jpg\n"
    return {
        "spec JSON": Target(_spec, _spec_seeds(), is_json=True),
        "configuration JSON": Target(_configuration, (hf, timm), is_json=True),
        "statistics JSON": Target(_stats, _stats_seeds(), is_json=True),
        "plan YAML": Target(_plan, (plan, _document(study="digits", sizes=[20], seeds=2, margin=0.5)), is_json=True),
        "IDX": Target(_idx, (idx, floats)),
        "npy": Target(_npy, (_npy_seed(np.zeros((5, 6, 6, 3), np.uint8)), _npy_seed(np.ones((5, 2))))),
        "WAV": Target(_wav, (_wav_seed(), _wav_seed(8), _wav_seed(24), _wav_seed(32, 3))),
        "tar": Target(_tar, (_tar_seed(), gzip.compress(_tar_seed())[:200])),
        "CSV": Target(_csv, (b"a,b\n1,2\n3,4.5e-3\n", b'x,y\n"1",nan\n-2,"3"\n', b"1\n2\n3\n")),
        "manifest": Target(_manifest, (listing, b"path,label\na.png,1\n")),
    }
