"""Numbers that no program means: the rules say nothing of them, and fail at none."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import judged
from tare.code.files.document import Document

_IMPORTS = """
import torch, torchaudio
import torchvision.transforms.functional as F
from PIL import Image
from torchvision import models, transforms as T
model = models.resnet18(weights="DEFAULT")
image = Image.open("a.jpg").convert("RGB")
wave, rate = torchaudio.load("a.wav")
"""
_ODD = ("0", "0.0", "1e309", "-1e309", "1e-320", "10**400", "float('nan')", "1e300", "-0.0", "1j", "True", "None", "'s'")
_PROGRAMS = (
    "t = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, {0}], [0.229, {0}, 0.225])])\nmodel(t(image)[None])\n",
    "t = T.Compose([T.ToTensor(), T.Normalize([{0}] * 3, [{0}] * 3), T.Normalize([-0.5] * 3, [2] * 3)])\nmodel(t(image)[None])\n",
    "t = T.Compose([T.ToTensor(), T.Lambda(lambda t: t * {0}), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])\n"
    "model(t(image)[None])\n",
    "x = F.normalize(tensor=F.to_tensor(image) / {0}, mean=[0.485, 0.456, 0.406], std=[{0}, 0.224, 0.225])\nmodel(x[None])\n",
    "x = (F.to_tensor(image) - {0}) / {0}\nmodel(x[None])\n",
    "wave = wave / {0}\nx = torchaudio.transforms.MelSpectrogram(sample_rate={0}, n_mels={0})(wave * {0})\n",
)


@pytest.mark.parametrize("number", _ODD)
def test_odd_numbers_in_programs_fail_at_no_rule(number: str) -> None:
    for program in _PROGRAMS:
        judged([Document("a.py", "python", _IMPORTS + program.format(number))], pedantic=True)
