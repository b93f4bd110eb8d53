"""Chosen frames of videos against all frames as PyAV decodes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.samples.clip_frames import ClipFrames
from tare.samples.records import Skipped
from tare.sources.streams.clips import read_clip

av = pytest.importorskip("av", reason="reads videos (pip install 'tare[video]')")


def video(path: Path, frames: int = 10, times: list[int] | None = None) -> Path:
    """A short video whose frames become lighter; ``times`` are their moments, in 25ths of a second."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32, 3), 10 * number, np.uint8), format="rgb24")
            frame.pts = number if times is None else times[number]
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def every(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


@pytest.mark.parametrize("chosen", [ClipFrames(4), ClipFrames(16), ClipFrames(3, 2), ClipFrames(4, 5)])
def test_the_frames_are_those_at_their_places(tmp_path: Path, chosen: ClipFrames) -> None:
    path = video(tmp_path / "a.mp4")
    whole = every(path)
    np.testing.assert_array_equal(read_clip(str(path), chosen), whole[list(chosen.of(len(whole)))])


def test_frames_of_any_duration_count_once(tmp_path: Path) -> None:
    even = video(tmp_path / "a.mp4")
    uneven = video(tmp_path / "b.mp4", times=[0, 1, 2, 3, 40, 41, 42, 90, 91, 92])
    np.testing.assert_array_equal(read_clip(str(even), ClipFrames(5)), read_clip(str(uneven), ClipFrames(5)))


def test_what_is_no_video_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    cut = tmp_path / "b.mp4"
    cut.write_bytes(video(tmp_path / "c.mp4").read_bytes()[:600])
    for path in (tmp_path / "a.mp4", cut, tmp_path / "absent.mp4", tmp_path / "a.txt"):
        found = read_clip(str(path), ClipFrames(4))
        assert isinstance(found, Skipped)
        assert "\n" not in found.reason
