"""Pipelines: the steps of containers, of each branch by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import ModuleType

from tare.code.interpreter.conditions import ALWAYS, Decisions, agree
from tare.code.interpreter.values import Call, Choice, Function, Items, Literal, Table, Value
from tare.code.libraries import albumentations, kornia, torchvision
from tare.code.libraries.step import Step, number

_LIBRARIES: tuple[ModuleType, ...] = (torchvision, albumentations, kornia)
_BY_ROOT: dict[str, ModuleType] = {root: each for each in _LIBRARIES for root in each.ROOTS}
_MOST = 24
_DEEPEST = 12

CONTAINER_NAMES = frozenset(name for each in _LIBRARIES for name in (*each.CONTAINERS, *getattr(each, "CHANCES", ())))
STEP_NAMES = frozenset(name for each in _LIBRARIES for name in each.STEPS)


@dataclass(frozen=True, slots=True)
class Variant:
    """The steps of one branch."""

    decisions: Decisions
    steps: tuple[Step, ...]

    @property
    def whole(self) -> bool:
        """Whether every step is known."""
        return all(step.kind != "opaque" for step in self.steps)


def library_of(call: Call) -> ModuleType | None:
    """The table of the library that a call belongs to; None if it is none of these."""
    root = call.function.rpartition(".")[0]
    if root in _BY_ROOT:
        return _BY_ROOT[root]
    for prefix in ("torchvision.transforms", "albumentations", "kornia.augmentation"):
        if root.startswith(f"{prefix}."):
            return _BY_ROOT[prefix]
    return None


#: Where a step that draws nothing itself has the call that applies it by chance.
CHOSEN_BY = "chosen by"


def is_container(call: Call) -> bool:
    """Whether a call makes a pipeline of its steps."""
    if call.function == "torch.nn.Sequential":
        return _has_steps(call)
    library = library_of(call)
    return library is not None and call.last in library.CONTAINERS


def _has_steps(call: Call) -> bool:
    return any(isinstance(each, Call) and library_of(each) is not None for each in call.args)


def step_of(call: Call) -> Step | None:
    """The step that a call makes; None if its library's table does not have it."""
    library = library_of(call)
    read = library.STEPS.get(call.last) if library is not None else None
    if read is None:
        return None
    return Step("opaque", call.last, call) if call.spread else read(call)


def variants(value: Value, within: Call, depth: int = 0) -> list[Variant]:
    """The steps that a value stands for, branch by branch; an unknown part is an opaque step of the call around it."""
    if depth > _DEEPEST:
        return [Variant(ALWAYS, (Step("opaque", "?", within),))]
    if isinstance(value, Choice):
        found = [
            Variant(decisions | each.decisions, each.steps)
            for decisions, option in value.options
            for each in variants(option, within, depth + 1)
            if agree(decisions, each.decisions)
        ]
        return found[:_MOST]
    if isinstance(value, Items):
        return _product(value.items, within, depth)
    if isinstance(value, Literal) and value.value is None:
        return [Variant(ALWAYS, ())]
    if isinstance(value, Table):
        return _product(tuple(value.entries.values()), within, depth)
    return _of_call(value, depth) if isinstance(value, Call) else [Variant(ALWAYS, (_of_other(value, within),))]


def _of_other(value: Value, within: Call) -> Step:
    """The step that a value is which is no call: torchvision takes functions, too."""
    is_function = isinstance(value, Function) and library_of(within) is torchvision
    return torchvision.function_step(value, within) if is_function else Step("opaque", "?", within)  # type: ignore[arg-type]


def _of_call(call: Call, depth: int) -> list[Variant]:
    if is_container(call) and not call.spread:
        parts = call.args if call.last in ("Sequential", "AugmentationSequential", "ImageSequential") else call.args[:1]
        parts = parts or tuple(each for key, each in call.keywords.items() if key in ("transforms", "args"))
        return [_from_arrays(each) for each in _product(parts, call, depth)]
    library = library_of(call)
    if library is not None and call.last in getattr(library, "CHANCES", ()):
        return _perhaps(call, depth)
    step = step_of(call)
    return [Variant(ALWAYS, (step or Step("opaque", call.last, call),))]


def _from_arrays(variant: Variant) -> Variant:
    """A ``ToPILImage`` that comes first takes an array of 8 bits, whose values it keeps."""
    if not variant.steps or variant.steps[0].name != "ToPILImage":
        return variant
    return Variant(variant.decisions, (replace(variant.steps[0], kind="geometric"), *variant.steps[1:]))


def _perhaps(call: Call, depth: int) -> list[Variant]:
    """Steps that are applied now and then: random, and opaque where they change the scale of values."""
    chance = number(call.argument(1, "p"))
    inner = _product(call.args[:1] or tuple(call.keywords.values())[:1], call, depth)
    if len(inner) != 1 or chance == 0:
        return [Variant(ALWAYS, (Step("opaque", call.last, call),))]
    steps = inner[0].steps
    if (call.last == "RandomApply" and chance == 1) or _has_one(call):
        return inner
    if any(step.kind not in ("geometric", "photometric", "erase", "grey", "identity") for step in steps):
        return [Variant(ALWAYS, (Step("opaque", call.last, call),))]
    return [Variant(ALWAYS, tuple(_by_chance(step, call) for step in steps if step.kind != "identity"))]


def _has_one(call: Call) -> bool:
    """Whether torchvision has one step to choose from, or to put in order."""
    given = call.argument(0, "transforms")
    is_chosen = library_of(call) is torchvision and call.last in ("RandomChoice", "RandomOrder")
    return is_chosen and isinstance(given, Items) and len(given.items) == 1


def _by_chance(step: Step, around: Call) -> Step:
    """A step that is applied now and then; where it draws nothing itself it remembers what does."""
    return step if step.random else replace(step, random=True, values={**step.values, CHOSEN_BY: around})


def _product(parts: Iterable[Value], within: Call, depth: int) -> list[Variant]:
    found = [Variant(ALWAYS, ())]
    for part in parts:
        options = variants(part, within, depth + 1)
        found = [
            Variant(before.decisions | each.decisions, before.steps + each.steps)
            for before in found
            for each in options
            if agree(before.decisions, each.decisions)
        ][:_MOST]
    return found
