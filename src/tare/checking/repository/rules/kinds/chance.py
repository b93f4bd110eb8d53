"""Random augmentation where a network is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.result import Step as Link
from tare.checking.repository.rules.abandoned import is_abandoned
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.libraries.keras import flow
from tare.code.libraries.step import Step, text
from tare.code.roles import role_of_decisions, role_of_names


def chance(facts: Facts) -> Iterator[CodeFinding]:
    """Pipelines whose names, switches or datasets say that they evaluate, and that draw at random."""
    trained = _of_training(facts)
    for pipeline in facts.pipelines:
        if pipeline.role == "eval" and id(pipeline) not in trained and not is_abandoned(facts, pipeline.call):
            yield from _random(pipeline, frozenset(), f"this pipeline is for evaluation ({_why(pipeline)})", ())
    yield from _generators(facts)
    for dataset in facts.datasets:
        if dataset.role == "eval":
            for decisions, pipeline in dataset.pipelines:
                name = dataset.call.names[0]
                yield from _random(pipeline, decisions, f"{name} gets this pipeline", (step(name, dataset.call.spot),))


def _of_training(facts: Facts) -> set[int]:
    """The pipelines that only datasets for training get: a program that evaluates may make those as well."""
    roles: dict[int, set[str]] = {}
    for dataset in facts.datasets:
        for _, pipeline in dataset.pipelines:
            roles.setdefault(id(pipeline), set()).add(dataset.role)
    return {each for each, found in roles.items() if found == {"train"}}


def _generators(facts: Facts) -> Iterator[CodeFinding]:
    """Generators of Keras whose random options also alter the images that a network is evaluated on."""
    for call in facts.calls:
        made = flow(call)
        if made is None or not made.random or not made.closed:
            continue
        validates = text(call.keywords.get("subset")) == "validation"
        if validates or role_of_names(call.names) == "eval":
            name = call.names[0] if call.names else "the validation subset"
            yield finding(
                "TARE024",
                "warning",
                call.spot,
                f"{name} comes from a generator that draws at random ({', '.join(made.random[:4])}): scores are of altered "
                "images",
                "make it with a second ImageDataGenerator that has the same scaling and no random options",
                evidence=(step("the generator", made.call.spot),),
            )


def _why(pipeline: Pipeline) -> str:
    """What says that a pipeline is for evaluation: a name, else the branch it is in, else its file."""
    call = pipeline.call
    told = next((each for each in (*call.names, *reversed(call.within)) if role_of_names([each]) == "eval"), "")
    if told:
        return f"named {told}"
    branches = sorted(str(each) for each in call.decisions if role_of_decisions(frozenset([each])) == "eval")
    return f"where {branches[0]}" if branches else f"{pipeline.path} only evaluates"


def _random(pipeline: Pipeline, decisions: Decisions, why: str, links: Iterable[Link]) -> Iterator[CodeFinding]:
    variants = [each for each in pipeline.variants if agree(each.decisions, decisions)]
    if not variants or _averages(pipeline):
        return
    random = [_drawn(each.steps) for each in variants]
    if not all(random):
        return
    steps = random[0]
    names = ", ".join(dict.fromkeys(each.name for each in steps))
    yield finding(
        "TARE024",
        "warning",
        steps[0].call.spot,
        f"{names} {'draws' if len(steps) == 1 else 'draw'} at random, and {why}: scores differ from run "
        "to run and are of altered images",
        "evaluate with a pipeline that resizes, crops at the centre and normalises only",
        evidence=(step("the pipeline", pipeline.call.spot), *links),
    )


_AVERAGES = re.compile(r"(?i)(?<![a-z])tta(?![a-z])|test[ _-]?time[ _-]?augment")


def _averages(pipeline: Pipeline) -> bool:
    """Whether the file says that it averages over altered images on purpose."""
    document = pipeline.call.spot.source.document
    return _AVERAGES.search(document.text) is not None or _AVERAGES.search(document.path) is not None


def _drawn(steps: tuple[Step, ...]) -> list[Step]:
    return [each for each in steps if each.random]
