"""Steps of evaluation that draw, and those that only look as if they did."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document

HEAD = "from torchvision import transforms as T\nval_transform = T.Compose([{}, T.ToTensor()])\n"

FIXED = [
    "T.Resize((224, 224)), T.RandomCrop(224)",
    "T.CenterCrop(224), T.RandomCrop((224, 224))",
    "T.Resize((224, 192)), T.RandomCrop(size=[224, 192])",
    "T.Resize(256), T.RandomChoice([T.CenterCrop(224)])",
    "T.RandomOrder([T.Resize(256)]), T.CenterCrop(224)",
]
DRAWN = {
    "T.Resize(224), T.RandomCrop(224)": "RandomCrop draws",
    "T.Resize((256, 224)), T.RandomCrop(224)": "RandomCrop draws",
    "T.Resize((224, 224)), T.RandomCrop(224, padding=4)": "RandomCrop draws",
    "T.Resize((224, 224)), T.RandomCrop(224, 4)": "RandomCrop draws",
    "T.Resize((224, 224)), T.Pad(4), T.RandomCrop(224)": "RandomCrop draws",
    "T.RandomChoice([T.CenterCrop(224), T.Resize(224)])": "RandomChoice of CenterCrop, RandomChoice of Resize draw",
    "T.RandomChoice([T.RandomCrop(224)])": "RandomCrop draws",
    "T.RandomApply([T.Resize(99)])": "RandomApply of Resize draws",
}


def found(steps: str) -> list[CodeFinding]:
    return examined([Document("main.py", "python", HEAD.format(steps))])


@pytest.mark.parametrize("steps", FIXED)
def test_what_has_one_result_draws_nothing(steps: str) -> None:
    assert found(steps) == []


@pytest.mark.parametrize("steps", DRAWN)
def test_what_draws_is_named(steps: str) -> None:
    (each,) = found(steps)
    assert each.code == "TARE024"
    assert DRAWN[steps] in each.message
