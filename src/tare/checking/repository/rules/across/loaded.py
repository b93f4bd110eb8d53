"""Programs that load what another one trained, and feed it an image that arrives otherwise than in training."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.across import reading, stored, writing
from tare.checking.repository.rules.across.stored import Read, Written
from tare.checking.repository.rules.feeds import FEEDING, given_image, network_call
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.networks import fits
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, is_undoing, of_pipeline
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Table, Value
from tare.code.networks.expected import Constants, listed

_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(|\btorch\.save\(")
_SAVED = ("torch.load", "torch.jit.load")
_Names = frozenset[tuple[str, str]]


class _Training(NamedTuple):
    """A program that trains: the constants of each of its pipelines, and its networks; no constants if any may be others."""

    is_open: bool
    constants: tuple[tuple[Normalisation, ...], ...]
    networks: _Names


class _Fed(NamedTuple):
    """An image that a network with weights from a file gets; the network's names, None if only the file has them."""

    spot: Spot
    names: _Names | None
    image: Reached
    read: Read


class Loaded(NamedTuple):
    """The programs of a group of files that train, what those that do not feed to trained networks, and the files of these."""

    training: tuple[_Training, ...]
    fed: tuple[_Fed, ...]
    written: tuple[Written, ...]


def read(facts: Facts) -> Loaded:
    """The training and the fed images of a group of files, without the trees of the files."""
    texts = {each.path: each.document.text for each in facts.sources}
    pipelines = {id(each.call): each for each in facts.pipelines}
    training: list[_Training] = []
    fed: list[_Fed] = []
    for program in programs(facts, every=True):
        if _TRAINS.search(texts.get(program.path, "")):
            training.append(_training(program))
        else:
            fed += _fed(program, pipelines)
    return Loaded(tuple(training), tuple(fed), writing.of_group(facts))


def _training(program: Program) -> _Training:
    constants = tuple(tuple(_constants(each)) for each in program.pipelines)
    names = frozenset((each.library, each.name) for each in program.networks)
    return _Training(program.is_open(frozenset()), constants, names)


def _constants(pipeline: Pipeline) -> Iterator[Normalisation]:
    return (each.alone() for _, _, each in of_pipeline(pipeline) if not is_undoing(each.mean, each.std))


def _fed(program: Program, pipelines: Mapping[int, Pipeline]) -> Iterator[_Fed]:
    """Every call of a network with weights from a file, and the image that it gets."""
    loaded = {id(network_call(each.receiver)): each for each in program.calls if each.function == ".load_state_dict"}
    for call in program.calls:
        network = network_call(call.receiver)
        if call.function not in {*FEEDING, ".run"} or not isinstance(network, Call):
            continue
        names = frozenset((each.library, each.name) for each in program.networks if each.call is network)
        is_file = network.function in _SAVED
        given: Value | None = None
        if call.function in FEEDING:
            given = given_image(call) if is_file or (names and id(network) in loaded) else None
        elif network.last == "InferenceSession":
            is_file, given = True, _only_entry(call.argument(1, "input_feed"))
        image = None if given is None else reached(given, pipelines)
        if image is not None:
            read = reading.read_of(network) if is_file else reading.state_of(loaded[id(network)])
            unknown = Read("", program.path, "torch")
            yield _Fed(call.spot.alone(), None if is_file else names, image.alone(), read or unknown)


def _only_entry(value: Value | None) -> Value | None:
    """The one input of a session."""
    return next(iter(value.entries.values())) if isinstance(value, Table) and len(value.entries) == 1 else None


def judge(groups: Sequence[Loaded]) -> Iterator[CodeFinding]:
    """Images that reach a trained network with other constants than those of the only training of a repository.

    A graph that nobody here has written, and that gets an image as its file has it, most likely normalises it itself.
    """
    training = [each for group in groups for each in group.training]
    constants = _only(training)
    if constants is None:
        return
    names = frozenset().union(*(each.networks for each in training))
    files = [each for group in groups for each in group.written]
    wanted = Constants(*map(_three, (constants.mean, constants.std)))
    for each in (one for group in groups for one in group.fed):
        is_it = each.names is None or (len(names) == 1 and names <= each.names)
        if is_it and not fits(each.image, wanted):
            tie = stored.tied(each.read, files)
            is_told = tie or (tie is None and not (each.read.format in stored.GRAPHS and each.image.is_raw))
            yield _finding(each, constants) if is_told else stored.untold(each.read, each.spot)


def _only(training: Sequence[_Training]) -> Normalisation | None:
    """The constants of all pipelines of the programs that train, if all have the same and nothing is open."""
    known = [each for program in training for each in program.constants]
    if not known or not all(known) or any(each.is_open for each in training):
        return None
    every = [each for found in known for each in found]
    first = every[0]
    same = all((each.mean, each.std) == (first.mean, first.std) for each in every)
    return first if same and len(first.mean) in (1, 3) and first.top in (1.0, 255.0) else None


def _three(values: tuple[float, ...]) -> tuple[float, ...]:
    return values * 3 if len(values) == 1 else values


def _finding(fed: _Fed, training: Normalisation) -> CodeFinding:
    image = fed.image
    mean, std = image.constants
    arrives = (
        "values of 0..255"
        if image.is_raw
        else "values of 0..1"
        if image.is_unit
        else f"values normalised with mean {listed(mean)} and std {listed(std)}"
    )
    return finding(
        "TARE050",
        "warning",
        image.steps[-1].spot if image.steps else fed.spot,
        f"the trained network gets {arrives} here, and training in {training.call.spot.source.path} normalises with mean "
        f"{listed(training.mean)} and std {listed(training.std)}",
        "normalise with the constants of training",
        evidence=(
            step(f"read by {image.reader}", image.source.spot),
            step("the network is called", fed.spot),
            step("training", training.call.spot),
        ),
    )
