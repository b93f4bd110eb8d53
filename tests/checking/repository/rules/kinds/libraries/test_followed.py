"""Images that a function brings to a range on their way from a dataset to a network of Keras."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = "import tensorflow as tf\nimport numpy as np\nnet = tf.keras.applications.{}()\n"
READ = "    x = tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(p), 3), (224, 224))\n"
FLOATS = "    x = tf.image.convert_image_dtype(tf.io.decode_jpeg(tf.io.read_file(p), 3), tf.float32)\n"
#: How a function is used: over a dataset, and by itself.
MAPPED = "net.predict(tf.data.Dataset.list_files('*.jpg').map(load).batch(8))\n"
CALLED = "net.predict(load('a.jpg')[None])\n"

UNIT = {
    "a quotient": f"{READ}    return x / 255.0\n",
    "a quotient in place": f"{READ}    x /= 255\n    return x\n",
    "a conversion": f"{FLOATS}    return tf.image.resize(x, (224, 224))\n",
    "augmented": f"{READ}    x = x / 255.0\n    return tf.image.random_flip_left_right(x)\n",
}
SIGNED = {
    "in one line": f"{READ}    return x / 255.0 * 2 - 1\n",
    "in two": f"{READ}    x = x / 255.0\n    return x * 2.0 - 1.0\n",
    "turned round": f"{READ}    x = x / 255.0\n    x = tf.image.random_brightness(x, 0.1)\n    return 2.0 * x - 1.0\n",
    "a conversion": f"{FLOATS}    x = tf.image.resize(x, (224, 224))\n    return x * 2 - 1\n",
    "a conversion, then resized": f"{FLOATS}    x = x * 2 - 1\n    return tf.image.resize(x, (224, 224))\n",
    "as Normalize does": f"{READ}    x = x / 255.0\n    return (x - 0.5) / 0.5\n",
    "in place": f"{READ}    x /= 255.0\n    x -= 0.5\n    x *= 2.0\n    return x\n",
    "by functions": f"{FLOATS}    x = tf.subtract(x, 0.5)\n    x = tf.multiply(x, 2.0)\n    return x\n",
    "at once": f"{READ}    return x / 127.5 - 1\n",
}
PAIRS = {
    "a mask": "    y = tf.cast(tf.io.decode_png(tf.io.read_file(q), 1), tf.float32) / 255.0\n    return x, y\n",
    "a mask by another name": "    second = tf.io.decode_png(tf.io.read_file(q), 1) / 255\n    return x, second\n",
    "a mask where it is returned": "    return x, tf.io.decode_png(tf.io.read_file(q), 1) / 255\n",
}


def codes(network: str, *parts: str) -> list[str]:
    text = HEAD.format(network) + "".join(parts)
    return [each.code for each in examined([Document("main.py", "python", text)])]


@pytest.mark.parametrize("use", [MAPPED, CALLED], ids=["mapped", "called"])
@pytest.mark.parametrize("case", UNIT)
def test_values_of_0_to_1_are_wrong_for_a_network_of_signed_ones(case: str, use: str) -> None:
    assert codes("MobileNetV2", "def load(p):\n", UNIT[case], use) == ["TARE101"]


@pytest.mark.parametrize("use", [MAPPED, CALLED], ids=["mapped", "called"])
@pytest.mark.parametrize("case", SIGNED)
def test_values_that_are_brought_to_signed_ones_afterwards_are_right(case: str, use: str) -> None:
    assert codes("MobileNetV2", "def load(p):\n", SIGNED[case], use) == []


@pytest.mark.parametrize("case", PAIRS)
def test_a_mask_may_be_divided_beside_an_image(case: str) -> None:
    whole = "    x = tf.keras.applications.mobilenet_v2.preprocess_input(tf.io.decode_jpeg(tf.io.read_file(p), 3))\n"
    use = "net.predict(tf.data.Dataset.from_tensor_slices((ps, qs)).map(load).batch(1))\n"
    assert codes("MobileNetV2", "def load(p, q):\n", whole, PAIRS[case], use) == []
    assert codes("EfficientNetB0", "def load(p, q):\n", READ, PAIRS[case], use) == []  # which scales inside


def test_an_image_beside_its_label_is_followed() -> None:
    fed = "ds = tf.keras.utils.image_dataset_from_directory('a').map({})\nmodel = tf.keras.Sequential([net])\nmodel.fit(ds)\n"
    assert codes("MobileNetV2", fed.format("lambda x, y: (x / 255.0, y)")) == ["TARE101"]
    assert codes("MobileNetV2", "def scaled(x, y):\n    image = x / 255.0\n    return image, y\n", fed.format("scaled")) == [
        "TARE101"
    ]
