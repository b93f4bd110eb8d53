"""Colour codes that do not fit the order in which OpenCV reads."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding, Edit
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts
from tare.code.interpreter.values import Call, Library
from tare.code.libraries.flows import root
from tare.code.libraries.opencv import code_of, is_bgr


def colours(facts: Facts) -> Iterator[CodeFinding]:
    """``imread`` with a conversion code as flag, and codes for RGB on images that are BGR."""
    for call in facts.calls:
        if call.function == "cv2.imread":
            yield from _flag(call)
        elif call.function == "cv2.cvtColor":
            yield from _code(call)


def _flag(call: Call) -> Iterator[CodeFinding]:
    flag = call.argument(1, "flags")
    if isinstance(flag, Library) and flag.name.startswith("cv2.COLOR_"):
        code = flag.name.rpartition(".")[2]
        yield finding(
            "TARE103",
            "error",
            call.spot,
            f"cv2.imread takes IMREAD_ flags, and {code} is a code of cv2.cvtColor: the image is not converted",
            f"write cv2.cvtColor(cv2.imread(path), cv2.{code})",
        )


def _code(call: Call) -> Iterator[CodeFinding]:
    code = code_of(call)
    if (
        not code.startswith("COLOR_RGB2")
        or code in ("COLOR_RGB2BGR", "COLOR_RGB2BGRA")
        or not call.args
        or not is_bgr(call.args[0])
    ):
        return
    source = root(call.args[0])
    right = code.replace("COLOR_RGB2", "COLOR_BGR2")
    node = call.spot.node
    argument = getattr(node, "args", [])
    edits = ()
    if len(argument) > 1:
        place = call.spot.source.place(argument[1])
        text = call.spot.source.line(argument[1])[place.column - 1 : place.end_column - 1]
        if text.endswith(code):
            edits = (Edit(place, text.replace(code, right)),)  # type: ignore[assignment]
    yield finding(
        "TARE102",
        "warning",
        call.spot,
        f"{code} is applied to an image that cv2.imread read, whose order is blue, green, red: the weights of red and blue are "
        "exchanged",
        f"use cv2.{right}",
        evidence=[step("cv2.imread", source.spot)] if isinstance(source, Call) else [],
        edits=edits,
    )
