"""Processors of another network, and constants that are read from processors."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = "from torchvision import transforms as T\nfrom transformers import *\n"
VIT, DINO = "'google/vit-base-patch16-224'", "'facebook/dinov2-base'"
LOAD = f"p = AutoImageProcessor.from_pretrained({VIT})\n"
OF_IT = "t = T.Compose([T.ToTensor(), T.Normalize(mean=p.image_mean, std=p.image_std)])\n"
IMAGENET = "t = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])\n"

WRONG = {
    "a processor": f"{LOAD}net = AutoModel.from_pretrained({DINO})\nnet(**p(image, return_tensors='pt'))",
    "a branch": f"if name == 'dino':\n    p = AutoImageProcessor.from_pretrained({VIT})\n    net = AutoModel.from_pretrained({DINO})\n"
    f"else:\n    p = AutoImageProcessor.from_pretrained({VIT})\n    net = ViTModel.from_pretrained({VIT})",
    "constants of a processor": f"{LOAD}{OF_IT}net = AutoModel.from_pretrained({DINO})",
    "constants of the part for images": f"p = AutoProcessor.from_pretrained({VIT})\nmean, std = p.image_processor.image_mean, p.image_processor.image_std\n"
    f"t = T.Compose([T.ToTensor(), T.Normalize(mean, std)])\nnet = AutoModel.from_pretrained({DINO})",
    "constants beside a processor of the same other network": f"{LOAD}{OF_IT}x = p(image)\nnet = AutoModel.from_pretrained({DINO})",
}
RIGHT = {
    "its own": f"p = AutoImageProcessor.from_pretrained('facebook/dinov2-small')\nnet = AutoModel.from_pretrained({DINO})",
    "constants of its own": f"{LOAD}{OF_IT}net = ViTForImageClassification.from_pretrained({VIT})",
    "two networks": f"{LOAD}a = AutoModel.from_pretrained({DINO})\nb = ViTModel.from_pretrained({VIT})",
    "changed": f"p = AutoImageProcessor.from_pretrained({VIT}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])\n"
    f"net = AutoModel.from_pretrained({DINO})",
    "an unknown one": f"{LOAD}q = AutoImageProcessor.from_pretrained(name)\nnet = AutoModel.from_pretrained({DINO})",
    "constants of an unknown one": f"p = AutoImageProcessor.from_pretrained(name)\n{OF_IT}net = AutoModel.from_pretrained({DINO})",
    "a right processor beside other constants": f"{LOAD}{IMAGENET}net = ViTModel.from_pretrained({VIT})\nnet(**p(image))",
    "an attribute that is set": f"{LOAD}p.image_mean = p.image_std = [0.5] * 3\nnet = AutoModel.from_pretrained({DINO})\nnet(**p(image))",
    "an attribute of its part for images": f"p = AutoProcessor.from_pretrained({VIT})\np.image_processor.do_normalize = False\nnet = AutoModel.from_pretrained({DINO})\nnet(**p(image))",
    "told not to scale": f"from PIL import Image\n{LOAD}p.do_rescale = False\nx = T.ToTensor()(Image.open(path).convert('RGB'))\nnet = ViTModel.from_pretrained({VIT})\nnet(**p(x))",
    "undone and done again": f"{LOAD}import torch\nM, S = torch.tensor(p.image_mean).view(1, 3, 1, 1), torch.tensor(p.image_std).view(1, 3, 1, 1)\n"
    f"net = AutoModel.from_pretrained({DINO})\nx = p(image, return_tensors='pt')['pixel_values']\nnet(pixel_values=(x * S + M - IM) / IS)",
    "handed to a step": f"{LOAD}again = T.Normalize([0.1] * 3, [0.2] * 3)\nnet = AutoModel.from_pretrained({DINO})\nnet(again(p(image).pixel_values))",
    "constants of one that was changed": f"{LOAD}p.image_mean, p.image_std = MEAN, STD\n{OF_IT}net = AutoModel.from_pretrained({DINO})",
    "a branch each": f"if name == 'dino':\n    p = AutoImageProcessor.from_pretrained({DINO})\n    net = AutoModel.from_pretrained({DINO})\n"
    f"elif name == 'vit':\n    p = AutoImageProcessor.from_pretrained({VIT})\n    net = ViTModel.from_pretrained({VIT})",
}


def found(text: str) -> set[str]:
    return {each.code for each in examined([Document("main.py", "python", HEAD + text)]) if each.fails}


@pytest.mark.parametrize("case", WRONG)
def test_constants_of_another_network_are_found_and_cured_by_its_own(case: str) -> None:
    assert found(WRONG[case]) == {"TARE005"}
    assert found(WRONG[case].replace(VIT, DINO)) == set()


def test_a_part_of_what_a_processor_makes_is_what_it_makes() -> None:
    assert found(f"{LOAD}net = AutoModel.from_pretrained({DINO})\nnet(pixel_values=p(image)['pixel_values'])") == {"TARE005"}


@pytest.mark.parametrize("case", RIGHT)
def test_what_looks_like_it_is_right(case: str) -> None:
    assert found(RIGHT[case]) == set()
