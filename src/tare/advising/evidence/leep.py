"""How well a network's old classes predict the new ones: LEEP, each sample predicted from the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.samples.layout import Doubles


def class_credit(answers: Doubles, labels: NDArray[np.int64]) -> Doubles:
    """The probability ``(N,)`` of each sample's own class, given the network's outputs and the other samples' labels.

    ``answers`` ``(N, Z)`` are the network's probabilities of its Z old classes; ``labels`` ``(N,)`` are of K new classes. The
    probability for sample i is sum_z a_iz P_i(y_i | z) with P_i(y | z) = (sum_{j != i, y_j = y} a_jz + m_z / K) /
    (sum_{j != i} a_jz + m_z). The mean m of all answers acts as one more sample, spread over the classes. This is the expected
    empirical predictor of Nguyen et al. ("LEEP", ICML 2020) with each sample left out, since a few samples would predict
    themselves. No head is fitted.
    """
    classes = int(labels.max()) + 1
    belongs = np.eye(classes)[labels]
    mean = answers.mean(axis=0)
    own = (belongs.T @ answers)[labels] - answers + mean / classes
    every = answers.sum(axis=0) - answers + mean
    return np.asarray((answers * own / np.maximum(every, 1e-300)).sum(axis=1))
