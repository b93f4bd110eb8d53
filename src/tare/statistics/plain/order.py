"""The order in which floats are added, which the compiled and the plain loops share."""

from __future__ import annotations

# Sixty-four sums kept side by side, each taking every 64th group of four values, fill the vector registers of any processor
# without allowing the compiler to reorder the additions: the order, hence every bit of the result, is written down here.
LANES = 64
GROUP = 4 * LANES
