"""What mistakes cost: ``python -m benchmarks.mistake_costs [--write]``.

A MobileNetV1 (width 0.25) with ImageNet weights names 100 photos of ImageNet, fed as in training and with one mistake at a time.
It was trained on values of -1..1; with ImageNet's constants undone in front it is the same network for those. The photos and the
weights lie in the folder that TARE_DATA names; ``--write`` keeps the numbers for ``tare check`` and for docs/check.md.
"""

# tare: ignore-file (the mistakes are made on purpose)

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import v2

from benchmarks.marks import insert_between
from tare.checking.repository.costs import PATH

ROOT = Path(__file__).parent.parent
NAME = "mobilenet_v1_025"
MEAN, STD = (torch.tensor(each).view(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
TYPO = torch.tensor((0.229, 0.224, 0.255)).view(3, 1, 1)
BEGIN, END = "<!-- costs -->", "<!-- end of costs -->"
_DRAWS = 5

Feed = Callable[[torch.Tensor], torch.Tensor]

#: What is fed of unit values, by the key of the mistake; the last word says which network gets it.
MISTAKES: dict[str, tuple[str, Feed, str]] = {
    "imagenet": ("ImageNet's constants, for a network of -1..1", lambda u: (u - MEAN) / STD, "signed"),
    "halves": ("values of -1..1, for a network of ImageNet's constants", lambda u: (u - 0.5) / 0.5, "constants"),
    "unit": ("values of 0..1, not normalised", lambda u: u, "constants"),
    "unit signed": ("values of 0..1, for a network of -1..1", lambda u: u, "signed"),
    "raw": ("values of 0..255, for a network of -1..1", lambda u: u * 255, "signed"),
    "divided": ("divided by 255 twice", lambda u: (u / 255 - MEAN) / STD, "constants"),
    "twice": ("normalised twice", lambda u: ((u - MEAN) / STD - MEAN) / STD, "constants"),
    "bgr": ("blue first", lambda u: (u.flip(0) - MEAN) / STD, "constants"),
    "exchanged": ("mean and std exchanged", lambda u: (u - STD) / MEAN, "constants"),
    "repeated": ("the mean as std", lambda u: (u - MEAN) / MEAN, "constants"),
    "variance": ("the variance as std", lambda u: (u - MEAN) / STD**2, "constants"),
    "typo": ("0.255 for 0.225 in the std", lambda u: (u - MEAN) / TYPO, "constants"),
    "levels": ("constants of 0..255 on values of 0..1", lambda u: (u - MEAN * 255) / (STD * 255), "constants"),
}


def main() -> None:
    """Measure and print the table; with ``--write`` keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mistake_costs", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the numbers to the package and to docs/check.md")
    write = parser.parse_args().write
    found = measured()
    text = table(found)
    print(text)
    if write:
        PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        insert_between(ROOT / "docs" / "check.md", text, BEGIN, END)


def measured() -> dict[str, object]:
    """How many photos are named rightly, by mistake, and fed as in training."""
    photos, labels = _photos()
    whole = torch.stack([_view(each) for each in photos])
    right = _named(whole, labels, lambda u: (u - 0.5) / 0.5, "signed")
    named = {key: _named(whole, labels, feed, network) for key, (_, feed, network) in MISTAKES.items()}
    named["random"] = round(sum(_at_random(photos, labels, seed) for seed in range(_DRAWS)) / _DRAWS, 1)  # type: ignore[assignment]
    return {"photos": len(photos), "right": right, "named": named}


def table(found: dict[str, object]) -> str:
    """The numbers as Markdown."""
    named = found["named"]
    assert isinstance(named, dict)  # noqa: S101 (it was made above)
    words = {**{key: what for key, (what, _, _) in MISTAKES.items()}, "random": "random crop and flip in evaluation (mean of 5)"}
    rows = [f"| {words[key]} | {count} |" for key, count in sorted(named.items(), key=lambda both: -both[1])]
    head = f"| fed | named rightly, of {found['photos']} |\n|---|--:|\n| as in training | {found['right']} |\n"
    return head + "\n".join(rows)


def _photos() -> tuple[list[Image.Image], torch.Tensor]:
    folder = Path(os.environ["TARE_DATA"])
    with (folder / "imagenet100_index.csv").open(encoding="utf-8") as file:
        labels = {row["file"]: int(row["class_index"]) for row in csv.DictReader(file)}
    images: dict[str, Image.Image] = {}
    with tarfile.open(folder / "imagenet100.tar") as archive:
        for each in archive:
            name, file = Path(each.name).name, archive.extractfile(each)
            if name in labels and file is not None:
                images[name] = Image.open(io.BytesIO(file.read())).convert("RGB")
    return [*images.values()], torch.tensor([labels[name] for name in images])


def _view(image: Image.Image) -> torch.Tensor:
    """The centre of an image as unit values, (3, 224, 224)."""
    resized = v2.CenterCrop(224)(v2.Resize(256)(image))
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1) / 255


def _named(units: torch.Tensor, labels: torch.Tensor, feed: Feed, network: str) -> int:
    fed = torch.stack([feed(each) for each in units])
    if network == "constants":
        fed = (fed * STD + MEAN - 0.5) / 0.5
    with torch.inference_mode():
        return int((_network()(fed).argmax(1) == labels).sum())


def _at_random(photos: Sequence[Image.Image], labels: torch.Tensor, seed: int) -> int:
    torch.manual_seed(seed)
    draw = v2.Compose([v2.RandomResizedCrop(224), v2.RandomHorizontalFlip()])
    units = torch.stack([torch.from_numpy(np.array(draw(each))).permute(2, 0, 1) / 255 for each in photos])
    return _named(units, labels, lambda u: (u - 0.5) / 0.5, "signed")


def _network() -> torch.nn.Module:
    folder = Path(os.environ["TARE_DATA"])
    spec = importlib.util.spec_from_file_location(NAME, folder / f"{NAME}.py")
    assert spec is not None  # noqa: S101 (the file's name ends with .py)
    assert spec.loader is not None  # noqa: S101 (the same)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: torch.nn.Module = getattr(module, NAME)()
    network.load_state_dict(load_file(folder / f"{NAME}_imagenet.safetensors"))
    return network.eval()


if __name__ == "__main__":
    main()
