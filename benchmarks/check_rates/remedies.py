"""The changes that findings offer, made in a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.check_rates.recipes import Recipe
from tare.checking.rules.finding import Action, Fix


def applied(recipe: Recipe, changes: Sequence[Fix]) -> Recipe:
    """The recipe with these changes."""
    for change in changes:
        recipe = _STEPS[change.action](recipe, change)
    return recipe


def _with_constants(recipe: Recipe, change: Fix) -> Recipe:
    # Unit values become 255 / (product of divisors); constants that were meant for others are rescaled.
    times = 255 / math.prod(recipe.divisors) / change.top
    mean, std = (tuple(times * value for value in values) for values in (change.mean, change.std))
    return replace(recipe, mean=mean, std=std, normalises=True)


def _without_normalize(recipe: Recipe, _: Fix) -> Recipe:
    return replace(recipe, second=None) if recipe.second else replace(recipe, normalises=False)


def _scaled(recipe: Recipe, change: Fix) -> Recipe:
    divisor = math.prod(recipe.divisors) / change.factor
    return replace(recipe, divisors=() if abs(divisor - 1) < 1e-6 else (float(f"{divisor:.9g}"),))


def _reversed(recipe: Recipe, _: Fix) -> Recipe:
    before = tuple(name for name in recipe.before if name != "bgr")
    return replace(recipe, before=before if before != recipe.before else (*before, "bgr"))


def _without(*names: str) -> Callable[[Recipe, Fix], Recipe]:
    return lambda recipe, _: replace(recipe, after=tuple(name for name in recipe.after if name not in names))


_STEPS: dict[Action, Callable[[Recipe, Fix], Recipe]] = {
    "set_constants": _with_constants,
    "add_normalize": _with_constants,
    "remove_normalize": _without_normalize,
    "scale_values": _scaled,
    "reverse_channels": _reversed,
    "remove_clamp": _without("clip01", "clip11"),
    "permute": _without("hwc"),
    "to_float32": _without("float64"),
}
