"""What a program loads is judged by the training whose file it is, and by no other."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

TRAIN = """import torch
from torch import nn
from torchvision import transforms as T
from torchvision.datasets import ImageFolder
from torch.utils.data import DataLoader
IM = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
t = T.Compose([T.ToTensor(), T.Normalize(*IM)])
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.conv1.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
    def forward(self, x):
        return self.conv1(x)
net = Net()
for x, y in DataLoader(ImageFolder('d', t)):
    net(x).sum().backward()
"""
WRAPPER = """class Shipped(nn.Module):
    def __init__(self, net, mean, std):
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
    def forward(self, x):
        return self.net((x - self.mean) / self.std)
"""
SERVE = """import torch
from PIL import Image
from torchvision import transforms as T
net = {}
def predict(path):
    x = T.functional.to_tensor(Image.open(path).convert("RGB"))[None]
    return net(x)
"""
RAW = """import numpy as np, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession('model.onnx')
def predict(path):
    x = np.asarray(Image.open(path).convert("RGB"))
    return session.run(None, {'image': x.transpose(2, 0, 1)[None]})
"""
FOLDED = """with torch.no_grad():
    w = net.conv1.weight / torch.tensor(IM[1]).view(1, 3, 1, 1)
    net.conv1.bias = nn.Parameter(-(w * torch.tensor(IM[0]).view(1, 3, 1, 1)).sum((1, 2, 3)))
    net.conv1.weight.copy_(w)
"""


def found(**texts: str) -> list[tuple[str, str]]:
    """The same for files whose names need no slash, or have it as two underscores."""
    return seen(texts)


def seen(texts: dict[str, str], *, pedantic: bool = False) -> list[tuple[str, str]]:
    """The codes and severities of what is found in files, by their paths with two underscores for a slash."""
    documents = [Document(f"{name.replace('__', '/')}.py", "python", text) for name, text in texts.items()]
    return [(each.code, each.severity) for each in examined(documents, pedantic=pedantic)]


WRONG = [("TARE050", "warning")]


@pytest.mark.parametrize(
    "saved",
    [
        "torch.jit.script(net).save('m.pt')",
        "torch.jit.script(net.eval()).save('out/m.pt')",
        "torch.jit.save(torch.jit.trace(net, x), 'm.pt')",
        "OUT = 'm.pt'\nscripted = torch.jit.script(net)\nscripted.save(OUT)",
        "torch.save(net, 'other.pt')\ntorch.jit.script(net).save('m.pt')",
    ],
)
def test_the_trained_network_itself_is_fed_as_in_training(saved: str) -> None:
    assert found(train=f"{TRAIN}{saved}\n", serve=SERVE.format("torch.jit.load('m.pt')")) == WRONG


@pytest.mark.parametrize(
    "saved",
    [
        "torch.jit.script(nn.Sequential(T.Normalize(*IM), net)).save('m.pt')",
        "torch.jit.script(torch.nn.Sequential(T.Normalize(*IM), net).eval()).save(where)",
        WRAPPER + "torch.jit.script(Shipped(net, *IM)).save('m.pt')",
        WRAPPER + "s = Shipped(net, *IM).eval()\ntorch.jit.save(torch.jit.trace(s, torch.rand(1, 3, 8, 8)), 'm.pt')",
        FOLDED + "torch.jit.script(net).save('m.pt')",
        "net.conv1 = nn.Sequential(T.Normalize(*IM), net.conv1)\ntorch.jit.script(net).save('m.pt')",
        "net.register_forward_pre_hook(normalised)\ntorch.jit.trace(net, x).save('m.pt')",
        "def ship(net):\n    torch.jit.script(wrapped(net)).save('m.pt')\nship(net)",
    ],
)
def test_a_network_that_normalises_itself_is_not_fed_as_in_training(saved: str) -> None:
    assert found(train=f"{TRAIN}{saved}\n", serve=SERVE.format("torch.jit.load('m.pt')")) == []


@pytest.mark.parametrize(
    "files",
    [
        {"train": TRAIN + WRAPPER + "torch.onnx.export(Shipped(net, *IM), torch.rand(1, 3, 8, 8), 'model.onnx')\n"},
        {
            "train": TRAIN + "torch.save(net.state_dict(), 'net.pt')\n",
            "export": "import tare\ntare.export('run/', format='onnx', out='model.onnx')\n",
        },
        {"train": TRAIN + "torch.save(net.state_dict(), 'net.pt')\n"},  # a command exported it
    ],
)
def test_a_graph_that_takes_bytes_normalises_them_itself(files: dict[str, str]) -> None:
    assert found(serve=RAW, **files) == []


def test_an_exported_network_that_was_trained_on_other_values_is_found() -> None:
    train = TRAIN + "torch.onnx.export(net, torch.rand(1, 3, 8, 8), 'model.onnx')\n"
    assert found(train=train, serve=RAW) == WRONG


LEAVES = TRAIN + "torch.save(net.state_dict(), 'leaves.pt')\n"
PIPELINE = """import torch
from PIL import Image
from torchvision import transforms as T
net = {}
t = T.Compose([T.Resize((64, 64)), {}])
def f(p):
    return net(t(Image.open(p))[None])
"""


@pytest.mark.parametrize("path", ["depth", "depth__run"])
@pytest.mark.parametrize("load", ["torch.jit.load('midas.pt')", "torch.load('weights/midas.pt').eval()"])
def test_a_file_that_no_training_writes_is_of_another_network(path: str, load: str) -> None:
    assert found(train=LEAVES, **{path: PIPELINE.format(load, "T.ToTensor()")}) == []
    files = {"train": LEAVES, path: PIPELINE.format(load, "T.ToTensor()")}
    assert ("TARE081", "note") in seen(files, pedantic=True)


def test_what_is_no_network_is_no_file_of_one() -> None:
    train = TRAIN + "figures.export('figures.pdf')\nnp.save('x.npy', x)\n"
    assert found(train=train, serve=SERVE.format("torch.jit.load('m.pt')")) == WRONG


def test_one_line_has_one_finding() -> None:
    train = TRAIN.replace("t = T", "train_transform = T").replace("'d', t", "'d', train_transform")
    train += "torch.jit.script(net).save('m.pt')\n"
    assert found(train=train, serve=PIPELINE.format("torch.jit.load('m.pt')", "T.ToTensor()")) == WRONG


def test_evaluation_of_another_network_has_its_own_constants() -> None:
    text = (
        "import torch\nfrom torchvision import transforms as T\nfrom torchvision.datasets import ImageFolder\n"
        "net = torch.load('{}')\n"
        "test_transform = T.Compose([T.Resize(64), T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n"
        "for x, y in torch.utils.data.DataLoader(ImageFolder('d/test', test_transform)):\n    net(x)\n"
    )
    assert found(train=LEAVES, clip__test=text.format("clip.pt")) == []
    assert found(train=LEAVES.replace(".state_dict()", ""), clip__test=text.format("leaves.pt")) == WRONG


KERAS = """import numpy as np
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.preprocessing.image import ImageDataGenerator
g = ImageDataGenerator(rescale=1/255)
m = keras.Sequential([layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(7)])
m.compile('adam', 'categorical_crossentropy')
m.fit(g.flow_from_directory('faces/train'))
m.save('emotion.h5')
"""
PREDICT = """import numpy as np
from tensorflow import keras
from tensorflow.keras.preprocessing.image import load_img, img_to_array
m = keras.models.load_model({})
def f(p):
    x = img_to_array(load_img(p, target_size=(160, 160)))
    x = x / 127.5 - 1
    return m.predict(x[None])
"""


def test_a_model_of_keras_is_tied_to_its_training_by_its_file() -> None:
    assert found(train=KERAS, predict=PREDICT.format("'emotion.h5'")) == WRONG
    assert found(train=KERAS, predict=PREDICT.format("path")) == WRONG
    assert found(train=KERAS, embed=PREDICT.format("'facenet_keras.h5'")) == []
    assert found(train=KERAS, faces__embed=PREDICT.format("'facenet_keras.h5'")) == []
    files = {"train": KERAS, "embed": PREDICT.format("'facenet_keras.h5'")}
    assert ("TARE081", "note") in seen(files, pedantic=True)


def test_a_model_of_keras_that_scales_inside_is_another_than_the_trained_one() -> None:
    shipped = KERAS + "keras.Sequential([layers.Rescaling(.5, offset=.5), m]).save('shipped.keras')\n"
    assert found(train=shipped, predict=PREDICT.format("'shipped.keras'")) == []
    checkpoint = KERAS.replace("m.save('emotion.h5')", "keras.callbacks.ModelCheckpoint('best.h5')")
    assert found(train=checkpoint, predict=PREDICT.format("'best.h5'")) == WRONG


MAKE = (
    "import numpy as np\nfrom PIL import Image\nx = np.stack([np.array(Image.open(p)) for p in ('a', 'b')])\nnp.save('{}', {})\n"
)
USE = "import numpy as np\nx = np.load('{}') / 255\nprint(x)\n"
TWICE = [("TARE002", "error")]


def test_arrays_are_tied_by_their_folder_and_their_program() -> None:
    assert found(a=MAKE.format("d/train.npy", "x / 255"), b=USE.format("d/train.npy")) == TWICE
    assert found(a=MAKE.format("d/train.npy", "x / 255"), b=USE.format("../d/train.npy")) == TWICE
    assert found(a=MAKE.format("d/train.npy", "x / 255"), b=USE.format("train.npy")) == TWICE
    other = {"a": MAKE.format("mnist/x.npy", "x / 255"), "b": MAKE.format("cifar/x.npy", "x"), "c": USE.format("cifar/x.npy")}
    assert found(**other) == []
    one = {"one__a": MAKE.format("x.npy", "x / 255"), "two__a": MAKE.format("x.npy", "x"), "two__b": USE.format("x.npy")}
    assert found(**one) == []
    assert found(**(one | {"one__b": USE.format("x.npy")})) == TWICE
    assert found(a=MAKE.format("x.npy", "x / 255"), b=MAKE.format("x.npy", "x"), c=USE.format("x.npy")) == []
