"""Which of its networks transformers builds from a configuration, and which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import ModelError
from tare.networks.building.hub.modules import Backbone, Classifier, ClipClassifier, HubModule, Segmenter

PREFIX = "hf:"
#: The automatic class that builds each kind.
AUTO: Mapping[type[HubModule], str] = {
    Classifier: "AutoModelForImageClassification",
    Segmenter: "AutoModelForSemanticSegmentation",
    ClipClassifier: "AutoModelForVideoClassification",
    Backbone: "AutoModel",
}
#: Towers of vision that are part of a classifier of transformers, and the classes of its configuration.
_TOWERS = {"clip_vision_model": "CLIPConfig", "siglip_vision_model": "SiglipConfig"}
#: Networks without a classifier in transformers that give one output an image; others mask patches or find boxes.
_BACKBONES = ("aimv2_vision_model", "dinov3_convnext", "dinov3_vit", "mlcd_vision_model")
_OTHERS = {
    "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING": "a network for sound",
    "MODEL_FOR_OBJECT_DETECTION_MAPPING": "a detector",
}


def kind_of(transformers: Any, config: Any, name: str) -> type[HubModule]:
    """The kind of the network that ``config`` describes: segmenter if it is stored as one, else classifier or backbone.

    Code that a repository brings is what its ``auto_map`` says. Raises :class:`ModelError` for any other network.
    """
    brought = getattr(config, "auto_map", None) or {}
    for kind, auto in AUTO.items():
        if auto in brought:
            return kind
    segments = type(config) in transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING
    if segments and _stored_as(config, "ForSemanticSegmentation"):
        return Segmenter
    if type(config) in transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        return Classifier
    if segments:
        return Segmenter
    if type(config) in transformers.MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING:
        return ClipClassifier
    if config.model_type in _BACKBONES:
        return Backbone
    found = next((kind for table, kind in _OTHERS.items() if type(config) in getattr(transformers, table, ())), "another network")
    raise ModelError(
        "a network of transformers that classifies images or videos or segments images, or a backbone of one",
        f"{PREFIX}{name}: {found} ({config.model_type})",
        "its input can be read (tare spec) and studied (tare study --evaluate)",
    )


def whole_of(transformers: Any, config: Any) -> Any:
    """The configuration of the classifier that a tower of vision is part of; None for any other."""
    name = _TOWERS.get(config.model_type)
    if name is None:
        return None
    whole = getattr(transformers, name)(vision_config=config.to_dict())
    whole.num_labels = config.num_labels
    return whole


def head_is_trained(config: Any) -> bool:
    """Whether the stored network is a classifier or a segmenter already."""
    endings = ("ForImageClassification", "ForSemanticSegmentation", "ForVideoClassification")
    return any(_stored_as(config, ending) for ending in endings)


def _stored_as(config: Any, ending: str) -> bool:
    return any(str(name).endswith(ending) for name in getattr(config, "architectures", None) or ())
