from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from tare.errors import DataError
from tare.tasks.evaluations.multi_label import average_precision, evaluate_labels
from tare.tasks.multi_label import MultiLabel
from tare.tasks.table import task_of_json


@pytest.mark.parametrize(
    "texts",
    [
        ["cat;dog", "dog", "-", "owl;cat"],
        ["cat|dog", "dog", "-", "owl|cat"],
        ["cat, dog", "dog", "-", "owl, cat"],
        ["['cat', 'dog']", "['dog']", "[]", "['owl', 'cat']"],
        ["cat dog", "dog", "-", "owl cat", "owl", "cat"],
    ],
)
def test_lists_in_one_column_are_labels(texts: list[str]) -> None:
    names, targets = MultiLabel.read(("label",), [(text,) for text in texts], "x.csv")
    assert names == ("cat", "dog", "owl")
    assert targets[:4] == [(1, 1, 0), (0, 1, 0), (0, 0, 0), (1, 0, 1)]


def test_columns_and_lists_of_marks_are_labels_and_other_values_are_refused() -> None:
    assert MultiLabel.read(("a", "b"), [("1", "0"), ("true", "False")], "x") == (("a", "b"), [(1.0, 0.0), (1.0, 0.0)])
    assert MultiLabel.read(("y",), [("[1, 0]",), ("[0, 1]",)], "x") == (("y0", "y1"), [(1.0, 0.0), (0.0, 1.0)])
    with pytest.raises(DataError, match=r"0 or 1 in every column of labels, found '0.5' in one of a, b of 'x'"):
        MultiLabel.read(("a", "b"), [("1", "0.5")], "x")
    with pytest.raises(DataError, match="at least two labels, found only 'cat'"):
        MultiLabel.read(("label",), [("cat",), ("cat",)], "x")


def test_a_label_that_no_sample_or_every_sample_has_cannot_be_learnt() -> None:
    with pytest.raises(DataError, match=r"'b' on 2 of 2 training samples"):
        MultiLabel.of(("a", "b"), [(0.0, 1.0), (1.0, 1.0)], "x")
    with pytest.raises(DataError, match=r"'a' on 0 of 2 training samples"):
        MultiLabel.of(("a", "b"), [(0.0, 1.0), (0.0, 0.0)], "x")


def test_average_precision_is_scikit_learns_with_ties_and_with_resampled_samples() -> None:
    generator = np.random.default_rng(0)
    answers, marks = np.round(generator.random(60), 1), (generator.random(60) < 0.4).astype(float)
    counts = generator.integers(0, 4, 60)
    assert average_precision(answers, marks)[0] == pytest.approx(average_precision_score(marks, answers))
    weighted = average_precision_score(np.repeat(marks, counts), np.repeat(answers, counts))
    assert average_precision(answers, marks, counts[None].astype(float))[0] == pytest.approx(weighted)


def test_the_figure_of_an_epoch_is_that_of_the_evaluation() -> None:
    generator = np.random.default_rng(1)
    logits, marks = generator.normal(size=(50, 3)), (generator.random((50, 3)) < 0.3).astype(float)
    marks[:, 2] = 0  # nobody has the third label: it has no average precision
    task = MultiLabel(("a", "b", "c"))
    metric = task.metric()
    for start in (0, 20):
        part = slice(start, 20 if start == 0 else 50)
        metric.update(torch.from_numpy(logits[part]), torch.from_numpy(marks[part]))
    found = task.evaluated(logits, [tuple(row) for row in marks], [""] * 50)
    assert float(metric.compute()) == pytest.approx(found.mean_precision.estimate, rel=1e-5)
    assert found.mean_precision.low < found.mean_precision.estimate < found.mean_precision.high
    assert np.isnan(found.scores[2].average_precision)
    assert found.thresholds[2] == 0.5


def test_thresholds_are_those_of_the_highest_f1_and_decide_which_labels_are_given() -> None:
    answers = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.1], [0.05, 0.2]])
    marks = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    found = evaluate_labels(answers, marks, ("a", "b"), list("wxyz"))
    assert found.thresholds == pytest.approx((0.15, 0.5))  # half way from 0.2 to 0.1, and from 0.8 to 0.2
    assert [score.f1 for score in found.scores] == [1.0, 1.0]
    assert found.mistakes == ()
    task = MultiLabel(("a", "b")).judged(found)
    assert task.present((0.25, 0.45)) == ("a",)
    assert task.cells(task.said((0.25, 0.45), 1), ("a",)) == ("a", "0.250000", "0.450000")
    assert task_of_json(("a", "b"), task.to_json()) == task
