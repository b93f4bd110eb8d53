"""A Normalize of what a library's own transform has normalised: torchvision's for its weights, and timm's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.scaling import first_normalize, given_of
from tare.checking.repository.rules.normalisations import FUNCTIONS, Normalisation, of_arithmetic, of_function, of_step
from tare.checking.repository.rules.published import is_set
from tare.checking.repository.rules.reached import folder_of
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call, Value
from tare.code.libraries.flows import chain
from tare.code.libraries.networks import Network
from tare.code.libraries.openness import Preset, preset_of
from tare.code.libraries.pipelines import Variant
from tare.code.networks.expected import listed

_Pipelines = Mapping[int, Pipeline]
#: Steps after which values are still normalised.
_KEEPING = frozenset(("identity", "to_tensor", "convert", "to_float", "geometric", "photometric", "erase"))


def again(facts: Facts) -> Iterator[CodeFinding]:
    """Published constants on images that such a transform has made, in a pipeline and in lines."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    found = [
        *(each for pipeline in facts.pipelines for variant in pipeline.variants for each in _in_pipeline(variant)),
        *(each for call in facts.calls for each in _in_lines(call, pipelines)),
    ]
    for preset, each in found:
        if is_set(each.mean, each.std) and not (preset.constants is None and any(map(_is_plain, facts.networks))):
            yield _finding(preset, each)


def _is_plain(network: Network) -> bool:
    """Whether a network of timm was trained with values of 0..1, so that its own transform normalises nothing."""
    known = network.expected if network.library == "timm" else None
    return known is not None and known.range in ("unit", "raw")


def _in_pipeline(variant: Variant) -> Iterator[tuple[Preset, Normalisation]]:
    preset: Preset | None = None
    for each in variant.steps:
        if each.kind == "opaque":
            preset = preset_of(each.call)
        elif each.kind == "normalize" and preset is not None:
            for one in of_step(each, variant.decisions):
                yield preset, one
        preset = preset if each.kind in (*_KEEPING, "opaque") else None


def _in_lines(call: Call, pipelines: _Pipelines) -> Iterator[tuple[Preset, Normalisation]]:
    """A pipeline or a Normalize that is called, torchvision's function, and ``(x - mean) / std``."""
    if call.function == "()" and isinstance(call.receiver, Call):
        given, found = call.argument(0), list(first_normalize(call.receiver, pipelines))
    else:
        found = list(_normalisations(call))
        given = given_of(call) if found else None
    preset = _made_by(given) if found and given is not None else None
    if preset is not None and agree(preset.call.decisions, call.decisions):
        yield from ((preset, each) for each in found)


def _normalisations(call: Call) -> Iterator[Normalisation]:
    if call.function in FUNCTIONS:
        yield from of_function(call)
    elif call.function == "operator./":
        yield from of_arithmetic(call)


def _made_by(value: Value) -> Preset | None:
    """The transform that made an image, by itself or for a folder of images."""
    for each in chain(value):
        if isinstance(each, Call) and each.function == "()":
            return preset_of(each.receiver)
        folder = folder_of(each) if isinstance(each, Call) else None
        if folder is not None:
            return preset_of(folder.argument(1, "transform"))
    return None


def _finding(preset: Preset, each: Normalisation) -> CodeFinding:
    known = preset.constants
    how = "" if known is None else f", with mean {listed(known.mean)} and std {listed(known.std)}"
    return finding(
        "TARE003",
        "error",
        each.call.spot,
        f"the image is normalised here for the second time: {preset.name} has normalised it{how}",
        "leave one of the two out",
        evidence=(step(preset.name, preset.call.spot),),
    )
