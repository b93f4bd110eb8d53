"""Least squares of a few parameters (Levenberg 1944, Marquardt 1963), with derivatives by differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tare.samples.layout import Doubles

_STEP, _MOST_STEPS, _ENOUGH = 1e-4, 60, 1e-8


def least_squares(residual: Callable[[Doubles], Doubles], start: Doubles) -> tuple[Doubles, Doubles]:
    """Return the parameters ``(K,)`` near ``start`` with the least sum of squared residuals ``(N,)``.

    Also returns the derivatives of the residuals there, ``(N, K)``. It ends where residuals are no longer finite. The
    damping is scaled by the curvature of each parameter.
    """
    values, found, damping = start, residual(start), 1e-3
    slopes = _slopes(residual, values, found)
    for _ in range(_MOST_STEPS):
        curvature, downhill = slopes.T @ slopes, slopes.T @ found
        if not (np.isfinite(curvature).all() and np.isfinite(downhill).all()):  # the residuals overflow: no step can be told
            break
        scale = np.diag(np.maximum(np.diag(curvature), 1e-300))
        step = -np.linalg.lstsq(curvature + damping * scale, downhill, rcond=None)[0]
        tried = values + step
        there = residual(tried)
        before, after = float(found @ found), float(there @ there)
        if not after < before:
            damping *= 10
            if damping > 1e12:
                break
            continue
        values, found, damping = tried, there, damping / 10
        slopes = _slopes(residual, values, found)
        if before - after < _ENOUGH * before or np.abs(step).max() < _ENOUGH * (_ENOUGH + np.abs(values).max()):
            break
    return values, slopes


def _slopes(residual: Callable[[Doubles], Doubles], values: Doubles, found: Doubles) -> Doubles:
    columns = []
    for index in range(values.size):
        step = np.zeros_like(values)
        step[index] = _STEP * (abs(values[index]) or 1.0)
        columns.append((residual(values + step) - found) / step[index])
    return np.stack(columns, axis=1)
