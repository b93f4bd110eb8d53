"""Scalings of a program beside its networks of Keras: those that belong to a network, and those that others follow."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = "import tensorflow as tf\nfrom tensorflow.keras import Input, Model, Sequential, applications, layers\n"
DATA = "ds = tf.keras.utils.image_dataset_from_directory('t', image_size=(224, 224)).map(lambda x, y: (x / 255.0, y))\n"
BASE = "base = applications.MobileNetV2(include_top=False, weights='imagenet')\n"
HEADS = "layers.GlobalAveragePooling2D(), layers.Dense(1)])\nm.fit(ds)\n"
TWO = (
    "a = applications.ConvNeXtTiny(include_top=False, weights='imagenet')\n"
    "b = applications.{}\ni, j = Input((224, 224, 3)), Input((224, 224, 3))\n"
)
SIGNED = "layers.Rescaling(1 / 127.5, -1)"

GEN = "import numpy as np\nfrom tensorflow.keras.preprocessing.image import ImageDataGenerator\n"

RIGHT = {
    "in the model": f"{BASE}{DATA}i = Input((224, 224, 3))\nx = layers.RandomBrightness(0.2, value_range=(0, 1))(i)\n"
    "x = x * 2.0 - 1.0\nm = Model(i, layers.Dense(1)(base(x)))\nm.fit(ds)\n",
    "in the first layer": f"{BASE}{DATA}m = Sequential([layers.Rescaling(2.0, offset=-1), base, {HEADS}",
    "in a layer by name": f"{BASE}{DATA}m = Sequential([layers.Rescaling(scale=2, offset=-1.0), base, {HEADS}",
    "in a map of its own": f"{BASE}def signed(x, y): return x * 2.0 - 1.0, y\n{DATA.rstrip()}.map(signed)\nm = Sequential([base, {HEADS}",
    "in two steps of a map of its own": f"{BASE}def signed(x, y):\n    x -= 0.5\n    x *= 2\n    return x, y\n{DATA.rstrip()}.map(signed)\nm = Sequential([base, {HEADS}",
    "a layer of another network": f"{TWO.format('MobileNetV3Small(include_top=False, include_preprocessing=False)')}"
    f"m, n = Model(i, a(i)), Model(j, b({SIGNED}(j)))\n",
    "a layer of another network, in two lines": f"{TWO.format('MobileNetV2(include_top=False)')}x = {SIGNED}(j)\nm, n = Model(i, a(i)), Model(j, b(x))\n",
    "floats of 0..1 that a generator brings back": f"{GEN}b = applications.EfficientNetB0(weights='imagenet')\nx = np.load('x.npy') / 255.0\n"
    "b.fit(ImageDataGenerator(rescale=255.0).flow(x, y))\n",
    "floats of 0..1 that a layer brings back": f"{GEN}b = applications.EfficientNetB0(include_top=False)\nx = np.load('x.npy') / 255.0\n"
    f"m = Sequential([layers.Rescaling(255.0), b, {HEADS.replace('fit(ds)', 'fit(x, y)')}",
    "a function that divides, before a factor": f"{GEN}def centre(x): return x / 255.0 - 0.5\ng = ImageDataGenerator(preprocessing_function=centre, rescale=2.0)\n",
    "a function before a factor like a slip": f"{GEN}g = ImageDataGenerator(preprocessing_function=mine, rescale=1 / 225)\n",
    "masks of 33 classes": f"{GEN}g = ImageDataGenerator(rescale=1.0 / 33)\n",
    "few bits": f"{GEN}g = ImageDataGenerator(rescale=1 / 16)\n",
}
WRONG = {
    "floats of 0..1": f"{GEN}b = applications.EfficientNetB0(weights='imagenet')\nx = np.load('x.npy') / 255.0\nb.fit(ImageDataGenerator().flow(x, y))\n",
    "nothing brings them further": f"{BASE}{DATA}m = Sequential([base, {HEADS}",
    "a layer of the network": f"{TWO.format('EfficientNetB0(include_top=False)')}m, n = Model(i, a(i)), Model(j, b({SIGNED}(j)))\n",
}


def codes(text: str) -> list[str]:
    return [each.code for each in examined([Document("main.py", "python", HEAD + text)])]


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_brought_on_or_given_to_another_network_is_right(case: str) -> None:
    assert codes(RIGHT[case]) == []


@pytest.mark.parametrize("case", WRONG)
def test_what_a_network_gets_is_found(case: str) -> None:
    assert codes(WRONG[case]) == ["TARE101"]


@pytest.mark.parametrize("divisor", ["225", "2555", "225.5", "2550", "25.5", "2.55", ".255"])
def test_a_slip_in_255_is_found_and_corrected(divisor: str) -> None:
    found = examined([Document("main.py", "python", f"{HEAD}{GEN}g = ImageDataGenerator(rescale=1. / {divisor})\n")])
    assert [(each.code, each.severity, [edit.text for edit in each.edits]) for each in found] == [
        ("TARE011", "error", ["1 / 255"])
    ]
