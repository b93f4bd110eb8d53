"""Recordings that a library decodes have the same values in files of their own, in archives, in lists and in tables."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tare
from tare.errors import DataError

soundfile = pytest.importorskip("soundfile", reason="reads recordings other than WAV (pip install 'tare[audio]')")
VALUES = 0.3 * np.random.default_rng(0).standard_normal((3, 9000, 2)).clip(-3, 3)


def encoded(values: np.ndarray, kind: str, subtype: str | None = None) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, values, 16000, format=kind, subtype=subtype)
    return held.getvalue()


@pytest.mark.parametrize(
    ("ending", "kind", "subtype"),
    [("flac", "FLAC", "PCM_24"), ("ogg", "OGG", None), ("mp3", "MP3", None), ("aiff", "AIFF", "PCM_32"), ("au", "AU", "DOUBLE"),
     ("wav", "WAV", "IMA_ADPCM"), ("wav", "WAV", "ULAW"), ("wav", "WAV", "GSM610")],
)  # fmt: skip
def test_a_recording_has_the_same_values_wherever_it_lies(tmp_path: Path, ending: str, kind: str, subtype: str | None) -> None:
    channels = slice(0, 1) if subtype == "GSM610" else slice(0, 2)
    files = {f"{number}.{ending}": encoded(values[:, channels], kind, subtype) for number, values in enumerate(VALUES)}
    (tmp_path / "d").mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in files.items():
            (tmp_path / "d" / name).write_bytes(data)
            archive.add(tmp_path / "d" / name, name)
    (tmp_path / "list.txt").write_text("".join(f"d/{name}\n" for name in files))
    cells = [{"bytes": data, "path": name} for name, data in files.items()]
    pl.DataFrame({"audio": cells}).write_parquet(tmp_path / "t.parquet")
    decoded = np.concatenate([soundfile.read(io.BytesIO(data), always_2d=True, dtype="float32")[0] for data in files.values()])
    for place in ("d", "a.tar", "list.txt", "t.parquet"):
        found = tare.measure(tmp_path / place, workers=1)
        assert found.samples == 3, place
        assert [channel.mean for channel in found.channels] == pytest.approx(decoded.mean(0, dtype=np.float64), abs=1e-9)
        assert [channel.std for channel in found.channels] == pytest.approx(decoded.std(0, dtype=np.float64), rel=1e-6)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "AIFF"])
def test_a_recording_that_is_cut_in_an_archive_is_told(tmp_path: Path, kind: str) -> None:
    data = encoded(VALUES[0], kind)
    place = tmp_path / f"a.{kind.lower()}"
    place.write_bytes(data[: len(data) // 2])
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(place, place.name)
    with pytest.raises(DataError, match=r"cut short|damaged|without a value"):
        tare.measure(tmp_path / "a.tar", workers=1)


def test_other_bytes_under_the_name_of_a_recording_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"fLaC" + bytes(300))
    (tmp_path / "b.mp3").write_bytes(b"ID3" + bytes(300))
    (tmp_path / "list.txt").write_text("a.flac\nb.mp3\n")
    with pytest.raises(DataError, match="found 2 files, none of them readable"):
        tare.measure(tmp_path / "list.txt", workers=1)
