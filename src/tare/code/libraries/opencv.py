"""OpenCV: images in blue-green-red order, and the codes that change it."""

from __future__ import annotations

import re

from tare.code.interpreter.values import Call, Library, Value
from tare.code.libraries.flows import chain, channel_order

#: What reads an image in the order blue, green, red.
_READERS = frozenset(("cv2.imread", "cv2.imdecode"))
#: What follows ``COLOR_RGB2`` in the codes that weigh red and blue differently: grey values, hues, brightness and colour.
#: The other codes only move channels. RGB2BGR and RGB2BGRA exchange red and blue and have the numbers of BGR2RGB and BGR2RGBA,
#: RGB2RGBA adds alpha and has the number of BGR2BGRA, RGB2BGR555 and RGB2BGR565 pack three channels into 16 bits: on an image
#: that is BGR they do what their name says for the other order.
_WEIGHING = frozenset(
    (
        *("GRAY", "HLS", "HLS_FULL", "HSV", "HSV_FULL", "LAB", "Lab", "LUV", "Luv", "XYZ", "YCR_CB", "YCrCb", "YUV"),
        *("YUV_I420", "YUV_IYUV", "YUV_YV12", "YUV_UYVY", "YUV_UYNV", "YUV_Y422", "YUV_YUY2", "YUV_YUNV", "YUV_YUYV", "YUV_YVYU"),
    )
)
_SPACE = re.compile("HLS|HSV|LAB|LUV|XYZ|YCR_?CB|YUV", re.I)


def is_bgr(value: Value) -> bool:
    """Whether a value is for certain an image in the order in which OpenCV reads it."""
    *later, source = chain(value)
    if not isinstance(source, Call) or any(isinstance(each, Call) and channel_order(each) != "kept" for each in later):
        return False
    if source.function == ".read":  # (found, frame) of a camera or a video
        return isinstance(source.receiver, Call) and source.receiver.function == "cv2.VideoCapture"
    if source.function not in _READERS:
        return False
    flag = source.argument(1, "flags")
    return flag is None or (isinstance(flag, Library) and flag.name == "cv2.IMREAD_COLOR")


def code_of(call: Call) -> str:
    """The code of a colour conversion, such as ``COLOR_RGB2GRAY``; empty if it cannot be told."""
    code = call.argument(1, "code")
    return code.name.rpartition(".")[2] if isinstance(code, Library) and code.name.startswith("cv2.COLOR_") else ""


def weighs(code: str) -> bool:
    """Whether a code for RGB takes red and blue for different, so that it gives other values for an image that is BGR."""
    return code.removeprefix("COLOR_RGB2") in _WEIGHING and code.startswith("COLOR_RGB2")


def undoing(code: str) -> re.Pattern[str] | None:
    """What a text says in which an image comes back from the space of a code, by any library; None for grey, which has no order.

    A code that is put together from parts may be any.
    """
    found = _SPACE.match(code.removeprefix("COLOR_RGB2"))
    if found is None:
        return None
    space = found[0].replace("_", "").lower().replace("ycrcb", "ycr_?cb")
    return re.compile(rf"(?:\b(?:COLOR_)?{space}\w*?|%s|(?<!\w))(?:2|_to_)L?(?:RGB|BGR)\w*", re.I)
