"""The frozen probe of a multi-label task: a logistic head for each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.networks.heads.reference import LinearHead, fit_head


def fit_label_heads(features: NDArray[np.float32], marks: NDArray[np.int64], *, seed: int = 0) -> LinearHead:
    """Fit one two-class head a label (:func:`tare.networks.heads.reference.fit_head`) to marks ``(N, K)`` of 0 and 1.

    A label's logit is the difference of its head's two logits; ``strength`` is the geometric mean of the heads' own.
    """
    heads = [fit_head(features, marks[:, k], seed=seed) for k in range(marks.shape[1])]
    weight = np.stack([head.weight[1] - head.weight[0] for head in heads])
    bias = np.array([head.bias[1] - head.bias[0] for head in heads])
    return LinearHead(weight, bias, float(np.exp(np.mean(np.log([head.strength for head in heads])))))
