"""Recordings against NumPy on the same arrays, and against the reader of WAV files."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import DataError
from tare.samples.records import Part, Sample
from tare.samples.sound.wav import decode_wav
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import assert_moments, records, state_of

soundfile = pytest.importorskip("soundfile", reason="reads FLAC, Ogg, MP3 and AIFF (pip install 'tare[audio]')")
RNG = np.random.default_rng(8)


@pytest.mark.parametrize("ending", ["flac", "aiff", "au", "caf", "w64"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_lossless_recordings_are_what_numpy_computes(tmp_path: Path, ending: str, channels: int) -> None:
    stored = [RNG.integers(-30000, 30000, (400 + k, channels)).astype("int16") for k in range(3)]
    for k, values in enumerate(stored):
        soundfile.write(tmp_path / f"{k}.{ending}", values, 16000, subtype="PCM_16")
    assert_moments(state_of(open_source(tmp_path)), np.concatenate(stored) / 32768)
    stats = tare.measure(tmp_path)
    assert stats.samples == 3
    assert stats.extra["facts"]["sampling rate"] == "16000 Hz"


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_both_readers_of_wav_give_the_same_bits(tmp_path: Path, subtype: str) -> None:
    from tare.sources.streams.sound import read_sound

    place = tmp_path / "a.wav"
    soundfile.write(place, RNG.uniform(-1, 1, (500, 2)), 8000, subtype=subtype)
    (record,) = read_sound(str(place), Options())
    assert isinstance(record, Sample)
    ours = decode_wav(place.read_bytes())
    assert record.values.dtype == ours.dtype
    assert record.values.tobytes() == ours.tobytes()


@pytest.mark.parametrize("ending", ["ogg", "mp3", "opus"])
def test_lossy_recordings_are_what_the_library_decodes(tmp_path: Path, ending: str) -> None:
    values = 0.2 + np.sin(np.arange(48000) / 20)[:, None] * [0.5, 0.1]
    options = {"format": "OGG", "subtype": "OPUS"} if ending == "opus" else {}
    soundfile.write(tmp_path / f"a.{ending}", values, 48000, **options)
    decoded, _ = soundfile.read(tmp_path / f"a.{ending}", dtype="float32", always_2d=True)
    assert_moments(state_of(open_source(tmp_path / f"a.{ending}")), decoded)


def test_a_long_recording_is_one_sample_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(2):
        soundfile.write(tmp_path / f"{k}.flac", RNG.integers(-9000, 9000, (5000, 2)).astype("int16"), 16000)
    whole = tare.measure(tmp_path)
    monkeypatch.setattr("tare.sources.streams.sound._MOST_VALUES", 2000)
    parts = [record for record in records(open_source(tmp_path)) if isinstance(record, Part)]
    assert len(parts) == 10
    divided = tare.measure(tmp_path)
    assert divided.samples == 2
    np.testing.assert_allclose(divided.std, whole.std, rtol=1e-12)
    np.testing.assert_allclose(divided.channels[0].std_se, whole.channels[0].std_se, rtol=1e-9)


def test_a_large_wav_file_is_streamed_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", RNG.integers(-9000, 9000, (5000, 1)).astype("int16"), 16000)
    small = tare.measure(tmp_path)
    monkeypatch.setattr("tare.sources.opening._LARGE_WAV", 5000)
    large = tare.measure(tmp_path)
    assert "facts" in large.extra
    assert large.to_json()["channels"] == small.to_json()["channels"]


@pytest.mark.parametrize("ending", ["flac", "aiff", "mp3", "ogg", "caf", "au"])
@pytest.mark.parametrize("kind", ["cut short", "words", "no bytes"])
def test_damaged_recordings_are_refused_in_one_line(tmp_path: Path, ending: str, kind: str) -> None:
    place = tmp_path / f"a.{ending}"
    soundfile.write(place, RNG.uniform(-1, 1, (20000, 1)), 16000)
    data = place.read_bytes()
    place.write_bytes({"cut short": data[: len(data) // 3], "words": b"words " * 9, "no bytes": b""}[kind])
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


@pytest.mark.long
def test_a_recording_of_a_day_is_streamed_in_flat_memory(tmp_path: Path) -> None:
    """Peak memory of a day's recording against that of ten minutes, each measured by a process of its own."""
    peaks = []
    for name, seconds in (("minutes", 600), ("day", 24 * 3600)):
        path, size = tmp_path / f"{name}.wav", 8000 * seconds
        header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
        with path.open("wb") as file:
            file.write(header + b"data" + struct.pack("<I", size))
            file.truncate(44 + size)  # sparse: 691 MB for a day
        code = (
            "import resource, tare\n"
            f"stats = tare.measure({str(path)!r}, workers=1)\n"
            f"assert (stats.samples, stats.channels[0].count, stats.mean[0]) == (1, {size}, -1.0), stats\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 100, peaks
