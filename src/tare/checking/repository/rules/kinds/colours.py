"""Colour codes that do not fit the order in which OpenCV reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tare.checking.repository.edits import same_function
from tare.checking.repository.result import CodeFinding, Edit
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.normalisations import of_pipeline
from tare.checking.repository.rules.published import near, published
from tare.checking.repository.touched import image_may_change
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call, Library
from tare.code.libraries.flows import root
from tare.code.libraries.opencv import code_of, is_bgr, undoing, weighs
from tare.code.networks.expected import listed


def colours(facts: Facts) -> Iterator[CodeFinding]:
    """``imread`` with a conversion code as flag, codes for RGB on images that are BGR, and BGR given to constants of RGB."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        if call.function == "()" and id(call.receiver) in pipelines:
            yield from _fed(call, pipelines[id(call.receiver)])
        if call.function == "cv2.imread":
            yield from _flag(call)
        elif call.function == "cv2.cvtColor":
            yield from _code(call, facts)


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


def _code(call: Call, facts: Facts) -> Iterator[CodeFinding]:
    code = code_of(call)
    if not weighs(code) or not call.args or not is_bgr(call.args[0]):
        return
    source = root(call.args[0])
    right = code.replace("COLOR_RGB2", "COLOR_BGR2")
    back, is_near = _back(call, code, facts)
    alone = back is None and isinstance(source, Call) and same_function(source.spot, call.spot)
    alone = alone and isinstance(source, Call) and not image_may_change(source.spot, call.spot, source.names)
    only_hue = code[10:13] in ("HSV", "HLS")
    alone = alone and code[10:] == "GRAY"  # ranges of other spaces, as of hues, may have been chosen for what arrives
    effect = "the hue is that of another colour" if only_hue else "the weights of red and blue are exchanged"
    yield finding(
        "TARE102",
        "note" if only_hue and (is_near or _chooses(call)) else "warning",  # saturation and brightness are those of both orders
        call.spot,
        f"{code} is applied to an image that cv2.imread read, whose order is blue, green, red: "
        f"{f'until {back} brings the image back, ' if is_near else ''}{effect}",
        f"use cv2.{right}{_and_back(back)}",
        evidence=[step("cv2.imread", source.spot)] if isinstance(source, Call) else [],
        edits=_edit(call, code, right) if alone else (),
    )


def _chooses(call: Call) -> bool:
    """Whether a file picks ranges of a space: whoever did chose them for the hues that arrive, where red may be one range."""
    return "inRange(" in call.spot.source.document.text


def _back(call: Call, code: str, facts: Facts) -> tuple[str | None, bool]:
    """What brings an image back from the space of a call, and whether a call in the same function does, as if it were RGB.

    It is empty where it may be a code that cannot be told.
    """
    undone = undoing(code)
    if undone is None:
        return None, False
    others = [each for each in facts.calls if each.function == "cv2.cvtColor"]
    for each in others:
        if undone.fullmatch(code_of(each)) and "2RGB" in code_of(each) and same_function(each.spot, call.spot):
            return code_of(each), True
    written = (found[0] for each in facts.sources if (found := undone.search(each.document.text)))
    return next(written, None if all(map(code_of, others)) else ""), False


def _and_back(name: str | None) -> str:
    """What else changes where an image comes back: a pair of conversions keeps the order of channels, one half exchanges it."""
    if name is None:
        return ""
    if name.startswith("COLOR_") and "2RGB" in name:
        other = name.replace("2RGB", "2BGR")
        return f", and cv2.{other} for cv2.{name} where the image comes back: one without the other exchanges red and blue"
    return f", and look where {name or 'another code'} brings the image back: red and blue change places there"


def _edit(call: Call, code: str, right: str) -> tuple[Edit, ...]:
    """Write the right code, where the wrong one is an attribute of the module; a name of its own would have to be imported."""
    node = call.spot.node
    argument = node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None
    source = call.spot.source
    if not isinstance(argument, ast.Attribute) or not isinstance(argument.value, ast.Name) or argument.attr != code:
        return ()
    if not _is_opencv(argument.value.id, source.tree):
        return ()
    place = source.place(argument)
    module = argument.value.id
    is_plain = source.line(argument)[place.column - 1 : place.end_column - 1] == f"{module}.{code}"
    return (Edit(place, f"{module}.{right}"),) if is_plain else ()


def _is_opencv(name: str, tree: ast.Module) -> bool:
    """Whether a name is that of the module everywhere in a file."""
    nodes = [*ast.walk(tree)]
    imports = [
        isinstance(node, ast.Import) and alias.name == "cv2"
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (alias.asname or alias.name) == name
    ]
    given = (node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    is_other = any(node.id == name for node in given) or any(isinstance(node, ast.arg) and node.arg == name for node in nodes)
    return bool(imports) and all(imports) and not is_other


def _fed(call: Call, pipeline: Pipeline) -> Iterator[CodeFinding]:
    """An image in OpenCV's order that goes into a pipeline whose constants differ by channel."""
    image = call.keywords.get("image") or (call.args[0] if call.args else None)
    if image is None or not is_bgr(image) or not all(each.whole for each in pipeline.variants):
        return
    found = [each for _, _, each in of_pipeline(pipeline)]
    if not found or any(not _is_of_rgb(each.mean) for each in found):
        return
    source = root(image)
    yield finding(
        "TARE008",
        "warning",
        call.spot,
        f"the image is as cv2.imread reads it (blue, green, red), and the pipeline normalises with mean "
        f"{listed(found[0].mean)}, which is in the order red, green, blue",
        "convert it first: cv2.cvtColor(image, cv2.COLOR_BGR2RGB)",
        evidence=[
            *([step("cv2.imread", source.spot)] if isinstance(source, Call) else []),
            step("Normalize", found[0].call.spot),
        ],
    )


def _is_of_rgb(mean: tuple[float, ...]) -> bool:
    """Whether a mean is a published one of RGB images, whose channels differ."""
    return len(set(mean)) == 3 and any(near(mean, each.mean) for each in published())
