"""Networks of Keras whose images are scaled by hand, in place, by several layers, or for weights of one's own."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = (
    "import numpy as np, keras\nfrom PIL import Image\nfrom keras import layers\nfrom keras.applications import *\n"
    "from keras.applications import imagenet_utils, mobilenet_v2, densenet, MobileNetV2, DenseNet121, ResNet50, EfficientNetB0\n"
    "from keras.utils import load_img, img_to_array\n"
)
IMAGE = "x = img_to_array(load_img(p, target_size=(224, 224)))[None]\n"
MOBILE = "MobileNetV2(weights='imagenet').predict({})\n"
DENSE = "DenseNet121(weights='imagenet').predict({})\n"
EFFICIENT = "m = keras.Sequential([{}EfficientNetB0(weights='imagenet')])\nm.fit(ds)\n"

RIGHT = {
    "a mode of its own": IMAGE + MOBILE.format("imagenet_utils.preprocess_input(x, mode='tf')"),
    "a mode by its place": IMAGE + MOBILE.format("imagenet_utils.preprocess_input(x, None, 'tf')"),
    "the mode of another network": IMAGE + DENSE.format("imagenet_utils.preprocess_input(x, mode='torch')"),
    "a mode that is not known": IMAGE + DENSE.format("imagenet_utils.preprocess_input(x, mode=MODE)"),
    "Caffe's means by hand": IMAGE + "x = x[..., ::-1] - [103.939, 116.779, 123.68]\nResNet50(weights='imagenet').predict(x)\n",
    "means by hand": IMAGE + "x = x[..., ::-1] - MEAN\nx = x - [1.0, 2.0, 3.0]\nResNet50(weights='imagenet').predict(x)\n",
    "in place": IMAGE + "mobilenet_v2.preprocess_input(x)\n" + MOBILE.format("x"),
    "in place, floats of an image": "x = np.array(Image.open(p).convert('RGB')).astype('float32')[None]\n"
    "densenet.preprocess_input(x)\n" + DENSE.format("x"),
    "layers that undo each other": EFFICIENT.format(
        "layers.Rescaling(1 / 255), layers.RandomContrast(0.2), layers.Rescaling(255), "
    ),
    "layers that undo each other, called": "i = keras.Input((224, 224, 3))\n"
    "x = layers.Rescaling(255)(layers.RandomContrast(0.2)(layers.Rescaling(1 / 255)(i)))\n"
    "m = keras.Model(i, EfficientNetB0(weights='imagenet')(x))\nm.fit(ds)\n",
    "two layers": "m = keras.Sequential([layers.Rescaling(1 / 255), layers.Rescaling(2, offset=-1), MobileNetV2(weights='imagenet')])\n"
    "m.fit(ds)\n",
    "weights of one's own": "m = MobileNetV2(weights='imagenet')\nm.load_weights('own.h5')\nds = ds.map(lambda x, y: (x / 255, y))\n"
    "m.predict(ds)\n",
}
WRONG = {
    "the mode of no network here": IMAGE + MOBILE.format("imagenet_utils.preprocess_input(x, mode='caffe')"),
    "the mode by default": IMAGE + MOBILE.format("imagenet_utils.preprocess_input(x)"),
    "a copy, of bytes": "x = np.array(Image.open(p).convert('RGB'))[None]\nmobilenet_v2.preprocess_input(x)\n"
    + MOBILE.format("x"),
    "one layer": EFFICIENT.format("layers.Rescaling(1 / 255), "),
    "layers that do not undo each other": EFFICIENT.format("layers.Rescaling(1 / 255), layers.Rescaling(1.0), "),
    "trained here, the best weights loaded": "m = MobileNetV2(weights='imagenet')\nds = ds.map(lambda x, y: (x / 255, y))\n"
    "m.fit(ds)\nm.load_weights('best.h5')\nm.predict(ds)\n",
}


def codes(text: str) -> set[str]:
    return {each.code for each in examined([Document("main.py", "python", HEAD + text)])}


@pytest.mark.parametrize("case", RIGHT)
def test_what_brings_images_to_what_a_network_wants_is_right(case: str) -> None:
    assert codes(RIGHT[case]) == set()


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_is_found(case: str) -> None:
    assert codes(WRONG[case]) == {"TARE101"}
