"""ToTensor divides bytes, and nothing else."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = (
    "import numpy as np, torch\nfrom PIL import Image\nfrom skimage import io, transform\nfrom torchvision import models\n"
    "from torchvision import transforms as T\nfrom torchvision.transforms import functional as F\n"
    "M, S = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)\n"
    "net = models.resnet50(weights='DEFAULT')\n"
)
OPENED = "Image.open(p).convert('RGB')"

WIDE = [
    *(f"np.asarray({OPENED}).astype(np.{kind})" for kind in ("int16", "int32", "int64", "uint16", "float32", "float64")),
    f"np.asarray({OPENED}).astype(int)",
    f"np.asarray({OPENED}, dtype=np.float32)",
    *(f"np.asarray({OPENED}).astype({kind})" for kind in ("'f4'", "'<f4'", "'d'", "'i4'", "'single'", "np.half", "np.double")),
    f"np.asarray({OPENED}).astype(dtype=np.float32)",
    f"np.array({OPENED}, 'f')",
    f"np.array({OPENED}, dtype=np.dtype('float32'))",
    f"np.require({OPENED}, np.float32)",
    f"np.asarray({OPENED}).astype(kind)",
    f"np.array({OPENED}).mean(-1, keepdims=True)",
    f"np.array({OPENED}) * 1.0",
    f"np.dot(np.array({OPENED}), m)",
    "Image.open(p).convert('F')",
    "Image.open(p).convert('L').convert('I')",
    "Image.fromarray(np.asarray(Image.open(p).convert('L'), dtype=np.float32))",
]
BYTES = [OPENED, f"np.asarray({OPENED})", f"np.asarray({OPENED}).astype(np.uint8)", f"np.array({OPENED}, dtype='uint8')", "image"]
BYTES += [f"np.asarray({OPENED}).astype({kind})" for kind in ("'u1'", "dtype=np.uint8", "np.ubyte", "np.dtype('uint8')")]


def codes(text: str) -> set[str]:
    return {each.code for each in examined([Document("main.py", "python", HEAD + text)])}


@pytest.mark.parametrize("scaled", ["F.to_tensor(x)", "T.ToTensor()(x)"])
@pytest.mark.parametrize("image", WIDE)
def test_what_has_more_than_8_bits_is_divided_once(image: str, scaled: str) -> None:
    assert codes(f"x = {image}\nx = {scaled}.float() / 255\nnet(((x - M) / S)[None])\n") == set()


@pytest.mark.parametrize("scaled", ["F.to_tensor(x)", "T.ToTensor()(x)"])
@pytest.mark.parametrize("image", BYTES)
def test_bytes_are_divided_twice(image: str, scaled: str) -> None:
    assert codes(f"x = {image}\nx = {scaled} / 255\nnet(((x - M) / S)[None])\n") == {"TARE002"}


def test_an_image_that_was_turned_by_scikit_image_is_one_of_floats() -> None:
    text = "x = transform.rotate(io.imread(p), 5{})\nx = torch.from_numpy(x).permute(2, 0, 1).float()\nnet(((x - M) / S)[None])\n"
    assert codes(text.format("")) == set()
    assert codes(text.format(", preserve_range=True")) == {"TARE001"}


@pytest.mark.parametrize("line", ["F.convert_image_dtype(F.to_tensor(x), torch.uint8)", "F.convert_image_dtype(T.ToTensor()(x))"])
def test_what_comes_back_to_bytes_is_divided_once(line: str) -> None:
    text = f"x = {OPENED}\nx = {line}.float() / 255\nnet(((x - M) / S)[None])\n"
    assert codes(text) == (set() if "uint8" in line else {"TARE002"})
