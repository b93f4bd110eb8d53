"""A ``PreTrainedModel`` called by position, images or clips in and logits out: classifiers, segmenter, backbone with a head."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tare.errors import ModelError
from tare.networks.weights import separate_tensors
from tare.system.quiet import quietly

WRAPPED, WEIGHTS = "model", "model.safetensors"
_POSITIONS = "interpolate_pos_encoding"


def store_model(folder: Path, model: Any, classes: Sequence[str]) -> None:
    """Write ``config.json`` and the weights of a ``PreTrainedModel``.

    Without ``classes`` the configuration keeps its own labels: as many as the network has outputs.
    """
    from safetensors.torch import save_file

    config = model.config
    if classes:
        config.id2label = dict(enumerate(classes))
        config.label2id = {name: index for index, name in enumerate(classes)}
    config.architectures = [type(model).__name__]
    with quietly():
        config.save_pretrained(folder)
    save_file(separate_tensors(model), folder / WEIGHTS, metadata={"format": "pt"})


class HubModule(nn.Module):
    """A ``PreTrainedModel`` that is called by position.

    A weights file is of the part named ``wrapped``, as transformers writes it. For an image of another size than the model's own,
    the position embeddings are interpolated if the model can do so.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.wrapped = WRAPPED
        self.interpolates = _POSITIONS in inspect.signature(model.forward).parameters

    def answered(self, images: torch.Tensor) -> Any:
        """What the model gives for images ``(N, C, H, W)``, input std."""
        options = {_POSITIONS: True} if self.interpolates and not self._fits(images) else {}
        return self.model(pixel_values=images, **options)

    def _fits(self, images: torch.Tensor) -> bool:
        config = self.model.config
        size = getattr(config, "image_size", None) or getattr(getattr(config, "vision_config", None), "image_size", None)
        edges = (size, size) if isinstance(size, int) else tuple(size or ())
        return tuple(images.shape[-2:]) == edges


class Classifier(HubModule):
    """Logits ``(N, K)`` of images: a ``PreTrainedModel`` that classifies them."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        logits: torch.Tensor = self.answered(images).logits
        return logits

    def segmenter(self) -> Segmenter | None:
        """The network for a class in each pixel on this one's body, with a head drawn anew; None if transformers has none."""
        import transformers

        auto: Any = transformers.AutoModelForSemanticSegmentation
        known: Any = transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING
        if type(self.model.config) not in known:
            return None
        with quietly():
            made = auto.from_config(self.model.config)
        body = made.base_model_prefix
        getattr(made, body).load_state_dict(getattr(self.model, body).state_dict())
        return Segmenter(made.float().eval())


class ClipClassifier(HubModule):
    """Logits ``(N, K)`` of clips ``(N, C, T, H, W)``: a ``PreTrainedModel`` that classifies videos, which takes time first."""

    takes_clips = True

    @property
    def frames(self) -> int | None:
        """The frames of a clip, for which the model has positions; None if its configuration does not say."""
        config = self.model.config
        found = getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", None)
        return int(found) if found else None

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        names = inspect.signature(self.model.forward).parameters
        given: dict[str, Any] = {
            next(name for name in ("pixel_values", "pixel_values_videos") if name in names): clips.transpose(1, 2)
        }
        if self.interpolates and not self._fits(clips):
            given[_POSITIONS] = True
        logits: torch.Tensor = self.model(**given).logits
        return logits


class Segmenter(HubModule):
    """Logits ``(N, K, H, W)`` of images: those of a ``PreTrainedModel``, which are often coarser, interpolated to their size."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Segment a batch."""
        logits: torch.Tensor = self.answered(images).logits
        return functional.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=False)

    @property
    def head(self) -> str:
        """The dotted name of the last convolution, which gives the logits."""
        names = [name for name, layer in self.model.named_modules() if isinstance(layer, nn.Conv2d)]
        usual = [name for name in names if name.endswith("decode_head.classifier")]
        return f"{WRAPPED}.{(usual or names)[-1]}"


class Backbone(HubModule):
    """Logits ``(N, K)`` of images: a linear layer on what a ``PreTrainedModel`` says of the whole image.

    That is its pooled output, or without one the mean of its last states over places. transformers has no class for such a
    network, so its weights file is of the whole.
    """

    def __init__(self, model: Any, classes: int = 1) -> None:
        super().__init__(model)
        self.wrapped = ""
        config = model.config
        self.head = nn.Linear(getattr(config, "hidden_size", None) or config.hidden_sizes[-1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        found = self.answered(images)
        pooled = getattr(found, "pooler_output", None)
        if pooled is None:
            last = found.last_hidden_state
            pooled = last.mean(dim=(2, 3)) if last.dim() == 4 else last.mean(dim=1)
        logits: torch.Tensor = self.head(pooled.flatten(1))
        return logits


def as_called(module: nn.Module) -> nn.Module:
    """A ``PreTrainedModel`` of a user's factory, called by position; any other module as it is.

    Raises :class:`ModelError` for one that gives neither classes nor masks.
    """
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).mro()}
    if "transformers.modeling_utils.PreTrainedModel" not in kinds:
        return module
    name = type(module).__name__
    if name.endswith("ForSemanticSegmentation"):
        return Segmenter(module)
    if name.endswith("ForVideoClassification"):
        return ClipClassifier(module)
    if "pixel_values" not in inspect.signature(module.forward).parameters:
        raise ModelError("a network of transformers that takes images", name, "study it: tare study --evaluate")
    return Classifier(module)
