"""Training and what comes after it scale differently."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.abandoned import is_abandoned
from tare.checking.repository.rules.feeds import parts
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, program_of, programs, says
from tare.checking.repository.rules.normalisations import Normalisation, is_undoing, of_pipeline, stops_at_tensor
from tare.checking.repository.rules.published import near
from tare.checking.repository.rules.scalings import RESULTS, scalings
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.source import Spot
from tare.code.libraries.step import Step
from tare.code.networks.expected import listed
from tare.code.roles import Role, words


def stages(facts: Facts) -> Iterator[CodeFinding]:
    """Evaluation with other constants than training in one file, or with another scaling than every training file."""
    for program in programs(facts):
        yield from _in_program(facts, program)
        yield from _bare(facts, program)
    yield from _constants_across(facts)
    yield from _scalings_across(facts)


_ROLES: tuple[Role, Role] = ("train", "eval")


def _constants(pipeline: Pipeline) -> list[Normalisation]:
    return [each for _, _, each in of_pipeline(pipeline) if not is_undoing(each.mean, each.std)]


def _in_program(facts: Facts, program: Program) -> Iterator[CodeFinding]:
    train, evaluate = (_of_role(facts, program, role) for role in _ROLES)
    for one in evaluate:
        partners = [each for each in train if each.call.entry == one.call.entry and each.path == one.path]
        for each in _constants(one):
            known = [other for partner in partners for other in _constants(partner) if agree(each.decisions, other.decisions)]
            if known and not any(_same(each, other) for other in known):
                yield _differ(each, known[0])


#: What is not fed to a network that was trained on normalised images.
_SHOWN = frozenset(
    ["raw", "vis", "visual", "visualize", "display", "show", "plot", "orig", "original", "unnormalized", "stats", "attack"]
)
_OWN = re.compile(r"class \w*Normali[sz]e|\.sub_?\(")


def _bare(facts: Facts, program: Program) -> Iterator[CodeFinding]:
    """Evaluation that stops at ToTensor, where training in the same run normalises."""
    alone = _normalised_alone(program)
    if alone or _OWN.search(next((each.document.text for each in facts.sources if each.path == program.path), "")):
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


def _same(one: Normalisation, other: Normalisation) -> bool:
    times = 3 if len(one.mean) != len(other.mean) else 1
    means = [each.mean * (times if len(each.mean) == 1 else 1) for each in (one, other)]
    stds = [each.std * (times if len(each.std) == 1 else 1) for each in (one, other)]
    return near(means[0], means[1], 0.02) and near(stds[0], stds[1], 0.02) and one.top == other.top


def _differ(each: Normalisation, other: Normalisation) -> CodeFinding:
    return finding(
        "TARE050",
        "error",
        each.call.spot,
        f"evaluation normalises with mean {listed(each.mean)} and std {listed(each.std)}, and training with mean "
        f"{listed(other.mean)} and std {listed(other.std)}",
        "use the constants of training in both",
        evidence=(step("training", other.call.spot),),
    )


def _constants_across(facts: Facts) -> Iterator[CodeFinding]:
    """Pipelines for evaluation in files of their own, where every training pipeline of the repository has the same constants."""
    training = [each for pipeline in facts.pipelines if pipeline.role == "train" for each in _constants(pipeline)]
    if not training or any(not _same(training[0], each) for each in training):
        return
    if any(pipeline.role == "train" and not _constants(pipeline) for pipeline in facts.pipelines):
        return
    if len({(each.library, each.name) for each in facts.networks}) > 1:
        return
    files = {program_of(pipeline.call) for pipeline in facts.pipelines if pipeline.role == "train"}
    for pipeline in facts.pipelines:
        if pipeline.role == "eval" and program_of(pipeline.call) not in files:
            for each in _constants(pipeline):
                if not _same(each, training[0]):
                    yield _serving(each, training[0])
    yield from _served_bare(facts, training[0], files)


#: Code that uses a trained network, code that trains one, and words of a normalisation by hand.
_LOADS = re.compile(r"load_state_dict|torch\.load\(|load_from_checkpoint|jit\.load\(|load_model\(|InferenceSession")
_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(|optim")
_NORMALISES = re.compile(r"(?i)normali[sz]e|(?<![a-z])(?:mean|std)s?(?![a-z]|\s*\()")


def _served_bare(facts: Facts, training: Normalisation, files: set[str]) -> Iterator[CodeFinding]:
    """Files that load a trained network and end at ToTensor, where every training pipeline normalises."""
    for program in programs(facts):
        text = next((each.document.text for each in facts.sources if each.path == program.path), "")
        uses = program.path not in files and _LOADS.search(text) and not _TRAINS.search(text)
        if not uses or any(says(_NORMALISES, text) for text in _texts(facts, program)):
            continue
        if not all(stops_at_tensor(variant) for each in program.pipelines for variant in each.variants):
            continue
        for pipeline in program.pipelines:
            path = training.call.spot.source.path
            yield finding(
                "TARE050",
                "warning",
                pipeline.call.spot,
                f"{pipeline.path} ends with values of 0..1, and training in {path} normalises with mean {listed(training.mean)} "
                f"and std {listed(training.std)}",
                "end the pipeline with the Normalize of training",
                evidence=(step("training", training.call.spot),),
            )


def _texts(facts: Facts, program: Program) -> Iterator[str]:
    files = {program.path, *(each.path for each in program.pipelines), *(each.spot.source.path for each in program.calls)}
    yield from (each.document.text for each in facts.sources if each.path in files)


def _serving(each: Normalisation, other: Normalisation) -> CodeFinding:
    found = _differ(each, other)
    message = (
        f"{each.call.spot.source.path} normalises with mean {listed(each.mean)} and std {listed(each.std)}, and training in "
        f"{other.call.spot.source.path} with mean {listed(other.mean)} and std {listed(other.std)}"
    )
    return finding("TARE050", "warning", each.call.spot, message, found.remedy, evidence=found.evidence)


def _scalings_across(facts: Facts) -> Iterator[CodeFinding]:
    """Files that only predict and scale in another way than every file of the repository that trains."""
    texts = {each.path: each.document.text for each in facts.sources}
    found = {program.path: _scalings(program) for program in programs(facts, every=True)}
    trains = {path for path in found if ".fit(" in texts.get(path, "") or ".fit_generator(" in texts.get(path, "")}
    kinds = {kind for path in trains for kind in found[path]}
    if len(kinds) != 1:
        return
    kind = kinds.pop()
    spots = next(found[path][kind] for path in trains if kind in found[path])
    for path, kinds_of_file in found.items():
        predicts = path not in trains and any(each in texts.get(path, "") for each in (".predict(", "load_model("))
        if predicts and len(kinds_of_file) == 1 and kind not in kinds_of_file:
            other = next(iter(kinds_of_file))
            for spot in kinds_of_file[other]:
                yield finding(
                    "TARE050",
                    "warning",
                    spot,
                    f"this file brings images to {other}, and every file of the repository that trains brings them to {kind}",
                    f"scale as in training: to {kind}",
                    evidence=(step(f"training with {kind}", spots[0]),),
                )


def _scalings(program: Program) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for place in scalings(program):
        found.setdefault(RESULTS[place.kind], []).append(place.spot)
    return found
