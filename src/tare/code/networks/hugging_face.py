"""What models of the Hugging Face hub expect, by their identifiers, and what processor classes do by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tare.code.networks.expected import CLIP, HALVES, IMAGENET, UNIT, Constants, Expected
from tare.code.networks.open_clip import of_open_clip
from tare.code.networks.timm import of_timm
from tare.input_spec.formats import hf_classes

# The preprocessor_config.json that the owners published beside their weights, by pattern of the identifier; the first that fits
# decides. A class's own defaults differ from some of them: ViT's are halves, and DeiT's and ConvNeXt's as well.
_FAMILIES: tuple[tuple[str, Constants], ...] = (
    (r"google/vit-(?:base|large|huge)-patch\d+-\d+.*", HALVES),
    (r"facebook/deit-.*", IMAGENET),
    (r"facebook/(?:convnext|convnextv2)-.*", IMAGENET),
    (r"facebook/dinov2-.*|facebook/dino-vit.*", IMAGENET),
    (r"facebook/(?:vit-mae|vit-msn|levit|maskformer|mask2former|detr|sam-vit|sam2|sam2\.1|regnet)-.*", IMAGENET),
    (r"facebook/dinov3-.*sat493m", Constants((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))),
    (r"facebook/dinov3-.*", IMAGENET),
    (r"facebook/timesformer-.*", Constants((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))),
    (r"microsoft/(?:swin|swinv2|cvt|focalnet|resnet)-.*", IMAGENET),
    (r"microsoft/(?:beit|dit|trocr|layoutlmv3)-.*", HALVES),
    (r"nvidia/(?:mit|segformer)-.*", IMAGENET),
    (r"google/mobilenet_v[12]_.*", HALVES),
    (r"google/(?:med)?siglip2?-.*", HALVES),
    (r"google/owl(?:vit|v2)-.*", CLIP),
    (r"openai/clip-.*", CLIP),
    (r"Salesforce/blip2?-.*", CLIP),
    (r"hustvl/yolos-.*", IMAGENET),
    (r"MCG-NJU/videomae-.*", IMAGENET),
    (r"Intel/dpt-(?:large|hybrid).*", HALVES),
    (r"(?:LiheYoung/depth_anything|LiheYoung/depth-anything|depth-anything/Depth-Anything)[-_].*", IMAGENET),
)
_SPEECH = "audio at 16 kHz; where do_normalize is set, its feature extractor gives each sample a mean of 0 and a std of 1"
_AUDIO: tuple[tuple[str, str], ...] = (
    (r"facebook/(?:wav2vec2|hubert)-.*|microsoft/wavlm-.*", _SPEECH),
    (r"openai/whisper-.*", "audio at 16 kHz as log-mel spectrograms, from its feature extractor"),
    (r"MIT/ast-.*", "log-mel filter banks, less -4.2677 and over twice 4.5690, from its feature extractor"),
)
_MOBILEVIT = re.compile(r"apple/(?:deeplabv3-)?mobilevit-.*")
_ORIGIN = "the preprocessor_config.json published as"


def of_hub(name: str) -> Expected | None:
    """What ``from_pretrained("OWNER/NAME")`` expects; also the processor classes, by name, with their own defaults."""
    if name.startswith("timm/"):
        return of_timm(name)
    if name.startswith("laion/CLIP-"):
        return _of_laion(name)
    if _MOBILEVIT.fullmatch(name):
        note = "blue first, scaled to 0..1, neither mean nor std"
        return Expected("transformers", name, UNIT, f"{_ORIGIN} {name}", "BGR", notes=(note,))
    constants = next((each for pattern, each in _FAMILIES if re.fullmatch(pattern, name)), None)
    if constants is not None:
        return Expected("transformers", name, constants, f"{_ORIGIN} {name}")
    note = next((words for pattern, words in _AUDIO if re.fullmatch(pattern, name)), "")
    return Expected("transformers", name, None, f"{_ORIGIN} {name}", "", notes=(note,)) if note else None


def of_processor(name: str) -> Expected | None:
    """What an image processor class does that is made without a configuration, such as ``ViTImageProcessor()``."""
    stem = hf_classes.class_of(name)
    if stem is None or stem in hf_classes.UNREAD_VALUES or stem in hf_classes.MORE_CHANNELS or stem in hf_classes.OFFSET:
        return None
    constants = _of_defaults(stem, hf_classes.defaults_of(stem))
    if constants is None:
        return None
    is_reversed = hf_classes.REVERSED.get(stem, False)
    if is_reversed is True:  # some before they normalise and some after
        return None
    flips = isinstance(is_reversed, str) and bool(hf_classes.defaults_of(stem).get(is_reversed))
    origin = f"{hf_classes.library()}: the defaults of {stem}ImageProcessor"
    return Expected("transformers", f"{stem}ImageProcessor", constants, origin, "BGR" if flips else "RGB")


def _of_defaults(stem: str, defaults: Mapping[str, Any]) -> Constants | None:
    """Constants of unit values from a class's rescale_factor, image_mean and image_std."""
    if stem in hf_classes.NEVER_RESCALED or not defaults.get("do_rescale"):
        return None
    unit = float(defaults.get("rescale_factor", 0)) * 255
    normalises = bool(defaults.get("do_normalize")) and stem not in hf_classes.NEVER_NORMALISED
    mean, std = (defaults.get("image_mean"), defaults.get("image_std")) if normalises else ([0.0] * 3, [1.0] * 3)
    if not (unit and isinstance(mean, list) and isinstance(std, list)):
        return None
    return Constants(tuple(float(each) / unit for each in mean), tuple(float(each) / unit for each in std))


def _of_laion(name: str) -> Expected | None:
    """``laion/CLIP-ViT-H-14-laion2B-s32B-b79K`` is the model ViT-H-14 with the tag laion2b_s32b_b79k."""
    parts = re.fullmatch(r"laion/CLIP-((?:ViT-\w+-\d+|convnext_\w+)(?:-\d+)?)-(.+)", name)
    return of_open_clip(parts[1], parts[2].lower().replace("-", "_").replace(".", "_")) if parts else None
