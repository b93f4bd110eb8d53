"""Notes of what could not be told."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document


def notes(code: str) -> list[tuple[str, str, int]]:
    found = examined([Document("data.py", "python", f"from torchvision import transforms as T\n{code}")], pedantic=True)
    return [(each.code, each.severity, each.place.line) for each in found]


def test_constants_that_only_running_the_code_tells_are_noted() -> None:
    assert notes("val = T.Compose([T.ToTensor(), T.Normalize(*load())])\n") == [("TARE010", "note", 2)]


def test_constants_that_are_read_are_not() -> None:
    assert notes("val = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])\n") == []


def test_a_pretrained_network_of_which_nothing_is_known_is_noted() -> None:
    code = "import timm\nmodel = timm.create_model('nobodys_network', pretrained=True)\n"
    assert ("TARE080", "note", 3) in notes(code)
    assert notes(code.replace("True", "False")) == []


def test_a_sound_of_which_only_its_file_knows_the_rate_is_noted() -> None:
    head = "import torchaudio\nfrom transformers import *\np = Wav2Vec2Processor.from_pretrained('facebook/wav2vec2-base')\n"
    code = head + "w, sr = torchaudio.load(f)\np(w[0], sampling_rate=16000)\n"
    assert notes(code) == [("TARE108", "note", 6)]
    assert notes(code.replace("\np(w", "\nw = torchaudio.functional.resample(w, sr, 16000)\np(w")) == []


def test_without_being_asked_nothing_is_noted() -> None:
    code = "from torchvision import transforms as T\nval = T.Compose([T.ToTensor(), T.Normalize(*load())])\n"
    assert examined([Document("data.py", "python", code)]) == []


FED = (
    "import numpy as np, timm, torch\nfrom PIL import Image\nmodel = timm.create_model('resnet50', pretrained=True)\n"
    "def predict(img):\n    x = {}\n    return model(x)\n"
)


def test_a_network_whose_input_could_not_be_followed_is_noted() -> None:
    assert notes(FED.format("torch.from_numpy(np.array(img)).permute(2, 0, 1).float()[None]")) == [("TARE081", "note", 4)]
    assert notes("import timm\nmodel = timm.create_model('resnet50', pretrained=True)\n") == [("TARE081", "note", 3)]


USED = (
    "import argparse, foo, sys, timm\nfrom torchvision import datasets, models\nfrom torch.utils.data import DataLoader\n"
    "a = argparse.ArgumentParser().parse_args()\n{}\n"
    "net = {}\nfor x, y in DataLoader(datasets.ImageFolder('d', t)):\n    net(x)\n"
)
BARE, OWN = "t = T.Compose([T.Resize(224), T.ToTensor()])", "models.resnet50(weights='DEFAULT')"


@pytest.mark.parametrize(
    "pipeline",
    [
        "t = T.Compose([T.Resize(224), T.ToTensor(), foo.Step()])",
        "t = T.Compose(foo.steps())",
        "s = [T.ToTensor()]\n"
        + "".join(f"if a.f{each}:\n    s.append(T.RandomErasing())\n" for each in range(8))
        + "t = T.Compose(s)",
        "s = foo.steps()\ns.append(T.Normalize([0.5] * 3, [0.5] * 3))\nt = T.Compose(s)",
    ],
)
def test_a_network_none_of_whose_pipelines_is_known_is_noted(pipeline: str) -> None:
    assert [code for code, severity, _ in notes(USED.format(pipeline, OWN)) if severity == "note"] == ["TARE081"]


@pytest.mark.parametrize(
    "made",
    [
        "timm.create_model(sys.argv[1], pretrained=True)",
        "models.get_model(sys.argv[1], weights='DEFAULT')",
        "getattr(models, sys.argv[1])(weights='DEFAULT')",
        "models.__dict__[sys.argv[1]](pretrained=True)",
    ],
)
def test_a_network_whose_name_is_not_written_is_noted(made: str) -> None:
    assert [code for code, _, _ in notes(USED.format(BARE, made))] == ["TARE080"]
    for word in ("True", "'DEFAULT'"):
        made = made.replace(word, "None")
    assert notes(USED.format(BARE, made)) == []


@pytest.mark.parametrize(
    "image",
    [
        "torch.from_numpy(np.array(Image.open(img))).permute(2, 0, 1).float()[None]",
        "(mine(img) / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])",
        "T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])(img)",
        "timm.data.create_transform(**timm.data.resolve_model_data_config(model))(img)",
    ],
)
def test_a_network_whose_input_was_compared_is_not(image: str) -> None:
    assert [each for each in notes(FED.format(image)) if each[0] == "TARE081"] == []
