"""Estimate mean and std with intervals, without a list of candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tare.identifying.candidates import Candidate
from tare.identifying.fingerprint.stored import Fingerprint, fingerprint_divergence
from tare.identifying.likelihood import Content, Residual, ShiftGrid, Spread, covariance_at, log_likelihoods
from tare.identifying.scores import MomentModel
from tare.input_spec.affine import Affine
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

_UNIT = 255.0
_STEP = 1e-3
_ITERATIONS = 12
_SETTLED = 1e-4


@dataclass(frozen=True, slots=True)
class Estimated:
    """Mean and std in unit values per channel of the network, in the order ``channels``.

    ``misfit`` is the candidate's squared distance from the estimate in standard errors, divided by its expectation.
    ``divergence`` is that of the estimated constants. ``errors`` ``(2 C, 2 C)`` is the covariance of the logarithms of
    1 / (255 std) and of the means with the sign turned, and ``images`` the number of images that they rest on.
    """

    channels: str
    mean: tuple[Interval, ...]
    std: tuple[Interval, ...]
    affine: Affine
    misfit: float
    divergence: float = math.inf
    errors: tuple[tuple[float, ...], ...] = ()
    images: int = 0


def estimate(
    candidate: Candidate,
    stored: Fingerprint,
    model: MomentModel,
    content: Content,
    shift: ShiftGrid,
    *,
    inflation: float,
    confidence: float,
) -> Estimated:
    """Fit (log a, b) of every channel by generalised least squares, starting from a candidate and its residual's covariance.

    The steps are Gauss-Newton's, with finite differences. The standard errors of u = -b/a and s = 1/a follow by the delta method
    and are multiplied by ``inflation``; intervals use Student's t with the number of images minus 1.
    """
    start = candidate.affine
    residual = _residual(stored, model, start)
    spread = Spread.of(residual.influences, content)
    covariance = covariance_at(log_likelihoods(residual.values, spread, shift), spread, shift)
    whitener = np.linalg.cholesky(np.linalg.inv(covariance)).T
    values = _packed(start)
    for _ in range(_ITERATIONS):
        now = _residual(stored, model, _affine(values, start)).values
        slopes = _slopes(values, start, stored, model, now)
        step, *_ = np.linalg.lstsq(whitener @ slopes, -whitener @ now, rcond=None)
        step *= min(1.0, 0.5 / max(float(np.abs(step).max()), 1e-12))  # half a std at a time
        values = values + step
        if float(np.abs(step).max()) < _SETTLED:
            break
    slopes = _slopes(values, start, stored, model, _residual(stored, model, _affine(values, start)).values)
    information = slopes.T @ whitener.T @ whitener @ slopes
    errors: Doubles = np.asarray(np.linalg.pinv(information) * inflation**2, dtype=np.float64)
    away = values - _packed(start)
    misfit = float(away @ np.linalg.pinv(errors) @ away) / len(values)
    found = _result(values, errors, start, spread.images, confidence, misfit)
    (divergence,) = fingerprint_divergence(stored, *model.pooled([found.affine]))
    return replace(found, divergence=float(divergence))


def _residual(stored: Fingerprint, model: MomentModel, affine: Affine) -> Residual:
    return Residual.of(stored, model.predict(affine))


def _packed(affine: Affine) -> Doubles:
    """The parameters: log a, and b divided by a times the whole raw range (which is -u)."""
    scale = np.array(affine.scale)
    return np.concatenate([np.log(scale), np.array(affine.shift) / (scale * _UNIT)])


def _affine(values: Doubles, like: Affine) -> Affine:
    count = len(like.scale)
    scale = np.exp(values[:count])
    return Affine(like.order, tuple(scale.tolist()), tuple((values[count:] * scale * _UNIT).tolist()))


def _slopes(values: Doubles, like: Affine, stored: Fingerprint, model: MomentModel, now: Doubles) -> Doubles:
    columns = []
    for place in range(len(values)):
        moved = values.copy()
        moved[place] += _STEP
        columns.append((_residual(stored, model, _affine(moved, like)).values - now) / _STEP)
    return np.stack(columns, axis=1)


def _result(values: Doubles, errors: Doubles, like: Affine, images: int, confidence: float, misfit: float) -> Estimated:
    """From the parameters log a and -u: s = exp(-log a) / 255."""
    from scipy import special

    count = len(like.scale)
    half = float(special.stdtrit(max(1, images - 1), 0.5 + confidence / 2)) * np.sqrt(np.maximum(np.diag(errors), 0.0))
    std = np.exp(-values[:count]) / _UNIT
    means = [Interval(float(-v), float(-v - h), float(-v + h)) for v, h in zip(values[count:], half[count:], strict=True)]
    stds = [Interval(float(s), float(s * np.exp(-h)), float(s * np.exp(h))) for s, h in zip(std, half[:count], strict=True)]
    channels = {1: "L"}.get(count, "BGR" if like.order == (2, 1, 0) else "RGB")
    return Estimated(
        channels,
        tuple(means),
        tuple(stds),
        _affine(values, like),
        misfit,
        errors=tuple(map(tuple, errors.tolist())),
        images=images,
    )
