"""Ultralytics: ``args.yaml`` of a training run, and ``metadata.yaml`` of an exported model.

The file states size and task. Values are what the library applies to every network: RGB, divided by 255, no mean and no std.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import known, made, stated

_TASKS = ("detect", "segment", "pose", "obb")
#: Keys that only the arguments of Ultralytics have together.
_ARGUMENTS = ("task", "mode", "imgsz", "overlap_mask", "close_mosaic")


def is_ultralytics(document: Mapping[str, Any]) -> bool:
    """Whether a document is Ultralytics's, by its author or its arguments."""
    by_author = document.get("author") == "Ultralytics" and "task" in document
    return by_author or all(key in document for key in _ARGUMENTS)


def read_ultralytics_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read arguments or metadata that are already parsed."""
    task = document.get("task")
    said = "Ultralytics divides 8-bit images by 255, and applies no mean and no std"
    unread = Unknown(f"{source}, task {short_repr(task)}: versions differ in their mean and std")
    is_known = task in _TASKS
    count = _count(document, source)
    fields: dict[str, Field[Any]] = {
        "channels": known("RGB", "Ultralytics feeds red, green, blue")
        if count == 3
        else known("L" if count == 1 else ",".join(f"c{index}" for index in range(count)), f"{source}, key 'channels'"),
        "scale": known(1 / 255, said) if is_known else unread,
        "mean": known((0.0,) * count, said) if is_known else unread,
        "std": known((1.0,) * count, said) if is_known else unread,
        "size": _size(document.get("imgsz"), source),
        "crop": Unknown("Ultralytics pads to the size with grey 114 (letterbox), which a crop cannot state")
        if is_known
        else Unknown(f"{source}, task {short_repr(task)}"),
        "layout": known("NCHW", "Ultralytics's batches of images"),
        "raw_dtype": known("uint8", "Ultralytics reads 8-bit images with OpenCV")
        if count in (1, 3)
        else Unknown(f"{source}: {count} channels, and the type of raw values is not stated"),
    }
    if not isinstance(document.get("half"), bool) or not document["half"]:
        fields["dtype"] = known("float32", f"{source}: not half precision")
    if count not in (1, 3) and is_known:
        fields["scale"] = Unknown(f"{source}: {count} channels, and the type of raw values is not stated")
    return made(fields, source)


def _count(document: Mapping[str, Any], source: str) -> int:
    count = document.get("channels", 3)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 256:
        raise SpecError(f"a number of channels in {source}", short_repr(count), "correct the file")
    return count


def _size(value: Any, source: str) -> Field[Any]:
    if value is None:
        return Unknown(f"{source} does not state imgsz")
    pair = value if isinstance(value, list) else [value, value]
    return stated("size", pair * 2 if len(pair) == 1 else pair, f"{source}, key 'imgsz'")
