"""The changes that findings offer, made in a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.check_rates.recipes import Recipe
from tare.checking.rules.finding import Fix


def applied(recipe: Recipe, own: Recipe, changes: Sequence[Fix]) -> Recipe:
    """The recipe with these changes, and with nothing taken from ``own`` but its ways: how values are divided where nothing says."""
    for change in changes:
        recipe = _applied(recipe, own, change)
    return recipe


def _applied(recipe: Recipe, own: Recipe, change: Fix) -> Recipe:
    match change.action:
        case "set_constants" | "add_normalize":
            # Unit values become 255 / (product of divisors); constants that were meant for others are rescaled.
            times = 255 / math.prod(recipe.divisors) / change.top
            mean, std = (tuple(times * value for value in values) for values in (change.mean, change.std))
            return replace(recipe, mean=mean, std=std, normalises=True)
        case "remove_normalize":
            return replace(recipe, second=None) if recipe.second else replace(recipe, normalises=False)
        case "scale_values":
            divisor = math.prod(recipe.divisors) / change.factor
            return replace(recipe, divisors=() if abs(divisor - 1) < 1e-6 else (float(f"{divisor:.9g}"),))
        case "reverse_channels":
            before = tuple(name for name in recipe.before if name != "bgr")
            return replace(recipe, before=before if before != recipe.before else (*before, "bgr"))
        case "remove_clamp":
            return replace(recipe, after=tuple(name for name in recipe.after if not name.startswith("clip")))
        case "permute":
            return replace(recipe, after=tuple(name for name in recipe.after if name != "hwc"))
        case "to_float32":
            return replace(recipe, after=tuple(name for name in recipe.after if name != "float64"))
