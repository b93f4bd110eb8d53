from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from tare.tasks.segmentation import IGNORED, Segmentation
from tare.tasks.table import task_of_json

TASK = Segmentation(("sky", "road", "car"), (0, 7, 255), 9)


def made(count: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(count, 3, 6, 8, generator=generator)
    targets = torch.randint(0, 3, (count, 6, 8), generator=generator)
    targets[:, :1] = IGNORED
    return outputs, targets


def test_the_loss_is_cross_entropy_and_zero_where_all_pixels_are_left_out() -> None:
    outputs, targets = made()
    assert TASK.loss(outputs, targets, None, 0.0) == pytest.approx(
        float(functional.cross_entropy(outputs, targets, ignore_index=IGNORED))
    )
    outputs.requires_grad_()
    loss = TASK.loss(outputs, torch.full_like(targets, IGNORED), None, 0.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert outputs.grad is not None
    assert not outputs.grad.any()


def test_the_figures_are_those_of_scikit_learn_and_of_torchmetrics() -> None:
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score

    outputs, targets = made()
    metric = TASK.metric()
    for half in (slice(0, 5), slice(5, 12)):
        metric.update(outputs[half], targets[half])
    found = TASK.evaluated(TASK.gathered(outputs, targets).numpy(), [], [str(row) for row in range(12)])
    kept = targets != IGNORED
    truth, answer = targets[kept].numpy(), outputs.argmax(dim=1)[kept].numpy()
    assert found.iou.estimate == pytest.approx(jaccard_score(truth, answer, average="macro"))
    assert found.iou.estimate == pytest.approx(float(metric.compute()))
    assert found.dice.estimate == pytest.approx(f1_score(truth, answer, average="macro"))
    assert found.pixel_accuracy.estimate == pytest.approx(accuracy_score(truth, answer))
    each = [jaccard_score(truth, answer, labels=[k], average="macro") for k in range(3)]
    assert [score.iou.estimate for score in found.scores] == pytest.approx(each)
    assert found.iou.low < found.iou.estimate < found.iou.high


def test_images_without_a_pixel_to_judge_and_classes_that_nobody_has_are_left_out() -> None:
    outputs, targets = made()
    targets[0] = IGNORED
    outputs[:, 2] = -100.0
    targets[targets == 2] = 1
    found = TASK.evaluated(TASK.gathered(outputs, targets).numpy(), [], [str(row) for row in range(12)])
    assert (found.samples, found.skipped) == (11, 1)
    assert np.isnan(found.scores[2].iou.estimate)
    assert found.iou.estimate == pytest.approx(np.mean([score.iou.estimate for score in found.scores[:2]]))
    assert found.to_json()["classes"][2]["iou"]["estimate"] is None
    assert "0" not in {item.sample for item in found.worst}


def test_answers_are_summed_to_the_share_of_each_class_and_the_task_survives_its_json() -> None:
    outputs, _ = made(2)
    shares = TASK.summed(TASK.answers(outputs))
    assert shares.sum(dim=1).tolist() == pytest.approx([1, 1])
    assert float(shares[0, 1]) == pytest.approx(float((outputs[0].argmax(dim=0) == 1).double().mean()))
    assert task_of_json(TASK.names, TASK.to_json()) == TASK
    with pytest.raises(ValueError, match="one value of masks for each class"):
        task_of_json(("sky",), TASK.to_json())
