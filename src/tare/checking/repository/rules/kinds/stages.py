"""Training and what comes after it scale differently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.abandoned import is_abandoned
from tare.checking.repository.rules.feeds import parts
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.elsewhere import normalises_elsewhere
from tare.checking.repository.rules.kinds.others import is_right
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, is_undoing, of_step, stops_at_tensor
from tare.checking.repository.rules.published import near
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.libraries.step import Step, number
from tare.code.networks.expected import listed
from tare.code.roles import Role, words


def stages(facts: Facts) -> Iterator[CodeFinding]:
    """Evaluation with other constants than training in one file."""
    for program in programs(facts):
        yield from _in_program(facts, program)
        yield from _bare(facts, program)


_ROLES: tuple[Role, Role] = ("train", "eval")


def constants_of(pipeline: Pipeline) -> list[Normalisation]:
    """The constants with which a pipeline normalises, in each of its branches; those of several steps as one."""
    found: list[Normalisation] = []
    for variant in pipeline.variants:
        steps = [each for each in variant.steps if each.kind == "normalize"]
        known = [list(of_step(each, variant.decisions | pipeline.call.decisions)) for each in steps]
        if not any(map(_scales, variant.steps)):
            known = [[_of_levels(one) for one in each] for each in known]
        if len(known) > 1 and all(len(each) == 1 for each in known):
            found += _together([each[0] for each in known])
        else:
            found += [one for each in known for one in each if not is_undoing(one.mean, one.std)]
    return found


def _scales(step: Step) -> bool:
    """Whether a step brings 8-bit values to 0..1, or may do so."""
    return step.kind in ("to_tensor", "to_float") or (step.kind == "rescale" and number(step.values.get("factor")) != 1)


#: No mean of values of 0..1 is larger.
_LARGEST = 2.0


def _of_levels(each: Normalisation) -> Normalisation:
    """Constants for values of 0..255, which nothing divides before, as those for values of 0..1 with which they do the same."""
    if each.top != 1.0 or max(map(abs, each.mean)) <= _LARGEST:
        return each
    return replace(each, mean=tuple(one / 255 for one in each.mean), std=tuple(one / 255 for one in each.std))


def _together(several: Sequence[Normalisation]) -> Iterator[Normalisation]:
    """The one normalisation that several are, one after the other: ``((x - a) / b - c) / d`` is ``(x - a - b c) / (b d)``."""
    mean, std = several[0].mean, several[0].std
    for each in several[1:]:
        sizes = {len(one) for one in (mean, std, each.mean, each.std)} - {1}
        if len(sizes) > 1 or each.top != 1.0:
            return
        count = max(sizes, default=1)
        a, b, c, d = (one * count if len(one) == 1 else one for one in (mean, std, each.mean, each.std))
        mean = tuple(x + y * z for x, y, z in zip(a, b, c, strict=True))
        std = tuple(x * y for x, y in zip(b, d, strict=True))
    if not is_undoing(mean, std):
        yield replace(several[0], mean=mean, std=std)


def _in_program(facts: Facts, program: Program) -> Iterator[CodeFinding]:
    train, evaluate = (_of_role(facts, program, role) for role in _ROLES)
    for one in evaluate:
        partners = [each for each in train if each.call.entry == one.call.entry and each.path == one.path]
        for each in constants_of(one):
            known = [other for partner in partners for other in constants_of(partner) if agree(each.decisions, other.decisions)]
            if known and not any(same(each, other) or _of_two_networks(program, each, other) for other in known):
                yield differ(each, known[0])


def _of_two_networks(program: Program, one: Normalisation, other: Normalisation) -> bool:
    """Whether constants are those of two networks, as of a teacher and a student: each pipeline then feeds its own."""
    known = [each for each in program.networks if each.pretrained and each.scaling == "constants" and each.expected is not None]
    first, second = ([each for each in known if is_right(constants, each)] for constants in (one, other))
    return bool(first) and bool(second) and not {id(each) for each in first} & {id(each) for each in second}


#: What is not fed to a network that was trained on normalised images.
_SHOWN = frozenset(
    ["raw", "vis", "visual", "visualize", "display", "show", "plot", "orig", "original", "unnormalized", "stats", "attack"]
)
_OWN = re.compile(r"class \w*Normali[sz]e|\.sub_?\(")


def _bare(facts: Facts, program: Program) -> Iterator[CodeFinding]:
    """Evaluation that stops at ToTensor, where training in the same run normalises."""
    files = {program.path, *(each.spot.source.path for each in program.calls)}
    sources = [each for each in facts.sources if each.path in files]
    own = next((each.document.text for each in sources if each.path == program.path), "")
    if _normalised_alone(program) or _OWN.search(own) or any(map(normalises_elsewhere, sources)):
        return
    train, evaluate = (_of_role(facts, program, role) for role in _ROLES)
    for one in evaluate:
        partners = [each for each in train if each.call.entry == one.call.entry and each is not one]
        normalising = next((step for each in partners for step in _normalize_steps(each)), None)
        names = {word for each in (*one.call.names, *one.call.within[-1:]) for word in words(each)}
        if (
            normalising is not None
            and all(map(stops_at_tensor, one.variants))
            and one not in train
            and not names & _SHOWN
            and _is_fed(facts, program, one)
        ):
            yield finding(
                "TARE050",
                "warning",
                one.call.spot,
                "this pipeline is for evaluation and ends with values of 0..1, and training normalises: the network gets other "
                "values than it was trained on",
                "end it with the Normalize of training",
                evidence=(step("Normalize in training", normalising.call.spot),),
            )


def _is_fed(facts: Facts, program: Program, pipeline: Pipeline) -> bool:
    """Whether images of a pipeline reach a network as far as can be seen: some dataset of it goes into a loader."""
    if is_abandoned(facts, pipeline.call):
        return False
    made = {id(dataset.call) for dataset in facts.datasets for _, each in dataset.pipelines if each is pipeline}
    loaders = [call for call in program.calls if call.last == "DataLoader"]
    return not made or not loaders or any(id(part) in made for call in loaders for part in parts(call, program))


def _of_role(facts: Facts, program: Program, role: Role) -> list[Pipeline]:
    """The pipelines whose names or datasets say that they are for training, or for evaluation."""
    given = {id(each) for dataset in facts.datasets if dataset.role == role for _, each in dataset.pipelines}
    return [each for each in program.pipelines if each.role == role or (id(each) in given and each.role != "mixed")]


def _normalize_steps(pipeline: Pipeline) -> Iterator[Step]:
    """The Normalize of a pipeline; of one with branches, if each has it."""
    found = [[each for each in variant.steps if each.kind == "normalize"] for variant in pipeline.variants]
    if found and all(found):
        yield found[0][0]


def _normalised_alone(program: Program) -> bool:
    """Whether a Normalize stands outside the pipelines, where it may be applied to anything."""
    inside = {id(each.call) for pipeline in program.pipelines for variant in pipeline.variants for each in variant.steps}
    return any(each.last in ("Normalize", "normalize") and id(each) not in inside for each in program.calls)


def same(one: Normalisation, other: Normalisation) -> bool:
    """Whether two constants are the same, but for their rounding.

    The divisor is compared within one function alone: Albumentations divides by 255 what torchvision's ToTensor has divided.
    """
    times = 3 if len(one.mean) != len(other.mean) else 1
    means = [each.mean * (times if len(each.mean) == 1 else 1) for each in (one, other)]
    stds = [each.std * (times if len(each.std) == 1 else 1) for each in (one, other)]
    is_one_divisor = one.top == other.top or one.call.function != other.call.function
    return near(means[0], means[1], 0.02) and near(stds[0], stds[1], 0.02) and is_one_divisor


def told(each: Normalisation, other: Normalisation) -> str:
    """Constants in words, with the largest value where the other's is not the same."""
    top = f" of values up to {each.top:g}" if each.top != other.top and each.call.function == other.call.function else ""
    return f"mean {listed(each.mean)} and std {listed(each.std)}{top}"


def differ(each: Normalisation, other: Normalisation) -> CodeFinding:
    """The finding that evaluation normalises otherwise than training."""
    return finding(
        "TARE050",
        "error",
        each.call.spot,
        f"evaluation normalises with {told(each, other)}, and training with {told(other, each)}",
        "use the same constants in both: the network's if it is pretrained, else those of training",
        evidence=(step("training", other.call.spot),),
    )
