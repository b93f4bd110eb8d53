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
