"""Constants of another network than the one that is fed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tare.checking.repository.costs import cost
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, origins, step
from tare.checking.repository.rules.kinds.missing import OWN_FIRST_LAYER
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, Numbers, is_undoing, of_call, of_pipeline, of_step
from tare.checking.repository.rules.published import OF_NETWORKS, near, published, told
from tare.checking.repository.rules.reached import composed
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.operators import is_soft
from tare.code.interpreter.values import Value
from tare.code.libraries.networks import Network, processors_of
from tare.code.networks.expected import Constants, Range, listed

_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(|\.step\(\)")
_CLOSE = 0.012


def others(facts: Facts) -> Iterator[CodeFinding]:
    """Networks for which no pipeline of the same program has the right constants; one finding a place."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        wrong: dict[int, tuple[Normalisation, str, list[Network]]] = {}
        networks = [each for each in program.networks if each.pretrained and each.scaling == "constants"]
        if networks and _is_loaded(program, texts):
            # Of a checkpoint its training decides what is right, not the first weights.
            networks = [each for each in networks if _is_trained_right(facts, each, texts)]
        for network in networks:
            for each, name in _of_network(program, network):
                if not _has_own_first_layer(network, program, facts):
                    wrong.setdefault(id(each.call), (each, name, []))[2].append(network)
        for each, name, networks in wrong.values():
            yield _finding(each, name, networks)


def _is_trained_right(facts: Facts, network: Network, texts: dict[str, str]) -> bool:
    """Whether the programs that train a network feed it by its own processor or constants, each of them."""
    found = []
    for program in programs(facts):
        if _TRAINS.search(texts.get(program.path, "")):
            same = [each for each in program.networks if (each.library, each.name) == (network.library, network.name)]
            found += [_is_fed_right(program, each) for each in same if each.pretrained]
    return bool(found) and all(found)


def _is_fed_right(program: Program, network: Network) -> bool:
    if any(each.fits(network) for call in program.calls for each in processors_of(call)):
        return not any(_of_network(program, network))
    steps = [each for pipeline in program.pipelines_of(network) for _, _, each in of_pipeline(pipeline)]
    return bool(steps) and all(is_right(each, network) for each in steps)


def _has_own_first_layer(network: Network, program: Program, facts: Facts) -> bool:
    """Whether a network gets another first layer where it is made, or in the program outside functions and classes."""
    made = network.call.spot
    running = next((each for each in facts.sources if each.path == program.path), made.source)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    line = getattr(made.node, "lineno", 0)
    own = [
        each
        for each in made.source.tree.body
        if isinstance(each, definitions) and each.lineno <= line <= (each.end_lineno or line)
    ]
    outside = [each for each in running.tree.body if not isinstance(each, definitions)]
    parts = [(made.source, each) for each in own] + [(running, each) for each in outside]
    return any(OWN_FIRST_LAYER.search(source.segment(each)) for source, each in parts)


def _is_loaded(program: Program, texts: dict[str, str]) -> bool:
    """Whether a program only loads a checkpoint of its own."""
    loads = any(call.function == ".load_state_dict" for call in program.calls)
    files = {program.path, *(call.spot.source.path for call in program.calls)}
    return loads and not any(_TRAINS.search(texts.get(each, "")) for each in files)


def _of_network(program: Program, network: Network) -> Iterator[tuple[Normalisation, str]]:
    pipelines = program.pipelines_of(network)
    found = [
        each
        for pipeline in pipelines
        for _, _, each in of_pipeline(pipeline)
        if agree(each.decisions, network.decisions) and not is_undoing(each.mean, each.std)
        if each.call.entry == network.call.entry or not (is_soft_value(each.means) or is_soft_value(each.stds))
    ]
    if not found or any(is_right(each, network) for each in found) or _is_open(program, network):
        return
    if any(_is_unknown(pipeline, network) or _is_right_together(pipeline, network) for pipeline in pipelines):
        return
    if _is_normalised_outside(program, network):
        return
    if any(_satisfies(each, other) for each in found for other in program.networks if agree(other.decisions, network.decisions)):
        return
    for each in found:
        name = next((one.name for one in published() if near(one.mean, _full(each.mean)) and near(one.std, _full(each.std))), "")
        if name in OF_NETWORKS and each.top in (1.0, 255.0):
            yield each, name


def _is_open(program: Program, network: Network) -> bool:
    """Whether constants may come from elsewhere: a processor that is known to be another network's gives none that are right."""
    processors = [each for call in program.calls for each in processors_of(call)]
    unsure = {id(each.call) for each in processors if each.expected is None or each.expected.constants is None}
    others = {id(each.call) for each in processors if not each.fits(network)} - unsure
    return program.is_open(network.decisions, others)


def _satisfies(each: Normalisation, other: Network) -> bool:
    """Whether constants are right for another network that the same run makes: then which of the two they feed is not known."""
    return bool(other.pretrained) and other.scaling == "constants" and is_right(each, other)


def _is_unknown(pipeline: Pipeline, network: Network) -> bool:
    """Whether a pipeline has, in a branch that the network may be in, a Normalize whose constants cannot be told."""
    return any(
        step.kind == "normalize" and agree(variant.decisions, network.decisions) and not list(of_step(step, variant.decisions))
        for variant in pipeline.variants
        for step in variant.steps
    )


def _is_right_together(pipeline: Pipeline, network: Network) -> bool:
    """Whether several Normalize of a pipeline are together the one that a network was trained with."""
    for variant in pipeline.variants:
        places = [index for index, step in enumerate(variant.steps) if step.kind == "normalize"]
        if len(places) > 1 and agree(variant.decisions, network.decisions):
            whole = composed(variant.steps[places[0] : places[-1] + 1])
            if whole is not None and _are_right(*whole, network):
                return True
    return False


def _is_normalised_outside(program: Program, network: Network) -> bool:
    """Whether the network's constants stand outside of all pipelines: losses bring images of -1..1 back and normalise them so.

    What is fed without them, or with others, the rules on the way of each image find.
    """
    steps = {id(step.call) for each in program.pipelines for variant in each.variants for step in variant.steps}
    outside = (one for call in program.calls if id(call) not in steps for one in of_call(call))
    return any(agree(one.decisions, network.decisions) and is_right(one, network) for one in outside)


def is_right(each: Normalisation, network: Network) -> bool:
    """Whether constants are the network's, of any version of its weights, but for their rounding."""
    return _are_right(each.mean, each.std, network)


def _are_right(means: Numbers, stds: Numbers, network: Network) -> bool:
    expected = network.expected
    if expected is None or expected.constants is None:
        return True
    mean, std = _full(means), _full(stds)
    return near(mean, _full(expected.constants.mean), _CLOSE) and near(std, _full(expected.constants.std), _CLOSE)


def is_soft_value(value: Value | None) -> bool:
    """Whether constants are a default that a caller who is not known may replace."""
    return value is not None and is_soft(value)


def _full(values: tuple[float, ...]) -> tuple[float, ...]:
    return values * 3 if len(values) == 1 else values


def _finding(each: Normalisation, name: str, networks: Sequence[Network]) -> CodeFinding:
    by_name = list({one.name: one for one in networks}.values())
    wanted = [_constants(one) for one in by_name]
    several = len({(one.mean, one.std) for one in wanted}) > 1
    first = wanted[0]
    what = "; ".join(
        f"{_called(one)} was trained with mean {listed(c.mean)} and std {listed(c.std)}"
        for one, c in zip(by_name[:3], wanted, strict=False)
    )
    if not several:
        what = f"{_names(by_name)} with mean {listed(first.mean)} and std {listed(first.std)}"
    remedy = "give each network its own constants" if several else f"use mean {listed(first.mean)} and std {listed(first.std)}"
    sure = all(one.expected is not None and not one.expected.also for one in by_name)
    kinds = {one.expected.range for one in by_name if one.expected is not None}
    return finding(
        "TARE005",
        "error" if sure else "warning",
        each.call.spot,
        f"mean {listed(each.mean)} and std {listed(each.std)} are those of {told(name)}, and {what}",
        remedy,
        evidence=(
            *origins(each.call.spot, each.means, each.stds),
            *(step(f"{one.name} ({one.expected.origin})" if one.expected else one.name, one.call.spot) for one in by_name[:4]),
        ),
        cost=_cost(name, kinds),
    )


def _cost(name: str, kinds: set[Range]) -> str:
    """The cost of one of the two mistakes that were measured: ImageNet's constants for a network of -1..1, and the reverse."""
    if name == "imagenet" and kinds == {"signed"}:
        return cost("imagenet")
    return cost("halves") if name == "inception" and kinds == {"normalised"} else ""


def _constants(network: Network) -> Constants:
    assert network.expected is not None  # noqa: S101 (it was compared with them)
    assert network.expected.constants is not None  # noqa: S101 (it was compared with them)
    return network.expected.constants


def _called(network: Network) -> str:
    """The network, with the branch in which it is used."""
    told = sorted(str(one) for one in network.decisions if one.holds and one.values != {True})
    return f"{network.name} (where {' and '.join(told[:2])})" if told else network.name


def _names(networks: Sequence[Network]) -> str:
    names = [_called(each) for each in networks[:3]] + (["others"] if len(networks) > 3 else [])
    return f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} trained"
