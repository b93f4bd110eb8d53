"""What MP3 and Ogg files say of their own end: whether bytes are missing there, found without decoding and a page at a time."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, NamedTuple

#: Bytes that are read at once.
_BLOCK = 1 << 16
#: A frame of MPEG layer III that holds no sound: behind its side information stand the counts of a Xing, Info or VBRI header.
_XING = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]..(?:.{9}|.{11}|.{17}|.{19}|.{32}|.{34})(?:Xing|Info)(.{12})", re.DOTALL)
_VBRI = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]..(?:.{32}|.{34})VBRI.{6}(.{8})", re.DOTALL)
#: How far behind the tags the first frame is looked for.
_SEARCHED = 1 << 12
#: The header of a page of Ogg, and the flags of the first and the last page of a stream.
_PAGE, _HEADER, _FIRST, _LAST = b"OggS\0", 27, 2, 4


class Stated(NamedTuple):
    """What the header of an MP3 file claims: values a channel that its frames hold, and bytes (0: no claim) from it on."""

    values: int
    frame: int
    bytes_claimed: int
    bytes_there: int

    def cut(self, read: int, expected: int) -> bool:
        """Whether the file ends before its last frame, of ``read`` values of the ``expected`` ones.

        Some encoders count the header itself as a frame: values alone prove nothing where all bytes are there, nor where
        no more than one frame is missing and no bytes are claimed.
        """
        missing = min(self.values, expected) - read
        return missing > 0 and (self.bytes_there < self.bytes_claimed if self.bytes_claimed else missing > self.frame)


def mp3_header(file: BinaryIO) -> Stated | None:
    """What the first frame of an MP3 file claims of the others; None if it claims nothing."""
    start = _behind_tags(file)
    file.seek(start)
    head = file.read(_SEARCHED)
    found = _XING.search(head)
    if found is not None:
        fields = found[1]
        flags = fields[3]
        if not flags & 1:
            return None
        frames = int.from_bytes(fields[4:8], "big")
        size = int.from_bytes(fields[8:12], "big") if flags & 2 else 0
    elif (found := _VBRI.search(head)) is not None:
        size, frames = (int.from_bytes(found[1][at : at + 4], "big") for at in (0, 4))
    else:
        return None
    frame = 1152 if head[found.start() + 1] & 8 else 576
    return Stated(frames * frame, frame, size, _before_tags(file) - start - found.start())


def ogg_cut(file: BinaryIO) -> bool:
    """Whether a stream of an Ogg file has no last page: each ends in a page with the flag of its end, in joined files too."""
    size = file.seek(0, os.SEEK_END)
    open_streams: set[bytes] = set()
    begun, at, cut = 0, 0, False
    while at < size:
        file.seek(at)
        head = file.read(_HEADER + 255)
        if not head.startswith(_PAGE):  # tags or damage behind a page, or a page that another begins in
            following = _next_page(file, begun + 1)
            cut |= following < at
            begun = at = following
            continue
        flags, stream = (head[5], head[14:18]) if len(head) >= _HEADER else (0, b"")
        table = head[_HEADER : _HEADER + head[26]] if stream else b""
        end = at + _HEADER + len(table) + sum(table)
        if not stream or len(table) < head[26] or end > size:
            return True
        if flags & _FIRST:
            cut |= stream in open_streams
            open_streams.add(stream)
        if flags & _LAST:
            open_streams.discard(stream)
        begun, at = at, end
    return cut or bool(open_streams)


def _next_page(file: BinaryIO, at: int) -> int:
    """Where the next page begins; the size of the file if there is none."""
    while True:
        file.seek(at)
        block = file.read(_BLOCK)
        found = block.find(_PAGE)
        if found >= 0 or len(block) < _BLOCK:
            return at + (found if found >= 0 else len(block))
        at += len(block) - len(_PAGE) + 1


def _behind_tags(file: BinaryIO) -> int:
    """Where the ID3v2 tags at the beginning end."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            return at
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        at += 10 + length + (10 if head[5] & 0x10 else 0)


def _before_tags(file: BinaryIO) -> int:
    """Where the APE and ID3v1 tags at the end begin."""
    end = file.seek(0, os.SEEK_END)
    if end >= 128:
        file.seek(end - 128)
        end -= 128 if file.read(3) == b"TAG" else 0
    if end >= 32:
        file.seek(end - 32)
        footer = file.read(32)
        if footer.startswith(b"APETAGEX"):
            end -= int.from_bytes(footer[12:16], "little") + (32 if footer[23] & 0x80 else 0)
    return end
