"""Files that predict, beside those that train."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

TRAIN = (
    "from tensorflow.keras.applications import DenseNet121\nfrom tensorflow.keras.applications.densenet import preprocess_input\n"
    "from tensorflow.keras.preprocessing.image import ImageDataGenerator\n"
    "g = ImageDataGenerator(preprocessing_function=preprocess_input)\nm = DenseNet121(weights='imagenet', include_top=False)\n"
    "m.fit(g.flow_from_directory('t'))\nm.save('m.keras')\n"
)
HEAD = "import tensorflow as tf\nx = tf.keras.utils.img_to_array(tf.keras.utils.load_img(p))\n"
SIGNED = "x = tf.keras.applications.inception_v3.preprocess_input(x)\n"
PUBLISHED = "net = tf.keras.applications.InceptionV3()\n"


def codes(**texts: str) -> list[str]:
    return [each.code for each in examined([Document(f"{name}.py", "python", text) for name, text in texts.items()])]


def test_another_pretrained_network_is_scaled_for_as_it_wants() -> None:
    assert codes(train=TRAIN, embed=f"{HEAD}{PUBLISHED}{SIGNED}net.predict(x[None])\n") == []


@pytest.mark.parametrize("network", ["net = tf.keras.models.load_model('m.keras')\n", f"{PUBLISHED}net.load_weights('m.h5')\n"])
def test_what_was_trained_here_is_scaled_for_as_in_training(network: str) -> None:
    assert codes(train=TRAIN, serve=f"{HEAD}{network}{SIGNED}net.predict(x[None])\n") == ["TARE050"]
