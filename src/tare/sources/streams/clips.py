"""Some frames of a video as one sample: evenly spread over all of it, or every so many from its middle."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.clip_frames import ClipFrames
from tare.samples.decode import MAX_PIXELS
from tare.samples.records import Skipped
from tare.sources.streams.frames import counted
from tare.sources.streams.video import CONTAINERS
from tare.system.local.plain import plain_name
from tare.system.optional import require

#: The most frames of a clip, and values that are held at once.
_MOST_VALUES = 1 << 30


def read_clip(place: str, chosen: ClipFrames) -> NDArray[np.uint8] | Skipped:
    """Read the ``chosen`` frames of a video as RGB ``(T, H, W, 3)``, or give the reason why it cannot be read."""
    av = require("av", extra="video", purpose="videos")
    container = CONTAINERS.get(os.path.splitext(place)[1].lower())
    if container is None:
        return Skipped(place, "no video by its name")
    try:
        with plain_name(place) as plain:
            frames = counted(plain, container)
            if frames.shown == 0:
                return Skipped(place, "no video in the file")
            if missing := frames.missing(frames.shown):
                return Skipped(place, missing)
            with av.open(plain, format=container, options={"protocol_whitelist": "file"}) as video:
                return _chosen(place, video, chosen.of(frames.shown))
    except (av.error.FFmpegError, OSError) as error:
        return Skipped(place, f"damaged: {reason_of(getattr(error, 'strerror', None) or str(error))}")


def _chosen(place: str, video: Any, wanted: tuple[int, ...]) -> NDArray[np.uint8] | Skipped:
    kept: dict[int, NDArray[np.uint8]] = {}
    last = -1
    for number, frame in enumerate(video.decode(video.streams.video[0])):
        pixels = frame.width * frame.height
        if pixels > MAX_PIXELS or 3 * pixels * len(wanted) > _MOST_VALUES:
            return Skipped(place, f"frames of {frame.width} x {frame.height} pixels, too large for a clip of {len(wanted)}")
        if number in wanted:
            kept[number] = frame.to_ndarray(format="rgb24")
        last = number
        if number == max(wanted):
            break
    missing = [number for number in wanted if number not in kept]
    if missing:
        return Skipped(place, f"cut short: {last + 1} frames, where frame {missing[0]} should be")
    if len({frame.shape for frame in kept.values()}) > 1:
        return Skipped(place, "frames of several sizes")
    return np.stack([kept[number] for number in wanted])
