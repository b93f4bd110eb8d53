"""Survivors that were looked at and change nothing that the module promises, each with the reason."""

from __future__ import annotations

_GUARD = "the guard against dividing by zero is another tiny number"
_SLOWER = "samples beyond the limit go one by one, which gives the same figures"
_PLAIN = "plain = (np.abs(sums.mean) < _LARGE) & (sums.second < _LARGE) & ((sums.second > 1 / _LARGE) | (sums.low == sums.high))"
_OTHER_ZIP = "the other zip of this return raises for the same lengths"

#: By module and by what :attr:`benchmarks.mutation.mutants.Mutant.key` says.
EQUIVALENT: dict[str, dict[str, str]] = {
    "intervals": {
        "variances = np.maximum(variances, 1e-12 * max(1e-300, float(np.square(effects).max())) + 1e-300)"
        " :: 1e-300 -> 2e-300": _GUARD,
        "variances = np.maximum(variances, 1e-12 * max(1e-300, float(np.square(effects).max())) + 1e-300)"
        " :: 1e-300 -> 2e-300 #1": _GUARD,
        "spread = float((weights * np.square(effects - mean)).sum() / (effects.size - 1))"
        " :: effects.size - 1 -> effects.size + 1": "where tau is above zero its equation makes the spread 1, else it is at most"
        " 1, and the next line takes the larger of it and 1",
        "low, high = 0.0, float(np.square(np.ptp(effects))) + 1e-300"
        " :: float(np.square(np.ptp(effects))) + 1e-300 -> float(np.square(np.ptp(effects))) - 1e-300": "lost in rounding, or"
        " effects are equal and the search is not reached",
        "low, high = 0.0, float(np.square(np.ptp(effects))) + 1e-300 :: 1e-300 -> 2e-300": _GUARD,
        "if excess(low) <= 0: :: excess(low) <= 0 -> excess(low) < 0": "at exactly zero the search ends at zero too",
        "for _ in range(200): :: 200 -> 201": "the interval has shrunk to one double long before",
        "low, high = (middle, high) if excess(middle) > 0 else (low, middle)"
        " :: excess(middle) > 0 -> excess(middle) >= 0": "at exactly zero either half has the root at its end",
        "adjusted = [1.0] * len(p_values) :: 1.0 -> 2.0": "every value is overwritten",
    },
    "fold_plan": {
        "channel = np.where(real, first.origin // area % shape[0], -1) :: 1 -> 2": "any number below zero stands for no channel",
    },
    "moments": {
        f"{_PLAIN} :: sums.second < _LARGE -> sums.second <= _LARGE": _SLOWER,
        f"{_PLAIN} :: (sums.second > 1 / _LARGE) | (sums.low == sums.high)"
        " -> (sums.second > 1 / _LARGE) & (sums.low == sums.high)": _SLOWER,
        f"{_PLAIN} :: 1 -> 2": _SLOWER,
        "variance = self._variance if self.count else Fraction(0) :: 0 -> 1": "without values there are fewer than two samples",
        "moments = self if sums.exponent == 0 else self.scaled(Dyadic(1, sums.exponent)) :: 0 -> 1": "scaling by one changes"
        " nothing, and no exponent is 1",
    },
    "strategies": {
        "tuple((u - m) / s for u, m, s in zip(target.mean, self.mean, self.std, strict=True)), :: True -> False": _OTHER_ZIP,
        "tuple(u / s for u, s in zip(target.std, self.std, strict=True)), :: True -> False": _OTHER_ZIP,
        "mean = tuple(u1 - scale * (m0 - u0) / s0 for scale, (u0, s0, m0, _, u1, _) in zip(std, rows, strict=True))"
        " :: True -> False": "std is made of the same rows",
        "for value, extent in zip(std, ranges, strict=True): :: True -> False": "the lengths were compared above",
        "sigma = extent / max(value, 1e-12 * extent, 1e-300) :: 1e-300 -> 2e-300": _GUARD,
    },
}
