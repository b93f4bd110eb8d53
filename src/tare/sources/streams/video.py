"""Videos through PyAV (FFmpeg): every frame as RGB, one video a sample, decoded as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from tare.errors import DataError, reason_of
from tare.samples.decode import MAX_PIXELS, UndecodableError
from tare.samples.records import Part, Record
from tare.sources.files.each import EachFile
from tare.sources.options import Options
from tare.sources.streams.frames import counted
from tare.system.local.plain import plain_name
from tare.system.optional import require

#: Containers by the ending of a name. FFmpeg would otherwise guess by content, and a playlist may name other files and addresses.
CONTAINERS = {
    ".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi", ".mpg": "mpeg",
    ".mpeg": "mpeg",
}  # fmt: skip
SUFFIXES = frozenset(CONTAINERS)


def open_videos(name: str, files: tuple[str, ...], options: Options) -> EachFile:
    """Open videos. Raises :class:`DataError` for another colour mode than RGB, and without PyAV the error that names it."""
    require("av", extra="video", purpose="videos")
    if options.channels == "grey":
        raise DataError("videos as RGB", f"--channels grey for {name!r}", "leave it out")
    remark = "every frame of a video counts once, as RGB by FFmpeg's conversion; one video is one sample; rotation is not applied"
    return EachFile(name, files, options, read_video, ("red", "green", "blue"), (remark,))


def read_video(place: str, options: Options) -> Iterator[Record]:
    """Read the frames of one video as parts of one sample. Raises :class:`UndecodableError` if it is damaged or has no frame."""
    del options
    import av

    container = CONTAINERS[os.path.splitext(place)[1].lower()]
    number = 0
    try:
        with (
            plain_name(place) as plain,
            av.open(plain, format=container, options={"protocol_whitelist": "file"}) as video,
        ):
            if not video.streams.video:
                raise UndecodableError("no video in the file")
            stream = video.streams.video[0]
            _check_size(stream.codec_context)
            for frame in video.decode(stream):
                _check_size(frame)
                values = frame.to_ndarray(format="rgb24")
                number += 1
                yield Part(place, tuple(np.ascontiguousarray(values[..., c]).ravel() for c in range(3)), _notes(frame.format))
            if missing := counted(plain, container).missing(number):
                raise UndecodableError(missing)
    except av.error.FFmpegError as error:
        raise UndecodableError(f"damaged at frame {number}: {reason_of(error.strerror)}") from None


def _notes(stored: Any) -> tuple[str, ...]:
    """What the conversion to RGB of 8 bits leaves out of frames of a pixel format."""
    bits = max(component.bits for component in stored.components)
    deep = (f"frames of {bits} bits read as 8",) if bits > 8 else ()
    return (*deep, "alpha channel dropped") if any(component.is_alpha for component in stored.components) else deep


def _check_size(frame: Any) -> None:
    if frame.width * frame.height > MAX_PIXELS:
        raise UndecodableError(f"the header claims frames of {frame.width} x {frame.height} pixels")
