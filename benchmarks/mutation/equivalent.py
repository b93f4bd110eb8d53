"""Survivors that were looked at and change nothing that the module promises, each with the reason."""

from __future__ import annotations

_GUARD = "the guard against dividing by zero is another tiny number"
_SLOWER = "samples beyond the limit go one by one, which gives the same figures"
_PLAIN = "plain = (np.abs(sums.mean) < _LARGE) & (sums.second < _LARGE) & ((sums.second > 1 / _LARGE) | (sums.low == sums.high))"
_TOTAL = "return int(values.sum()) if int(values.max()) * values.size < 1 << 63 else sum(values.tolist())"
_PRODUCT = "if int(n.max()) * int(q.max()) < 1 << 63:"
_ANY_WAY = "every way of summing gives the same, which the tests compare with one another"
_PYTHON = "Python's integers, which are always used then, give the same"
_LIMIT = "where it matters no value lies exactly on the limit"
_ONE_LENGTH = "the sequences are made together and have one length"
_ZEROS = "new_zero[source] = left / a if abs(left) > precision * max(abs(zero[net]), abs(b)) + ROUNDING else 0.0"
_NEGATIVE = "NumPy takes any negative length for the one that it is to compute"
_TWO_SAMPLES = "a feature has at least two places, those of two samples, and only one of them has index 0; the larger is taken"
_MORE_ROOM = "more room than is ever used"
_ZERO = "minus zero is zero, and a product with zero has no sign"
_LESS = "what counts as rounding is only a little more"

_EITHER = "the tables are added up"
_QUICK = "if finite and (exponent <= 0 or low >= 0):"
_CAREFUL = "the careful way counts the same"
_BEGUN = "exponent = max(exponent, math.frexp(half)[1] + 1 - _MOST.bit_length() - 1)"
_BELOW = "the search begins at or below what it finds"
_PAIR = "p, q = np.uint64(-a if a < 0 else a), np.uint64(-b if b < 0 else b)"
_SIGN = "sign = np.int64(1) if (a < 0) == (b < 0) else np.int64(-1)"
_BITS = "bits = max(-(-(below.bit_length() - 1) // degree) for (_, below), degree in zip(fractions, degrees, strict=True))"
_SMALLER = "smaller units than are needed"
_UNITS = "bits = max(0, *(-(number.exponent // degree) for number, degree in sums.values() if degree))"
_JOINED = "totals = [total + _joined(row) for total, row in zip(totals, limbs, strict=True)]"
_SHIFT = "b - value if abs(b - value) > precision * max(abs(b), abs(value)) else 0.0"

#: By module and by what :attr:`benchmarks.mutation.mutants.Mutant.key` says.
EQUIVALENT: dict[str, dict[str, str]] = {
    "statistics.compiled.buckets": {
        "_ROW = 512 :: 512 -> 513": "the length of what is counted at a time",
        "tables[0, np.uintp(places[2 * j])] += np.uint32(1) :: 0 -> 1": _EITHER,
        "tables[0, np.uintp(places[row.size - 1])] += np.uint32(1) :: 0 -> 1": _EITHER,
    },
    "statistics.compiled.exact": {
        f"{_PAIR} :: 0 -> 1": _ZERO,
        f"{_PAIR} :: 0 -> 1 #1": _ZERO,
        f"{_PAIR} :: a < 0 -> a <= 0": _ZERO,
        f"{_PAIR} :: b < 0 -> b <= 0": _ZERO,
        f"{_SIGN} :: 0 -> 1": _ZERO,
        f"{_SIGN} :: 0 -> 1 #1": _ZERO,
        f"{_SIGN} :: a < 0 -> a <= 0": _ZERO,
        f"{_SIGN} :: b < 0 -> b <= 0": _ZERO,
    },
    "statistics.buckets": {
        "return float(inner[0] - used[0]), float(used[-1] - inner[-1]), float(inner[-1] - inner[0])"
        " :: inner[0] - used[0] -> inner[0] + used[0]": "the lowest value lies in the first bucket, whose place is zero",
        f"{_QUICK} :: exponent <= 0 or low >= 0 -> exponent <= 0 and low >= 0": _CAREFUL,
        f"{_QUICK} :: exponent <= 0 -> exponent < 0": _CAREFUL,
        f"{_QUICK} :: low >= 0 -> low > 0": _CAREFUL,
        f"{_QUICK} :: 0 -> 1 #1": _CAREFUL,
        "pair = np.zeros((2, size), np.uint32) :: 2 -> 3": _MORE_ROOM,
        "tables = np.zeros((4, size + 1), np.uint32) :: 4 -> 5": _MORE_ROOM,
        "tables = np.zeros((4, size + 1), np.uint32) :: 1 -> 2": _MORE_ROOM,
        "index = value - int(self.low) if self.words else -1 :: 1 -> 2": "any number below zero stands for no place",
        "places = (np.arange(start, start + number) >> min(exponent - own, 63)) - first"
        " :: 63 -> 64": "NumPy shifts by 64 as by 63: to 0, or to -1",
        "largest = max(abs(low), abs(high)) :: max -> min": "where they differ much, their distance decides",
        f"{_BEGUN} :: math.frexp(half)[1] + 1 - _MOST.bit_length() - 1"
        " -> math.frexp(half)[1] + 1 - _MOST.bit_length() + 1": "no narrower ones can do",
        f"{_BEGUN} :: math.frexp(half)[1] + 1 -> math.frexp(half)[1] - 1": _BELOW,
        f"{_BEGUN} :: 1 -> 2 #2": _BELOW,
        f"{_BEGUN} :: 1 -> 2 #1": _BELOW,
        "words = self.words and other.words :: self.words and other.words -> self.words or other.words": "words are merged with"
        " words, and doubles with doubles",
    },
    "statistics.intervals": {
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
    "statistics.exact": {
        "_FEW = 256 :: 256 -> 257": _ANY_WAY,
        "if rows.size <= _FEW: :: rows.size <= _FEW -> rows.size < _FEW": _ANY_WAY,
        "if rows.size <= _FEW: :: rows.size <= _FEW -> rows.size > _FEW": _ANY_WAY,
        "whole, lowest = np.ldexp(mantissas, 53).astype(np.int64), int(exponents.min(initial=0)) :: 0 -> 1": _SMALLER,
        "totals = (sum(map(operator.lshift, *pair)) for pair in zip(whole.tolist(), shifts.tolist(), strict=True))"
        " :: True -> False": _ONE_LENGTH,
        "largest = max(int(rows.max()), -int(rows.min())) if rows.size else 0 :: 0 -> 1": "there is nothing to multiply",
        "if rows.shape[1] * largest * largest < 1 << 63:  # no sum overflows: those of a few images are one product of matrices"
        " :: 1 << 63 -> 1 >> 63": _ANY_WAY,
        "_LIMBS, _LOWEST = 68, -1075 :: 68 -> 69": _MORE_ROOM,
        "zeros = (mantissa & -mantissa).bit_length() - 1"
        " :: mantissa & -mantissa -> mantissa | -mantissa": "both are the lowest bit, but for the sign",
        "if self.exponent >= 0: :: 0 -> 1": "a division by one, too",
        "if self.exponent >= 0: :: self.exponent >= 0 -> self.exponent > 0": "a division by one, too",
        "return exact_sums(np.ascontiguousarray(values, dtype=np.float64).reshape(1, -1))[0] :: 1 -> 2 #1": _NEGATIVE,
        f"{_JOINED} :: True -> False": _ONE_LENGTH,
        f"{_JOINED} :: True -> False #1": _ONE_LENGTH,
    },
    "statistics.centred": {
        f"{_BITS} :: -(below.bit_length() - 1) // degree -> -(below.bit_length() - 1) * degree": _SMALLER,
        f"{_BITS} :: below.bit_length() - 1 -> below.bit_length() + 1": _SMALLER,
        f"{_BITS} :: True -> False": _ONE_LENGTH,
        "above << (bits * degree - below.bit_length() + 1) for (above, below), degree in zip(fractions, degrees, strict=True)"
        " :: True -> False": _ONE_LENGTH,
        "_TINY = 1e-120 :: 1e-120 -> 2e-120": _GUARD,
        "exponent = exponent if abs(exponent) > 100 else 0 :: 100 -> 101": "scaling by a power of two changes no digit",
        "exponent = exponent if abs(exponent) > 100 else 0"
        " :: abs(exponent) > 100 -> abs(exponent) >= 100": "scaling by a power of two changes no digit",
        "if math.isfinite(fourth) and (fourth > _TINY or found.low == found.high): :: fourth > _TINY -> fourth >= _TINY": _LIMIT,
    },
    "folding.layers": {
        "inner = tuple((before, before + n) for n, (before, _) in zip(given.shape[2:], padding, strict=True))"
        " :: True -> False": _ONE_LENGTH,
        "size = [before + n + after for n, (before, after) in zip(given.shape[2:], padding, strict=True)]"
        " :: True -> False": _ONE_LENGTH,
        "max((-(-n // stride) - 1) * stride + r + 1 - n, 0) for n, stride, r in zip(size, layer.stride, reach, strict=True)"
        " :: True -> False": _ONE_LENGTH,
        "reach = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]"
        " :: True -> False": _ONE_LENGTH,
        "size, padding_of(layer, size), layer.stride, layer.dilation, layer.kernel_size, strict=True"
        " :: True -> False": _ONE_LENGTH,
        "return torch.contiguous_format :: return torch.contiguous_format -> return None": "torch takes None for it",
    },
    "folding.api": {
        'for name, values in zip(("running_mean", "running_var"), layer.statistics, strict=True): :: True -> False': "both are"
        " pairs",
        "_SAME = 1e-6 :: 1e-06 -> 2e-06": _LESS,
        'if isinstance(stored, Unknown) and abs(spec.require("scale") * _BYTE - 1.0) < _SAME:'
        " :: abs(spec.require('scale') * _BYTE - 1.0) < _SAME -> abs(spec.require('scale') * _BYTE - 1.0) <= _SAME": _LIMIT,
        "for b, value in zip(affine.shift, values, strict=True) :: True -> False": _ONE_LENGTH,
        f"{_SHIFT} :: abs(b - value) > precision * max(abs(b), abs(value))"
        " -> abs(b - value) >= precision * max(abs(b), abs(value))": _LIMIT,
        f"{_SHIFT} :: max -> min": "the two differ by no more than their rounding where it decides",
        "if len(dtypes) != 1 or not dtypes <= set(TOLERANCE):"
        " :: dtypes <= set(TOLERANCE) -> dtypes < set(TOLERANCE)": "one dtype is never all of them",
        "precision = 2 * torch.finfo(model.zero.dtype).eps :: 2 -> 3": _LESS,
        "return tuple(zero.tolist()) if np.abs(zero).max() > ROUNDING else None"
        " :: np.abs(zero).max() > ROUNDING -> np.abs(zero).max() >= ROUNDING": _LIMIT,
    },
    "folding.plan": {
        "scales_weight: bool = False :: False -> True": "only a batch norm's plan reads it, and states it",
        "holds = (scale > 0) & (scaled >= 0) :: scale > 0 -> scale >= 0": "a scale of zero has no inverse, and is refused before",
        "holds = (scale > 0) & (scaled >= 0) :: scaled >= 0 -> scaled > 0": _LIMIT,
        "channel = np.where(real, first.origin // area % shape[0], -1) :: 1 -> 2": "any number below zero stands for no channel",
        "ROUNDING = 1e-14 :: 1e-14 -> 2e-14": _LESS,
        "for source, a, b in zip(self.affine.order, self.affine.scale, self.affine.shift, strict=True)"
        " :: True -> False": _ONE_LENGTH,
        "precision = 2 * torch.finfo(first.weight.dtype).eps :: 2 -> 3": _LESS,
        "for net, (source, a, b) in enumerate(zip(features.order, features.scale, features.shift, strict=True)):"
        " :: True -> False": _ONE_LENGTH,
        f"{_ZEROS} :: abs(left) > precision * max(abs(zero[net]), abs(b)) + ROUNDING"
        " -> abs(left) >= precision * max(abs(zero[net]), abs(b)) + ROUNDING": _LIMIT,
        f"{_ZEROS} :: max -> min": "the two differ by no more than their rounding where it decides",
        "if features.order == tuple(range(len(zero))) and groups > 1: :: groups > 1 -> groups >= 1": "one group written out"
        " is itself",
        "taps = dense.reshape(*dense.shape[:2], -1).sum(2) :: 1 -> 2": _NEGATIVE,
        "real = first.origin >= 0 :: first.origin >= 0 -> first.origin > 0": _TWO_SAMPLES,
        "real = first.origin >= 0 :: 0 -> 1": _TWO_SAMPLES,
        "scale = [affine.scale[c] if c >= 0 else 1.0 for c in channels] :: 1.0 -> 2.0": "it multiplies zeros",
        "tuple(1.0 if abs(a - 1.0) < ROUNDING else a for a in scale),"
        " :: abs(a - 1.0) < ROUNDING -> abs(a - 1.0) <= ROUNDING": _LIMIT,
        "tuple(0.0 if abs(b) < ROUNDING else b for b in shift), :: abs(b) < ROUNDING -> abs(b) <= ROUNDING": _LIMIT,
        "step = np.array([affine.order[c] - c if c >= 0 else 0 for c in channels])[:, None] * area"
        " :: 0 -> 1 #1": "a feature without a channel has no place that could move",
        "places.setdefault(row.tobytes(), []).insert(0, index) :: 0 -> 1": "features of the same places carry the same values,"
        " and each is taken once in any order",
        "bias = bias - _dense(weight, layer.groups).reshape(len(weight), inputs, -1).sum(2) @ zero :: 1 -> 2": _NEGATIVE,
        "size, padding_of(layer, size), layer.dilation, layer.kernel_size, layer.stride, strict=True"
        " :: True -> False": _ONE_LENGTH,
    },
    "statistics.moments": {
        f"{_UNITS} :: 0 -> 1": _SMALLER,
        f"{_UNITS} :: number.exponent // degree -> number.exponent * degree": _SMALLER,
        "_LARGE = 1e60 :: 1e+60 -> 2e+60": _SLOWER,
        "sums = centred(values, passes=2) :: 2 -> 3": "a third pass moves the pivot by less than its last digit",
        "mean = Dyadic.of(sums.pivot + sums.powers[0] / sums.count)"
        " :: sums.pivot + sums.powers[0] / sums.count -> sums.pivot - sums.powers[0] / sums.count": "what is left about the"
        " rounded mean is less than half its last digit",
        f"{_PLAIN} :: np.abs(sums.mean) < _LARGE -> np.abs(sums.mean) <= _LARGE": _SLOWER,
        f"{_PLAIN} :: sums.second > 1 / _LARGE -> sums.second >= 1 / _LARGE": _SLOWER,
        f"{_PLAIN} :: 1 / _LARGE -> 1 * _LARGE": _SLOWER,
        "return cls.of_sums(centred(values, passes=1)) :: 1 -> 2": "a pivot nearer to the mean, and sums move exactly",
        "return self.count > 0 and self.low == self.high :: self.count > 0 -> self.count >= 0": "without values the lowest and"
        " the highest are two infinities",
        f"{_TOTAL} :: 1 << 63 -> 1 >> 63": _PYTHON,
        f"{_PRODUCT}"
        " :: int(n.max()) * int(q.max()) < 1 << 63 -> int(n.max()) * int(q.max()) <= 1 << 63": "a product of 2^63 wraps,"
        " and wraps back when a square, which is at least one, is subtracted",
        f"{_PRODUCT} :: 1 << 63 -> 1 >> 63": _PYTHON,
        "triples = zip(n.tolist(), s.tolist(), q.tolist(), strict=True) :: True -> False": _ONE_LENGTH,
        "if value <= 0: :: value <= 0 -> value < 0": "the root of zero is zero below, too",
        "shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2"
        " :: 2 -> 3": "it only has to bring squares of doubles into the range of a double, which a third does, too",
        f"{_PLAIN} :: sums.second < _LARGE -> sums.second <= _LARGE": _SLOWER,
        f"{_PLAIN} :: (sums.second > 1 / _LARGE) | (sums.low == sums.high)"
        " -> (sums.second > 1 / _LARGE) & (sums.low == sums.high)": _SLOWER,
        f"{_PLAIN} :: 1 -> 2": _SLOWER,
        "variance = self._variance if self.count else Fraction(0) :: 0 -> 1": "without values there are fewer than two samples",
        "moments = self if sums.exponent == 0 else self.scaled(Dyadic(1, sums.exponent)) :: 0 -> 1": "scaling by one changes"
        " nothing, and no exponent is 1",
    },
    "normalisation.strategies": {
        "mean = tuple(u1 - scale * (m0 - u0) / s0 for scale, (u0, s0, m0, _, u1, _) in zip(std, rows, strict=True))"
        " :: True -> False": "std is made of the same rows",
        "_EPS = 1e-9 :: 1e-09 -> 2e-09": _GUARD,
        "for place, (value, extent) in enumerate(zip(made.std, ranges, strict=True)): :: True -> False": "both have been made as"
        " long as there are channels",
    },
}
