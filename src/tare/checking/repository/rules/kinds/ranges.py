"""Images scaled for another range than a network of Keras expects."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tare.checking.repository.costs import cost
from tare.checking.repository.edits import of_part
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.abandoned import is_abandoned
from tare.checking.repository.rules.feeds import goes_elsewhere, network_call, with_own_weights, within
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs, says
from tare.checking.repository.rules.scalings import RESULTS, Scaled, scales_otherwise, scalings
from tare.checking.rules.finding import Severity
from tare.code.facts import Facts
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Value
from tare.code.libraries.flows import root, spot_of, unit_scaling
from tare.code.libraries.keras import generator, preprocessed
from tare.code.libraries.networks import Network
from tare.code.networks.expected import Expected, listed

#: Steps from 0..1 to -1..1: ``x * 2 - 1``, ``(x - 0.5) / 0.5`` and the like, of which each may stand by itself.
_TO_SIGNED = (
    r"\*\s*2\.?0?\s*-\s*1\b|\b2\.?0?\s*\*[^-\n]{1,200}-\s*1\b|[\w)\]]\s*-=?\s*0?\.5\b|\*=\s*2\.?0?\b|Rescaling\((?:scale\s*=\s*)?2\b"
    r"|\b(?:multiply|subtract)\([^\n]{0,200},\s*(?:2|0?\.5)"
)
#: Code that scales in a way that is not followed, or has a preprocessing of its own.
OTHER_SCALING = re.compile(
    r"preprocess_input|\bNormalization\(|hub\.KerasLayer|per_image_standardization|standardi[sz]e|\.std\(|" + _TO_SIGNED
)
#: Code that scales in a way that is not followed, beside preprocess_input.
_UNFOLLOWED = re.compile(
    r"\bNormalization\(|hub\.KerasLayer|per_image_standardization|def preprocess_input|\.std\(|" + _TO_SIGNED
)
#: Small images that are the data of networks of one's own.
OTHER_DATA = re.compile(r"keras\.datasets|\b(?:mnist|fashion_mnist|cifar10|cifar100)\.load_data")
#: A network of one's own, which may be fed anything.
OWN_NETWORK = re.compile(r"\b(?:Separable)?Conv2D\(|\bhub\.(?:load|KerasLayer)|nn\.Module")


def ranges(facts: Facts) -> Iterator[CodeFinding]:
    """Keras networks that get values of 0..1, which none of them expects, and preprocess_input together with a division."""
    yield from _doubled(facts)
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        networks = as_published(facts, program)
        if networks:
            yield from _of_networks(facts, program, networks, texts)


_FITS = re.compile(r"\.fit(?:_generator)?\(|apply_gradients")


def as_published(facts: Facts, program: Program) -> list[Network]:
    """The pretrained networks of Keras in a program, without those that get weights of one's own and are not trained here.

    What was trained here began with the published weights, whatever is loaded afterwards.
    """
    networks = [each for each in program.networks if each.library == "keras" and each.pretrained]
    own = list(with_own_weights(facts)) if networks else []
    text = next((each.document.text for each in facts.sources if each.path == program.path), "")
    if not own or _FITS.search(text):
        return networks
    return [each for each in networks if not any(loads(each.call) for loads in own)]


def _of_networks(facts: Facts, program: Program, networks: list[Network], texts: dict[str, str]) -> Iterator[CodeFinding]:
    """Every scaling of a program, if they are all of one kind, against each network."""
    places = scalings(program)
    files = {program.path, *(each.spot.source.path for each in places), *(each.call.spot.source.path for each in networks)}
    if program.cut or scales_otherwise(program) or not is_one_kind(places, [texts.get(each, "") for each in files]):
        return
    certain = not any(says(OWN_NETWORK, texts.get(each, "")) for each in files)
    severity: Severity = "error" if certain else "warning"
    right = [each for each in networks if each.scaling == places[0].kind]
    alone: dict[int, tuple[Network, Scaled]] = {}
    for place, wanting in misfed(places, networks):
        fed = _of_takers(program, place, wanting)
        if not fed or is_for_others(facts, program, place, fed):
            continue
        near = [each for each in fed if each.call.spot.source is place.spot.source]
        if right:
            alone.update((id(each.call), (each, place)) for each in near or fed if id(each.call) not in alone)
        else:
            yield scaled_otherwise(place, near or fed, severity)
    yield from (_unlike_others(each, place, right, severity) for each, place in alone.values())


def is_one_kind(places: Sequence[Scaled], texts: Sequence[str]) -> bool:
    """Whether places all bring images to the same values, and no code around them scales in a way that is not followed."""
    kinds = {each.kind for each in places}
    if len(kinds) != 1:
        return False
    by_name = all(each.what.endswith("preprocess_input") for each in places)
    other = OTHER_SCALING if kinds <= {"unit", "signed"} and not by_name else _UNFOLLOWED
    return not any(says(word, text) for word in (other, OTHER_DATA) for text in texts)


def misfed(places: Sequence[Scaled], networks: Sequence[Network]) -> Iterator[tuple[Scaled, list[Network]]]:
    """Each place of one kind with the networks that want another and may get its images."""
    kind = places[0].kind
    right = [each for each in networks if each.scaling == kind]
    wrong = {
        each.name: each
        for each in networks
        if each.scaling not in (None, kind) and not any(agree(each.decisions, other.decisions) for other in right)
    }
    for place in places:
        fed = [each for each in wrong.values() if agree(each.decisions, place.decisions)]
        if fed:
            yield place, fed


def _of_takers(program: Program, place: Scaled, networks: list[Network]) -> list[Network]:
    """The networks that may get what a place scales: all, unless it is seen to be given to certain ones."""
    takers = {
        id(network)
        for call in program.calls
        if call.function == "()" and is_backbone(network := network_call(call.receiver))
        for given in call.args
        if any(place.call in (part, part.receiver) for part in within(given))
    }
    return [each for each in networks if not takers or id(each.call) in takers]


def is_backbone(network: Value) -> bool:
    """Whether a value is a network of Keras, known or not."""
    return isinstance(network, Call) and ".applications." in network.function and network.last[:1].isupper()


def is_for_others(facts: Facts, program: Program, place: Scaled, networks: list[Network]) -> bool:
    """Whether what a place scales reaches none of the networks, as far as can be seen."""
    calls = [each.call for each in networks]
    return is_abandoned(facts, place.call) or _of_another_class(place, calls) or goes_elsewhere(program, place.call, calls)


def _of_another_class(place: Scaled, networks: list[Call]) -> bool:
    """Whether a place stands in a class that builds a network of its own, and in which none of the networks is made."""
    source = place.spot.source
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and _encloses(node, place.spot.node):
            made_here = any(each.spot.source is source and _encloses(node, each.spot.node) for each in networks)
            return not made_here and OWN_NETWORK.search(source.segment(node)) is not None
    return False


def _encloses(outer: ast.ClassDef, node: ast.AST) -> bool:
    return outer.lineno <= getattr(node, "lineno", 0) <= (outer.end_lineno or outer.lineno)


def scaled_otherwise(place: Scaled, networks: list[Network], severity: Severity) -> CodeFinding:
    """The finding that a place scales images otherwise than networks want."""
    wanted = "; ".join(_wishes(networks[:3]))
    remedies = list(dict.fromkeys(_remedy(place, each) for each in networks[:3]))
    return finding(
        "TARE101",
        severity,
        place.spot,
        f"{place.what} brings images to {RESULTS[place.kind]}, and {wanted}",
        "; ".join(remedies),
        evidence=[step(f"{each.name} with ImageNet weights", each.call.spot) for each in networks[:4]],
        cost=cost("unit signed") if place.kind == "unit" and {each.scaling for each in networks} == {"signed"} else "",
    )


def _unlike_others(network: Network, place: Scaled, right: list[Network], severity: Severity) -> CodeFinding:
    """The finding that one of several networks gets images that are scaled for the others."""
    names = list(dict.fromkeys(each.name for each in right))
    (wish,) = _wishes([network])
    return finding(
        "TARE101",
        severity,
        network.call.spot,
        f"{wish}, and gets images that {place.what} brings to {RESULTS[place.kind]}, as {' and '.join(names[:2])} "
        f"{'want' if len(names) > 1 else 'wants'}",
        _remedy(place, network),
        evidence=[step(place.what, place.spot)],
    )


def _wishes(networks: list[Network]) -> Iterator[str]:
    """What each network wants, with those together that want the same."""
    names: dict[str, list[str]] = {}
    for each in networks:
        if each.expected is not None:
            names.setdefault(_wish(each, each.expected), []).append(each.name)
    for wish, several in names.items():
        yield f"{' and '.join(several)} {'want' if len(several) > 1 else 'wants'} {wish}"


def _wish(network: Network, expected: Expected) -> str:
    if network.scaling == "signed":
        return "values of -1..1"
    if network.scaling == "torch" and expected.constants is not None:
        mean, std = map(listed, expected.constants)
        return f"those less the mean {mean} and divided by the std {std}"
    return expected.wanted


def _remedy(place: Scaled, network: Network) -> str:
    """What to write in the place of a scaling, for one network."""
    instead = f"tf.keras.applications.{next(_modules(network.name), '')}.preprocess_input"
    if network.scaling == "inside":
        return f"leave it out for {network.name}, which scales values of 0..255 itself"
    if place.what.startswith("rescale"):
        return f"for {network.name} write preprocessing_function={instead} in its place"
    if place.what.startswith("Rescaling") and network.scaling == "signed":
        return f"for {network.name} write Rescaling(1 / 127.5, offset=-1)"
    return f"for {network.name} apply {instead} to the values of 0..255 instead"


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


def _doubled(facts: Facts) -> Iterator[CodeFinding]:
    for call in facts.calls:
        made = generator(call)
        # Keras applies a function of one's own first: what the factor multiplies is then not known.
        if made is not None and made.rescale is not None and not made.function and _is_slip(made.rescale):
            yield _slipped(call.keywords["rescale"], call, made.rescale)
            continue
        if made is not None and made.closed and made.function not in ("", "other") and made.rescale not in (None, 1.0):
            yield _twice(call.spot, "the generator applies preprocess_input and then multiplies by rescale", "leave rescale out")
        image = unit_scaling(call)
        if image is not None and _is_preprocessed(root(image)):
            yield _twice(call.spot, "the output of preprocess_input is divided by 255", "leave the division out")
        if preprocessed(call) is not None and call.args:
            inner = root(call.args[0])
            if isinstance(inner, Call) and unit_scaling(inner) is not None:
                yield _twice(call.spot, "preprocess_input expects 0..255 and gets values that were divided by 255", _FIRST)


_SLIPS = (225.0, 2555.0, 225.5, 2550.0, 25.5, 2.55, 0.255)


def _is_slip(factor: float) -> bool:
    """Whether a factor is 1/255 with a wrong digit or point; other factors are for values of another range."""
    return any(abs(factor * slip - 1) < 1e-6 for slip in _SLIPS)


def _slipped(value: Value, call: Call, factor: float) -> CodeFinding:
    spot = spot_of(value) or call.spot
    return finding(
        "TARE011",
        "error",
        spot,
        f"rescale multiplies by {factor:.4g}, and 1/255 = 0.003922 brings values of 0..255 to 0..1",
        "write rescale=1 / 255",
        edits=of_part(spot, "1 / 255", (call.spot,)) if spot is not call.spot else (),
    )


_FIRST = "leave the division out and give preprocess_input values of 0..255"


def _is_preprocessed(value: Value) -> bool:
    return isinstance(value, Call) and preprocessed(value) is not None


def _twice(spot: Spot, what: str, remedy: str) -> CodeFinding:
    return finding("TARE101", "error", spot, f"{what}: the network gets values of another range than it was trained on", remedy)
