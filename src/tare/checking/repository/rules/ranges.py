"""Images scaled for another range than a network of Keras expects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs, says
from tare.code.facts import Facts
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Literal, Parameter, Value
from tare.code.libraries.flows import chain, root, unit_scaling
from tare.code.libraries.keras import generator, preprocessing, rescaling
from tare.code.libraries.networks import Network
from tare.code.roles import words

#: Code that scales in a way that is not followed, or has a preprocessing of its own.
_OTHER_SCALING = re.compile(r"preprocess_input|127\.5|\bNormalization\(|hub\.KerasLayer|per_image_standardization|standardi[sz]e|\.std\(")
#: A network of one's own, which may be fed anything.
_OWN_NETWORK = re.compile(r"\b(?:Separable)?Conv2D\(|\bhub\.(?:load|KerasLayer)|nn\.Module")
_TORCH = re.compile(r"\b(?:torch|transformers|torchvision)\b")
_NO_IMAGE = frozenset("mask masks label labels heatmap alpha seg segmentation gt target targets y depth opacity".split())


def ranges(facts: Facts) -> Iterator[CodeFinding]:
    """Keras networks that get values of 0..1, which none of them expects, and preprocess_input together with a division."""
    yield from _doubled(facts)
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        networks = [each for each in program.networks if each.library == "keras"]
        if networks and all(each.pretrained for each in networks):
            yield from _unit(program, networks, texts)
    yield from _across_programs(facts, texts)


def _across_programs(facts: Facts, texts: dict[str, str]) -> Iterator[CodeFinding]:
    """Programs without a network of their own, in a repository whose every network is one of Keras with pretrained weights."""
    networks = [each for each in facts.networks if each.library == "keras"]
    if not networks or not all(each.pretrained for each in networks):
        return
    if any(says(_OTHER_SCALING, text) or _OWN_NETWORK.search(text) for text in texts.values()):
        return
    for program in programs(facts, every=True):
        if not program.networks and not _TORCH.search(texts.get(program.path, "")):
            yield from _unit(program, networks, texts)


class _Scaled(NamedTuple):
    """A place that brings images to 0..1."""

    spot: Spot
    what: str


def _unit(program: Program, networks: list[Network], texts: dict[str, str]) -> Iterator[CodeFinding]:
    places = list(_unit_places(program))
    files = {program.path, *(each.spot.source.path for each in places), *(each.call.spot.source.path for each in networks)}
    if any(says(_OTHER_SCALING, texts.get(each, "")) for each in files):
        return
    names = list({each.name: each for each in networks}.values())
    for place in places:
        yield _finding(place, names)


def _finding(place: _Scaled, networks: list[Network]) -> CodeFinding:
    first = networks[0]
    assert first.expected is not None  # noqa: S101 (networks of Keras always have it)
    wanted = "; ".join(f"{each.name} wants {each.expected.wanted}" for each in networks[:3] if each.expected)
    inside = first.expected.scaling == "inside"
    module = next((key for key in _modules(first.name)), "")
    remedy = (
        "leave the division out: the network does it itself"
        if inside
        else f"replace the division by tf.keras.applications.{module}.preprocess_input on values of 0..255"
    )
    return finding(
        "TARE101",
        "error",
        place.spot,
        f"{place.what} brings images to 0..1, and {wanted}",
        remedy,
        evidence=[step(f"{each.name} with ImageNet weights", each.call.spot) for each in networks[:4]],
    )


def _modules(name: str) -> Iterator[str]:
    known = {
        "VGG16": "vgg16",
        "VGG19": "vgg19",
        "Xception": "xception",
        "InceptionV3": "inception_v3",
        "InceptionResNetV2": "inception_resnet_v2",
        "MobileNet": "mobilenet",
        "MobileNetV2": "mobilenet_v2",
    }
    if name in known:
        yield known[name]
    elif name.startswith("ResNet"):
        yield "resnet_v2" if name.endswith("V2") else "resnet50" if name == "ResNet50" else "resnet"
    elif name.startswith("DenseNet"):
        yield "densenet"
    elif name.startswith("NASNet"):
        yield "nasnet"


def _unit_places(program: Program) -> Iterator[_Scaled]:
    used = _consumed(program.calls)
    for call in program.calls:
        made = generator(call)
        if made is not None:
            if made.closed and made.rescale is not None and abs(made.rescale * 255 - 1) < 1e-2 and not made.function:
                yield _Scaled(call.keywords["rescale"].spot or call.spot if _has_spot(call) else call.spot, "rescale=1/255")
        elif rescaling(call) is not None:
            scale, offset = rescaling(call) or (0.0, 0.0)
            if abs(scale * 255 - 1) < 1e-2 and offset == 0:
                yield _Scaled(call.spot, "Rescaling(1/255)")
        elif id(call) not in used and _is_image(call):
            yield _Scaled(call.spot, "the division by 255")


def _has_spot(call: Call) -> bool:
    value = call.keywords.get("rescale")
    return isinstance(value, Literal) and value.spot is not None


def _consumed(calls: tuple[Call, ...]) -> set[int]:
    """Calls whose result goes on into arithmetic, a picture on the screen, or a function of a library that scales."""
    used: set[int] = set()
    for call in calls:
        if call.function.startswith("operator.") or call.last in ("imshow", "normalize", "preprocess_input", "fromarray", "()"):
            for value in (*call.args, *call.keywords.values()):
                used.update(id(each) for each in chain(value) if isinstance(each, Call))
    return used


def _is_image(call: Call) -> bool:
    image = unit_scaling(call)
    if image is None:
        return False
    origin = root(image)
    names = {word for each in (*call.names, *call.within[-1:]) for word in words(each)}
    if isinstance(origin, Parameter):
        names |= words(origin.name)
    if names & _NO_IMAGE:
        return False
    return isinstance(origin, Parameter) or isinstance(origin, Call)


def _doubled(facts: Facts) -> Iterator[CodeFinding]:
    for call in facts.calls:
        made = generator(call)
        if made is not None and made.closed and made.function not in ("", "other") and made.rescale not in (None, 1.0):
            yield _twice(call.spot, "the generator applies preprocess_input and then multiplies by rescale", "leave rescale out")
        image = unit_scaling(call)
        if image is not None and _is_preprocessed(root(image)):
            yield _twice(call.spot, "the output of preprocess_input is divided by 255", "leave the division out")
        if preprocessing(call.function) is not None and call.args:
            inner = root(call.args[0])
            if isinstance(inner, Call) and unit_scaling(inner) is not None:
                yield _twice(call.spot, "preprocess_input expects 0..255 and gets values that were divided by 255", _FIRST)


_FIRST = "leave the division out and give preprocess_input values of 0..255"


def _is_preprocessed(value: Value) -> bool:
    return isinstance(value, Call) and preprocessing(value.function) is not None


def _twice(spot: Spot, what: str, remedy: str) -> CodeFinding:
    return finding("TARE101", "error", spot, f"{what}: the network gets values of another range than it was trained on", remedy)


