"""What models of open_clip and of OpenAI's clip expect."""

from __future__ import annotations

import re

from tare.code.networks.expected import CLIP, HALVES, IMAGENET, UNIT, Constants, Expected

# The models and tags of pretrained.py whose mean and std are not OpenAI's (open_clip 3.3.0); the first that fits decides.
_OTHERS: tuple[tuple[str, Constants], ...] = (
    (r"ViT-L-14:laion2b_s32b_b82k", HALVES),
    (r"(?:ViT-.*-SigLIP.*|nllb-clip-.*-siglip|PE-Core-.*):.*", HALVES),
    (r"ViT-.*-CLIPA(?:-\d+)?:.*", IMAGENET),
    (r"MobileCLIP.*:.*", UNIT),
)
_MODELS = re.compile(
    r"(?:RN\d+(?:x\d+)?|ViT-\w+-\d+(?:-\w+)*|EVA\d+-.*|convnext_\w+|coca_ViT-.*|roberta-ViT-.*|xlm-roberta-.*"
    r"|nllb-clip-.*|MobileCLIP.*|PE-Core-.*|ViTamin-.*)(?:-quickgelu)?"
)


def of_open_clip(name: str, pretrained: str | None = None) -> Expected | None:
    """What ``open_clip.create_model(NAME, pretrained=TAG)`` expects."""
    model = name.replace("/", "-")
    if not _MODELS.fullmatch(model):
        return None
    full = f"{model}:{pretrained or ''}"
    constants = next((each for pattern, each in _OTHERS if re.fullmatch(pattern, full)), CLIP)
    return Expected("open_clip", full.rstrip(":"), constants, f"open_clip 3.3.0: pretrained.py, {full.rstrip(':')}")


def of_clip(name: str) -> Expected | None:
    """What ``clip.load(NAME)`` of OpenAI expects, such as ``ViT-B/32``."""
    known = re.fullmatch(r"RN\d+(?:x\d+)?|ViT-[BL]/\d+(?:@336px)?", name)
    return Expected("clip", name, CLIP, "openai/CLIP: _transform in clip.py") if known else None
