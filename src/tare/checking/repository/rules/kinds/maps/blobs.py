"""OpenCV's ``blobFromImage``, which subtracts a mean of values as they come and then multiplies by ``scalefactor``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding
from tare.checking.repository.rules.kinds.maps.scaling import evidence_of
from tare.checking.repository.rules.published import near, published
from tare.checking.repository.rules.reached import Numbers, Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call, Literal, Value
from tare.code.libraries.flows import root
from tare.code.libraries.step import flag, number, numbers
from tare.code.networks.expected import listed

_MAKING = frozenset(("cv2.dnn.blobFromImage", "cv2.dnn.blobFromImages"))
#: ImageNet's means for values of 0..255, as they circulate: of red, green and blue.
_LEVELS = ((123.675, 116.28, 103.53), (123.68, 116.779, 103.939))
#: People round these means to whole numbers.
_ROUNDED = 1.1


class _Blob(NamedTuple):
    """A call: its image, what is subtracted, what differences are multiplied by, and whether red and blue are exchanged."""

    call: Call
    image: Reached | None
    mean: Numbers | None
    factor: float | None
    swaps: bool | None

    @property
    def is_of_levels(self) -> bool:
        """Whether the factor is one for values of 0..255: 1/255, or that divided by a std."""
        return self.factor is not None and 0.9 / 255 < self.factor < 8 / 255


def blobs(facts: Facts) -> Iterator[CodeFinding]:
    """Means of another scale or order than the values that they are subtracted from, and images that are scaled before."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        if call.function in _MAKING and not call.spread:
            blob = _read(call, pipelines)
            yield from _scaled(blob)
            yield from _mean(blob)


def _read(call: Call, pipelines: Mapping[int, Pipeline]) -> _Blob:
    image, mean = call.argument(0, "image", "images"), call.argument(3, "mean")
    return _Blob(
        call,
        None if image is None else reached(image, pipelines),
        None if mean is None else numbers(root(mean)),
        number(_stated(call, 1, "scalefactor", 1.0)),
        flag(_stated(call, 4, "swapRB", False)),
    )


def _stated(call: Call, position: int, name: str, default: object) -> Value:
    return call.argument(position, name) or Literal(default)


def _scaled(blob: _Blob) -> Iterator[CodeFinding]:
    """An image of 0..1 that is divided by 255 again, or that loses a mean of values of 0..255."""
    image, mean = blob.image, blob.mean
    if image is None or not image.is_unit:
        return
    if blob.factor is not None and abs(blob.factor * 255 - 1) < 1e-2:
        yield finding(
            "TARE002",
            "error",
            blob.call.spot,
            "the image is 0..1 here, and scalefactor divides it by 255 again: values arrive as 0..0.004",
            "give it the image as it was read, or leave scalefactor out",
            evidence=evidence_of(image),
        )
    elif mean is not None and _order(mean):
        yield finding(
            "TARE016",
            "error",
            blob.call.spot,
            f"mean {listed(mean)} is for values of 0..255, and the image is 0..1 here",
            "give it the image as it was read, or divide the mean by 255",
            evidence=evidence_of(image),
        )


def _mean(blob: _Blob) -> Iterator[CodeFinding]:
    """A mean for values of 0..1 that is subtracted from those of 0..255, or one in another order than the channels."""
    image, mean = blob.image, blob.mean
    if mean is None or len(mean) != 3 or (image is not None and not image.is_raw):
        return
    evidence = [] if image is None else evidence_of(image)
    if min(mean) > 0 and any(near(mean, each) for one in published() for each in (one.mean, one.mean[::-1])):
        if image is not None or blob.is_of_levels:
            yield finding(
                "TARE016",
                "error",
                blob.call.spot,
                f"mean {listed(mean)} is for values of 0..1, and blobFromImage subtracts it from values of 0..255, before it "
                "multiplies by scalefactor",
                f"use mean {listed(tuple(round(each * 255, 6) for each in mean))}",
                evidence=evidence,
            )
        return
    order = _order(mean)
    if image is None or not image.bgr or blob.swaps is None or order != ("BGR" if blob.swaps else "RGB"):
        return
    if blob.swaps:
        yield finding(
            "TARE015",
            "error",
            blob.call.spot,
            f"mean {listed(mean)} is in the order blue, green, red, and swapRB=True makes it one of red, green, blue",
            f"use mean {listed(mean[::-1])}",
            evidence=evidence,
        )
        return
    yield finding(
        "TARE008",
        "warning",
        blob.call.spot,
        f"the image is as {image.reader} reads it (blue, green, red), and mean {listed(mean)} is in the order red, green, blue",
        "write swapRB=True",
        evidence=evidence,
    )


def _order(mean: Numbers) -> str:
    """The order of the channels of ImageNet's mean for values of 0..255; empty for any other."""
    if any(near(mean, each, _ROUNDED) for each in _LEVELS):
        return "RGB"
    return "BGR" if any(near(mean, each[::-1], _ROUNDED) for each in _LEVELS) else ""
