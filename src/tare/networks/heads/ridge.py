"""The frozen probe of a regression: ridge regression on the features of an unchanged network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.networks.heads.reference import LinearHead, standardised

_PENALTIES = tuple(10.0**power for power in range(-3, 6))


def fit_ridge_head(features: NDArray[np.float32], targets: NDArray[np.float64]) -> LinearHead:
    """Fit targets ``(N, T)`` to standardised features ``(N, D)`` with an L2 penalty (scikit-learn's ``RidgeCV``).

    The penalty is chosen from 1e-3..1e5 by the exact leave-one-out error on these samples alone. The standardisation is folded
    into the head; ``strength`` is the inverse penalty. Raises :class:`DataError` if a feature is not finite.
    """
    from sklearn.linear_model import RidgeCV

    standard, centre, spread = standardised(features)
    model = RidgeCV(_PENALTIES).fit(standard, targets)
    weight = np.atleast_2d(model.coef_) / spread
    return LinearHead(weight, np.atleast_1d(model.intercept_) - weight @ centre, 1 / float(model.alpha_))
