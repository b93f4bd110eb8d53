"""The frames of a video: how many are stored, how many of them are shown, and how many its header claims."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, NamedTuple

#: The identifiers of an EBML header and of the segment that all frames of a Matroska file lie in.
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
#: A size of a RIFF chunk that says nothing: the program that wrote the file did not come to its end.
_UNKNOWN = (0, 0xFFFFFFFF)


class Frames(NamedTuple):
    """Numbers of frames; ``claimed`` is 0 where the header claims none.

    ``ends_early`` says whether the file is shorter than it states itself; None where it states no size.
    """

    shown: int
    stored: int
    claimed: int
    ends_early: bool | None = None

    def missing(self, read: int) -> str:
        """Why ``read`` frames are not all frames of the video; empty if they are.

        The size of a file is believed before the number of frames: an AVI file also counts those that repeat the one before, and
        stores nothing of them.
        """
        fewer = self.stored < self.claimed or (self.claimed and read < self.shown)
        if read and not (fewer if self.ends_early is None else self.ends_early):
            return ""
        most = max(self.claimed, self.shown)
        if most > read:
            return f"cut short: {read} frames of {most} that the header claims"
        return f"cut short behind {read} frames: the file is shorter than it states"


def counted(place: str, container: str) -> Frames:
    """Count the frames of a file by their packets, without decoding any; there are none where it holds no video.

    Frames that an edit list leaves out are stored and not shown: a clip that was trimmed without encoding it again keeps those
    that others need to be decoded. A header counts all that are stored.
    """
    shown, stored, claimed = _packets(place, container, {})
    if container == "mov" and shown < claimed:
        _, stored, _ = _packets(place, container, {"ignore_editlist": "1"})
    with open(place, "rb") as file:
        return Frames(shown, stored, claimed, _ENDS[container](file) if container in _ENDS else None)


def _packets(place: str, container: str, options: dict[str, str]) -> tuple[int, int, int]:
    import av

    with av.open(place, format=container, options={"protocol_whitelist": "file", **options}) as video:
        if not video.streams.video:
            return 0, 0, 0
        stream: Any = video.streams.video[0]
        discarded = [packet.is_discard for packet in video.demux(stream) if packet.size]
        return len(discarded) - sum(discarded), len(discarded), int(stream.frames or 0)


def segment_ends_early(file: BinaryIO) -> bool | None:
    """Whether a Matroska or WebM file ends before its segment does; None where its size is not stated, as of a live recording."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    for wanted in (_EBML, _SEGMENT):
        file.seek(at)
        head = file.read(12)
        length = 9 - head[4].bit_length() if len(head) == 12 and head[4] else 0
        size = int.from_bytes(head[4 : 4 + length], "big") & ((1 << 7 * length) - 1)
        if int.from_bytes(head[:4], "big") != wanted or not length or size == (1 << 7 * length) - 1:
            return None
        at += 4 + length + size
    return at > end


def chunk_ends_early(file: BinaryIO) -> bool | None:
    """Whether an AVI file ends before the last of its RIFF chunks does, each of at most 4 GB; None where no size is stated."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    while at < end:
        file.seek(at)
        head = file.read(8)
        size = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or size in _UNKNOWN:
            return None if at == 0 else False  # what follows the chunks is no part of the video
        at += 8 + size
    return at > end


_ENDS = {"matroska": segment_ends_early, "avi": chunk_ends_early}
