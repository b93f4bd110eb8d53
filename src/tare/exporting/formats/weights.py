"""Folders with the weights: for safetensors readers, for timm, and for transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tare.errors import ModelError
from tare.exporting.card import card, loading_of
from tare.networks.stored.trained import TrainedModel

WEIGHTS = "model.safetensors"
_NOT_BUILT = "not-a-network-of-timm"


def weights_bytes(trained: TrainedModel, stated: Mapping[str, str]) -> bytes:
    """Return the network's tensors as a safetensors file with ``stated`` in its metadata; shared tensors are written twice."""
    from safetensors.torch import save

    tensors = {key: value.detach().cpu().clone().contiguous() for key, value in state_of(trained).items()}
    return _ordered(save(tensors, metadata={"format": "pt", **stated}))


def _ordered(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file by key, since its writer uses another order every time.

    The file is eight bytes of length, the header as JSON padded with blanks to a multiple of eight, and the tensors, whose
    offsets count from the header's end (the format's README).
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def state_of(trained: TrainedModel) -> dict[str, torch.Tensor]:
    """Return the network's tensors by name."""
    return dict(trained.model.network.module.state_dict())


def check_reloaded(trained: TrainedModel, path: Path) -> None:
    """Raise :class:`ModelError` unless the file holds the same tensors to the last bit."""
    from safetensors.torch import load

    loaded, own = load(path.read_bytes()), state_of(trained)
    wrong = [key for key in own if key not in loaded or not torch.equal(own[key].cpu(), loaded[key])]
    if wrong or len(loaded) != len(own):
        raise ModelError("the tensors that were written", f"other tensors ({', '.join(wrong[:3])})", "try again")


def fill_plain(folder: Path, trained: TrainedModel, stated: Mapping[str, str], validated: int | None) -> None:
    """Write weights with metadata, ``tare.json`` and the card."""
    (folder / WEIGHTS).write_bytes(weights_bytes(trained, stated))
    _copy(trained, folder, "tare.json")
    if trained.model.network.is_timm:
        _copy(trained, folder, "config.json")
    _write_card(folder, trained, "safetensors", validated)
    check_reloaded(trained, folder / WEIGHTS)


def fill_timm(folder: Path, trained: TrainedModel, stated: Mapping[str, str], validated: int | None) -> None:
    """Write a folder for ``timm.create_model("local-dir:DIR")``, with the card."""
    (folder / WEIGHTS).write_bytes(weights_bytes(trained, stated))
    for name in ("config.json", "tare.json"):
        _copy(trained, folder, name)
    _write_card(folder, trained, "timm", validated)


def fill_hf(folder: Path, trained: TrainedModel, stated: Mapping[str, str], validated: int | None) -> None:
    """Write a folder for ``transformers``: the processor, and a network that timm knows."""
    (folder / WEIGHTS).write_bytes(weights_bytes(trained, stated))
    _copy(trained, folder, "tare.json")
    config = _timm_config(trained) if trained.model.network.is_timm else _plain_config(trained)
    # The wrapper's processor runs timm's own transform, as validation does. Other processors of transformers round a crop down,
    # torchvision rounds to even: a pixel for one photograph in five. The wrapper reads config.json, other readers this file.
    stated_in_full = {"image_processor_type": "TimmWrapperImageProcessor", "pretrained_cfg": config["pretrained_cfg"]}
    processor = {**stated_in_full, "architecture": config["architecture"]}
    for name, document in (("config.json", config), ("preprocessor_config.json", processor)):
        (folder / name).write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    _write_card(folder, trained, "hf", validated)


def _timm_config(trained: TrainedModel) -> dict[str, Any]:
    """Adapt the configuration that timm wrote to transformers' wrapper of timm."""
    config: dict[str, Any] = json.loads((trained.folder / "config.json").read_text(encoding="utf-8"))
    arguments = dict(config.get("model_args") or {})
    arguments.pop("num_classes", None)  # the wrapper passes it, too
    return {
        **config,
        "model_args": arguments,
        "model_type": "timm_wrapper",
        "architectures": ["TimmWrapperForImageClassification"],
    }


def _plain_config(trained: TrainedModel) -> dict[str, Any]:
    """Describe labels and input of a network that no library can build, under a name that no library knows."""
    names = list(trained.model.classes)
    stated = {"architecture": _NOT_BUILT, "num_classes": len(names), "label_names": names}
    return {**stated, "pretrained_cfg": trained.model.spec().to_timm()}


def _copy(trained: TrainedModel, folder: Path, name: str) -> None:
    shutil.copyfile(trained.folder / name, folder / name)


def _write_card(folder: Path, trained: TrainedModel, kind: str, validated: int | None) -> None:
    (folder / "README.md").write_text(card(trained, loading_of(trained, kind), validated), encoding="utf-8")
