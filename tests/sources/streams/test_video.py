"""Videos against PyAV's own frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.errors import DataError

av = pytest.importorskip("av", reason="reads videos (pip install 'tare[video]')")
RNG = np.random.default_rng(9)


def write(path: Path, frames: int = 12, codec: str = "mpeg4", size: tuple[int, int] = (48, 64), pixels: str = "yuv420p") -> Path:
    with av.open(str(path), "w") as video:
        stream = video.add_stream(codec, rate=10)
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        for k in range(frames):
            values = np.full((*size, 3), (20 * k % 255, 90, 200), np.uint8)
            video.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        video.mux(stream.encode())
    return path


def frames(path: Path) -> Any:
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "mov"])
def test_each_video_is_one_sample_of_all_its_frames(tmp_path: Path, ending: str) -> None:
    places = [write(tmp_path / f"{k}.{ending}", 8 + 3 * k) for k in range(2)]
    stats = tare.measure(tmp_path)
    values = np.concatenate([frames(place).reshape(-1, 3) for place in places])
    assert stats.samples == 2
    assert stats.dtype == "uint8"
    np.testing.assert_allclose(stats.mean, values.mean(axis=0) / 255, rtol=1e-12)
    np.testing.assert_allclose(stats.std, values.std(axis=0) / 255, rtol=1e-12)


@pytest.mark.parametrize(
    ("pixels", "note"), [("yuv420p10le", "frames of 10 bits read as 8"), ("yuva420p", "alpha channel dropped")]
)
def test_what_the_conversion_to_rgb_leaves_out_is_noted(tmp_path: Path, pixels: str, note: str) -> None:
    stats = tare.measure(write(tmp_path / "a.mkv", 3, "ffv1", pixels=pixels))
    assert stats.extra["notes"] == {note: 1}


@pytest.mark.parametrize("kind", ["cut short", "words", "no bytes", "a playlist", "half of the frames"])
def test_damaged_videos_and_playlists_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    place = write(tmp_path / "a.mp4")
    data = place.read_bytes()
    other = write(tmp_path / "other.avi")
    playlist = f"ffconcat version 1.0\nfile {other}\n".encode()
    half = write(tmp_path / "half.avi", 30).read_bytes()
    contents = {"cut short": data[:900], "words": b"words " * 9, "no bytes": b"", "a playlist": playlist}
    place.write_bytes(contents.get(kind, b""))
    if kind == "half of the frames":
        place = tmp_path / "half.avi"
        place.write_bytes(half[: len(half) // 2])
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


def test_a_sound_without_a_picture_is_named(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as video:
        stream = video.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        video.mux(stream.encode(frame))
        video.mux(stream.encode())
    with pytest.raises(DataError, match="no video in the file"):
        tare.measure(tmp_path / "a.mp4")


@pytest.mark.parametrize("ending", ["mkv", "webm"])
def test_a_video_whose_last_half_is_missing_is_cut_short(tmp_path: Path, ending: str) -> None:
    place = write(tmp_path / f"a.{ending}", 40, "libvpx" if ending == "webm" else "mpeg4")
    data = place.read_bytes()
    place.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="cut short"):
        tare.measure(place)


def test_an_avi_whose_header_counts_frames_that_are_not_stored_is_whole(tmp_path: Path) -> None:
    place = write(tmp_path / "a.avi")
    data = place.read_bytes()
    at = data.index(b"strh") + 8 + 32  # the length of the stream in its header
    assert data[at : at + 4] == (12).to_bytes(4, "little")
    place.write_bytes(data[:at] + (14).to_bytes(4, "little") + data[at + 4 :])
    stats = tare.measure(place)
    np.testing.assert_allclose(stats.mean, frames(place).reshape(-1, 3).mean(axis=0) / 255, rtol=1e-12)
