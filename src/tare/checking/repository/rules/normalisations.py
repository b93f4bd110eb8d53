"""Every place where code normalises with constants, with the numbers of each branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.values import Call, Value, alternatives
from tare.code.libraries import albumentations
from tare.code.libraries.flows import root
from tare.code.libraries.pipelines import Variant, library_of, step_of
from tare.code.libraries.step import Step, number, numbers

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Normalisation:
    """One normalising call in one branch; ``mean`` and ``std`` are as written, ``top`` is what values are divided by before."""

    call: Call
    decisions: Decisions
    mean: Numbers
    std: Numbers
    means: Value | None
    stds: Value | None
    top: float = 1.0

    def alone(self) -> Normalisation:
        """The numbers and their place, without the tree of the file."""
        return replace(self, call=self.call.alone(), means=None, stds=None)


def of_step(step: Step, decisions: Decisions) -> Iterator[Normalisation]:
    """The constants of a normalising step, branch by branch; those that cannot be told are left out."""
    defaults = (None, None, None)
    if library_of(step.call) is albumentations:
        defaults = (albumentations.MEAN, albumentations.STD, albumentations.MAX_VALUE)  # type: ignore[assignment]
    largest = step.values.get("max_value")
    top = (defaults[2] or 1.0) if largest is None else number(largest)
    if top is None:
        return
    means, stds = step.values.get("mean"), step.values.get("std")
    for one, mean in _numbers(means, defaults[0]):
        for other, std in _numbers(stds, defaults[1]):
            if agree(decisions, one, other):
                yield Normalisation(step.call, decisions | one | other, mean, std, means, stds, top)


def _numbers(value: Value | None, default: Numbers | None) -> Iterator[tuple[Decisions, Numbers]]:
    if value is None:
        if default is not None:
            yield frozenset(), default
        return
    for decisions, each in alternatives(value):
        found = numbers(each)
        if found is not None:
            yield decisions, found


def all_of(facts: Facts) -> Iterator[Normalisation]:
    """Every normalising call of a repository, in a pipeline or not."""
    for call in facts.calls:
        yield from of_call(call)


def of_call(call: Call) -> Iterator[Normalisation]:
    """The constants of a call that normalises, of whatever library; none of any other call."""
    if call.last == "Normalize":
        step = step_of(call)
        if step is not None and step.kind == "normalize":
            yield from of_step(step, call.decisions)
    elif call.function in FUNCTIONS:
        yield from of_function(call)
    elif call.function.startswith("operator."):
        yield from of_arithmetic(call)
    elif not call.function.startswith(("set.", "new.", "user.")):
        yield from _of_keywords(call)


#: torchvision's function that normalises.
FUNCTIONS = frozenset(f"torchvision.transforms.{each}functional.normalize" for each in ("", "v2."))


def step_of_function(call: Call) -> Step:
    """The step that a call of torchvision's function is."""
    values = {"mean": call.argument(1, "mean"), "std": call.argument(2, "std")}
    return Step("normalize", call.last, call, values={key: value for key, value in values.items() if value is not None})


def of_function(call: Call) -> Iterator[Normalisation]:
    """The constants of a call of torchvision's function."""
    yield from of_step(step_of_function(call), call.decisions)


def of_arithmetic(call: Call) -> Iterator[Normalisation]:
    """``(x - mean) / std``, and ``x * std + mean`` which undoes it, with three constants each."""
    inner = [root(each) for each in call.args]
    if call.function == "operator./" and isinstance(inner[0], Call) and inner[0].function == "operator.-":
        yield from _pair(call, root(inner[0].args[1]), inner[1])
    elif call.function == "operator.+":
        for one, other in (inner, inner[::-1]):
            if isinstance(one, Call) and one.function == "operator.*":
                for std in one.args:
                    yield from _pair(call, other, root(std))


def _pair(call: Call, means: Value, stds: Value) -> Iterator[Normalisation]:
    mean, std = numbers(means), numbers(stds)
    if mean is not None and std is not None and len(mean) == len(std) == 3:
        yield Normalisation(call, call.decisions, mean, std, means, stds)


def _of_keywords(call: Call) -> Iterator[Normalisation]:
    """Any library's ``mean=`` and ``std=``, or ``image_mean=`` and ``image_std=`` of a processor."""
    for one, other in (("mean", "std"), ("image_mean", "image_std")):
        if one in call.keywords and other in call.keywords:
            yield from _pair(call, call.keywords[one], call.keywords[other])


def of_pipeline(pipeline: Pipeline) -> Iterator[tuple[tuple[Step, ...], Step, Normalisation]]:
    """Each normalising step of a pipeline with the steps of its branch."""
    for variant in pipeline.variants:
        for step in variant.steps:
            if step.kind == "normalize":
                for each in of_step(step, variant.decisions | pipeline.call.decisions):
                    yield variant.steps, step, each


def is_undoing(mean: Numbers, std: Numbers) -> bool:
    """Whether constants undo a normalisation: ``Normalize(-mean / std, 1 / std)``."""
    return any(value < 0 for value in mean) or all(1.01 < value < 20 for value in std) or (set(std) == {1.0} and min(mean) < 0)


def stops_at_tensor(variant: Variant) -> bool:
    """Whether the steps of a branch are all known, and bring an image to values of 0..1 and no further."""
    kinds = [step.kind for step in variant.steps]
    return variant.whole and "to_tensor" in kinds and "normalize" not in kinds and "rescale" not in kinds
