"""Files that serve or evaluate with other constants than every training pipeline of the repository, or with none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.across import reading, stored, writing
from tare.checking.repository.rules.across.stored import Read, Written
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.stages import constants_of, same, told
from tare.checking.repository.rules.linking import Program, program_of, programs, says
from tare.checking.repository.rules.normalisations import Normalisation, stops_at_tensor
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.source import Spot
from tare.code.networks.expected import listed
from tare.code.roles import Role


class _Stage(NamedTuple):
    """A pipeline for training or evaluation: the file whose run makes it, and its constants."""

    role: Role
    program: str
    constants: tuple[Normalisation, ...]


class _Bare(NamedTuple):
    """A pipeline that ends with values of 0..1 in a file that only uses a trained network."""

    program: str
    spot: Spot


class Serving(NamedTuple):
    """What a group of files trains, evaluates and serves with."""

    stages: tuple[_Stage, ...]
    bare: tuple[_Bare, ...]
    networks: frozenset[tuple[str, str]]
    reads: Mapping[str, tuple[Read, ...]]
    written: tuple[Written, ...]


#: Code that uses a trained network, code that trains one, and words of a normalisation by hand.
_LOADS = re.compile(r"load_state_dict|torch\.load\(|load_from_checkpoint|jit\.load\(|load_model\(|InferenceSession")
_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(|optim")
_NORMALISES = re.compile(r"(?i)normali[sz]e|(?<![a-z])(?:mean|std)s?(?![a-z]|\s*\()")


def read(facts: Facts) -> Serving:
    """The pipelines of a group of files, without the trees of the files."""
    stages = tuple(_stage(each) for each in facts.pipelines if each.role in ("train", "eval"))
    names = frozenset((each.library, each.name) for each in facts.networks)
    reads = {program.path: reading.reads(facts, program) for program in programs(facts)}
    return Serving(stages, tuple(_served_bare(facts)), names, reads, writing.of_group(facts))


def _stage(pipeline: Pipeline) -> _Stage:
    return _Stage(pipeline.role, program_of(pipeline.call), tuple(each.alone() for each in constants_of(pipeline)))


def _served_bare(facts: Facts) -> Iterator[_Bare]:
    """The pipelines of files that load a trained network and end at ToTensor, where no file of the program normalises."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        text = texts.get(program.path, "")
        if not _LOADS.search(text) or _TRAINS.search(text):
            continue
        if not all(stops_at_tensor(variant) for each in program.pipelines for variant in each.variants):
            continue
        if not any(says(_NORMALISES, texts.get(each, "")) for each in _files(program)):
            yield from (_Bare(program.path, each.call.spot.alone()) for each in program.pipelines)


def _files(program: Program) -> set[str]:
    return {program.path, *(each.path for each in program.pipelines), *(each.spot.source.path for each in program.calls)}


def judge(groups: Sequence[Serving]) -> Iterator[CodeFinding]:
    """Pipelines for evaluation in files of their own, where every training pipeline of the repository has the same constants."""
    stages = [each for group in groups for each in group.stages]
    training = [each for each in stages if each.role == "train"]
    known = [each for stage in training for each in stage.constants]
    is_one = all(stage.constants for stage in training) and all(same(known[0], each) for each in known)
    if not known or not is_one or len(frozenset().union(*(group.networks for group in groups))) > 1:
        return
    files = {each.program for each in training}
    is_of_another = _of_others(groups)
    for stage in stages:
        if stage.role == "eval" and stage.program not in files:
            others = [each for each in stage.constants if not same(each, known[0])]
            other = is_of_another.get(stage.program)
            yield from (_serving(each, known[0]) if other is None else stored.untold(other, each.call.spot) for each in others)
    for bare in (each for group in groups for each in group.bare if each.program not in files):
        other = is_of_another.get(bare.program)
        yield _without(bare, known[0]) if other is None else stored.untold(other, bare.spot)


def _of_others(groups: Sequence[Serving]) -> dict[str, Read]:
    """The programs that load networks, none of which may be one that was trained here, with one of the files that they load."""
    files = [each for group in groups for each in group.written]
    programs_that_load = ((path, reads) for group in groups for path, reads in group.reads.items() if reads)
    return {path: reads[0] for path, reads in programs_that_load if all(stored.tied(each, files) is False for each in reads)}


def _serving(each: Normalisation, other: Normalisation) -> CodeFinding:
    message = (
        f"{each.call.spot.source.path} normalises with {told(each, other)}, and training in {other.call.spot.source.path} with "
        f"{told(other, each)}"
    )
    evidence = (step("training", other.call.spot),)
    return finding("TARE050", "warning", each.call.spot, message, "use the constants of training", evidence=evidence)


def _without(bare: _Bare, training: Normalisation) -> CodeFinding:
    return finding(
        "TARE050",
        "warning",
        bare.spot,
        f"{bare.spot.source.path} ends with values of 0..1, and training in {training.call.spot.source.path} normalises with "
        f"mean {listed(training.mean)} and std {listed(training.std)}",
        "end the pipeline with the Normalize of training",
        evidence=(step("training", training.call.spot),),
    )
