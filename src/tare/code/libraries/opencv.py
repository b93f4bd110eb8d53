"""OpenCV: images in blue-green-red order, and the codes that change it."""

from __future__ import annotations

from tare.code.interpreter.values import Call, Library, Value
from tare.code.libraries.flows import root

#: What reads an image in the order blue, green, red.
_READERS = frozenset(("cv2.imread", "cv2.imdecode"))


def is_bgr(value: Value) -> bool:
    """Whether a value is for certain an image as OpenCV reads it."""
    source = root(value)
    if not isinstance(source, Call):
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
