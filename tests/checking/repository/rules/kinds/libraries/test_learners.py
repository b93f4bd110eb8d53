"""Learners of fastai whose data get their Normalize after they were made."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = (
    "from fastai.vision.all import *\nfrom torchvision import models\n"
    "dls = ImageDataLoaders.from_folder('d', item_tfms=Resize(224))\n"
)
LEARNER = "Learner(dls, models.resnet34(weights='DEFAULT'){}).fit(1)\n"
CALLBACK = "class N(Callback):\n    def before_batch(self):\n        self.learn.xb = ((self.xb[0] - M) / S,)\n"

ADDED = {
    "a step of a batch": "dls.add_tfms([Normalize.from_stats(*imagenet_stats)], 'after_batch')\n" + LEARNER.format(""),
    "a pipeline of a batch": "dls.train.after_batch.add(Normalize.from_stats(*imagenet_stats))\n" + LEARNER.format(""),
    "a callback": CALLBACK + LEARNER.format(", cbs=[N()]"),
}


def codes(text: str) -> list[str]:
    return [each.code for each in examined([Document("main.py", "python", HEAD + text)])]


@pytest.mark.parametrize("case", ADDED)
def test_a_normalize_that_is_added_later_may_be_the_right_one(case: str) -> None:
    assert codes(ADDED[case]) == []


def test_data_without_one_are_found() -> None:
    assert codes(LEARNER.format("")) == ["TARE004"]
