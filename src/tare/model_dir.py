"""A model directory: weights as safetensors, ``config.json`` for timm, and ``tare.json`` with the normalisation.

``timm.create_model("local-dir:DIR", pretrained=True)`` loads a timm network as it is; its pretrained_cfg carries the mean
and std in use.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare._version import __version__
from tare.dataset_stats import DatasetStats
from tare.errors import ModelError, OutputError
from tare.files import write_text
from tare.image_batches import Geometry
from tare.input_spec import Crop, InputSpec, Known
from tare.networks import Network, load_network, load_weights, with_head
from tare.normaliser import Normaliser
from tare.strategies import Normalisation, Strategy

SCHEMA = "tare.model/1"
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class TransferredModel:
    """A network with the normalisation it was transferred with: everything that prediction needs."""

    network: Network
    normalisation: Normalisation
    geometry: Geometry
    classes: tuple[str, ...]

    def spec(self) -> InputSpec:
        """What the transferred network expects at its input."""
        origin = f"transfer with strategy {self.normalisation.strategy!r}"
        return InputSpec(
            channels=Known("L" if len(self.normalisation.mean) == 1 else "RGB", origin),
            scale=Known(1 / 255, origin),
            mean=Known(self.normalisation.mean, origin),
            std=Known(self.normalisation.std, origin),
            size=Known(self.geometry.size, origin),
            interpolation=Known(self.geometry.interpolation, origin),
            crop=Known(Crop(self.geometry.crop_mode, self.geometry.crop_fraction), origin),
        )

    @torch.inference_mode()
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Logits ``(N, K)`` of raw uint8 or unit float images ``(N, C, H, W)`` that already have the network's size."""
        self.network.module.eval()
        result: torch.Tensor = self.network.module(Normaliser(self.normalisation)(images))
        return result


def save_model(
    folder: Path,
    model: TransferredModel,
    *,
    source_spec: InputSpec,
    target_stats: DatasetStats | None,
    evidence: Mapping[str, Any],
) -> None:
    """Write the model directory beside its place and rename it there; an existing one is replaced.

    Raises :class:`OutputError` if it cannot be written; nothing half-written stays.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise OutputError("a place that can be written", f"{error.strerror} for {str(folder)!r}", "name another") from None
    try:
        _write_weights(temporary, model)
        document = _document(model, source_spec, target_stats, evidence)
        write_text(temporary / "tare.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
        temporary.chmod(0o755)
        if folder.exists():  # a folder cannot be replaced in one step: move the old one aside first
            os.replace(folder, temporary.with_suffix(".old"))
        os.replace(temporary, folder)
    except OSError as error:
        raise OutputError("a place that can be written", f"{error.strerror} for {str(folder)!r}", "name another") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(temporary.with_suffix(".old"), ignore_errors=True)


def load_model(folder: Path, factory: str | None = None) -> TransferredModel:
    """Load what :func:`save_model` wrote.

    A network that timm knows needs nothing else. For one built by a Python file, name it again as ``factory``
    (``FILE.py:FACTORY``): a model directory never names code that would then be run.

    Raises :class:`ModelError` if the directory is incomplete, malformed, or needs a factory.
    """
    document = _read_document(folder)
    try:
        entry = document["normalisation"]
        strategy: Strategy = entry["strategy"]
        normalisation = Normalisation(strategy, tuple(entry["mean"]), tuple(entry["std"]), bool(entry["per_sample"]))
        size = document["geometry"]["size"]
        geometry = Geometry((size[0], size[1]), **{k: v for k, v in document["geometry"].items() if k != "size"})
        classes = tuple(str(name) for name in document["classes"])
        reference = str(document["network"]["reference"])
        is_timm = bool(document["network"]["timm"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            "a complete tare.json", f"{type(error).__name__}: {error} in {str(folder)!r}", "transfer again"
        ) from None
    network = _timm_network(folder, reference) if is_timm else _built_network(folder, reference, factory, len(classes))
    return TransferredModel(network, normalisation, geometry, classes)


def versions() -> dict[str, str]:
    """Versions of what produced a result."""
    packages = ("torch", "torchvision", "timm", "lightning", "numpy", "scikit-learn")
    return {"tare": __version__, "python": platform.python_version(), **{name: version(name) for name in packages}}


def _write_weights(folder: Path, model: TransferredModel) -> None:
    from safetensors.torch import save_file

    network = model.network
    if not network.is_timm:
        tensors = {key: value.detach().cpu().contiguous() for key, value in network.module.state_dict().items()}
        save_file(tensors, folder / _WEIGHTS)
        return
    from timm.models import save_for_hf

    geometry, normalisation = model.geometry, model.normalisation
    save_for_hf(
        network.module.cpu(),
        folder,
        model_config={"label_names": list(model.classes)},
        safe_serialization=True,
        data_config={
            "input_size": (len(normalisation.mean), *geometry.size),
            "interpolation": geometry.interpolation,
            "mean": normalisation.mean,
            "std": normalisation.std,
            "crop_pct": geometry.crop_fraction,
            "crop_mode": geometry.crop_mode,
        },
    )


def _document(
    model: TransferredModel, source_spec: InputSpec, target_stats: DatasetStats | None, evidence: Mapping[str, Any]
) -> dict[str, Any]:
    normalisation, geometry = model.normalisation, model.geometry
    return {
        "schema": SCHEMA,
        "network": {
            "reference": model.network.reference,
            "timm": model.network.is_timm,
            "weights": model.network.weights,
            "sha256": _file_hash(model.network.reference),
        },
        "classes": list(model.classes),
        "strategy": normalisation.strategy,
        "normalisation": {
            "strategy": normalisation.strategy,
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
            "per_sample": normalisation.per_sample,
        },
        "geometry": {
            "size": list(geometry.size),
            "interpolation": geometry.interpolation,
            "crop_fraction": geometry.crop_fraction,
            "crop_mode": geometry.crop_mode,
        },
        "spec": model.spec().to_json(),
        "source_spec": source_spec.to_json(),
        "target_stats": target_stats.to_json() if target_stats else None,
        "evidence": dict(evidence),
        "versions": versions(),
    }


def _file_hash(reference: str) -> str | None:
    path = Path(reference.rpartition(":")[0])
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix == ".py" and path.is_file() else None


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / "tare.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("a model directory with a tare.json", f"{str(path)!r}: {error}", "name RUN/model") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ModelError(f"a tare.json with schema {SCHEMA!r}", f"another in {str(folder)!r}", "transfer again")
    return document


def _timm_network(folder: Path, reference: str) -> Network:
    import timm

    try:
        module: nn.Module = timm.create_model(f"local-dir:{folder}", pretrained=True)
    except Exception as error:  # timm, safetensors and the file system
        reason = " ".join(str(error).split())[:160]
        raise ModelError("a model directory that timm can load", f"{str(folder)!r}: {reason}", "transfer again") from None
    head = str(module.pretrained_cfg["classifier"])  # type: ignore[index]
    return Network(module, reference, str(folder), InputSpec(), head, is_timm=True)


def _built_network(folder: Path, reference: str, factory: str | None, classes: int) -> Network:
    if factory is None:
        raise ModelError(
            "the Python file that builds this network", "none", f"name it with --model, as it was when trained: {reference}"
        )
    network = with_head(load_network(factory, "none"), classes, seed=0)
    load_weights(network.module, folder / _WEIGHTS)
    return network
