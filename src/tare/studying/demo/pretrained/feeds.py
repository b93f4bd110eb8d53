"""Five wrong ways to feed the network, what each costs, and what ``tare.check`` and ``tare.identify`` say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from tare.checking.api import check
from tare.identifying.api import identify
from tare.identifying.result import Identification
from tare.studying.demo.pretrained.network import REFERENCE, load_pretrained, photographs
from tare.studying.demo.result import Feed, PretrainedResult
from tare.system.progress import Advance

_HALVES, _IMAGENET = ((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_BATCH = 16
RIGHT = "as the network expects"
#: Ways to feed the network, and the identification.
WAYS = 7


def run_pretrained(folder: Path, advance: Advance) -> PretrainedResult:
    """Feed the network in every way; the photographs and the weights are written to ``folder`` for ``tare identify``."""
    module, images = load_pretrained(), photographs()
    right: torch.Tensor | None = None
    feeds = []
    for name, steps in _pipelines().items():
        answers = _answers(module, images, steps)
        right = answers if right is None else right
        wanted = right.argmax(dim=1)
        trust = float(answers.gather(1, wanted[:, None]).mean())
        codes = tuple(dict.fromkeys(found.code for found in check(steps, model=REFERENCE).findings if found.severity != "note"))
        feeds.append(Feed(name, float((answers.argmax(dim=1) == wanted).float().mean()), trust, codes))
        advance(1)
    found = _identified(folder, module, images)
    advance(1)
    return PretrainedResult(tuple(feeds), len(images), found.best.name, len(found.members) - 1, found.summary())


def _pipelines() -> dict[str, Any]:
    from torchvision.transforms import v2

    start = [v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC), v2.CenterCrop(224), v2.ToImage()]
    unit, halves, imagenet = v2.ToDtype(torch.float32, scale=True), v2.Normalize(*_HALVES), v2.Normalize(*_IMAGENET)
    steps: dict[str, list[Any]] = {
        RIGHT: [unit, halves],
        "not normalised, [0, 1]": [unit],
        "ImageNet's mean and std": [unit, imagenet],
        "blue, green, red": [v2.Lambda(_reversed), unit, halves],
        "normalised twice": [unit, halves, halves],
        "raw values, 0 to 255": [v2.ToDtype(torch.float32, scale=False)],
    }
    return {name: v2.Compose([*start, *rest]) for name, rest in steps.items()}


def _reversed(image: torch.Tensor) -> torch.Tensor:
    return image.flip(-3)


def _answers(module: nn.Module, images: list[Image.Image], steps: Any) -> torch.Tensor:
    """Probabilities ``(N, 1000)``."""
    with torch.no_grad():
        fed = torch.stack([steps(image).as_subclass(torch.Tensor) for image in images])
        return torch.cat([module(part).softmax(dim=1) for part in fed.split(_BATCH)])  # type: ignore[no-untyped-call]


def _identified(folder: Path, module: nn.Module, images: list[Image.Image]) -> Identification:
    """Ask ``tare.identify``, which is told neither the constants nor the order of colours."""
    from safetensors.torch import save_file

    kept = folder / "photographs"
    kept.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        image.save(kept / f"{index:02}.png")
    weights = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, weights)
    return identify(model=REFERENCE, checkpoint=weights, data=kept)
