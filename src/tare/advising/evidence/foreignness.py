"""How foreign dataset1 is to a network under a strategy: its moments against those of the training, without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tare.advising.evidence.passes import INPUT, Passed, PlaceMoments
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

_DRAWS = 200
_BLOCK = 50
# A channel whose stored variance is below this share of the layer's median is dead.
_DEAD = 1e-4


@dataclass(frozen=True, slots=True)
class Foreignness:
    """Divergences (nats per channel) at the input and averaged over batch norms, with bootstrap intervals over samples.

    ``activations`` is None for a network without batch norm. ``against_source`` is the paired difference of ``counted`` to
    ``source``.
    """

    at_input: Interval
    activations: Interval | None
    against_source: Interval

    @property
    def counted(self) -> Interval:
        """The divergence that the rule uses: at the batch norms if there are any, else at the input."""
        return self.activations or self.at_input


def gaussian_divergence(mean: Doubles, variance: Doubles, expected_mean: Doubles, expected_variance: Doubles) -> Doubles:
    """Gaussian Kullback-Leibler divergence of the moments from the expected ones, mean over the channels ``(..., C)``.

    (v/V - 1 - ln(v/V) + (m - M)^2/V) / 2 per channel.
    """
    ratio = np.maximum(variance, 1e-12) / expected_variance
    return np.asarray((0.5 * (ratio - 1 - np.log(ratio) + (mean - expected_mean) ** 2 / expected_variance)).mean(axis=-1))


def foreignness(passes: Mapping[str, Passed], seed: int, confidence: float = 0.95) -> dict[str, Foreignness]:
    """Score every strategy's pass over the same samples, resampled together; ``passes`` must hold ``source``."""
    count = len(next(iter(passes.values())).features)
    generator = np.random.default_rng((seed, 11))
    weights = np.vstack([np.ones(count) / count, generator.multinomial(count, np.ones(count) / count, _DRAWS) / count])
    drawn = {name: _drawn(one, weights) for name, one in passes.items()}
    base = drawn["source"]
    found = {}
    for name, (given, inner) in drawn.items():
        counted, reference = (inner, base[1]) if inner is not None and base[1] is not None else (given, base[0])
        found[name] = Foreignness(
            _interval(given, confidence),
            None if inner is None else _interval(inner, confidence),
            _interval(counted - reference, confidence),
        )
    return found


def layer_divergences(one: Passed) -> dict[str, float]:
    """The divergence at every place of one pass."""
    whole = np.full((1, len(one.features)), 1 / len(one.features))
    return {name: float(_at(place, whole)[0]) for name, place in one.places.items()}


def _drawn(one: Passed, weights: Doubles) -> tuple[Doubles, Doubles | None]:
    """The divergence at the input and at the batch norms for each row of sample weights."""
    inner = [_at(place, weights) for name, place in one.places.items() if name != INPUT]
    return _at(one.places[INPUT], weights), np.mean(inner, axis=0) if inner else None


def _at(place: PlaceMoments, weights: Doubles) -> Doubles:
    alive = place.expected_variance > _DEAD * np.median(place.expected_variance)
    parts: Sequence[Doubles] = [weights[start : start + _BLOCK] for start in range(0, len(weights), _BLOCK)]
    found = []
    for part in parts:
        mean = part @ place.mean[:, alive]
        variance = part @ place.square[:, alive] - mean**2
        found.append(gaussian_divergence(mean, variance, place.expected_mean[alive], place.expected_variance[alive]))
    return np.concatenate(found)


def _interval(drawn: Doubles, confidence: float) -> Interval:
    """The basic bootstrap interval, less biased by n than percentiles; ``drawn`` has the figure of all samples first."""
    estimate, draws = float(drawn[0]), drawn[1:]
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(2 * estimate - high), float(2 * estimate - low))
