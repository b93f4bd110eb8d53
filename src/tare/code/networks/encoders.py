"""What encoders of segmentation libraries and of older collections of networks expect."""

from __future__ import annotations

import re
from dataclasses import replace

from tare.code.networks.expected import DPN, HALVES, IMAGENET, RAW, Constants, Expected
from tare.code.networks.keras import MODES, Mode
from tare.code.networks.timm import of_timm

# segmentation_models_pytorch 0.3.4, encoders/*.py: get_preprocessing_params of each encoder.
_ENCODERS = re.compile(
    r"resnet(?:18|34|50|101|152)|resnext(?:50|101)_32x\d+d|vgg(?:11|13|16|19)(?:_bn)?|senet154|se_resne[xt]t?\d+(?:_32x4d)?"
    r"|densenet(?:121|161|169|201)|(?:timm-)?efficientnet-(?:b[0-8]|l2)|mobilenet_v2|mit_b[0-5]|mobileone_s[0-4]"
    r"|timm-(?:mobilenetv3|resnest|res2net|res2next|regnet[xy]|skresne[xt]t?|gernet)\w*"
)
_OF_HALVES = re.compile(r"inceptionresnetv2|inceptionv4|xception|timm-tf_efficientnet_lite[0-4]")
_OF_DPN = re.compile(r"dpn(?:68b?|92|98|107|131)")

# pretrainedmodels 0.7.4, models/*.py: pretrained_settings.
_CADENE_HALVES = re.compile(r"inceptionv4|inceptionresnetv2|nasnetalarge|nasnetamobile|pnasnet5large|xception|inceptionv3")
_CADENE = re.compile(
    r"alexnet|bninception|cafferesnet101|densenet\d+|fbresnet152|polynet|resnet\d+|resnext101_\d+x4d|se_resne[xt]t?\d+(?:_32x4d)?"
    r"|senet154|squeezenet1_[01]|vgg\d+(?:_bn)?"
)

# classification_models 1.0.0 and efficientnet 1.1.1, on which segmentation_models builds: the mode of preprocess_input.
_BACKBONES: tuple[tuple[str, Mode], ...] = (
    (r"resnet(?:18|34|50|101|152)|seresnet(?:18|34)|resnext(?:50|101)", "none"),
    (r"seresnet(?:50|101|152)|seresnext(?:50|101)|senet154|densenet(?:121|169|201)|efficientnetb[0-7]", "torch"),
    (r"vgg(?:16|19)", "caffe"),
    (r"inceptionv3|inceptionresnetv2|mobilenet(?:v2)?|xception|nasnet(?:large|mobile)|resnet(?:50|101|152)v2", "tf"),
)


def of_smp(encoder: str, weights: str | None = None) -> Expected | None:
    """What an encoder of segmentation_models_pytorch expects; the weights by default are those of ImageNet."""
    if encoder.startswith("tu-"):
        found = of_timm(encoder.removeprefix("tu-"))
        return None if found is None else replace(found, library="segmentation_models_pytorch", name=encoder)
    constants = _of_encoder(encoder, weights or "imagenet")
    name = f"{encoder} ({weights or 'imagenet'})"
    origin = f"segmentation_models_pytorch 0.3.4: get_preprocessing_params of {name}"
    return None if constants is None else Expected("segmentation_models_pytorch", name, constants, origin)


def _of_encoder(encoder: str, weights: str) -> Constants | None:
    if _OF_HALVES.fullmatch(encoder) or (_ENCODERS.fullmatch(encoder) and weights == "advprop"):
        return HALVES
    if _OF_DPN.fullmatch(encoder):
        return DPN
    return IMAGENET if _ENCODERS.fullmatch(encoder) else None


def of_segmentation_models(backbone: str) -> Expected | None:
    """What a backbone of the Keras library segmentation_models expects; some are fed 0..255 as they are."""
    mode = next((mode for pattern, mode in _BACKBONES if re.fullmatch(pattern, backbone)), None)
    if mode is None:
        return None
    constants, order = MODES[mode]
    notes = ("it is fed 0..255: its first layer is a batch norm",) if constants is RAW else ()
    origin = f"classification_models 1.0.0: preprocess_input of {backbone}"
    return Expected("segmentation_models", backbone, constants, origin, order, notes=notes)


def of_pretrainedmodels(name: str) -> Expected | None:
    """What a network of pretrainedmodels expects; those of caffe are left out, since their settings are raw and BGR."""
    constants = HALVES if _CADENE_HALVES.fullmatch(name) else DPN if _OF_DPN.fullmatch(name) else None
    if constants is None and _CADENE.fullmatch(name) and name not in {"bninception", "cafferesnet101"}:
        constants = IMAGENET
    origin = f"pretrainedmodels 0.7.4: pretrained_settings of {name}"
    return None if constants is None else Expected("pretrainedmodels", name, constants, origin)


def of_efficientnet_pytorch(name: str, advprop: bool = False) -> Expected | None:
    """What ``EfficientNet.from_pretrained(NAME)`` of efficientnet_pytorch expects; trained with advprop, halves."""
    if not re.fullmatch(r"efficientnet-(?:b[0-8]|l2)", name):
        return None
    origin = f"efficientnet_pytorch: the README's example of {name}{' with advprop' if advprop else ''}"
    return Expected("efficientnet_pytorch", name, HALVES if advprop else IMAGENET, origin)
