"""Pretrained networks that are served images as they were read, wherever the network and the image come from."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document

HEAD = """\
import io, cv2, imageio.v3, open_clip, skimage.io, timm, torch, torchvision
import numpy as np
import tensorflow as tf
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import pil_to_tensor
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
"""
TIMM = "model = timm.create_model('resnet50', pretrained=True).eval()\n"
OPENED = "torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1).float()"


IMG = OPENED.replace("Image.open(path)", "img")
MODULE = "class Net(torch.nn.Module):\n    def __init__(self, net=None):\n        super().__init__()\n"


def service(image: str = OPENED, result: str = "model(x[None])", network: str = TIMM) -> str:
    """A network of the module, and a function that opens an image and feeds it; ``@`` is where it may be normalised."""
    return f"{network}def predict(path):\n    x = {image}@\n    return {result}\n"


def loaded(loop: str) -> str:
    """A dataset of one's own behind a loader."""
    dataset = f"class D(Dataset):\n    def __getitem__(self, i):\n        path = self.paths[i]\n        return {OPENED}@, 0\n"
    return TIMM + dataset + loop


SERVED = {
    "a network of timm": service(),
    "of torchvision": service(network="model = torchvision.models.resnet50(weights='DEFAULT')\n"),
    "of a hub": service(network="model = torch.hub.load('pytorch/vision', 'resnet50', weights='DEFAULT')\n"),
    "of transformers": service(
        result="model(pixel_values=x[None]).logits",
        network="from transformers import AutoModelForImageClassification as A\n"
        "model = A.from_pretrained('facebook/deit-base-patch16-224')\n",
    ),
    "half of its precision": service(OPENED.replace("float", "half"), network=TIMM.replace(".eval()", ".half().cuda()")),
    "another method": service(result="model.forward_features(x[None])"),
    "without gradients": service().replace("return", "with torch.no_grad():\n        return"),
    "with a head": service(
        network="model = torch.nn.Sequential(timm.create_model('resnet50', pretrained=True), torch.nn.ReLU())\n"
    ),
    "a global variable": service(network=f"model = None\ndef load():\n    global model\n    {TIMM}"),
    "a global variable, loaded below": service(network="model = None\n") + f"def load():\n    global model\n    {TIMM}",
    "a function that makes it": service(network=f"def make():\n{indent(TIMM, '    ')}    return model\nmodel = make()\n"),
    "an attribute": "class S:\n    def __init__(self):\n        self.net = timm.create_model('resnet50', pretrained=True)\n"
    f"    def predict(self, path):\n        return self.net({OPENED}@[None])\n",
    "a module of one's own": service(
        network=MODULE + "        self.body = timm.create_model('resnet50', pretrained=True)\n"
        "    def forward(self, x):\n        return self.body(x)\nmodel = Net()\n"
    ),
    "a helper that reads": TIMM + f"def load(path):\n    return {OPENED}@\nprint(model(load('a.jpg')[None]))\n",
    "three helpers": TIMM
    + "def read(path):\n    return Image.open(path)\ndef prepare(img):\n    return torch.from_numpy(np.array(img))\n"
    "def infer(x):\n    return model(x)\ndef main(path):\n    return infer(prepare(read(path)).permute(2, 0, 1).float()@)\n",
    "a file that is open": TIMM
    + f"def predict(path):\n    with Image.open(path) as img:\n        x = {IMG}@\n    return model(x)\n",
    "a web service": "from fastapi import FastAPI, File, UploadFile\napp = FastAPI()\n"
    + TIMM
    + "@app.post('/')\nasync def predict(file: UploadFile = File(...)):\n"
    f"    img = Image.open(io.BytesIO(await file.read())).convert('RGB')\n    x = {IMG}@\n    return model(x)\n",
    "imageio": service(OPENED.replace("Image.open", "imageio.v3.imread")),
    "scikit-image": service(OPENED.replace("Image.open", "skimage.io.imread")),
    "OpenCV": service(OPENED.replace("Image.open(path)", "cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)")),
    "torchvision's reader": service("torchvision.io.read_image(path, torchvision.io.ImageReadMode.RGB).float()"),
    "torchvision's decoder": service("torchvision.io.decode_image(torchvision.io.read_file(path)).float()"),
    "a tensor of PIL": service("pil_to_tensor(Image.open(path).convert('RGB')).float()"),
    "einops": service("rearrange(torch.tensor(np.asarray(Image.open(path))), 'h w c -> c h w').float()"),
    "resized as a tensor": service(result="model(F.interpolate(x[None], size=224, mode='bilinear'))"),
    "a stack": TIMM + f"def predict(paths):\n    return model(torch.stack([{OPENED}@ for path in paths]))\n",
    "a list that grows": TIMM + f"def predict(paths):\n    xs = []\n    for path in paths:\n        xs.append({OPENED}@)\n"
    "    return model(torch.stack(xs))\n",
    "a loader": loaded("for x, y in DataLoader(D(), batch_size=8):\n    model(x.cuda())\n"),
    "a loader that is counted": loaded("for i, (x, y) in enumerate(DataLoader(D())):\n    model(x)\n"),
}
#: What makes each of these right: at ``@``.
NORMALISED = ".div(255).sub(MEAN).div(STD)"


def found(**texts: str) -> list[CodeFinding]:
    return examined([Document(f"{name}.py", "python", dedent(text)) for name, text in texts.items()])


@pytest.mark.parametrize("case", SERVED)
def test_an_image_that_is_fed_as_read_is_found_and_a_normalised_one_is_right(case: str) -> None:
    text = HEAD + SERVED[case]
    assert [(each.code, each.severity) for each in found(main=text.replace("@", ""))] == [("TARE001", "error")]
    assert [each for each in found(main=text.replace("@", NORMALISED)) if each.fails] == []


def test_a_network_and_a_dataset_of_other_files() -> None:
    data = loaded("").replace(TIMM, "").replace("@", "")
    main = "from net import model\nfrom data import *\nloader = DataLoader(D())\nfor x, y in loader:\n    model(x)\n"
    (each,) = found(net="import timm\n" + TIMM, data=HEAD + data, main=main)
    assert (each.code, each.place.path) == ("TARE001", "main.py")


KERAS = {
    "PIL": "img = Image.open(path).resize((224, 224))\n    return model.predict(np.array(img)[None])",
    "PIL, expanded": "x = np.expand_dims(np.array(Image.open(path)), 0)\n    return model(x)",
    "its own reader": "x = tf.keras.utils.img_to_array(tf.keras.utils.load_img(path, target_size=(224, 224)))\n"
    "    return model.predict(x[None])",
}


@pytest.mark.parametrize("case", KERAS)
def test_a_network_of_keras_that_gets_an_image_as_read(case: str) -> None:
    text = (
        f"{HEAD}model = tf.keras.applications.MobileNetV2()\ndef predict(path):\n    {KERAS[case]}\n# 255 is a word of scaling\n"
    )
    assert [(each.code, each.severity) for each in found(main=text)] == [("TARE101", "error")]
    assert found(main=text.replace("MobileNetV2", "EfficientNetB0")) == []  # which scales inside
    assert found(main=text.replace("def predict", "model.load_weights(p)\ndef predict")) == []


@pytest.mark.parametrize(
    "text",
    [
        service().replace("(path)", "(model, path)", 1),
        service(network=TIMM.replace("True", "False")),
        service(network=f"{TIMM}model.load_state_dict(torch.load('mine.pt'))\n"),
        service(
            network=f"{MODULE}        self.body = timm.create_model('resnet50', pretrained=True)\n"
            "    def forward(self, x):\n        return self.body(x)\nmodel = Net()\n"
            "model.load_state_dict(torch.load('mine.pt'))\n"
        ),
        service(network=f"{TIMM}model = torch.nn.Linear(3, 4)\n"),
        service(OPENED.replace("(path)", "(path).convert('L')")),
        service(OPENED.replace("Image.open(path)", "skimage.io.imread(path, as_gray=True)")),
        service(OPENED.replace("Image.open(path)", "imageio.v3.imread('a.TIF')")),
        service(network="model = torch.nn.Sequential(Normalise(), timm.create_model('resnet50', pretrained=True))\n"),
        service(
            network=f"{TIMM}{MODULE}        self.net = net\n    def forward(self, x):\n"
            "        return self.net((x / 255 - MEAN) / STD)\nmodel = Net(model)\n"
        ),
        loaded("for x, y in DataLoader(D(), collate_fn=normalised):\n    model(x)\n"),
        loaded("for x, y in DataLoader(D()):\n    model(normalised(x))\n"),
    ],
)
def test_what_may_be_right_is_left_alone(text: str) -> None:
    assert [each for each in found(main=HEAD + text.replace("@", "")) if each.fails] == []


@pytest.mark.parametrize(("scaling", "code"), [("", "TARE001"), (".div(255)", "TARE004")])
def test_a_scale_and_an_order_that_are_both_wrong_are_both_told(scaling: str, code: str) -> None:
    text = HEAD + service(OPENED.replace("Image.open", "cv2.imread")).replace("@", scaling)
    assert sorted(each.code for each in found(main=text)) == [code, "TARE008"]


def test_open_clip_gets_its_images_by_another_method() -> None:
    made = "model, _, _ = open_clip.create_model_and_transforms('ViT-B-32', pretrained='openai')\n"
    text = HEAD + service(result="model.encode_image(x[None])", network=made)
    assert [each.code for each in found(main=text.replace("@", ""))] == ["TARE001"]
    assert [each.code for each in found(main=text.replace("@", NORMALISED))] == ["TARE005"]


TRANSFORMING = """\
from torchvision import transforms as T, models
from torchvision.datasets import ImageFolder
t = T.Compose([T.ToTensor(), T.Normalize({constants})])
net = {network}
for x, y in DataLoader(ImageFolder('d', t)):
    net(x)
"""
HALVES, IMAGENET = "[0.5] * 3, [0.5] * 3", "[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]"


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        ("weights='DEFAULT')", IMAGENET, HALVES),
        ("weights='DEFAULT', transform_input=True)", IMAGENET, HALVES),
        ("weights='DEFAULT', transform_input=False)", HALVES, IMAGENET),
        ("weights='DEFAULT')\nnet.transform_input = False", HALVES, IMAGENET),
        ("weights='DEFAULT').eval()\nnet.transform_input = False", HALVES, IMAGENET),
    ],
)
def test_a_network_that_is_told_to_leave_its_input_takes_other_constants(name: str, option: str, right: str, wrong: str) -> None:
    def codes(constants: str) -> list[str]:
        text = HEAD + TRANSFORMING.format(constants=constants, network=f"models.{name}({option}")
        return [each.code for each in examined([Document("main.py", "python", text)])]

    assert codes(right) == []
    assert codes(wrong) == ["TARE005"]


@pytest.mark.parametrize("option", [", transform_input=flag)", ")\nnet.transform_input = flag"])
@pytest.mark.parametrize("constants", [HALVES, IMAGENET])
def test_an_option_that_is_not_known_leaves_the_constants_open(option: str, constants: str) -> None:
    network = f"models.inception_v3(weights='DEFAULT'{option}"
    text = HEAD + TRANSFORMING.format(constants=constants, network=network)
    assert examined([Document("main.py", "python", text)]) == []
