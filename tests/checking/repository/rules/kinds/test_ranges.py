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
}
WRONG = {
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
