"""Pretrained networks of Keras that get images as they were read.

Either the way of the image is known, or no file of the program has any word of scaling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tare.checking.repository.costs import cost
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import Fed, fed, network_call, parts, steps, with_own_weights
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs, says
from tare.checking.repository.rules.reached import reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call, Library, Value
from tare.code.libraries.flows import chain
from tare.code.libraries.keras import flow, generator, preprocessed
from tare.code.libraries.networks import Network
from tare.code.libraries.step import numbers, text

#: Any word of scaling, in any file of the program.
_SCALES = re.compile(
    r"(?i)\b255|127\.5|preprocess|rescal|normali[sz]|standardi[sz]|featurewise|samplewise|convert_image_dtype|"
    r"imagenet_utils|Lambda\(|/=|103\.939|116\.779|123\.68|\bmeans?\b(?!\s*\()|\bto_?float\b|\bkeras_hub\b|\bhub\."
)
_ARITHMETIC = frozenset(f"operator.{each}" for each in "+-*/")
_CALLING = ("()", ".predict_on_batch")
_READERS = ("image_dataset_from_directory", "imread", "load_img", "img_to_array")


def raw(facts: Facts) -> Iterator[CodeFinding]:
    """Programs that feed a network and have no word of scaling, where the network wants something else than 0..255."""
    texts = {each.path: each.document.text for each in facts.sources}
    pipelines = {id(each.call): each for each in facts.pipelines}
    own = list(with_own_weights(facts))
    for program in programs(facts):
        networks = [each for each in program.networks if each.library == "keras" and each.pretrained]
        wanting = [each for each in networks if each.scaling not in (None, "inside")]
        as_published = [each for each in wanting if not any(loads(each.call) for loads in own)]
        followed = {id(image): (image, network) for image, network in _followed(program, as_published, pipelines)}
        yield from (_finding(image, network, sure=True) for image, network in followed.values())
        if followed or program.cut or _is_scaled(program, texts):
            continue
        if wanting and len(wanting) == len(program.networks):
            yield from _of_program(program, wanting)


def _followed(program: Program, networks: Sequence[Network], pipelines: Mapping[int, Pipeline]) -> Iterator[tuple[Call, Network]]:
    """The calls that read an image which a network gets as it was read, without layers before it that may scale."""
    known = {id(each.call): each for each in networks}
    changed = {id(each) for each in _changed(program)}
    called = (Fed(each, each.receiver, each.args[0]) for each in program.calls if each.function in _CALLING and each.args)
    for each in (*fed(program), *called):
        network = known.get(id(network_call(each.model)))
        image = None if network is None else reached(each.data, pipelines)
        if network is None or image is None or not image.is_raw or not agree(each.call.decisions, network.decisions):
            continue
        if not (_is_of_floats(each.data) and any(id(one) in changed for one in chain(each.data))):
            yield image.source, network


def _changed(program: Program) -> Iterator[Value]:
    """The arrays that a ``preprocess_input`` is given which scales floats where they stand, and returns the same array."""
    for call in program.calls:
        if preprocessed(call) in ("signed", "torch") and call.args:
            yield from chain(call.args[0])


def _is_of_floats(value: Value) -> bool:
    """Whether an image is an array of floats: other types are copied, and a tensor is never changed."""
    calls = [each for each in chain(value) if isinstance(each, Call)]
    is_float = any(each.last == "img_to_array" or (each.last == "astype" and _names_floats(each)) for each in calls)
    return is_float and not any("tensor" in each.last or each.last == "cast" for each in calls)


def _names_floats(call: Call) -> bool:
    kind = call.argument(0, "dtype")
    return "float" in (kind.name if isinstance(kind, Library) else text(kind))


def _is_scaled(program: Program, texts: dict[str, str]) -> bool:
    files = {program.path, *(each.call.spot.source.path for each in program.networks)}
    files |= {each.spot.source.path for each in program.calls}
    return any(says(_SCALES, texts.get(each, "")) for each in files) or any(map(_takes_three, program.calls))


def _takes_three(call: Call) -> bool:
    """Whether a call calculates with three constants, as the means of an image's channels are."""
    return call.function in _ARITHMETIC and any(len(numbers(each) or ()) == 3 for each in call.args)


def _of_program(program: Program, networks: list[Network]) -> Iterator[CodeFinding]:
    feeds = list(fed(program))
    followed: dict[int, tuple[Call, Network]] = {}
    for each in feeds:
        made = {id(part) for part in parts(each.model, program)}
        network = next((one for one in networks if id(one.call) in made), None)
        *_, first = steps(each.data)
        source = flow(first) if isinstance(first, Call) else None
        if network is not None and isinstance(first, Call):
            call = source.call if source is not None else first
            if (source is not None and source.closed) or call.last == "image_dataset_from_directory":
                followed[id(call)] = (call, network)
    for call, network in followed.values():
        yield _finding(call, network, sure=True)
    if followed or not feeds:
        return
    for call in program.calls:
        made_here = generator(call)
        if (made_here is not None and made_here.closed) or (made_here is None and call.last in _READERS):
            yield _finding(call, networks[0], sure=False)


def _finding(call: Call, network: Network, *, sure: bool) -> CodeFinding:
    assert network.expected is not None  # noqa: S101 (a network without it has no scaling)
    module = network.expected.origin.rpartition(" ")[2]
    wanted = "values of -1..1" if network.scaling == "signed" else network.expected.wanted
    return finding(
        "TARE101",
        "error" if sure else "warning",
        call.spot,
        f"nothing scales the images, which are 0..255 as read, and {network.name} wants {wanted}",
        f"apply tf.keras.applications.{module}.preprocess_input to them",
        evidence=[step(f"{network.name} with ImageNet weights", network.call.spot)],
        cost=cost("raw") if network.scaling == "signed" else "",
    )
