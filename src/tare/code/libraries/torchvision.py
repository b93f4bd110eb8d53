"""torchvision's transforms, of both versions."""

from __future__ import annotations

import ast

from tare.code.interpreter.values import Call, Function, Literal
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
    function = call.argument(0, "lambd")
    if not isinstance(function, Function) or not isinstance(function.node, ast.Lambda) or len(function.node.args.args) != 1:
        return Step("opaque", call.last, call)
    found = _affine_of(function.node.body, function.node.args.args[0].arg)
    if found is None:
        return Step("opaque", call.last, call)
    return Step("rescale", call.last, call, values={"factor": Literal(found[0]), "offset": Literal(found[1])})


def _affine_of(node: ast.expr, name: str) -> tuple[float, float] | None:
    """The factor and the offset that an expression of one variable stands for."""
    if isinstance(node, ast.Name):
        return (1.0, 0.0) if node.id == name else None
    if (
        not isinstance(node, ast.BinOp)
        or not isinstance(node.right, ast.Constant)
        or not isinstance(node.right.value, int | float)
    ):
        return None
    inner, by = _affine_of(node.left, name), float(node.right.value)
    if inner is None:
        return None
    factor, offset = inner
    if isinstance(node.op, ast.Add | ast.Sub):
        return factor, offset + (by if isinstance(node.op, ast.Add) else -by)
    if isinstance(node.op, ast.Mult) or (isinstance(node.op, ast.Div) and by):
        times = by if isinstance(node.op, ast.Mult) else 1 / by
        return factor * times, offset * times
    return None


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
