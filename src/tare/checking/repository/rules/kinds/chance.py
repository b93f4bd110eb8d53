"""Random augmentation where a network is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.result import Step as Link
from tare.checking.repository.rules.abandoned import is_abandoned
from tare.checking.repository.rules.feeds import within
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.values import Call, Instance, Value
from tare.code.libraries.keras import flow
from tare.code.libraries.pipelines import CHOSEN_BY
from tare.code.libraries.step import Step, numbers, text
from tare.code.roles import role_of_decisions, role_of_names


def chance(facts: Facts) -> Iterator[CodeFinding]:
    """Pipelines whose names, switches or datasets say that they evaluate, and that draw at random."""
    trained = _of_training(facts)
    for pipeline in facts.pipelines:
        if pipeline.role == "eval" and id(pipeline) not in trained and not is_abandoned(facts, pipeline.call):
            yield from _random(pipeline, frozenset(), f"this pipeline is for evaluation ({_why(pipeline)})", ())
    yield from _generators(facts)
    yield from _splits(facts)
    for dataset in facts.datasets:
        if dataset.role == "eval":
            for decisions, pipeline in dataset.pipelines:
                name = next(iter(dataset.call.names), "") or dataset.call.within[-1]
                yield from _random(pipeline, decisions, f"{name} gets this pipeline", (step(name, dataset.call.spot),))


#: Code that gives a part of a dataset a transform of its own.
_GIVEN_LATER = re.compile(r"(?<!self)\.transforms?\s*=[^=]")


def _splits(facts: Facts) -> Iterator[CodeFinding]:
    """Parts for evaluation of a dataset whose pipeline draws at random: of a split, as a subset, by a loader's sampler."""
    datasets = {id(each.call): each for each in facts.datasets if each.role != "eval"}
    loaded = {id(part) for call in facts.calls if call.last == "DataLoader" for part in within(call)}
    for call in facts.calls:
        whole = _whole(call)
        dataset = datasets.get(id(whole)) if whole is not None and role_of_names(call.names) == "eval" else None
        text_of_file = call.spot.source.document.text
        if dataset is None or _GIVEN_LATER.search(text_of_file):
            continue
        name = next(each for each in call.names if role_of_names([each]) == "eval")
        if id(call) not in loaded and not re.search(rf"DataLoader\(\s*(?:dataset\s*=\s*)?self\.{name}\b", text_of_file):
            continue
        for decisions, pipeline in dataset.pipelines:
            why = f"{name} {'loads' if call.last == 'DataLoader' else 'is a part of'} a dataset with this pipeline"
            yield from _random(pipeline, decisions, why, (step(name, call.spot),))


def _whole(call: Call) -> Call | None:
    """The dataset of which a call takes a part; None for other calls."""
    given: Value | None = None
    if call.function == "operator.part" and isinstance(call.args[0], Call) and call.args[0].last == "random_split":
        given = call.args[0].argument(0, "dataset")
    elif call.last in ("Subset", "DataLoader") and not call.function.startswith(("user.", "new.", "set.")):
        given = call.argument(0, "dataset")
    given = given.made if isinstance(given, Instance) else given
    return given if isinstance(given, Call) else None


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
    if not variants or averages(pipeline.call):
        return
    random = [_drawn(each.steps) for each in variants]
    if not all(random):
        return
    steps = random[0]
    names = ", ".join(dict.fromkeys(map(_name, steps)))
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


def averages(call: Call) -> bool:
    """Whether the file of a call says that it averages over altered images on purpose."""
    document = call.spot.source.document
    return _says_so(document.text) or _says_so(document.path)


@lru_cache(maxsize=64)
def _says_so(text: str) -> bool:
    return _AVERAGES.search(text) is not None


def _drawn(steps: tuple[Step, ...]) -> list[Step]:
    """The steps that draw; a crop as large as its image is the image."""
    found = []
    size: tuple[float, ...] | None = None
    for each in steps:
        wanted = _size(each)
        if each.random and not (each.name == "RandomCrop" and size is not None and wanted == size):
            found.append(each)
        if each.kind == "geometric":
            size = None if each.random or wanted is None else wanted
    return found


def _size(step: Step) -> tuple[float, ...] | None:
    """Height and width of what a step of torchvision gives, whatever it gets; None for any other step."""
    call = step.call
    if step.name not in ("Resize", "CenterCrop", "RandomCrop") or not call.function.startswith("torchvision."):
        return None
    given = numbers(call.argument(0, "size"))
    if given is None or (step.name == "RandomCrop" and (len(call.args) > 1 or {*call.keywords} - {"size"})):
        return None
    if len(given) == 1:
        return None if step.name == "Resize" else given * 2  # one number is that of the shorter side
    return given


def _name(step: Step) -> str:
    """The name of a step that draws, with what applies it by chance."""
    around = step.values.get(CHOSEN_BY)
    return f"{around.last} of {step.name}" if isinstance(around, Call) else step.name
