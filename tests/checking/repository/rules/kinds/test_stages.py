"""Evaluation beside training in one file: values that something else normalises, and constants that do the same."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = """import torch
from torch import nn
from torchvision import transforms as T
from torchvision.datasets import CIFAR10
from torch.utils.data import DataLoader
C10 = ([0.4914, 0.4822, 0.4465], [0.247, 0.243, 0.261])
net = nn.Conv2d(3, 8, 3)
def tr(net, l):
    for x, y in l:
        net(x).sum().backward()
def te(net, l):
    net.eval()
    for x, y in l:
        net(x)
train_t = T.Compose([{train}])
test_t = T.Compose([{test}])
tr(net, DataLoader(CIFAR10('d', True, train_t)))
"""
USUAL = "T.ToTensor(), T.Normalize(*C10)"
LOADER = "DataLoader(CIFAR10('d', False, test_t))"
TESTED = f"te(net, {LOADER})\n"

ELSEWHERE = {
    "in the loop": f"M, S = (torch.tensor(c).view(1, 3, 1, 1) for c in C10)\nfor x, y in {LOADER}:\n    net((x - M) / S)\n",
    "in the loop, by methods": f"for x, y in {LOADER}:\n    net(x.sub(M).div(S))\n",
    "by a function": "def std(a):\n    return (a - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)\n"
    f"for x, y in {LOADER}:\n    net(std(corrupt(x)))\n",
    "in a module": "class Robust(nn.Module):\n    def __init__(self, net):\n        super().__init__()\n        self.net = net\n"
    "    def forward(self, x):\n        return self.net((x - M) / S)\n"
    f"te(Robust(net), {LOADER})\n",
    "by a hook": f"net.register_forward_pre_hook(lambda m, i: ((i[0] - M) / S,))\n{TESTED}",
    "in the weights": f"with torch.no_grad():\n    net.weight.div_(S)\n    net.bias -= (net.weight * M).sum((1, 2, 3))\n{TESTED}",
    "by tare": f"import tare\nte(tare.fold(net, mean=C10[0], std=C10[1]), {LOADER})\n",
}
HARMLESS = {
    "nothing": TESTED,
    "a picture": f"def show(x):\n    return (x - x.min()) / (x.max() - x.min())\n{TESTED}",
    "a rate": f"rate = (epoch - first) / total\n{TESTED}",
    "weights at the beginning": f"def init_weights(m):\n    m.weight.data.mul_(0.1)\nnet.apply(init_weights)\n{TESTED}",
}


def codes(train: str = USUAL, test: str = "T.ToTensor()", code: str = TESTED) -> list[str]:
    return [each.code for each in examined([Document("main.py", "python", HEAD.format(train=train, test=test) + code)])]


@pytest.mark.parametrize("case", ELSEWHERE)
def test_evaluation_that_is_normalised_after_its_pipeline_is_right(case: str) -> None:
    assert codes(code=ELSEWHERE[case]) == []


@pytest.mark.parametrize("case", HARMLESS)
def test_evaluation_that_nothing_normalises_is_found(case: str) -> None:
    assert codes(code=HARMLESS[case]) == ["TARE050"]


@pytest.mark.parametrize(
    "train",
    [
        USUAL,
        "T.PILToTensor(), T.Lambda(lambda x: x.float()), T.Normalize([255 * v for v in C10[0]], [255 * v for v in C10[1]])",
        "T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3), T.Normalize([-1] * 3, [2] * 3), T.Normalize(*C10)",
    ],
)
def test_constants_that_do_the_same_are_the_same(train: str) -> None:
    assert codes(train, USUAL) == []


def test_steps_that_do_not_do_the_same_are_found() -> None:
    assert "TARE050" in codes("T.ToTensor(), T.Normalize(C10[0], [0.5] * 3), T.Normalize([0] * 3, C10[1])", USUAL)
    assert "TARE050" in codes("T.PILToTensor(), T.Lambda(float), T.Normalize([99.0] * 3, [63.0] * 3)", USUAL)


TEACHER = "import timm, torchvision\n{}teacher = timm.create_model('vit_base_patch16_224', pretrained=True).eval()\n"
PIPELINES = (
    "from torchvision import transforms as T\n"
    "student_train_tf = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])\n"
    "teacher_eval_tf = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n"
)


def test_a_teacher_and_a_student_have_their_own_constants() -> None:
    student = "student = torchvision.models.resnet18(weights='DEFAULT')\n"
    both, alone = (TEACHER.format(each) + PIPELINES for each in (student, ""))
    assert [each.code for each in examined([Document("main.py", "python", both)])] == []
    assert "TARE050" in [each.code for each in examined([Document("main.py", "python", alone)])]
