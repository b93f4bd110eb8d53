"""Programs that load what another one trained, and feed it an image that arrives otherwise than in training."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.networks import fits, network_call
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, is_undoing, of_pipeline
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call, Table, Value
from tare.code.networks.expected import Constants, listed

_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(|\btorch\.save\(")
_SAVED = ("torch.load", "torch.jit.load")


def serving(facts: Facts) -> Iterator[CodeFinding]:
    """Images that reach a trained network with other constants than those of the only training of a repository."""
    texts = {each.path: each.document.text for each in facts.sources}
    several = list(programs(facts, every=True))
    training = [each for each in several if _TRAINS.search(texts.get(each.path, ""))]
    constants = _only(training)
    if constants is None:
        return
    names = {(each.library, each.name) for program in training for each in program.networks}
    pipelines = {id(each.call): each for each in facts.pipelines}
    for program in several:
        if not _TRAINS.search(texts.get(program.path, "")):
            for call, image in _fed(program, names, pipelines):
                if not fits(image, Constants(*map(_three, (constants.mean, constants.std)))):
                    yield _finding(call, image, constants)


def _only(training: list[Program]) -> Normalisation | None:
    """The constants of all pipelines of the programs that train, if all have the same and nothing is open."""
    if not training or any(each.is_open(frozenset()) for each in training):
        return None
    pipelines = [each for program in training for each in program.pipelines]
    known = [[each for _, _, each in of_pipeline(pipeline) if not is_undoing(each.mean, each.std)] for pipeline in pipelines]
    if not known or not all(known):
        return None
    every = [each for found in known for each in found]
    first = every[0]
    same = all((each.mean, each.std) == (first.mean, first.std) for each in every)
    return first if same and len(first.mean) in (1, 3) and first.top in (1.0, 255.0) else None


def _three(values: tuple[float, ...]) -> tuple[float, ...]:
    return values * 3 if len(values) == 1 else values


def _fed(program: Program, names: set[tuple[str, str]], pipelines: Mapping[int, Pipeline]) -> Iterator[tuple[Call, Reached]]:
    """Every call of a network with weights from a file, and the image that it gets."""
    same = {id(each.call) for each in program.networks if {(each.library, each.name)} == names}
    loaded = {id(network_call(each.receiver)) for each in program.calls if each.function == ".load_state_dict"}
    for call in program.calls:
        network = network_call(call.receiver)
        given: Value | None = None
        if call.function == "()" and len(call.args) == 1 and isinstance(network, Call):
            given = call.args[0] if network.function in _SAVED or id(network) in same & loaded else None
        elif call.function == ".run" and isinstance(network, Call) and network.last == "InferenceSession":
            given = _only_entry(call.argument(1, "input_feed"))
        image = None if given is None else reached(given, pipelines)
        if image is not None:
            yield call, image


def _only_entry(value: Value | None) -> Value | None:
    """The one input of a session."""
    return next(iter(value.entries.values())) if isinstance(value, Table) and len(value.entries) == 1 else None


def _finding(call: Call, image: Reached, training: Normalisation) -> CodeFinding:
    mean, std = image.constants
    arrives = (
        "values of 0..255"
        if image.is_raw
        else "values of 0..1"
        if image.is_unit
        else f"values normalised with mean {listed(mean)} and std {listed(std)}"
    )
    where = image.steps[-1] if image.steps else call
    return finding(
        "TARE050",
        "warning",
        where.spot,
        f"the trained network gets {arrives} here, and training in {training.call.spot.source.path} normalises with mean "
        f"{listed(training.mean)} and std {listed(training.std)}",
        "normalise with the constants of training",
        evidence=(
            step(f"read by {image.reader}", image.source.spot),
            step("the network is called", call.spot),
            step("training", training.call.spot),
        ),
    )
