"""What the image processor classes of transformers do beyond their keys.

A ``preprocessor_config.json`` names its class, and the class decides what the keys mean and what holds where a key is absent.
Defaults are read from transformers (``python -m benchmarks.hf_processors`` writes ``hf_processors.json``); what a class does
with its keys was read in its source (5.23). The conformance table compares every class with these tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_TILES = "the class cuts an image into as many tiles as its shape needs"
_PATCHES = "the class keeps the image's ratio and cuts it into patches"
_EDGES = "the class keeps the image's ratio within a shortest and a longest edge, so that the size depends on the image"
_MULTIPLE = "the class makes the edges multiples of a divisor, so that the size depends on the image"
_PADS = "the class pads the image after it was resized with its ratio kept"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _each(text: str, reason: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), reason)


#: Classes that resize and crop as their keys say.
CONFIGURED = _names(
    "Beit Bit Blip Chameleon ChineseCLIP CLIP DeiT DepthPro DINOv3ViT DPT EfficientNet Flava Gemma3 GotOcr2 Idefics LayoutLMv2 "
    "LayoutLMv3 Llava MobileNetV1 MobileNetV2 MobileViT Ovis2 OwlViT PPChart2Table PPDocLayoutV2 PPDocLayoutV3 PPDocLayoutV4 "
    "PromptDepthAnything Pvt RTDetr Sam2 Sam3 Sapiens2 Segformer SegGpt Siglip SuperPoint SuperGlue LightGlue EfficientLoFTR "
    "Tipsv2 Tipsv2Dpt VideoLlava VideoMAE ViT Vivit"
)

#: Classes with a resize rule of their own, which :mod:`tare.input_spec.formats.hf_geometry` knows.
OWN_RESIZE = frozenset({"ConvNext", "PoolFormer", "Levit"})

#: Classes that take ``do_center_crop`` and never crop, and those of which only one backend does.
NEVER_CROPPED = _names(
    "DepthPro EfficientLoFTR Gemma3 GotOcr2 LayoutLMv2 LightGlue PromptDepthAnything RTDetr Segformer SegGpt SuperGlue SuperPoint"
)
CROPPED_BY_BACKEND = _names("DPT")

#: Classes that pad an image to the ratio of the size where ``do_pad`` says so, without another key, and how.
PADDED_FIRST: Mapping[str, str] = {
    "Llava": "the class pads the image to a square before it resizes",
    "Sapiens2": _PADS,
}

#: Classes for which one number as the size is the shorter edge, whatever ``default_to_square`` says.
NUMBER_IS_SHORTER_EDGE = _names("VideoLlava Vivit")

#: Keys whose null says something of its own; any other null counts as an absent key.
NULLS: Mapping[str, tuple[str, ...]] = {"PoolFormer": ("crop_pct",)}

#: Classes whose geometry depends on the image or cannot be said in a size and a crop, and why.
UNFIXED: Mapping[str, str] = {
    **_each(
        "Aria Cohere2Vision DeepseekOcr2 GraniteDocling Idefics2 Idefics3 Lfm2Vl Llama4 LlavaNext LlavaOnevision MiniCPMOcr "
        "MiniCPMV4_6 Mllama Molmo2 PerceptionLM Phi4Multimodal SmolVLM Step3p7 UltraVBert UnlimitedOcr Inkling Inkling2",
        _TILES,
    ),
    **_each(
        "CohereCompass Cosmos3Edge Ernie4_5_VLMoe Ernie4_5_VL_Moe Fuyu Gemma4 Gemma4Unified Glm46V Glm4v Glm5Next GlmImage Glmga "
        "HunYuanVL Kimi_K25 Kosmos2_5 MiniMaxM3VL MuseGlimmer NemotronH_Omni_Reasoning_V3 NeoMME PaddleOCRVL Pix2Struct Pixtral "
        "Qwen2VL Siglip2 VideoLlama3",
        _PATCHES,
    ),
    **_each("ConditionalDetr DeformableDetr Detr Eomt GroundingDino Mask2Former MaskFormer OneFormer RfDetr Yolos", _EDGES),
    **_each("BridgeTower CHMv2 Emu3 GLPN PPOCRV5ServerDet Swin2SR TextNet Vilt VitMatte ZoeDepth", _MULTIPLE),
    **_each(
        "DeepseekVL DeepseekVLHybrid Donut Janus Nougat Owlv2 PI0 PPFormulaNet PPOCRV5ServerRec PPOCRV6SmallRec Sam SLANeXt Tvp",
        _PADS,
    ),
    "ImageGPT": "the class replaces colours by the nearest of its clusters",
    "Perceiver": "the class crops a share of the image before it resizes",
    "PPLCNet": "the class rounds the resized edges in its own way",
    "UVDoc": "the class interpolates with aligned corners",
    "VitPose": "the class warps the boxes of persons",
}

#: Classes whose values are no affine map of the raw values with constants of their configuration, and why.
UNREAD_VALUES: Mapping[str, str] = {
    "Pix2Struct": "the class normalises each image by its own mean and std",
    "Kosmos2_5": "the class normalises each image by its own mean and std",
    "ImageGPT": "the class replaces colours by the nearest of its clusters",
}

#: Classes that give blue, green, red: always (True), or where a key says so.
REVERSED: Mapping[str, bool | str] = {
    "LayoutLMv2": True, "PPLCNet": True, "PPOCRV5ServerDet": True, "UVDoc": True,
    "PPOCRV6SmallRec": True, "MobileViT": "do_flip_channel_order", "Tvp": "do_flip_channel_order",
}  # fmt: skip

#: Those of them that reverse before they normalise; the others' means are given in red, green, blue order.
REVERSED_FIRST = frozenset({"PPOCRV6SmallRec"})

#: Classes that never apply image_mean and image_std, and those that never apply rescale_factor.
NEVER_NORMALISED = frozenset({"EfficientLoFTR", "LayoutLMv2", "LightGlue", "MobileViT", "SuperGlue", "SuperPoint", "Swin2SR"})
NEVER_RESCALED = frozenset({"LayoutLMv2"})

#: Classes that turn an image grey and repeat it, where ``do_grayscale`` says so.
GREY = frozenset({"EfficientLoFTR", "LightGlue", "SuperGlue", "SuperPoint"})

#: Classes that give the network channels beside those of the image, and which.
MORE_CHANNELS: Mapping[str, str] = {"VitMatte": "the class appends the trimap as a fourth channel"}

#: Classes whose output is not float32.
DTYPES: Mapping[str, str] = {"Llama4": "bfloat16"}

#: Key by which a class subtracts 1 after rescaling.
OFFSET: Mapping[str, str] = {"EfficientNet": "rescale_offset", "Vivit": "offset"}

#: Classes that resize without antialiasing.
NOT_ANTIALIASED = frozenset({"DepthPro", "PPDocLayoutV2", "PPDocLayoutV3", "PPDocLayoutV4", "PPOCRV6SmallRec"})

#: Classes that take videos, a list of frames.
VIDEOS = frozenset({"Tvp", "VideoLlava", "VideoMAE", "Vivit"})

#: Keys that, when true, make the geometry depend on the image.
DYNAMIC_KEYS: Mapping[str, str] = {
    **dict.fromkeys(("crop_to_patches", "do_image_splitting", "do_split_image", "split_image", "do_pan_and_scan"), _TILES),
    **dict.fromkeys(("keep_aspect_ratio", "do_thumbnail", "do_align_long_axis", "do_crop_margin", "do_affine_transform"), _PADS),
}

#: Switches that change labels, text or a second output, and not what the network receives of an image.
HARMLESS_SWITCHES = frozenset(
    {"do_reduce_labels", "do_convert_annotations", "do_convert_rgb", "do_color_quantize", "do_sample_frames"}
)


def class_of(name: object) -> str | None:
    """The class behind ``image_processor_type``: CLIP for CLIPImageProcessor, CLIPImageProcessorFast, CLIPFeatureExtractor.

    None for a class that is not in the tables.
    """
    if not isinstance(name, str):
        return None
    stem = name.removesuffix("Fast").removesuffix("Pil").removesuffix("ImageProcessor").removesuffix("FeatureExtractor")
    return stem if stem in CONFIGURED or stem in OWN_RESIZE or stem in UNFIXED else None


def defaults_of(stem: str) -> Mapping[str, Any]:
    """What the class takes for keys that a configuration leaves out."""
    found: Mapping[str, Any] = _defaults()["classes"].get(stem, {})
    return found


def library() -> str:
    """The version of transformers that the defaults were read from."""
    return f"transformers {_defaults()['transformers']}"


@cache
def _defaults() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files("tare.input_spec.formats") / "hf_processors.json").read_text(encoding="utf-8"))
    return document
