"""Compressed recordings that end early are refused, and whole ones of several encoders, with tags and joined, are not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.errors import DataError

soundfile = pytest.importorskip("soundfile", reason="reads MP3 and Ogg (pip install 'tare[audio]')")
VALUES = (np.random.default_rng(3).normal(size=(40000, 2)) * 0.1).astype("float32")
KINDS = ["mp3 CONSTANT", "mp3 AVERAGE", "mp3 VARIABLE", "ogg VORBIS", "ogg OPUS"]
_ID3 = b"ID3\x04\0\0" + bytes([0, 0, 8, 0]) + bytes(1024)
_APE = b"APETAGEX" + (2000).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(16)


def _stored(folder: Path, kind: str, values: Any = VALUES, rate: int = 16000) -> bytes:
    ending, name = kind.split()
    options = {"bitrate_mode": name, "compression_level": 0.5} if ending == "mp3" else {"subtype": name}
    soundfile.write(folder / f"a.{ending}", values, rate, format=ending.upper(), **options)
    return (folder / f"a.{ending}").read_bytes()


def _count(folder: Path, ending: str, data: bytes) -> int:
    (folder / f"b.{ending}").write_bytes(data)
    return tare.measure(folder / f"b.{ending}").channels[0].count


def _by_ffmpeg(path: Path, codec: str, **options: str) -> None:
    av = pytest.importorskip("av", reason="ffmpeg's encoders (pip install av)")
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=48000)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.tile(VALUES.reshape(1, -1), 3), format="flt", layout="stereo")
        frame.sample_rate = 48000
        context = stream.codec_context
        resampler = av.AudioResampler(format=context.format.name, layout="stereo", rate=48000, frame_size=context.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [0.3, 0.5, 0.9, -300, -10, -1])
def test_a_recording_that_ends_early_is_refused(tmp_path: Path, kind: str, left: float) -> None:
    data = _stored(tmp_path, kind)
    assert _count(tmp_path, kind[:3], data) == len(VALUES)
    with pytest.raises(DataError):
        _count(tmp_path, kind[:3], data[: int(left * len(data)) if left > 0 else int(left)])


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_whole_recordings_stay_whole(tmp_path: Path, kind: str, rate: int, channels: int) -> None:
    if kind == "ogg OPUS" and rate == 44100:
        return  # Opus has no such rate
    for length in (1, 1000, 40000):
        data = _stored(tmp_path, kind, VALUES[:length, :channels], rate)
        assert _count(tmp_path, kind[:3], data) == length


@pytest.mark.parametrize("kind", KINDS[:3])
def test_tags_at_either_end_hide_no_end(tmp_path: Path, kind: str) -> None:
    data = _stored(tmp_path, kind)
    for before, after in ((_ID3, b""), (_ID3 + _ID3, b"TAG" + bytes(125)), (b"", _APE + bytes(1968) + _APE)):
        assert _count(tmp_path, "mp3", before + data + after) == len(VALUES)
        with pytest.raises(DataError):
            _count(tmp_path, "mp3", before + data[:-200])
    with pytest.raises(DataError):
        _count(tmp_path, "mp3", data[:-3000] + bytes(1968) + _APE + b"TAG" + bytes(125))


def test_an_encoder_that_counts_its_own_header_is_believed(tmp_path: Path) -> None:
    data = _stored(tmp_path, "mp3 VARIABLE")
    at = data.index(b"Xing") + 8
    more = (int.from_bytes(data[at : at + 4], "big") + 1).to_bytes(4, "big")
    assert _count(tmp_path, "mp3", data[:at] + more + data[at + 4 :]) >= len(VALUES)
    flags = b"\0\0\0\1"  # frames alone, no bytes
    assert _count(tmp_path, "mp3", data[: at - 4] + flags + more + data[at + 4 :]) >= len(VALUES)


@pytest.mark.parametrize("kind", KINDS[3:])
def test_each_stream_of_joined_files_must_end(tmp_path: Path, kind: str) -> None:
    data = _stored(tmp_path, kind)
    other = _stored(tmp_path, kind, VALUES[:30000])
    for second in (data, other):
        assert _count(tmp_path, "ogg", data + second) == len(VALUES)
        for cut in (data[: len(data) // 2] + second, data + second[:-50], data[:-1] + second):
            with pytest.raises(DataError):
                _count(tmp_path, "ogg", cut)


def test_what_cannot_be_known_is_not_called_cut(tmp_path: Path) -> None:
    _by_ffmpeg(tmp_path / "a.mp3", "libmp3lame", write_xing="0")
    data = (tmp_path / "a.mp3").read_bytes()
    assert _count(tmp_path, "mp3", data) >= len(VALUES)
    assert 0 < _count(tmp_path, "mp3", data[: len(data) // 2]) < 2 * len(VALUES)


@pytest.mark.parametrize("options", [{}, {"write_id3v1": "1", "id3v2_version": "3"}])
@pytest.mark.parametrize(("ending", "codec"), [("mp3", "libmp3lame"), ("opus", "libopus")])
def test_files_of_ffmpeg(tmp_path: Path, ending: str, codec: str, options: dict[str, str]) -> None:
    _by_ffmpeg(tmp_path / f"a.{ending}", codec, **options)
    data = (tmp_path / f"a.{ending}").read_bytes()
    assert _count(tmp_path, ending, data) == 3 * len(VALUES)
    with pytest.raises(DataError, match="cut short"):
        _count(tmp_path, ending, data[: len(data) * 3 // 4])


def test_headers_of_counts_and_pages_between_blocks() -> None:
    from tare.samples.sound.stated_end import mp3_header, ogg_cut

    assert mp3_header(io.BytesIO(b"")) is None
    vbri = b"\xff\xfb\x90\x44" + bytes(32) + b"VBRI" + bytes(6) + (900).to_bytes(4, "big") + (7).to_bytes(4, "big")
    header = mp3_header(io.BytesIO(vbri.ljust(800, b"\0")))
    assert header is not None
    assert (header.values, header.bytes_claimed, header.bytes_there) == (7 * 1152, 900, 800)
    assert header.cut(6 * 1152, 7 * 1152)
    page = b"OggS\0\6" + bytes(8) + b"abcd" + bytes(8) + b"\1\5hello"
    for junk in (0, 5, (1 << 16) - 2, (1 << 16) - 3, 1 << 16, 70000):
        assert not ogg_cut(io.BytesIO(bytes(junk) + page + b"TAG" + bytes(junk)))
        assert ogg_cut(io.BytesIO(bytes(junk) + page[:-1]))
