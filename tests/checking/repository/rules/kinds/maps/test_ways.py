"""Arithmetic on an image that was scaled or converted in one branch: what is wrong in the other one only is not certain."""

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import UNIT, codes

LOADED = "x = np.array(Image.open(p).convert('RGB'))\n"
TENSOR = "x = torchvision.io.read_image(p)\n"
BLUE = "x = cv2.imread(p)\n"
NORMALISED = "y = (x - M) / S\n"
OF_TENSOR = "y = (x - TM) / TS\n"
#: Tests that hold for the images that are read here, and what is then done.
DIVIDED = {
    "by the type": "if x.dtype == np.uint8:\n    x = x / 255.0\n",
    "by the maximum": "if x.max() > 1.0:\n    x = x / 255.0\n",
    "by a maximum with a name": "top = x.max()\nif top > 1:\n    x = x / 255\n",
    "by being there": "if x is not None:\n    x = x / 255.0\n",
    "by the axes": "if x.ndim == 3:\n    x = x / 255.0\n",
    "in place": "if np.max(x) > 2:\n    x = x.astype(np.float32)\n    x /= 255.0\n",
    "otherwise": "if x.max() <= 1: pass\nelse: x = x / 255\n",
    "in a chain": "if x.dtype == np.uint16: x = x / 65535\nelif x.dtype == np.uint8: x = x / 255\n",
    "by a kind of types": "if np.issubdtype(x.dtype, np.integer):\n    x = x / np.iinfo(x.dtype).max\n",
    "in one line": "x = x / 255.0 if x.max() > 1 else x\n",
    "by a divisor that is chosen": "x = x / (255 if x.max() > 1 else 1)\n",
    "by a pattern": "match x.dtype:\n    case np.uint8: x = x / 255\n",
}
RIGHT = {
    **{f"divided {case}": f"{LOADED}{text}{NORMALISED}" for case, text in DIVIDED.items()},
    "a tensor": f"{TENSOR}if x.dtype == torch.uint8: x = x.float() / 255\n{OF_TENSOR}",
    "a method": f"{TENSOR}if x.dtype == torch.uint8: x = x.float().div(255)\ny = x.sub(TM).div(TS)\n",
    "brought back": f"{UNIT}if x.max() <= 1: x = x * 255\ny = x / 255\n",
    "brought back as bytes": f"{UNIT}if x.max() <= 1: x = (x * 255).astype(np.uint8)\ny = (x / 255.0 - M) / S\n",
    "brought back, and a method": "x = T.ToTensor()(Image.open(p))\nif x.max() <= 1: x = x * 255\ny = x.div(255)\n",
    "converted": f"{BLUE}if x.shape[2] == 3: x = cv2.cvtColor(x, cv2.COLOR_BGR2RGB)\nx = x / 255.0\n{NORMALISED}",
    "a bracket": f"{LOADED}if x.max() > 1: x = x / 255 / S\ny = x - M / S\n",
    "two scales": f"{LOADED}if x.max() > 1: x = x * (S * 255)\ny = (x - M * 255) / S\n",
    "many bits": f"{LOADED}if x.max() < 256: x = x * 257\ny = x / 65535\n",
    "divided by what is not known": f"{LOADED}top = x.max()\nif top > 1: x = x / top\n{NORMALISED}",
    "by a function that is not known": f"{LOADED}if x.max() > 1: x = to_unit(x)\n{NORMALISED}",
    "by the type, and a function that is not known": f"{LOADED}if x.dtype == np.uint8: x = to_unit(x)\n{NORMALISED}",
}
WRONG = {
    "cut": f"{LOADED}if flip: x = x[9:]\n{NORMALISED}",
    "divided twice": f"{UNIT}if big: x = x[9:]\ny = x / 255\n",
    "constants that are chosen": f"{LOADED}m = M if clip else np.array([0.48145466, 0.4578275, 0.40821073])\ny = (x - m) / S\n",
}
#: What is wrong whatever the other branch does to the image, or makes of it.
WRONG_OTHERWISE = {
    "flipped by hand": (f"{LOADED}if flip: x = x[:, ::-1]\n{NORMALISED}", "TARE001"),
    "converted, and never divided": (f"{BLUE}if flip: x = cv2.cvtColor(x, cv2.COLOR_BGR2RGB)\n{NORMALISED}", "TARE001"),
    "in another order, and divided twice": (f"{BLUE}x = x / 255.0\nif flip: x = x[..., ::-1]\nx = x / 255.0\n", "TARE002"),
    "divided, and in another order": (f"{BLUE}if x.dtype == np.uint8: x = x / 255.0\n{NORMALISED}", "TARE008"),
    "an augmentation": (f"{LOADED}if clip: x = clip(x)\n{NORMALISED}", "TARE001"),
    "a crop": (f"{LOADED}if x.shape[0] > 512: x = crop_center(x)\n{NORMALISED}", "TARE001"),
    "one in the place of none": (f"{BLUE}if x is None: x = np.zeros((224, 224, 3), np.uint8)\n{NORMALISED}", "TARE001"),
    "an augmentation of units": (f"{BLUE}x = x / 255.0\nif clip: x = clip(x)\n{NORMALISED}", "TARE008"),
    "an augmentation, and many bits": (f"{LOADED}if clip: x = clip(x)\ny = x / 65535.0\n", "TARE011"),
    "an augmentation, and a bracket": (f"{LOADED}x = x / 255.0\nif clip: x = clip(x)\ny = x - M / S\n", "TARE046"),
}


@pytest.mark.parametrize("case", WRONG_OTHERWISE)
def test_a_branch_hides_nothing_that_it_does_not_change(case: str) -> None:
    text, code = WRONG_OTHERWISE[case]
    assert code in codes(f"def load(p, clip, flip, big):\n{indented(text)}")


@pytest.mark.parametrize("case", RIGHT)
def test_what_holds_for_one_of_the_images_that_come_together_is_not_certain(case: str) -> None:
    assert codes(f"def load(p, clip, flip, big):\n{indented(RIGHT[case])}") == []


@pytest.mark.parametrize("case", WRONG)
def test_what_holds_for_all_of_them_is_found(case: str) -> None:
    assert set(codes(f"def load(p, clip, flip, big):\n{indented(WRONG[case])}")) & {"TARE001", "TARE002"}


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
