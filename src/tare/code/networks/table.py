"""What a pretrained network expects, by its library and name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tare.code.networks.encoders import of_efficientnet_pytorch, of_pretrainedmodels, of_segmentation_models, of_smp
from tare.code.networks.expected import Expected
from tare.code.networks.hugging_face import of_hub, of_processor
from tare.code.networks.keras import of_keras
from tare.code.networks.open_clip import of_clip, of_open_clip
from tare.code.networks.others import of_fastai, of_others
from tare.code.networks.timm import of_timm
from tare.code.networks.torchvision import of_torchvision

Lookup = Callable[[str, str | None], Expected | None]

_LOOKUPS: Mapping[str, Lookup] = {
    "timm": of_timm,
    "torchvision": of_torchvision,
    "keras": lambda name, _: of_keras(name),
    "transformers": lambda name, _: of_hub(name) if "/" in name else of_processor(name),
    "fastai": lambda name, _: of_fastai(name),
    "open_clip": of_open_clip,
    "clip": lambda name, _: of_clip(name),
    "segmentation_models_pytorch": of_smp,
    "segmentation_models": lambda name, _: of_segmentation_models(name),
    "pretrainedmodels": lambda name, _: of_pretrainedmodels(name),
    "efficientnet_pytorch": lambda name, weights: of_efficientnet_pytorch(name, weights == "advprop"),
}


#: The kinds of references with which tare names networks elsewhere, such as ``timm:resnet50``.
_KINDS: Mapping[str, str] = {"timm": "timm", "torchvision": "torchvision", "keras": "keras", "hf": "transformers"}


def expected_of(reference: str) -> Expected | None:
    """What the network of a reference expects: ``timm:NAME``, ``torchvision:NAME``, ``keras:NAME``, ``hf:OWNER/NAME``."""
    kind, _, name = reference.partition(":")
    return expected(_KINDS[kind], name) if kind in _KINDS else None


def expected(library: str, name: str, tag: str | None = None, weights: str | None = None) -> Expected | None:
    """What the network ``name`` of ``library`` expects with pretrained weights; None if nobody states it.

    ``library`` is the name under which it is imported (``torch.hub`` and ``tensorflow_hub`` for hubs; the names are
    ``OWNER/REPOSITORY:ENTRY`` and the URL). ``tag`` and ``weights`` name the weights, where a library has several for one name:
    timm's tag, torchvision's member, open_clip's and segmentation_models_pytorch's weights.
    """
    lookup = _LOOKUPS.get(library)
    return lookup(name, tag or weights) if lookup else of_others(library, name)
