"""A classifier of images of the library transformers: built from a directory or a repository, and written as one."""

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, SpecError, reason_of
from tare.input_spec.spec import InputSpec
from tare.networks.building.sound import built, sound_network, stored_front, takes_sound
from tare.networks.network import Network, head_name, nothing_stated
from tare.networks.weights import WITHOUT_WEIGHTS, load_weights, read_state_dict
from tare.readers.table import read_spec
from tare.system.optional import require
from tare.system.quiet import quietly

PREFIX = "hf:"
PROCESSOR, WEIGHTS = "preprocessor_config.json", "model.safetensors"
WRAPPED = "model"
_POSITIONS = "interpolate_pos_encoding"
_NO_CODE = "a network that transformers has itself: code of a repository is never run"


class Classifier(nn.Module):
    """Logits ``(N, K)`` of images ``(N, C, H, W)``, input std: a ``PreTrainedModel`` that classifies images, called by position.

    A weights file is of the part named ``wrapped``, as transformers writes it. For an image of another size than the model's own,
    the position embeddings are interpolated if the model can do so.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.wrapped = WRAPPED
        self.interpolates = _POSITIONS in inspect.signature(model.forward).parameters

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        options = {_POSITIONS: True} if self.interpolates and not self._fits(images) else {}
        logits: torch.Tensor = self.model(pixel_values=images, **options).logits
        return logits

    def _fits(self, images: torch.Tensor) -> bool:
        config = self.model.config
        size = getattr(config, "image_size", None) or getattr(getattr(config, "vision_config", None), "image_size", None)
        edges = (size, size) if isinstance(size, int) else tuple(size or ())
        return tuple(images.shape[-2:]) == edges


def hugging_face_network(name: str, weights: str) -> Network:
    """Build the classifier of images in the directory or repository ``name``, with ``weights``: pretrained, none, or a file.

    A repository is read from the local cache, and fetched by the hub's own client where it is not there and ``weights`` are
    pretrained. Only safetensors are read, and no code of a repository is run.

    Raises :class:`ModelError` if it cannot be built or is no classifier of images.
    """
    transformers = require("transformers", extra="hf", purpose=f"the network {PREFIX}{name}")
    config = _config(transformers, name, online=weights == "pretrained")
    if takes_sound(transformers, config):
        return sound_network(transformers, name, config, weights)
    _check_kind(transformers, config, name)
    reference = f"{PREFIX}{name}"
    head_trained = weights == "pretrained" and _is_classifier(config)
    try:
        module = _built(transformers, name if weights == "pretrained" else config)
    except Exception as error:  # the hub's client, the file system and the library's own checks
        raise ModelError(f"the network {reference} with weights as safetensors", reason_of(error, 200), WITHOUT_WEIGHTS) from None
    spec = _stated(name, reference, online=weights == "pretrained")
    network = Network(module, reference, weights, spec, head_name(module, reference), is_timm=False, head_trained=head_trained)
    if weights in ("pretrained", "none"):
        return network
    return _with_file(network, Path(weights))


def _with_file(network: Network, path: Path) -> Network:
    """The network with the weights of a file; names that the library has changed since are read by the library itself."""
    assert isinstance(network.module, Classifier)  # noqa: S101 - made by the caller
    own = network.module.model.state_dict()
    given = read_state_dict(path)
    if not set(own) <= set(given) and path.suffix == ".safetensors":
        with tempfile.TemporaryDirectory() as folder:
            network.module.model.config.save_pretrained(folder)
            (Path(folder) / WEIGHTS).symlink_to(path.resolve())
            options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
            with quietly():
                read, found = type(network.module.model).from_pretrained(folder, local_files_only=True, **options)
        absent = {str(key) for key in found["missing_keys"]} | {str(key[0]) for key in found["mismatched_keys"]}
        head = network.head.removeprefix(f"{WRAPPED}.")
        if all(key.startswith(f"{head}.") for key in absent):
            module = Classifier(read.float().eval())
            return replace(network, module=module, head_trained=not absent)
    loaded = load_weights(network.module, path, network.head)
    return replace(network, notes=network.notes + loaded.notes, head_trained=loaded.with_head)


def as_classifier(module: nn.Module) -> nn.Module:
    """A ``PreTrainedModel`` of a user's factory as a classifier of images; any other module as it is."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).mro()}
    return Classifier(module) if "transformers.modeling_utils.PreTrainedModel" in kinds else module


def is_stored_by_library(module: nn.Module) -> bool:
    """Whether transformers' automatic classes build this network again from the directory that they write."""
    if not isinstance(module, Classifier):
        return False
    import transformers

    known: Any = transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING
    return type(module.model.config) in known and isinstance(module.model, known[type(module.model.config)])


def store(folder: Path, module: nn.Module, classes: Sequence[str], processor: Mapping[str, Any] | None) -> None:
    """Write ``config.json``, the weights and the processor's configuration for transformers' automatic classes."""
    from safetensors.torch import save_file

    assert isinstance(module, Classifier)  # noqa: S101 - asked before
    config = module.model.config
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: index for index, name in enumerate(classes)}
    config.architectures = [type(module.model).__name__]
    with quietly():
        config.save_pretrained(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.model.state_dict().items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    if processor is not None:
        text = json.dumps(processor, indent=2, allow_nan=False) + "\n"
        (folder / PROCESSOR).write_text(text, encoding="utf-8")


def stored_network(folder: Path, reference: str, *, weights: bool) -> Network:
    """Build the network of a directory that :func:`store` wrote, with its weights or with others drawn."""
    transformers = require("transformers", extra="hf", purpose=f"the network {reference}")
    try:
        config = _config(transformers, str(folder), online=False)
        stored = folder if weights else config
        module: nn.Module
        if takes_sound(transformers, config):
            share = None if weights else 1.0  # weights are drawn for a folded network, whose first layer has taken the half in
            module = built(transformers, stored, stored_front(folder, reference), local=True, share=share)
        else:
            module = _built(transformers, stored, local=True)
    except Exception as error:  # the library, safetensors and the file system
        reason = reason_of(error)
        raise ModelError("a model directory that transformers can load", f"{str(folder)!r}: {reason}", "transfer again") from None
    return Network(module, reference, str(folder), InputSpec(), head_name(module, reference), is_timm=False)


def _built(transformers: Any, source: Any, *, local: bool = False) -> Classifier:
    """The network of a directory or a repository with its weights; of a configuration, with weights drawn."""
    auto = transformers.AutoModelForImageClassification
    with quietly():
        if isinstance(source, str | Path):
            made = auto.from_pretrained(source, use_safetensors=True, trust_remote_code=False, local_files_only=local)
        else:
            made = auto.from_config(source, trust_remote_code=False)
    return Classifier(made.float().eval())


def _config(transformers: Any, name: str, *, online: bool) -> Any:
    try:
        with quietly():
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False, local_files_only=not online)
    except Exception as error:  # the hub's client and the file system
        expected = f"a directory or a repository of transformers at {name!r}"
        raise ModelError(
            expected, reason_of(error, 200), "check the name; a repository is fetched once, with a connection"
        ) from None
    if getattr(config, "auto_map", None):
        raise ModelError(
            _NO_CODE, f"{PREFIX}{name}, which brings its own code (auto_map)", "load it in a Python file: --model FILE.py:FACTORY"
        )
    return config


def _check_kind(transformers: Any, config: Any, name: str) -> None:
    if type(config) in transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        return
    kinds = {
        "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING": "a network for video",
        "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING": "a network for segmentation",
        "MODEL_FOR_OBJECT_DETECTION_MAPPING": "a detector",
    }
    found = next(
        (kind for mapping, kind in kinds.items() if type(config) in getattr(transformers, mapping, ())), "another network"
    )
    remedy = "its input can be read (tare spec) and studied (tare study --evaluate)"
    raise ModelError(
        "a network of transformers for image classification", f"{PREFIX}{name}: {found} ({config.model_type})", remedy
    )


def _is_classifier(config: Any) -> bool:
    """Whether the stored network is a classifier already, whose head has been trained."""
    return any(str(name).endswith("ForImageClassification") for name in getattr(config, "architectures", None) or ())


def _stated(name: str, reference: str, *, online: bool) -> InputSpec:
    try:
        return read_spec(name if Path(name).is_dir() else reference, online=online)
    except SpecError as error:
        return nothing_stated(f"{reference} {error.found}"[:200])
