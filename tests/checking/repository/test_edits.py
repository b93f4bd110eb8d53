"""Changes of code that nobody has to decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from tare.checking.linting.fixing.api import plan_of
from tare.checking.repository.api import examined
from tare.checking.repository.edits import says
from tare.code.files.reading import documents_in
from tare.code.interpreter.values import Items

MEAN, STD = "[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"
HEAD = "import json\nimport cv2\nimport numpy as np\nfrom PIL import Image\nfrom torchvision import transforms as T\n"
CLIP = "(0.48145466, 0.4578275, 0.40821073)"


def repaired(code: str) -> tuple[str, int]:
    """The code after all certain changes, and the number of errors that are left."""
    Path("train.py").write_text(HEAD + code)
    plan_of(examined(documents_in([Path("train.py")]).documents)).write()
    left = examined(documents_in([Path("train.py")]).documents)
    return Path("train.py").read_text().removeprefix(HEAD), sum(each.severity == "error" for each in left)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"t = T.Normalize({STD}, {MEAN})\n", f"t = T.Normalize({MEAN}, {STD})\n"),
        (
            f"MEAN = {MEAN}\nSTD = {STD}\nt = T.Normalize(STD, MEAN)\njson.dumps(dict(mean=MEAN, std=STD))\n",
            f"MEAN = {MEAN}\nSTD = {STD}\nt = T.Normalize(MEAN, STD)\njson.dumps(dict(mean=MEAN, std=STD))\n",
        ),
        (
            f"a = {MEAN}\nb = {STD}\nt = T.Normalize(mean=b, std=a)\nprint(a)\n",
            f"a = {MEAN}\nb = {STD}\nt = T.Normalize(mean=a, std=b)\nprint(a)\n",
        ),
        (
            f"class C:\n    MEAN = {MEAN}\n    STD = {STD}\nt = T.Normalize(C.STD, C.MEAN)\n",
            f"class C:\n    MEAN = {MEAN}\n    STD = {STD}\nt = T.Normalize(C.MEAN, C.STD)\n",
        ),
        (  # the names lie, to every reader of them
            f"MEAN = {STD}\nSTD = {MEAN}\nt = T.Normalize(MEAN, STD)\nprint(MEAN)\n",
            f"MEAN = {MEAN}\nSTD = {STD}\nt = T.Normalize(MEAN, STD)\nprint(MEAN)\n",
        ),
    ],
)
def test_what_a_call_got_exchanged_is_exchanged_where_no_other_use_suffers(before: str, after: str) -> None:
    assert repaired(before) == (after, 0)


@pytest.mark.parametrize(
    "code",
    [
        f"one = {MEAN}\nother = {STD}\ndef f(m, s):\n    return T.Normalize(m, s)\nt = f(other, one)\n",
        "A = 0.255\nSTD = [0.229, 0.224, A]\n" + f"t = T.Normalize({MEAN}, STD)\ndropout = A\n",
        f"both = {MEAN}\nx = {MEAN}\nt = T.Normalize(both, x)\n",
        "from keras.preprocessing.image import ImageDataGenerator\nS = 1 / 225\ng = ImageDataGenerator(rescale=S)\nh = 100 * S\n",
    ],
)
def test_a_value_behind_a_name_that_others_may_read_is_left(code: str) -> None:
    after, errors = repaired(code)
    assert after == code
    assert errors > 0


def test_a_function_that_others_call_keeps_its_colour_code() -> None:
    shared = (
        "def grey(image):\n    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)\n"
        "one = grey(cv2.imread('a.png'))\nother = grey(np.array(Image.open('b.png').convert('RGB')))\n"
    )
    assert repaired(shared)[0] == shared
    alone = "def grey(path):\n    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_RGB2GRAY)\ngrey('a.png')\n"
    assert repaired(alone)[0] == alone.replace("RGB2GRAY", "BGR2GRAY")


@pytest.mark.parametrize(
    "code",
    [
        "from cv2 import COLOR_RGB2GRAY\ng = cv2.cvtColor(cv2.imread('a.png'), COLOR_RGB2GRAY)\n",
        "from cv2 import COLOR_RGB2GRAY as CODE\ng = cv2.cvtColor(cv2.imread('a.png'), CODE)\n",
        "from cv2 import COLOR_RGB2HSV as COLOR_RGB2GRAY\ng = cv2.cvtColor(cv2.imread('a.png'), COLOR_RGB2GRAY)\n",
        "from cv2 import *\ng = cvtColor(imread('a.png'), COLOR_RGB2GRAY)\n",
        "COLOR_RGB2GRAY = cv2.COLOR_RGB2GRAY\ng = cv2.cvtColor(cv2.imread('a.png'), COLOR_RGB2GRAY)\n",
        "class Codes:\n    COLOR_RGB2GRAY = cv2.COLOR_RGB2GRAY\ng = cv2.cvtColor(cv2.imread('a.png'), Codes.COLOR_RGB2GRAY)\n",
        "lab = cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2LAB)\nlab[..., 0] = 3\nx = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)\n",
        "def back(x):\n    return cv2.cvtColor(x, cv2.COLOR_YUV2RGB)\n"
        "x = back(cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2YUV))\n",
        "lab = cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2LAB)\nx = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)\n",
        "lab = cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2LAB)\nx = cv2.cvtColor(lab, getattr(cv2, sys.argv[1]))\n",
        "from skimage.color import lab2rgb\nx = lab2rgb(cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2LAB))\n",
    ],
)
def test_a_colour_code_is_changed_only_where_that_is_all_there_is_to_change(code: str) -> None:
    Path("train.py").write_text(HEAD + code)
    (found,) = examined(documents_in([Path("train.py")]).documents)
    assert (found.code, found.severity) == ("TARE102", "warning")
    assert repaired(code)[0] == code


READ, GREY = "im = cv2.imread('a.png')\n", "g = cv2.cvtColor(im, cv2.COLOR_RGB2GRAY)\n"


@pytest.mark.parametrize(
    "between",
    [
        "cv2.cvtColor(im, cv2.COLOR_BGR2RGB, dst=im)\n",
        "cv2.cvtColor(im, cv2.COLOR_BGR2RGB, im)\n",
        "def to_rgb(x):\n    x[:] = x[..., ::-1].copy()\nto_rgb(im)\n",
        "v = im\nv[:] = v[..., ::-1].copy()\n",
        "np.copyto(im, im[..., ::-1].copy())\n",
        "cv2.mixChannels([im], [im], [0, 2, 2, 0])\n",
    ],
)
def test_a_colour_code_is_left_where_the_image_may_have_changed(between: str) -> None:
    assert repaired(READ + between + GREY)[0] == READ + between + GREY


@pytest.mark.parametrize("between", ["", "h, w = im.shape[:2]\n", "if im is None:\n    raise ValueError\n", "print(im.dtype)\n"])
def test_a_colour_code_is_changed_where_the_image_was_only_looked_at(between: str) -> None:
    assert repaired(READ + between + GREY)[0] == READ + between + GREY.replace("RGB2GRAY", "BGR2GRAY")


def test_a_colour_code_is_left_where_the_program_wrote_the_file_itself() -> None:
    code = "cv2.imwrite('a.png', rgb[..., ::-1])\n" + READ + GREY
    assert repaired(code)[0] == code


@pytest.mark.parametrize(
    "code",
    [
        f"c = dict(mean={STD}, std={MEAN})\ndef swap(d):\n    d['mean'], d['std'] = d['std'], d['mean']\nswap(c)\n"
        "t = T.Normalize(c['mean'], c['std'])\n",
        f"c = dict(mean={STD}, std={MEAN})\nc.update(mean={MEAN}, std={STD})\nt = T.Normalize(c['mean'], c['std'])\n",
        f"def make():\n    MEAN, STD = {STD}, {MEAN}\n    def swap():\n        nonlocal MEAN, STD\n"
        "        MEAN, STD = STD, MEAN\n    swap()\n    return T.Normalize(MEAN, STD)\nt = make()\n",
        f"STD = [0.229, 0.224, 0.255]\ndef repair(s):\n    s[2] -= 0.03\nrepair(STD)\nt = T.Normalize({MEAN}, STD)\n",
        f"STD = [0.229, 0.224, 0.255]\nown = STD\nown[2] = 0.225\nt = T.Normalize({MEAN}, STD)\n",
        f"class C:\n    mean = {MEAN}\n    std = {MEAN}\nsetattr(C, 'std', {STD})\nt = T.Normalize(C.mean, C.std)\n",
    ],
)
def test_a_list_that_may_change_after_it_was_written_is_left(code: str) -> None:
    assert repaired(code)[0] == code


def test_a_list_that_a_function_only_reads_is_changed() -> None:
    code = (
        "STD = [0.229, 0.224, {}]\ndef scaled(x, std):\n    x /= np.array(std)\n    return x\nscaled(image, STD)\n"
        f"t = T.Normalize({MEAN}, STD)\n"
    )
    assert repaired(code.format(0.255))[0] == code.format(0.225)


def test_both_halves_of_a_pair_of_conversions_are_named() -> None:
    code = "x = cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2{0})\ny = cv2.cvtColor(x, cv2.COLOR_{0}2RGB)\n"
    for space, severity in (("LAB", "warning"), ("HSV", "note")):
        Path("train.py").write_text(HEAD + code.format(space))
        (found,) = examined(documents_in([Path("train.py")]).documents)
        assert found.severity == severity
        assert f"until COLOR_{space}2RGB brings the image back" in found.message
        assert f"use cv2.COLOR_BGR2{space}, and cv2.COLOR_{space}2BGR for cv2.COLOR_{space}2RGB" in found.remedy
        both = code.format(space).replace("RGB", "BGR")
        Path("train.py").write_text(HEAD + both)
        assert examined(documents_in([Path("train.py")]).documents) == []


def test_a_module_of_another_name_is_kept() -> None:
    before = "import cv2 as cv\ng = cv.cvtColor(cv.imread('a.png'), cv.COLOR_RGB2GRAY)\n"
    assert repaired(before)[0] == before.replace("RGB2GRAY", "BGR2GRAY")


def test_constants_are_written_with_all_their_digits() -> None:
    after, errors = repaired(f"t = T.Normalize({CLIP}, {CLIP})\n")
    assert (after, errors) == (f"t = T.Normalize({CLIP}, (0.26862954, 0.26130258, 0.27577711))\n", 0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("IMAGENET_MEAN", "mean"), ("pixelStd", "std"), ("std_dev", "std"), ("mu", "mean"), ("sigma", "std"), ("m", "mean"),
        ("mean_std", ""), ("values", ""), ("", ""), ("max", ""), ("bias", ""),
    ],
)  # fmt: skip
def test_what_a_name_says(name: str, said: str) -> None:
    assert says(Items((), name=name)) == said


def test_one_list_under_two_names_is_left_to_its_author() -> None:
    code = f"MEAN = STD = {MEAN}\nt = T.Normalize(MEAN, STD)\n"
    Path("train.py").write_text(HEAD + code)
    (found,) = [each for each in examined(documents_in([Path("train.py")]).documents) if each.code == "TARE007"]
    assert not found.edits


@pytest.mark.parametrize(
    "code",
    [
        f"MEAN = {STD}\nR, G, B = 0.485, 0.456, 0.406\nSTD = [R, G, B]\nt = T.Normalize(MEAN, STD)\n",
        f"def get_mean():\n    mean = {STD}\n    return mean\n"
        "def get_std():\n    r = 0.485\n    std = [r, 0.456, 0.406]\n    return std\n"
        "t = T.Normalize(get_mean(), get_std())\n",
        f"MEAN = {MEAN}\nSTD_SQUARED = [0.052441, 0.050176, 0.050625]\nt = T.Normalize(MEAN, STD_SQUARED)\n",
        f"MEAN = {MEAN}\nSTD = [0.052441, 0.050176, 0.050625]\nt = T.Normalize(MEAN, STD)\ny = F.batch_norm(x, MEAN, STD)\n",
        f"STD = [0.052441, 0.050176, 0.050625]\nt = T.Normalize({MEAN}, STD)\nd = [s ** 0.5 for s in STD]\n",
        f"STD = [0.052441, 0.050176, 0.050625]\nt = T.Normalize({MEAN}, STD)\nown = STD\ny = own[0]\n",
        f"MEAN, STD = {STD}, {MEAN}\nt = T.Normalize(MEAN, STD)\nfor i in range(3):\n    x[i] = (x[i] - STD[i]) / MEAN[i]\n",
        f"class C:\n    MEAN = {STD}\n    STD = {MEAN}\nt = T.Normalize(C.MEAN, C.STD)\nx = (x - C.STD[0]) / C.MEAN[0]\n",
        f"C = dict(mean={STD}, std={MEAN})\nt = T.Normalize(C['mean'], C['std'])\nx = (x - C['std'][0]) / C['mean'][0]\n",
        f"class C:\n    mean = {MEAN}\n    std = {MEAN}\nt = T.Normalize(C.mean, C.std)\nx = x / C.std[0]\n",
    ],
)
def test_a_list_that_others_may_take_for_something_else_is_left(code: str) -> None:
    assert repaired(code)[0] == code


@pytest.mark.parametrize(
    "code",
    [
        "MEAN, STD = {}, {}\nt = T.Normalize(MEAN, STD)\nu = T.Normalize(mean=MEAN, std=STD)\n",
        "class C:\n    MEAN = {}\n    STD = {}\nt = T.Normalize(C.MEAN, C.STD)\n",
        "C = dict(mean={}, std={})\nt = T.Normalize(C['mean'], C['std'])\n",
        "def make():\n    mean = {}\n    std = {}\n    return T.Normalize(mean, std)\n"
        "def show(std):\n    return std[0]\nt = make()\n",
    ],
)
def test_a_list_that_all_normalise_with_is_changed(code: str) -> None:
    assert repaired(code.format(STD, MEAN)) == (code.format(MEAN, STD), 0)


@pytest.mark.parametrize(
    "others", ["import constants as c\nx = (x - c.STD[0]) / c.MEAN[0]\n", "from constants import STD as M\ny = M[0]\n"]
)
def test_a_list_that_another_file_reads_otherwise_is_left(others: str) -> None:
    Path("constants.py").write_text(f"MEAN = {STD}\nSTD = {MEAN}\n")
    Path("other.py").write_text(others)
    Path("train.py").write_text(f"{HEAD}import other\nfrom constants import MEAN, STD\nt = T.Normalize(MEAN, STD)\n")
    found = examined(documents_in([Path()]).documents)
    assert [(each.code, each.edits) for each in found] == [("TARE006", ())]


def test_the_code_of_a_range_of_hues_is_left() -> None:
    code = "hsv = cv2.cvtColor(cv2.imread('a.png'), cv2.COLOR_RGB2HSV)\nm = cv2.inRange(hsv, (110, 80, 80), (130, 255, 255))\n"
    assert repaired(code)[0] == code
    (found,) = examined(documents_in([Path("train.py")]).documents)
    assert (found.code, found.severity) == ("TARE102", "note")
