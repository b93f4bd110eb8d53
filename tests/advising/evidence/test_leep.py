from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tare.advising.evidence.leep import class_credit


def problem(seed: int, count: int, old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(old, 0.3), size=count), np.arange(count) % new


@given(st.integers(0, 1000), st.integers(4, 30), st.integers(2, 9), st.integers(2, 4))
def test_it_is_the_plain_loop_over_the_samples_left_out(seed: int, count: int, old: int, new: int) -> None:
    answers, labels = problem(seed, count, old, new)
    mean = answers.mean(axis=0)
    plain = []
    for out in range(count):
        others = np.arange(count) != out
        table = np.array(
            [answers[others & (labels == kind)].sum(axis=0) + mean / (labels.max() + 1) for kind in range(labels.max() + 1)]
        )
        given_old = table / table.sum(axis=0)
        plain.append(float(answers[out] @ given_old[labels[out]]))
    np.testing.assert_allclose(class_credit(answers, labels), plain, rtol=1e-9)


@given(st.integers(0, 1000), st.integers(4, 30), st.integers(2, 9))
def test_credits_are_probabilities_and_no_order_counts(seed: int, count: int, old: int) -> None:
    answers, labels = problem(seed, count, old, 3)
    found = class_credit(answers, labels)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    order = np.random.default_rng(seed).permutation(count)
    np.testing.assert_allclose(class_credit(answers[order], labels[order]), found[order], rtol=1e-9)


def test_old_classes_that_go_with_new_ones_earn_credit_and_others_earn_that_of_a_guess() -> None:
    labels = np.arange(60) % 3
    sure = np.eye(5)[labels]
    assert class_credit(sure, labels).mean() > 0.95
    blind = np.full((60, 5), 0.2)
    np.testing.assert_allclose(class_credit(blind, labels), 1 / 3, atol=0.02)


def test_samples_do_not_vouch_for_themselves() -> None:
    """Every sample has an old class of its own: fitted to itself it would be known, left out it is not."""
    labels = np.arange(12) % 3
    np.testing.assert_allclose(class_credit(np.eye(12), labels), 1 / 3)
