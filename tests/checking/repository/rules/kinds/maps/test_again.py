"""A Normalize after a library's own transform, which normalises."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

NORM = "norm = T.Normalize(MEAN, STD)\n"
WEIGHTS = "from torchvision.models import ResNet18_Weights\npre = ResNet18_Weights.DEFAULT.transforms()\n"
IMAGE = "x = pre(Image.open(p).convert('RGB'))\n"
TIMM = "import timm\nfrom timm.data import create_transform, resolve_data_config\nnet = timm.create_model('resnet50', pretrained=True)\n"
CONFIG = f"{TIMM}config = resolve_data_config({{}}, model=net)\n"
LOADER = "for x, y in torch.utils.data.DataLoader(torchvision.datasets.ImageFolder('d', transform=pre)):\n"

AGAIN = {
    "in lines": f"{WEIGHTS}{NORM}{IMAGE}y = norm(x)",
    "in one line": f"{WEIGHTS}{NORM}y = norm(pre(Image.open(p))).unsqueeze(0)",
    "an image that is not seen": f"{WEIGHTS}{NORM}def f(image):\n    return norm(pre(image))\n",
    "a batch": f"{WEIGHTS}{NORM}{IMAGE}x = x.unsqueeze(0).to(device)\ny = norm(x)",
    "a loader": f"{WEIGHTS}{NORM}{LOADER}    x = norm(x)",
    "by arithmetic": f"{WEIGHTS}{IMAGE}y = (x - TM) / TS",
    "by a function": f"{WEIGHTS}{IMAGE}y = torchvision.transforms.functional.normalize(x, MEAN, STD)",
    "by a function, by keyword": f"{WEIGHTS}{IMAGE}y = torchvision.transforms.functional.normalize(tensor=x, mean=MEAN, std=STD)",
    "in front of a network": f"{WEIGHTS}{IMAGE}net = torch.nn.Sequential(T.Normalize(MEAN, STD), torchvision.models.resnet18(weights='DEFAULT'))\ny = net(x[None])",
    "in a module": f"{WEIGHTS}{IMAGE}class Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.norm = T.Normalize(MEAN, STD)\n        self.body = torchvision.models.resnet18()\n"
    "    def forward(self, x):\n        return self.body(self.norm(x))\nnet = Net()\ny = net(x)",
    "in a pipeline": f"{WEIGHTS}t = T.Compose([pre, T.Normalize(MEAN, STD)])",
    "in a pipeline, made there": "t = T.Compose([torchvision.models.ResNet50_Weights.IMAGENET1K_V2.transforms(), T.RandomErasing(), T.Normalize(MEAN, STD)])",
    "a variable": "weights = torchvision.models.ViT_B_16_Weights.DEFAULT\nt = T.Compose([weights.transforms(antialias=True), T.Normalize(MEAN, STD)])",
    "by name": "from torchvision.models import get_weight\nt = T.Compose([get_weight('ResNet50_Weights.DEFAULT').transforms(), T.Normalize(MEAN, STD)])",
    "weights that nobody knows": "t = T.Compose([torchvision.models.Newest_Weights.DEFAULT.transforms(), T.Normalize(MEAN, STD)])",
    "a segmentation": "t = T.Compose([torchvision.models.segmentation.FCN_ResNet50_Weights.DEFAULT.transforms(), T.Normalize(MEAN, STD)])",
    "other constants": f"{WEIGHTS}t = T.Compose([pre, T.Normalize([0.5] * 3, [0.5] * 3)])",
    "timm": f"{CONFIG}pre = create_transform(**config)\n{NORM}{IMAGE}y = norm(x)",
    "timm, for evaluation": f"{CONFIG}pre = create_transform(**config, is_training=False)\nt = T.Compose([pre, T.Normalize(MEAN, STD)])",
    "timm, at once": f"{TIMM}pre = timm.data.create_transform(**timm.data.resolve_model_data_config(net))\n{NORM}{IMAGE}y = norm(x)",
    "timm, a network that nobody knows": f"{CONFIG.replace(repr('resnet50'), 'name')}pre = create_transform(**config)\n{NORM}{IMAGE}y = norm(x)",
    "timm, with its defaults": f"{TIMM}pre = create_transform(224)\n{NORM}{IMAGE}y = norm(x)",
    "timm, with constants": f"{TIMM}pre = create_transform(224, mean=MEAN, std=STD)\n{NORM}{IMAGE}y = norm(x)",
}
ONCE = {
    "once": f"{WEIGHTS}{NORM}{IMAGE}z = norm(T.ToTensor()(Image.open(p)))",
    "undone": f"{WEIGHTS}inv = T.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])\n{IMAGE}y = inv(x)",
    "undone and done otherwise": f"{WEIGHTS}inv = T.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])\nnorm = T.Normalize([0.5] * 3, [0.5] * 3)\n{IMAGE}y = norm(inv(x))",
    "undone by arithmetic": f"{WEIGHTS}{NORM}{IMAGE}y = norm(x * TS + TM)",
    "from one range to the other": f"{WEIGHTS}to = T.Normalize([(0.5 - m) / s for m, s in zip(MEAN, STD)], [0.5 / s for s in STD])\n{IMAGE}y = to(x)",
    "a step of one's own between": f"{WEIGHTS}t = T.Compose([pre, Undo(), T.Normalize(MEAN, STD)])",
    "a lambda between": f"{WEIGHTS}t = T.Compose([pre, T.Lambda(lambda x: x * 0.2 + 0.4), T.Normalize(MEAN, STD)])",
    "its constants in a pipeline of one's own": f"{WEIGHTS}t = T.Compose([T.ToTensor(), T.Normalize(pre.mean, pre.std)])",
    "its constants replaced": f"{WEIGHTS}pre.mean, pre.std = [0.0] * 3, [1.0] * 3\nt = T.Compose([pre, T.Normalize(MEAN, STD)])",
    "other constants asked for": "pre = torchvision.models.ResNet18_Weights.DEFAULT.transforms(mean=[0.0] * 3, std=[1.0] * 3)\nt = T.Compose([pre, T.Normalize(MEAN, STD)])",
    "a detector": "t = T.Compose([torchvision.models.detection.FasterRCNN_ResNet50_FPN_Weights.DEFAULT.transforms(), T.Normalize(MEAN, STD)])",
    "a detector that nobody knows": "t = T.Compose([torchvision.models.detection.Newest_RCNN_Weights.DEFAULT.transforms(), T.Normalize(MEAN, STD)])",
    "transforms of one's own": "t = T.Compose([mine.transforms(), T.Normalize(MEAN, STD)])",
    "weights that are not known": "def f(weights):\n    return T.Compose([weights.transforms(), T.Normalize(MEAN, STD)])",
    "a branch each": f"{WEIGHTS}import argparse\nargs = argparse.ArgumentParser().parse_args()\nif args.own:\n    t = T.ToTensor()\nelse:\n    t = pre\nx = t(Image.open(p))\n{NORM}if args.own:\n    x = norm(x)",
    "timm, as published": f"{CONFIG}pre = create_transform(**config)\n{IMAGE}y = net(x[None])",
    "timm, with a prefetcher": f"{CONFIG}pre = create_transform(**config, use_prefetcher=True)\n{NORM}{IMAGE}y = norm(x)",
    "timm, not normalised": f"{CONFIG}pre = create_transform(**config, normalize=False)\n{NORM}{IMAGE}y = norm(x)",
    "timm, its Normalize taken out": f"{CONFIG}pre = create_transform(**config)\npre.transforms.pop()\n{NORM}{IMAGE}y = norm(x)",
    "timm, its steps without the last": f"{CONFIG}pre = create_transform(**config)\nt = T.Compose([*pre.transforms[:-1], T.Normalize(MEAN, STD)])",
    "timm, a configuration that is changed": f"{CONFIG}config['mean'], config['std'] = (0, 0, 0), (1, 1, 1)\npre = create_transform(**config)\n{NORM}{IMAGE}y = norm(x)",
    "timm, a configuration of one's own": f"{TIMM}pre = create_transform(**load('a.yaml'))\n{NORM}{IMAGE}y = norm(x)",
    "timm, a configuration that is given": f"{TIMM}def f(config):\n    pre = create_transform(**config)\n    return norm(pre(x))\n{NORM}",
    "timm, constants of 0..1": f"{TIMM}pre = create_transform(224, mean=(0, 0, 0), std=(1, 1, 1))\n{NORM}{IMAGE}y = norm(x)",
    "timm, a network of 0..1": f"{CONFIG.replace('resnet50', 'mobilevitv2_050')}pre = create_transform(**config)\n{NORM}{IMAGE}y = norm(x)",
}


@pytest.mark.parametrize("case", AGAIN)
def test_a_normalize_after_a_transform_that_normalises(case: str) -> None:
    assert codes(AGAIN[case]) == ["TARE003"]


@pytest.mark.parametrize("case", ONCE)
def test_an_image_that_is_normalised_once(case: str) -> None:
    assert "TARE003" not in codes(ONCE[case])
