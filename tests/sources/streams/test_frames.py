"""Numbers of frames against PyAV's own, and the ends that containers state of themselves."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.samples.clip_frames import ClipFrames
from tare.sources.streams.clips import read_clip
from tare.sources.streams.frames import Frames, chunk_ends_early, counted, segment_ends_early
from tests.sources.streams.test_clips import every, video

av = pytest.importorskip("av", reason="reads videos (pip install 'tare[video]')")


def trimmed(path: Path, start: int, whole: Path) -> Path:
    """The packets of a video from ``start`` 25ths of a second on, not encoded again: those before it stay for the decoder."""
    with av.open(str(whole)) as source, av.open(str(path), "w") as file:
        stream = source.streams.video[0]
        copy = file.add_stream_from_template(stream)
        off = int(start / 25 / stream.time_base)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - off, packet.dts - off, copy
                file.mux(packet)
    return path


def test_a_trimmed_clip_has_the_frames_that_its_edit_list_shows(tmp_path: Path) -> None:
    path = trimmed(tmp_path / "a.mp4", 5, video(tmp_path / "whole.mp4", 25))
    shown = every(path)
    assert len(shown) == 20
    assert counted(str(path), "mov") == Frames(20, 25, 25)
    stats = tare.measure(path)
    np.testing.assert_allclose(stats.mean, shown.reshape(-1, 3).mean(axis=0) / 255, rtol=1e-12)
    chosen = ClipFrames(4)
    np.testing.assert_array_equal(read_clip(str(path), chosen), shown[list(chosen.of(20))])


def test_frames_that_are_missing_are_told_and_others_are_not() -> None:
    assert not Frames(20, 25, 25).missing(20)
    assert Frames(20, 25, 25).missing(19) == "cut short: 19 frames of 25 that the header claims"
    assert Frames(20, 20, 25).missing(20) == "cut short: 20 frames of 25 that the header claims"
    assert not Frames(20, 20, 0).missing(20)
    assert not Frames(20, 20, 22, ends_early=False).missing(20)
    assert Frames(20, 20, 0, ends_early=True).missing(20) == "cut short behind 20 frames: the file is shorter than it states"
    assert Frames(0, 0, 9).missing(0).startswith("cut short: 0 frames of 9")


def segment(size: bytes, content: int) -> io.BytesIO:
    return io.BytesIO(bytes.fromhex("1A45DFA3 83 000000 18538067") + size + bytes(content))


def test_a_segment_ends_early_only_where_its_size_says_so() -> None:
    assert segment_ends_early(segment(b"\x8a", 9)) is True
    assert segment_ends_early(segment(b"\x8a", 10)) is False
    assert segment_ends_early(segment(b"\x01\x00\x00\x00\x00\x00\x00\x0a", 9)) is True
    assert segment_ends_early(segment(b"\x01\xff\xff\xff\xff\xff\xff\xff", 9)) is None
    assert segment_ends_early(io.BytesIO(b"")) is None


def test_chunks_end_early_only_where_their_size_says_so() -> None:
    chunk = b"RIFF\x04\x00\x00\x00AVI "
    assert chunk_ends_early(io.BytesIO(chunk)) is False
    assert chunk_ends_early(io.BytesIO(chunk + chunk[:10])) is True
    assert chunk_ends_early(io.BytesIO(chunk + b"something else")) is False
    assert chunk_ends_early(io.BytesIO(b"RIFF\x00\x00\x00\x00AVI ")) is None
