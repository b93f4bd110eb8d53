"""Places that scale images for networks of Keras."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard

from tare.checking.repository.rules.feeds import network_call, stands_in, steps
from tare.checking.repository.rules.linking import Program
from tare.code.interpreter.conditions import ALWAYS, Decisions
from tare.code.interpreter.source import Spot
from tare.code.interpreter.syntax.calls import is_layer
from tare.code.interpreter.values import UNKNOWN, Call, Choice, Function, Instance, Items, Library, Literal, Parameter, Value
from tare.code.libraries.expected import Scaling
from tare.code.libraries.flows import chain, is_guarded, root, signed_scaling, unit_scaling
from tare.code.libraries.keras import generator, preprocessed, preprocessing, rescaling
from tare.code.libraries.networks import networks_of
from tare.code.roles import words

#: What is no image but a number of it, and functions that only show or keep an image.
_REDUCED = frozenset(["mean", "sum", "max", "min", "std", "var", "average", "median", "percentile", "count_nonzero", "norm"])
_SHOWN = frozenset(
    ["save", "show", "plot", "visualize", "visualise", "display", "draw", "overlay", "denormalize", "write", "brightness"]
)
_IMAGE = frozenset(
    [
        "image",
        "images",
        "img",
        "imgs",
        "x",
        "data",
        "frame",
        "face",
        "photo",
        "arr",
        "array",
        "input",
        "inputs",
        "pixels",
        "batch",
    ]
)
_NO_IMAGE = frozenset(
    [
        "mask",
        "masks",
        "label",
        "labels",
        "heatmap",
        "alpha",
        "seg",
        "segmentation",
        "gt",
        "target",
        "targets",
        "y",
        "depth",
        "opacity",
    ]
)


class Scaled(NamedTuple):
    """A place that scales images, and the range to which it brings them."""

    spot: Spot
    what: str
    call: Call
    kind: Scaling = "unit"
    decisions: Decisions = ALWAYS


#: What each scaling brings images of 0..255 to, in words.
RESULTS: dict[Scaling, str] = {
    "unit": "0..1",
    "signed": "-1..1",
    "caffe": "BGR 0..255 with the ImageNet means subtracted",
    "torch": "0..1 with ImageNet's mean subtracted, divided by its std",
    "inside": "0..255, unchanged",
}


def scalings(program: Program) -> list[Scaled]:
    """Every place of a program that scales images for a network of Keras."""
    found = list(unit_places(program))
    layers = rescalings(program)
    for call in program.calls:
        scale, offset = layers.get(id(call), (0.0, 0.0))
        if signed_scaling(call) is not None or (abs(scale * 127.5 - 1) < 1e-2 and abs(offset + 1) < 1e-2):
            found.append(Scaled(call.spot, "the scaling by 127.5", call, "signed", call.decisions))
        for name, spot, kind in _preprocessing(call):
            if kind is not None:
                found.append(Scaled(spot, f"{name.split('.')[-2]}.preprocess_input", call, kind, call.decisions))
    return found


def _preprocessing(call: Call) -> Iterator[tuple[str, Spot, Scaling | None]]:
    yield call.function, call.spot, preprocessed(call)
    for value in (*call.args, *call.keywords.values()):
        if isinstance(value, Library):
            yield value.name, call.spot, preprocessing(value.name)


def rescalings(program: Program) -> dict[int, tuple[float, float]]:
    """The factor and offset of each ``Rescaling`` layer, together with those before it in one model or one chain of calls.

    Of several the last one stands for all: what comes between changes no range.
    """
    alone = {id(call): found for call in program.calls if (found := rescaling(call)) is not None}
    if len(alone) < 2:
        return alone
    together = dict(alone)
    for call in program.calls:
        chain_of_layers = [id(each) for each in _layers(call) if id(each) in alone]
        scale, offset = 1.0, 0.0
        for each in chain_of_layers if len(chain_of_layers) > 1 else ():
            factor, shift = alone[each]
            scale, offset = scale * factor, offset * factor + shift
            together.pop(each, None)
        if len(chain_of_layers) > 1:
            together[chain_of_layers[-1]] = (scale, offset)
    return together


def scales_otherwise(program: Program) -> bool:
    """Whether a generator or a layer multiplies by a factor for values of another range than 0..255, as 0..1 times 255."""
    factors = [made.rescale for call in program.calls if (made := generator(call)) is not None and made.rescale is not None]
    factors += [factor for factor, _ in rescalings(program).values()]
    return any(factor != 1 and not any(abs(factor * top - 1) < 1e-2 for top in (255, 127.5)) for factor in factors)


def _layers(call: Call) -> list[Call]:
    """The layers of a model in their order, or those that were called one on the result of the other, the first one first."""
    if call.last == "Sequential":
        given = call.args[0] if call.args else call.keywords.get("layers")
        return [each for each in given.items if isinstance(each, Call)] if isinstance(given, Items) else []
    found: list[Call] = []
    value: Value = call
    while isinstance(value, Call) and value.function == "()" and value.args and isinstance(value.receiver, Call):
        found.insert(0, value.receiver)
        value = value.args[0]
    return found


def unit_places(program: Program) -> Iterator[Scaled]:
    """Places that bring images to 0..1 and after which nothing else scales them."""
    used = consumed(program.calls)
    layers = rescalings(program)
    for call in program.calls:
        made = generator(call)
        if made is not None:
            if made.closed and made.rescale is not None and abs(made.rescale * 255 - 1) < 1e-2 and not made.function:
                yield Scaled(spot_of_rescale(call), "rescale=1/255", call, decisions=call.decisions)
        elif rescaling(call) is not None:
            scale, offset = layers.get(id(call), (0.0, 0.0))
            if abs(scale * 255 - 1) < 1e-2 and offset == 0:
                yield Scaled(call.spot, "Rescaling(1/255)", call, decisions=call.decisions)
        elif (
            id(call) not in used
            and is_image(call)
            and not (_is_dropped(call) or _is_beside(call.spot.node, call.spot.source.tree))
        ):
            what = "convert_image_dtype" if call.last == "convert_image_dtype" else "the division by 255"
            yield Scaled(call.spot, what, call, decisions=call.decisions)


def _is_dropped(call: Call) -> bool:
    """Whether a call's result is given to a variable of a function that nothing reads."""
    text = call.spot.source.document.text
    inside = call.within and call.names
    return bool(inside) and all(len(re.findall(rf"\b{re.escape(each)}\b", text)) == 1 for each in call.names)


def mapped(data: Value, program: Program) -> Iterator[Call]:
    """Divisions by 255 in the functions that are mapped over a dataset, of its images and with no arithmetic after them."""
    given = [each.args[0] for each in steps(data) if isinstance(each, Call) and each.function == ".map" and each.args]
    functions = [each for each in given if isinstance(each, Function)]
    used = consumed(program.calls) if functions else set()
    for call in program.calls if functions else ():
        within = [each for each in functions if stands_in(call, each)] if unit_scaling(call) is not None else []
        if id(call) not in used and any(_is_given(call.spot.node, each.node) for each in within):
            yield call


_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _is_given(node: ast.AST, function: _Function) -> bool:
    """Whether a part of a function goes into what it returns, of several things into the first: a mask may be the second."""
    return _goes_into(node, function, [each.elts[0] if _is_tuple(each) else each for each in _returned(function)])


def _is_beside(node: ast.AST, tree: ast.AST) -> bool:
    """Whether a part of a file goes only into the second or a later one of the things that a function returns."""
    around = [each for each in ast.walk(tree) if isinstance(each, _Function) and any(part is node for part in ast.walk(each))]
    if not around:
        return False
    later = [part for each in _returned(around[-1]) if _is_tuple(each) for part in each.elts[1:]]
    return bool(later) and not _is_given(node, around[-1]) and _goes_into(node, around[-1], later)


def _returned(function: _Function) -> list[ast.expr]:
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [each.value for each in ast.walk(function) if isinstance(each, ast.Return) and each.value is not None]


def _is_tuple(value: ast.expr) -> TypeGuard[ast.Tuple]:
    return isinstance(value, ast.Tuple) and bool(value.elts)


def _goes_into(node: ast.AST, function: _Function, values: Sequence[ast.AST]) -> bool:
    """Whether a part of a function stands in one of some values, or in what their variables were given."""
    left = list(values)
    makes = [each for each in ast.walk(function) if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign)]
    while left:
        inside = list(ast.walk(left.pop()))
        if any(each is node for each in inside):
            return True
        names = {each.id for each in inside if isinstance(each, ast.Name)}
        left += [each for each in makes if names & _named(each)]
        makes = [each for each in makes if not names & _named(each)]
    return False


def _named(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def spot_of_rescale(call: Call) -> Spot:
    """Where the factor of a generator is written."""
    value = call.keywords.get("rescale")
    return value.spot if isinstance(value, Literal) and value.spot is not None else call.spot


def consumed(calls: tuple[Call, ...]) -> set[int]:
    """Calls whose result goes on into arithmetic, a picture on the screen, or a function of a library that scales."""
    used: set[int] = set()
    for call in calls:
        if _goes_on(call):
            for value in (*call.args, *call.keywords.values()):
                used.update(id(each) for each in chain(value, in_range=True) if isinstance(each, Call))
    return used


#: Functions that calculate as operators do.
_ARITHMETIC = frozenset(("subtract", "multiply", "divide", "add"))
#: What makes a model: calling it is no scaling.
_MODELS = frozenset(("Model", "Sequential", "load_model"))


def _goes_on(call: Call) -> bool:
    """Whether a call takes images to somewhere else than a model."""
    if call.function == "()":
        return not _is_model(call.receiver)
    return (
        call.function.startswith("operator.")
        or (call.last in _ARITHMETIC and call.function.startswith(("tensorflow.", "numpy.", "keras.", "cv2.")))
        or call.function == "set.item"
        or call.last in ("imshow", "normalize", "preprocess_input", "fromarray")
    )


def _is_model(receiver: Value) -> bool:
    model = network_call(receiver)
    if isinstance(model, Instance):
        return is_layer(model.cls)
    return isinstance(model, Call) and (model.last in _MODELS or any(networks_of(model)))


def is_image(call: Call) -> bool:
    """Whether a call divides an image by 255, and not a mask, a figure or a picture for the screen."""
    image = unit_scaling(call)
    if image is None:
        return False
    origin = root(image)
    if is_guarded(call) or (isinstance(origin, Call) and origin.last in _REDUCED):
        return False
    if {word for each in call.within[-1:] for word in words(each)} & _SHOWN:
        return False
    names = {word for each in (*call.names, *call.within[-1:]) for word in words(each)}
    if isinstance(origin, Parameter):
        names |= words(origin.name)
    if names & _NO_IMAGE:
        return False
    if origin is UNKNOWN or isinstance(origin, Choice):
        return bool(names & _IMAGE)
    return isinstance(origin, Parameter | Call)
