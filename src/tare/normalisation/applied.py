"""A strategy's result: the map from unit values to network input that is applied to every sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tare.input_spec.affine import Affine
from tare.input_spec.fields import Known, PerSample, per_sample, plain, window
from tare.input_spec.input_map import InputMap, Window, mapped, unmapped
from tare.normalisation.names import STRATEGIES, Strategy
from tare.normalisation.ranges import moments_through
from tare.samples.layout import clipped, unit_scale
from tare.statistics.dataset_stats import DatasetStats


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Per channel ``(clip(g(x)) - mean) / std`` of unit values x, in the form of :class:`InputMap`.

    Without ``per_sample``, ``value_map`` and ``clip`` it is the mean and std alone. ``per_sample`` normalises each sample by its
    own values first. ``value_map`` names a logarithm, which is of raw values x / ``step``; clip, mean and std are then of the
    logarithm. ``step`` is what one raw value is in unit values: 1/65535 of uint16.
    """

    strategy: Strategy
    mean: tuple[float, ...]
    std: tuple[float, ...]
    per_sample: PerSample | None = None
    value_map: str = "identity"
    clip: Window | None = None
    step: float = 1.0

    @property
    def is_affine(self) -> bool:
        """Whether it is one shift and scale per channel for all samples and values."""
        return (self.per_sample, self.value_map, self.clip) == (None, "identity", None)

    def affine(self) -> Affine:
        """Return the last step, from what ``per_sample``, ``value_map`` and ``clip`` made of unit values to network input."""
        return Affine.of_normalisation(self.mean, self.std, raw_scale=1.0)

    def input_map(self) -> InputMap:
        """Return the whole map; it takes unit values or, with a ``value_map``, raw values."""
        return InputMap(self.affine(), self.value_map, self.clip, self.per_sample)

    @property
    def zero(self) -> tuple[float, ...] | None:
        """The unit value per channel that becomes 0 and pads samples; None if it differs per sample."""
        if self.per_sample is not None:
            return None
        return tuple(self.step * unmapped(self.value_map, mean) for mean in self.mean)

    def border(self, raw_dtype: str) -> tuple[float, ...] | None:
        """The colour that pads an image: the nearest to ``zero`` that an image of ``raw_dtype`` can hold."""
        return None if self.zero is None else clipped(self.zero, raw_dtype)

    def moments_fed(self, target: DatasetStats) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and std per channel of the network input, for data with the pooled statistics ``target``.

        They are exact for a mean and std, and as near as the histogram is fine where values are cut off. They are NaN where
        each sample becomes a range of its own, which no statistics of all samples describe.
        """
        if self.per_sample is not None:
            known = self.per_sample.kind == "zscore"
            return ((0.0 if known else math.nan,) * len(self.mean), (1.0 if known else math.nan,) * len(self.std))
        if not self.is_affine:
            return moments_through(self.input_map(), 1.0 if self.value_map == "identity" else self.step, target)
        return (
            tuple((u - m) / s for u, m, s in zip(target.mean, self.mean, self.std, strict=True)),
            tuple(u / s for u, s in zip(target.std, self.std, strict=True)),
        )

    def spec_fields(self, dtype: str, origin: str) -> dict[str, Known[Any]]:
        """The fields of :class:`tare.InputSpec` that state this map for raw values of type ``dtype``."""
        unit = float(unit_scale(dtype))
        # What comes before the constants takes raw values; a scale applies after it, and nothing is left to scale after a map.
        after = unit if self.per_sample is None and self.value_map == "identity" else 1.0
        fields: dict[str, Any] = {"mean": self.mean, "std": self.std, "scale": after}
        if self.per_sample is not None:
            fields["per_sample"] = self.per_sample
        if self.value_map != "identity":
            fields["value_map"] = self.value_map
        if self.clip is not None:
            fields["clip"] = tuple((low / after, high / after) for low, high in self.clip)
        return {name: Known(value, origin) for name, value in fields.items()}

    def why_not_affine(self) -> str:
        """What about it no weights can hold, in words."""
        return f"the strategy {self.strategy!r}: {self.input_map().why_not_affine()}"

    def to_json(self) -> dict[str, Any]:
        """The map as JSON; what mean and std do not say stands in ``of_sample``, ``value_map``, ``clip`` and ``step``."""
        document: dict[str, Any] = {"strategy": self.strategy, "mean": [*self.mean], "std": [*self.std]}
        document["per_sample"] = self.per_sample is not None
        parts = {"of_sample": self.per_sample, "clip": self.clip}
        document |= {name: plain(Known(value, "")) for name, value in parts.items() if value not in (None, EACH)}
        if self.value_map != "identity":
            document |= {"value_map": self.value_map, "step": self.step}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Normalisation:
        """Read :meth:`to_json` back. Raises KeyError, TypeError or ValueError if it is malformed."""
        strategy = document["strategy"]
        if strategy not in STRATEGIES:
            raise ValueError(f"the strategy {strategy!r}"[:100])
        each = per_sample(document["of_sample"]) if "of_sample" in document else EACH
        value_map = str(document.get("value_map", "identity"))
        mapped(value_map, np, np.ones(1))  # a KeyError for a name that there is no map for
        return cls(
            strategy,
            tuple(document["mean"]),
            tuple(document["std"]),
            each if document["per_sample"] else None,
            value_map,
            window(document["clip"]) if "clip" in document else None,
            float(document.get("step", 1.0)),
        )


#: Each channel of each sample by its own mean and std.
EACH = PerSample("zscore", "channel")


def same_inputs(choices: Sequence[Normalisation], tolerance: float = 1e-6) -> Mapping[Strategy, Strategy]:
    """Map each strategy that feeds the same tensors as an earlier strategy (within ``tolerance`` input std) to that strategy.

    Comparing two such strategies would report a tie that holds by construction.
    """
    repeated: dict[Strategy, Strategy] = {}
    for index, choice in enumerate(choices):
        for earlier in choices[:index]:
            if _alike(choice, earlier, tolerance):
                repeated[choice.strategy] = repeated.get(earlier.strategy, earlier.strategy)
                break
    return repeated


def _alike(one: Normalisation, other: Normalisation, tolerance: float) -> bool:
    """Whether two feed the same for unit values; logarithms are told apart by their constants."""
    if one.value_map != "identity":
        return replace(one, strategy=other.strategy) == other
    return one.input_map().distance(other.input_map(), (0.0, 1.0)) <= tolerance
