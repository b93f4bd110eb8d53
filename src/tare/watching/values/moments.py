"""What mean and std alone show of how values were made, where no grid of 8-bit values can.

Normalised values have a mean near 0 and a std near 1 over the data that the constants belong to, and on other data they stay
near enough. Each mistake predicts another mean and std: raw values those of the data, values normalised twice a std of 1 / std.
A mistake is named if its prediction is near and that of right values is far; between the two nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.fields import RAW_DTYPES
from tare.samples.layout import unit_scale

Floats = NDArray[np.float64]

# Distances of mean and std, in stds and in factors of e (see `distance`). Content moves both by less than one.
_FITS, _NEAR, _APART = 0.9, 0.6, 1.2
_FURTHER, _CLEARLY = 0.3, 0.9
_FARTHEST = 6.0
#: Values whose mean or std is above it are no normalised values, whatever the constants are.
_RAW = 10.0
_ABSURD = 20.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and std of every channel, over all values of the samples."""

    mean: Floats
    std: Floats

    @classmethod
    def of(cls, figures: Floats) -> Moments:
        """From mean, variance, ... of every sample ``(4, N, C)``: the variance within samples and between their means."""
        return cls(figures[0].mean(axis=0), np.sqrt(figures[1].mean(axis=0) + figures[0].var(axis=0)))


@dataclass(frozen=True, slots=True)
class Prediction:
    """A mistake with the mean and std that it leads to, and its words."""

    code: str
    moments: Moments
    said: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the moments show: that values ``fit``, a ``mistake``, or neither, with the ``reason``."""

    fits: bool = False
    mistake: Prediction | None = None
    reason: str = ""


def distance(seen: Moments, predicted: Moments) -> float:
    """How far mean and std lie from predicted ones, averaged over channels that are not constant; infinite if all are.

    Per channel it is the larger of the difference of means in stds (of the wider one) and the logarithm of the stds' ratio.
    """
    told = seen.std > 0
    if not told.any():
        return float("inf")
    mean, std = seen.mean[told], seen.std[told]
    means = np.abs(mean - predicted.mean[told]) / np.maximum(std, predicted.std[told])
    ratios = np.abs(np.log(std / predicted.std[told]))
    return float(np.minimum(np.maximum(means, ratios), _FARTHEST).mean())


def read_moments(seen: Moments, mistakes: Sequence[Prediction]) -> Reading:
    """Whether the values fit, show one of the mistakes, or neither."""
    if not (seen.std > 0).any():
        return Reading(reason="every value of a channel is the same")
    right = Moments(np.zeros_like(seen.mean), np.ones_like(seen.std))
    own = distance(seen, right)
    distances = [(distance(seen, each.moments), each) for each in mistakes if distance(right, each.moments) >= _APART]
    nearest, mistake = min(distances, key=lambda one: one[0], default=(float("inf"), None))
    if mistake is not None and nearest <= _NEAR and own - nearest >= _CLEARLY:
        return Reading(mistake=mistake)
    if not distances:
        return Reading(reason="the constants change values too little for mean and std to show whether they were applied")
    if own <= _FITS and own + _FURTHER <= nearest:
        return Reading(fits=True)
    if _size(seen) > _ABSURD:
        said = f"{words(seen)} reach the network, and normalised values have a mean near 0 and a std near 1"
        return Reading(mistake=Prediction("TARE010", seen, said, "compare the pipeline with the network: `tare check`"))
    return Reading(reason=f"{words(seen)} are neither those of normalised values nor those of a known mistake")


def read_without_constants(seen: Moments) -> Reading:
    """The same for a network of normalised input whose constants are unknown: only raw values are told."""
    if _size(seen) > _RAW:
        said = f"{words(seen)} reach the network, which takes normalised ones, with a mean near 0 and a std near 1"
        remedy = "apply (x - mean) / std, with mean and std of each channel of the training data"
        return Reading(mistake=Prediction("TARE004", seen, said, remedy))
    right = Moments(np.zeros_like(seen.mean), np.ones_like(seen.std))
    if distance(seen, right) <= _FITS:
        return Reading(fits=True)
    return Reading(reason=f"{words(seen)} may be normalised or not: the network's constants are unknown")


def predictions(
    mean: Sequence[float], std: Sequence[float], scale: float | None, raw_dtype: str | None, origin: str
) -> Iterator[Prediction]:
    """The usual mistakes with constants that belong to ``scale * raw value``, and what they lead to."""
    u, s = np.array(mean), np.array(std)
    apply = f"apply (x - mean) / std with mean {_listed(u)} and std {_listed(s)} ({origin})"
    whole = "" if scale is None or scale == 1.0 else f" after scaling raw values by {scale:g}"
    yield Prediction("TARE003", Moments(-u / s, 1 / s), "values are normalised twice", "remove one of the two normalisations")
    yield Prediction("TARE004", Moments(u, s), "values reach the network without normalisation", apply)
    if scale is None or scale == 0.0:
        return
    raw = Moments(u / scale, s / abs(scale))
    if raw_dtype in RAW_DTYPES and not str(raw_dtype).startswith("float"):
        unit = float(unit_scale(str(raw_dtype)))
        said = f"unit values of {raw_dtype} data reach the network without normalisation"
        yield Prediction("TARE004", Moments(raw.mean * unit, raw.std * unit), said, apply + whole)
    if scale != 1.0:
        yield Prediction("TARE004", raw, "raw values reach the network without scale and normalisation", apply + whole)
        unscaled = "values are normalised without the scale that the constants belong to"
        yield Prediction("TARE001", Moments((raw.mean - u) / s, raw.std / s), unscaled, f"multiply raw values by {scale:g} first")
        twice = Moments((u * scale - u) / s, np.full_like(s, abs(scale)))
        yield Prediction("TARE002", twice, f"values are multiplied by {scale:g} twice", "leave out one of the two scalings")


def words(seen: Moments) -> str:
    """Mean and std in words, of the widest channel where there are several."""
    place = int(np.argmax(np.abs(seen.mean) + seen.std))
    several = f" (channel {place + 1} of {len(seen.mean)})" if len(seen.mean) > 1 else ""
    return f"values of mean {seen.mean[place]:.4g} and std {seen.std[place]:.4g}{several}"


def _size(seen: Moments) -> float:
    """The mean's size or the std, whichever is larger, in the middle one of the channels."""
    return float(np.median(np.maximum(np.abs(seen.mean), seen.std)))


def _listed(values: Floats) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return f"({shown}{', ...' if len(values) > 4 else ''})"
