"""What the programs of these tests begin with, and the codes that are found in one."""

from __future__ import annotations

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HEAD = (
    "import cv2, numpy as np, torch, torchvision\nfrom PIL import Image\nfrom torchvision import transforms as T\n"
    "MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]\nM, S = np.array(MEAN), np.array(STD)\n"
    "TM, TS = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)\n"
)
#: An image as an array of 0..255 and of 0..1, and as a tensor of 0..1.
RAW = "x = np.asarray(Image.open(p).convert('RGB')).astype(np.float32)\n"
UNIT = f"{RAW}x = x / 255\n"
TENSOR = "x = T.ToTensor()(Image.open(p))\n"


def codes(text: str) -> list[str]:
    """The codes that are found in a program of one file."""
    return [each.code for each in examined([Document("main.py", "python", HEAD + text)])]
