"""Codes of OpenCV that weigh channels, and what changes the order of channels, against OpenCV and NumPy themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tare.code.interpreter.values import Call
from tare.code.libraries.flows import channel_order
from tare.code.libraries.opencv import is_bgr, undoing, weighs
from tests.code.interpreted import run

HEAD = "import cv2\nimport numpy as np\nimport torch\nfrom PIL import Image, ImageOps\nx = cv2.imread('a.png')\n"
IMAGE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def last(code: str) -> Call:
    return run(a=f"{HEAD}{code}\nused(y)\n").log[-1].args[0]  # type: ignore[return-value]


def test_every_code_that_gives_other_values_for_bgr_and_no_other_weighs_channels() -> None:
    cv2 = pytest.importorskip("cv2")
    codes = [name for name in dir(cv2) if name.startswith("COLOR_RGB2")]
    for name in codes:
        own = cv2.cvtColor(IMAGE, getattr(cv2, name))
        if "BGR5" in name:  # packed: unpacked again it is the image, but for the bits that were cut
            own = cv2.cvtColor(own, getattr(cv2, f"COLOR_{name[-6:]}2RGB"))
            moves = np.abs(own.astype(int) - IMAGE).max() < 8
        else:
            parts = [IMAGE[..., index] for index in range(3)] + [np.full((8, 8), 255)]
            moves = own.ndim == 3 and all(any((own[..., i] == part).all() for part in parts) for i in range(own.shape[-1]))
        assert weighs(name) == (not moves), name
        if weighs(name):  # and the code for BGR is the same of an image that is BGR
            other = getattr(cv2, name.replace("RGB2", "BGR2"))
            assert (cv2.cvtColor(IMAGE[..., ::-1].copy(), other) == own).all(), name
    assert sum(map(weighs, codes)) == 23
    assert cv2.COLOR_RGB2RGBA == cv2.COLOR_BGR2BGRA == 0


@pytest.mark.parametrize("space", ["LAB", "Lab", "LUV", "HSV", "HLS", "YUV", "YCrCb", "YCR_CB", "XYZ", "HSV_FULL"])
def test_what_brings_an_image_back_is_known(space: str) -> None:
    undone = undoing(f"COLOR_RGB2{space}")
    assert undone is not None
    pure = space.removesuffix("_FULL")
    for text in (f"cv2.COLOR_{pure}2RGB", f"COLOR_{pure}2BGR", f"x = {pure.lower()}2rgb(x)", 'f"COLOR_{space}2RGB"', '"%s2RGB"'):
        assert undone.search(text), text
    for text in ("cv2.COLOR_BGR2RGB", "COLOR_GRAY2RGB", f"COLOR_RGB2{space}", "convert_to_rgb(x)"):
        assert not undone.search(text), text
    assert undoing("COLOR_RGB2GRAY") is None


@pytest.mark.parametrize("space", ["LAB", "LUV", "HSV", "HLS", "YUV", "YCrCb", "XYZ"])
def test_a_pair_of_codes_keeps_the_order_and_half_of_it_exchanges_red_and_blue(space: str) -> None:
    cv2 = pytest.importorskip("cv2")
    smooth = cv2.GaussianBlur(IMAGE, (5, 5), 0)
    to_rgb, to_bgr, from_rgb, from_bgr = (
        getattr(cv2, f"COLOR_{code}") for code in (f"RGB2{space}", f"BGR2{space}", f"{space}2RGB", f"{space}2BGR")
    )

    def through(there: int, back: int) -> Any:
        return cv2.cvtColor(cv2.cvtColor(smooth, there), back).astype(int)

    for there, back in ((to_rgb, from_rgb), (to_bgr, from_bgr)):
        assert np.abs(through(there, back) - smooth).mean() < 3
    for there, back in ((to_bgr, from_rgb), (to_rgb, from_bgr)):
        assert np.abs(through(there, back) - smooth[..., ::-1]).mean() < 3
    if space in ("HSV", "HLS"):  # only the hue differs
        assert (cv2.cvtColor(smooth, to_rgb)[..., 1:] == cv2.cvtColor(smooth, to_bgr)[..., 1:]).all()


REVERSED = ("..., ::-1", ":, :, ::-1", ":, :, [2, 1, 0]", "..., (2, 1, 0)", "..., 2::-1")
KEPT = ("1:9, 2:8", "..., :3", ":, :, 0:3", "None, ...", "np.newaxis, 2:", "i", "::2, ::2")
UNKNOWN_ORDER = ("..., 0", ":, :, 1", "..., order", ":, :, ::k", "[2, 1, 0]", "::-1", "..., [0, 2]")


@pytest.mark.parametrize(
    ("code", "order"),
    [
        *((f"x[{index}]", "reversed") for index in REVERSED),
        *((f"x[{index}]", "kept") for index in KEPT),
        *((f"x[{index}]", "unknown") for index in UNKNOWN_ORDER),
        *((f"np.flip(x, {axes})", "reversed") for axes in ("-1", "2", "axis=-1", "(0, 2)")),
        *((f"np.flip(x, {axes})", "kept") for axes in ("0", "1", "axis=(0, 1)", "-2")),
        *((text, "unknown") for text in ("np.flip(x)", "np.flip(x, axis)", "torch.flip(x.transpose(2, 0, 1), [0])")),
        ("cv2.flip(x, -1)", "kept"),
        ("ImageOps.flip(Image.fromarray(x))", "kept"),
        ("torch.from_numpy(x).flip(-1)", "reversed"),
        ("t.flip(-1)", "unknown"),
    ],
)
def test_what_becomes_of_the_order_of_channels(code: str, order: str) -> None:
    call = last(f"y = {code}")
    assert channel_order(call) == order
    assert is_bgr(call) == (order == "kept")


@pytest.mark.parametrize("index", REVERSED)
def test_numpy_reverses_the_channels_too(index: str) -> None:
    assert (eval(f"x[{index}]", {"x": IMAGE}) == IMAGE[..., ::-1]).all()  # noqa: S307 - the texts above
    for flipped in (np.flip(IMAGE, -1), np.flip(IMAGE, 2)):
        assert (flipped == IMAGE[..., ::-1]).all()
