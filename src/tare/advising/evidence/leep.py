"""What a network's old classes tell of the new ones: LEEP, each sample judged by the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.samples.layout import Doubles


def class_credit(answers: Doubles, labels: NDArray[np.int64]) -> Doubles:
    """The probability ``(N,)`` that each sample's own class gets from the network's answers and the other samples alone.

    ``answers`` ``(N, Z)`` are the network's probabilities of its Z old classes, ``labels`` ``(N,)`` of K new ones. For sample i
    that is sum_z a_iz P_i(y_i | z), where P_i(y | z) = (sum_{j != i, y_j = y} a_jz + m_z / K) / (sum_{j != i} a_jz + m_z) and m
    is the mean of all answers: one more sample, spread over the classes. The expected empirical predictor of Nguyen et al.
    ("LEEP", ICML 2020), with each sample left out, since few samples fit themselves. No head is fitted, and none has to be: the
    answers are as sure as the network is.
    """
    classes = int(labels.max()) + 1
    belongs = np.eye(classes)[labels]
    mean = answers.mean(axis=0)
    own = (belongs.T @ answers)[labels] - answers + mean / classes
    every = answers.sum(axis=0) - answers + mean
    return np.asarray((answers * own / np.maximum(every, 1e-300)).sum(axis=1))
