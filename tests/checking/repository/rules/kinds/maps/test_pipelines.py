"""Constants in reversed order, and arithmetic by hand between the steps of a pipeline."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.published import SAME
from tare.code.files.document import Document
from tare.normalisation import diagnosis
from tests.checking.repository.rules.kinds.maps.programs import HEAD, codes

REV = "[0.406, 0.456, 0.485], [0.225, 0.224, 0.229]"
FOLDER = "d = torchvision.datasets.ImageFolder('d', t)\n"
TURNED = f"t = T.Compose([T.Resize(224), T.ToTensor(), T.Normalize({REV})])\n"
V2 = "from torchvision.transforms import v2\n"
CV = "import albumentations as A\n"
OF_BLUE = f"t = A.Compose([A.Resize(9, 9), A.Normalize({REV})])\n"
LOADED = "import numpy as np\ndef loader(p):\n    return np.load(p)\n"

REVERSED = {
    "a folder": f"{TURNED}{FOLDER}",
    "a folder by keyword": f"{TURNED}d = torchvision.datasets.ImageFolder(root='d', transform=t)",
    "CIFAR-10": f"{TURNED}d = torchvision.datasets.CIFAR10('d', train=True, transform=t)",
    "constants of CIFAR-10": "t = T.Compose([T.ToTensor(), T.Normalize((0.4465, 0.4822, 0.4914), (0.2616, 0.2435, 0.2470))])\nd = torchvision.datasets.CIFAR10('d', transform=t)",
    "rounded": f"t = T.Compose([T.ToTensor(), T.Normalize((0.4060, 0.4565, 0.4846), (0.225, 0.224, 0.229))])\n{FOLDER}",
    "by name": f"m, s = {REV.replace('], [', '] , [')}\nt = T.Compose([T.ToTensor(), T.Normalize(m, s)])\n{FOLDER}",
    "by a slice": f"t = T.Compose([T.ToTensor(), T.Normalize(MEAN[::-1], STD[::-1])])\n{FOLDER}",
    "version 2": f"{V2}t = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229))])\n{FOLDER}",
    "an image of Pillow": f"{TURNED}x = t(Image.open(p).convert('RGB'))",
    "one of several files": f"{TURNED}for i in range(9):\n    x = t(Image.open(files[i]).convert('RGB'))",
    "a crop of one": f"{TURNED}x = t(Image.open(p).convert('RGB').crop((0, 0, 9, 9)))",
    "a dataset of one's own": f"class D(torch.utils.data.Dataset):\n    def __init__(self, t):\n        self.t = t\n    def __getitem__(self, i):\n        return self.t(Image.open(self.files[i]).convert('RGB'))\n{TURNED}d = D(t)\nfor x in torch.utils.data.DataLoader(d):\n    print(x)",
    "OpenCV, converted": f"{CV}{OF_BLUE}x = t(image=cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB))['image']",
    "OpenCV, turned round": f"{CV}{OF_BLUE}x = t(image=cv2.imread(p)[:, :, ::-1])['image']",
    "torchvision.io": f"{V2}t = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize({REV})])\nx = t(torchvision.io.read_image(p))",
    "a step by itself": f"x = T.Normalize({REV})(T.ToTensor()(Image.open(p).convert('RGB')))",
    "a function": f"x = torchvision.transforms.functional.normalize(T.ToTensor()(Image.open(p).convert('RGB')), {REV})",
    "arithmetic": "x = np.array(Image.open(p).convert('RGB')) / 255\nx = (x - np.array([0.406, 0.456, 0.485])) / np.array([0.225, 0.224, 0.229])",
    "before a network": f"net = torchvision.models.resnet18(weights='DEFAULT').eval()\n{TURNED}y = net(t(Image.open(p).convert('RGB'))[None])",
    "of 0..255": f"{V2}t = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32), v2.Normalize([103.53, 116.28, 123.675], [57.375, 57.12, 58.395])])\n{FOLDER}",
}
IN_ORDER = {
    "an order that is not known": TURNED,
    "a reader that is not known": f"{TURNED}x = t(load(p))",
    "a dataset that is not known": f"{TURNED}from mine import D\nd = D('d', t)",
    "OpenCV, as read": f"{CV}{OF_BLUE}x = t(image=cv2.imread(p))['image']",
    "OpenCV, by way of Pillow": f"{TURNED}x = t(Image.fromarray(cv2.imread(p)))",
    "Pillow, turned round": f"{TURNED}x = t(Image.fromarray(np.array(Image.open(p).convert('RGB'))[:, :, ::-1]))",
    "Pillow, converted": f"{CV}{OF_BLUE}x = t(image=cv2.cvtColor(np.array(Image.open(p).convert('RGB')), cv2.COLOR_RGB2BGR))",
    "taken in another order": f"norm = T.Normalize({REV})\nx = norm(T.ToTensor()(Image.open(p).convert('RGB'))[[2, 1, 0]])",
    "taken by an order with a name": f"bgr = [2, 1, 0]\nnorm = T.Normalize({REV})\nx = norm(T.ToTensor()(Image.open(p).convert('RGB'))[bgr, :, :])",
    "turned round by a function": f"norm = T.Normalize({REV})\nx = norm(torch.flip(T.ToTensor()(Image.open(p).convert('RGB')), [0]))",
    "turned round by a method": f"norm = T.Normalize({REV})\nx = norm(T.ToTensor()(Image.open(p).convert('RGB')).flip(0))",
    "turned round in the pipeline": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x[[2, 1, 0]]), T.Normalize({REV})])\n{FOLDER}",
    "a step of one's own": f"t = T.Compose([T.ToTensor(), ToBGR(), T.Normalize({REV})])\n{FOLDER}",
    "a loader of one's own": f"{LOADED}{TURNED}d = torchvision.datasets.ImageFolder('d', t, loader=loader)",
    "a loader of one's own, later": f"{LOADED}{TURNED}{FOLDER}d.loader = loader",
    "a class of one's own": f"class D(torchvision.datasets.ImageFolder):\n    def __getitem__(self, i):\n        return self.transform(cv2.imread(self.imgs[i][0]))\n{TURNED}d = D('d', t)",
    "in order": f"t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "halves": f"t = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n{FOLDER}",
    "of one's own": f"t = T.Compose([T.ToTensor(), T.Normalize([0.39, 0.45, 0.48], [0.24, 0.23, 0.25])])\n{FOLDER}",
    "SVHN": "t = T.Compose([T.ToTensor(), T.Normalize((0.4377, 0.4438, 0.4728), (0.198, 0.201, 0.197))])\nd = torchvision.datasets.SVHN('d', transform=t)",
    "grey": f"t = T.Compose([T.Grayscale(3), T.ToTensor(), T.Normalize({REV})])\n{FOLDER}",
    "grey digits": f"{TURNED}d = torchvision.datasets.MNIST('d', transform=t)",
    "a branch of another dataset": f"def make(kind):\n    if kind == 'own':\n        t = T.Compose([T.ToTensor(), T.Normalize({REV})])\n    else:\n        t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\n    if kind == 'own':\n        return Own('d', t)\n    return torchvision.datasets.ImageFolder('d', t)",
}

AFTER = "T.ToTensor(), {}, T.Normalize(MEAN, STD)"
NAMED = 'def scale(x):\n    """To 0..1."""\n    return x / 255.0\n'
TWICE = {
    "a lambda": "T.Lambda(lambda x: x / 255.)",
    "a method": "T.Lambda(lambda t: t.div(255))",
    "in place": "T.Lambda(lambda t: t.div_(255.0))",
    "a function of torch": "T.Lambda(lambda x: torch.div(x, 255))",
    "a factor": "T.Lambda(lambda x: x * (1 / 255))",
    "a factor first": "T.Lambda(lambda x: 1 / 255 * x)",
    "as floats": "T.Lambda(lambda x: x.float() / 255)",
    "a function with a name": "T.Lambda(scale)",
    "a lambda by itself": "lambda x: x / 255.",
    "a function by itself": "scale",
}
BACK = {
    "a lambda": "T.Lambda(lambda x: x * 255)",
    "a lambda, the factor first": "T.Lambda(lambda x: 255 * x)",
    "a method": "T.Lambda(lambda x: x.mul(255.0))",
    "in place": "T.Lambda(lambda x: x.mul_(255))",
    "a lambda by itself": "lambda x: x * 255",
    "a function": "raised",
}
RAISED = "def raised(x): return x * 255\n"
#: How the pipeline is used.
USES = {
    "a folder": FOLDER,
    "called": "x = t(Image.open(p).convert('RGB'))",
    "digits": "d = torchvision.datasets.MNIST('d', transform=t)",
}

UNSCALED = {
    "scaled once": f"{V2}t = v2.Compose([v2.PILToTensor(), v2.Lambda(lambda x: x.float() / 255), v2.Normalize(MEAN, STD)])\n{FOLDER}",
    "scaled once, by a function": f"{NAMED}t = T.Compose([T.PILToTensor(), T.Lambda(scale), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "brought back and scaled again": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 255), T.Lambda(lambda x: x / 255), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "constants of 0..255": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 255), T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])\n{FOLDER}",
    "to -1..1": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 2 - 1)])\n{FOLDER}",
    "another divisor": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 0.5 - 1)])\n{FOLDER}",
    "a guard": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 255. if x.max() > 1 else x), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "a function of several lines": f"def scale(x):\n    if x.max() > 1:\n        x = x / 255\n    return x\nt = T.Compose([T.ToTensor(), T.Lambda(scale), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "a decorated function": f"@wrapped\ndef scale(x):\n    return x / 255\nt = T.Compose([T.ToTensor(), T.Lambda(scale), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "whole numbers": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x // 255)])\n{FOLDER}",
    "a rounding": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x.div(255, rounding_mode='floor'))])\n{FOLDER}",
    "a quotient turned round": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: 255 / x)])\n{FOLDER}",
    "noise": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x + torch.randn_like(x) / 255), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "one of two arguments": f"t = T.Compose([T.ToTensor(), T.Lambda(lambda x, s=255: x / s), T.Normalize(MEAN, STD)])\n{FOLDER}",
    "a step of one's own between": f"t = T.Compose([T.ToTensor(), T.Lambda(mine), T.Lambda(lambda x: x / 255), T.Normalize(MEAN, STD)])\n{FOLDER}",
}
LEVELS = "t = T.Compose([T.Resize(9), T.ToTensor(), T.Lambda(lambda x: x.mul(255))])\nx = t(Image.open(p).convert('RGB'))\n"
INTO = "net = torchvision.models.vgg16(weights='DEFAULT').eval()\nnet.requires_grad_(False)\n"
UNSCALED |= {
    "divided in place": f"{LEVELS}{INTO}x.div_(255)\nnet((x - TM) / TS)",
    "divided in place, at once": f"{LEVELS}{INTO}x /= 255\nnet((x - TM) / TS)",
    "divided in place by a function": f"def norm(batch):\n    batch.div_(255.0)\n    return (batch - TM) / TS\n{LEVELS}{INTO}net(norm(x))",
    "normalised in place": f"{LEVELS}{INTO}x.sub_(TM * 255).div_(TS * 255)\nnet(x)",
    "changed in place in another way": f"{LEVELS}{INTO}x.clamp_(0, 200)\nnet(x)",
}
HAND = "t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 255.), T.Normalize(MEAN, STD)])\n"
UNSCALED |= {
    "an array of floats": f"{HAND}x = t(np.array(Image.open(p).convert('RGB')).astype(np.float32))",
    "floats of 0..255 that ToTensor leaves, with constants of 0..255": "t = T.Compose([T.ToTensor(), T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])\nx = t(np.array(Image.open(p).convert('RGB'), dtype=np.float32))",
    "arrays that are not seen": f"{HAND}from mine import D\nd = D(np.load('x.npy').astype('float32'), t)",
}


def test_what_is_not_divided_in_place_is_as_it_was() -> None:
    assert codes(f"{LEVELS}{INTO}net(x)") == ["TARE001"]
    assert codes(f"{LEVELS}{INTO}x.requires_grad_()\nnet((x - TM) / TS)") == ["TARE001"]


def found(text: str) -> list[CodeFinding]:
    return examined([Document("main.py", "python", HEAD + text)])


@pytest.mark.parametrize("case", REVERSED)
def test_constants_of_blue_first_on_an_image_of_red_first(case: str) -> None:
    assert [(each.code, each.severity) for each in found(REVERSED[case])] == [("TARE015", "error")]


@pytest.mark.parametrize("case", IN_ORDER)
def test_constants_in_the_order_of_the_image_or_an_order_that_is_not_known(case: str) -> None:
    assert "TARE015" not in codes(IN_ORDER[case])


def test_the_tolerance_is_that_of_pipelines_which_are_run() -> None:
    assert SAME == diagnosis.TOLERANCE


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("case", TWICE)
def test_a_step_that_divides_what_to_tensor_has_divided(case: str, use: str) -> None:
    text = f"{NAMED}t = T.Compose([{AFTER.format(TWICE[case])}])\n{USES[use]}"
    assert [(each.code, each.severity) for each in found(text)] == [("TARE002", "error")]


@pytest.mark.parametrize("use", ["", *USES.values()])
@pytest.mark.parametrize("case", BACK)
def test_a_step_that_brings_values_back_before_constants_of_0_to_1(case: str, use: str) -> None:
    text = f"{RAISED}t = T.Compose([{AFTER.format(BACK[case])}])\n{use}"
    assert [each.code for each in found(text)] == ["TARE001"]


@pytest.mark.parametrize("before", ["", "T.Resize(224), "])
def test_what_goes_into_the_pipeline_need_not_be_seen(before: str) -> None:
    text = f"t = T.Compose([{before}T.ToTensor(), T.Lambda(lambda x: x / 255)])"
    assert [(each.code, each.severity) for each in found(text)] == [("TARE002", "warning")]


@pytest.mark.parametrize("case", UNSCALED)
def test_arithmetic_that_is_right_or_not_known(case: str) -> None:
    assert not {"TARE001", "TARE002"} & set(codes(UNSCALED[case]))


@pytest.mark.parametrize("kind", ["np.float32", "'f4'", "int"])
def test_floats_of_0_to_255_that_to_tensor_leaves_before_constants_of_0_to_1(kind: str) -> None:
    text = f"t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\nx = t(np.array(Image.open(p).convert('RGB')).astype({kind}))"
    assert [(each.code, each.severity) for each in found(text)] == [("TARE001", "error")]
