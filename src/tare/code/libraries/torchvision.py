"""torchvision's transforms, of both versions."""

from __future__ import annotations

import ast
from dataclasses import replace

from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Function, Literal, Value
from tare.code.libraries.step import Reader, Step, drawn, fixed, flag, number, numbers, sometimes

ROOTS = ("torchvision.transforms", "torchvision.transforms.v2", "torchvision.transforms.transforms")
CONTAINERS = frozenset(("Compose", "Sequential"))
CHANCES = frozenset(("RandomApply", "RandomChoice", "RandomOrder"))


def _normalize(call: Call) -> Step:
    values = {"mean": call.argument(0, "mean"), "std": call.argument(1, "std")}
    return Step("normalize", call.last, call, values={key: value for key, value in values.items() if value is not None})


def _rotation(call: Call) -> Step:
    degrees = call.argument(0, "degrees")
    given = numbers(degrees)
    point = given is not None and (given == (0.0,) or (len(given) == 2 and given[0] == given[1]))
    return Step("geometric", call.last, call, given is not None and not point)


def _affine(call: Call) -> Step:
    degrees = numbers(call.argument(0, "degrees"))
    still = degrees in ((0.0,), (0.0, 0.0)) and len(call.args) + len(call.keywords) == 1
    return Step("geometric", call.last, call, degrees is not None and not still)


def _resized_crop(call: Call) -> Step:
    scale, ratio = numbers(call.argument(1, "scale")), numbers(call.argument(2, "ratio"))
    whole = scale == (1.0, 1.0) and ratio == (1.0, 1.0)
    unknown = (call.argument(1, "scale") is not None and scale is None) or call.spread
    return Step("geometric", call.last, call, not whole and not unknown)


def _jitter(call: Call) -> Step:
    names = ("brightness", "contrast", "saturation", "hue")
    found = [call.argument(position, name) for position, name in enumerate(names)]
    changes = [number(each) != 0 and numbers(each) not in ((1.0, 1.0), None) for each in found if each is not None]
    return Step("photometric", call.last, call, any(changes))


def _blur(call: Call) -> Step:
    sigma = call.argument(1, "sigma")
    given = numbers(sigma)
    fixed_sigma = given is not None and (len(given) == 1 or given[0] == given[1])
    return Step("photometric", call.last, call, sigma is None or (given is not None and not fixed_sigma))


def _to_dtype(call: Call) -> Step:
    scale = call.argument(1, "scale")
    kind = "to_float" if flag(scale) is True else "convert" if scale is None or flag(scale) is False else "opaque"
    return Step(kind, call.last, call)  # type: ignore[arg-type]


def _lambda(call: Call) -> Step:
    """A function of one line that multiplies and adds constants; any other is unknown."""
    values = affine(call.argument(0, "lambd"))
    return Step("opaque", call.last, call) if values is None else Step("rescale", call.last, call, values=values)


def function_step(function: Function, within: Call) -> Step:
    """The step that a function is in a container, by itself; one of more than a line is unknown."""
    values, body = affine(function), _body(function)
    if values is None or body is None:
        return Step("opaque", "?", within)
    made = replace(within, function=f"user.{function.name}", args=(), keywords={}, spot=Spot(function.source, body), names=[])
    return Step("rescale", function.name, made, values=values)


def affine(value: Value | None) -> dict[str, Value] | None:
    """The factor and the offset of a function of one line that multiplies and adds constants; None for any other value."""
    body = _body(value) if isinstance(value, Function) else None
    if not isinstance(value, Function) or body is None:
        return None
    given = value.node.args
    if given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg or len(given.args) != 1:
        return None
    found = _affine_of(body, given.args[0].arg)
    return None if found is None else {"factor": Literal(found[0]), "offset": Literal(found[1])}


def _body(function: Function) -> ast.expr | None:
    """The expression that a function of one line returns, perhaps after its docstring."""
    node = function.node
    if isinstance(node, ast.Lambda):
        return node.body
    lines = node.body[1:] if ast.get_docstring(node) is not None else node.body
    one = lines[0] if len(lines) == 1 and isinstance(node, ast.FunctionDef) and not node.decorator_list else None
    return one.value if isinstance(one, ast.Return) else None


#: The deepest expression that is read, and the largest number in it: nobody writes more by hand.
_DEEPEST, _LARGEST = 12, 1e9


def _affine_of(node: ast.expr | None, name: str, depth: int = 0) -> tuple[float, float] | None:
    """The factor and the offset that an expression of one variable stands for."""
    if isinstance(node, ast.Name):
        return (1.0, 0.0) if node.id == name else None
    if node is None or depth > _DEEPEST:
        return None
    method = node.func if isinstance(node, ast.Call) and not (node.args or node.keywords) else None
    if isinstance(method, ast.Attribute) and method.attr == "float":
        return _affine_of(method.value, name, depth + 1)
    operation, left, right = _operation(node)
    if operation in ("+", "*") and _constant(left) is not None:
        left, right = right, left
    by, inner = _constant(right), _affine_of(left, name, depth + 1)
    if not operation or by is None or inner is None or (operation == "/" and not by):
        return None
    factor, offset = inner
    if operation in ("+", "-"):
        return factor, offset + (by if operation == "+" else -by)
    times = by if operation == "*" else 1 / by
    return factor * times, offset * times


_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_METHODS = {
    **dict.fromkeys(("add", "add_"), "+"),
    **dict.fromkeys(("sub", "sub_", "subtract", "subtract_"), "-"),
    **dict.fromkeys(("mul", "mul_", "multiply", "multiply_"), "*"),
    **dict.fromkeys(("div", "div_", "divide", "divide_", "true_divide", "true_divide_"), "/"),
}


def _operation(node: ast.expr) -> tuple[str, ast.expr | None, ast.expr | None]:
    """What an expression calculates and of what: ``x / 255``, ``x.div(255)`` or ``torch.div(x, 255)``; "" for any other."""
    if isinstance(node, ast.BinOp):
        return _OPERATORS.get(type(node.op), ""), node.left, node.right
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
        return "", None, None
    of_library = isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
    given = node.args if of_library else [node.func.value, *node.args]
    operation = _METHODS.get(node.func.attr, "") if len(given) == 2 else ""
    return (operation, given[0], given[1]) if operation else ("", None, None)


def _constant(node: ast.expr | None) -> float | None:
    """The number that a literal or a quotient of two of them is, as 1 / 255; None for any other expression."""
    if isinstance(node, ast.Constant):
        known = isinstance(node.value, int | float) and not isinstance(node.value, bool) and abs(node.value) <= _LARGEST
        return float(node.value) if known else None  # type: ignore[arg-type]
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or isinstance(node.left, ast.BinOp):
        return None
    left, right = _constant(node.left), None if isinstance(node.right, ast.BinOp) else _constant(node.right)
    return left / right if left is not None and right else None


STEPS: dict[str, Reader] = {
    "Lambda": _lambda,
    "Normalize": _normalize,
    "ToTensor": fixed("to_tensor"),
    "PILToTensor": fixed("convert"),
    "ToImage": fixed("convert"),
    "ToImageTensor": fixed("convert"),
    "ToPureTensor": fixed("convert"),
    "ToPILImage": fixed("opaque"),
    "ConvertImageDtype": fixed("to_float"),
    "ConvertDtype": fixed("to_float"),
    "ToDtype": _to_dtype,
    "Grayscale": fixed("grey"),
    "RandomGrayscale": sometimes("photometric", 0.1, 0),
    **dict.fromkeys(("Resize", "Scale", "CenterCrop", "FiveCrop", "TenCrop", "Pad"), fixed("geometric")),
    "RandomHorizontalFlip": sometimes("geometric", 0.5, 0),
    "RandomVerticalFlip": sometimes("geometric", 0.5, 0),
    "RandomPerspective": sometimes("geometric", 0.5, 1),
    "RandomErasing": sometimes("erase", 0.5, 0),
    "RandomRotation": _rotation,
    "RandomAffine": _affine,
    "RandomResizedCrop": _resized_crop,
    "RandomSizedCrop": _resized_crop,
    "RandomCrop": drawn("geometric"),
    "ElasticTransform": drawn("geometric"),
    "ColorJitter": _jitter,
    "GaussianBlur": _blur,
    "RandomInvert": sometimes("photometric", 0.5, 0),
    "RandomPosterize": sometimes("photometric", 0.5, 1),
    "RandomSolarize": sometimes("photometric", 0.5, 1),
    "RandomAdjustSharpness": sometimes("photometric", 0.5, 1),
    "RandomAutocontrast": sometimes("photometric", 0.5, 0),
    "RandomEqualize": sometimes("photometric", 0.5, 0),
    "RandomPhotometricDistort": drawn("photometric"),
    **dict.fromkeys(("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix"), drawn("photometric")),
}
