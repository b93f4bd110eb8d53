"""Open a trained model, named by its run or model directory, and check it before use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of
from tare.input_spec.fields import Known, parsed, plain
from tare.input_spec.geometry import Geometry, InputGeometry, RowGeometry, SignalGeometry, VolumeGeometry
from tare.input_spec.model_file import model_file
from tare.networks.stated_images import colour_of
from tare.networks.stored.directory import TransferredModel, load_model, tare_json
from tare.samples.modes import ColourMode
from tare.system.local.opened import text_of

_LARGEST_EDGE = 1 << 14
_LONGEST = 1 << 26


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with its directory, its ``tare.json``, and the settings of its run (empty without a run)."""

    folder: Path
    model: TransferredModel
    document: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def colour(self) -> ColourMode:
        """The colour mode that images are read in."""
        return colour_of(self.model.network)

    @property
    def validated(self) -> int | None:
        """The number of validation samples behind its accuracy, if the run is present."""
        path = self.folder.parent / "evaluation.json"
        count = _json(path).get("samples") if self.folder.name == "model" and path.is_file() else None
        return count if isinstance(count, int) and count > 0 else None

    @property
    def reference(self) -> str:
        """The network's name in training."""
        return self.model.network.reference


def open_trained(run: Path, factory: str | None = None, *, trusted: bool = False) -> TrainedModel:
    """Load a run directory or its ``model/``; ``factory`` (``FILE.py:FACTORY``) builds a network that no library has.

    No code in the directory is executed; that of a repository ``hf:DIR_OR_ID`` named as ``factory`` is if it is ``trusted``.
    Raises :class:`ModelError` unless the model is complete, takes the stated input, gives one finite number per output, and has
    finite weights.
    """
    stored = model_file(run)
    if stored is None:
        found = "no such directory" if not run.exists() else f"no tare.json in {str(run)!r}"
        raise ModelError("a run or model directory with a tare.json", found, "name a directory that `tare transfer` wrote")
    folder = stored.parent
    if not (folder / "model.safetensors").is_file():  # timm would silently load another file
        raise ModelError("the weights as model.safetensors", f"none in {str(folder)!r}", "transfer again")
    with torch.random.fork_rng(devices=[]):  # building a network draws weights, which are then replaced
        model = load_model(folder, factory, trust_remote_code=trusted)
    trained = TrainedModel(folder, model, tare_json(folder), _settings(folder.parent))
    _check_statement(trained)
    _check_weights(model.network.module, folder)
    _check_answer(trained)
    return trained


def _check_statement(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` if ``tare.json`` states unusable or contradictory numbers."""
    chosen, takes = trained.model.normalisation, trained.model.takes
    values: dict[str, Any] = {"mean": chosen.mean, "std": chosen.std}
    if isinstance(takes, Geometry):
        values |= {"size": takes.size, "interpolation": takes.interpolation, "crop": plain(Known(takes.crop, ""))}
    for name, value in values.items():
        try:
            parsed(name, value, "")
        except ValueError as error:
            raise _unusable(trained, f"{name} {error}") from None
    channels = trained.model.network.channels
    if not len(chosen.mean) == len(chosen.std) == channels:
        raise _unusable(trained, f"{len(chosen.mean)} means and {len(chosen.std)} stds for {channels} channels")
    if isinstance(takes, Geometry):
        if max(takes.size) > _LARGEST_EDGE:
            raise _unusable(trained, f"a size of {takes.size[0]} x {takes.size[1]}")
        _ = trained.colour
    elif (fault := _fault_of(takes, channels)) is not None:
        raise _unusable(trained, fault)


def _fault_of(takes: InputGeometry, channels: int) -> str | None:
    """Return what is wrong with a signal's length and padding, or with a row's columns; None if nothing is."""
    if isinstance(takes, RowGeometry):
        return None if len(takes.columns) == channels else f"{len(takes.columns)} columns for {channels} numbers"
    if isinstance(takes, VolumeGeometry) and takes.pad is not None and len(takes.pad) != channels:
        return f"padding for {len(takes.pad)} of {channels} channels"
    if not isinstance(takes, SignalGeometry):
        return None
    if takes.length > _LONGEST:
        return f"a length of {takes.length}"
    padded = takes.pad is None or len(takes.pad) == channels
    return None if padded else f"padding for {len(takes.pad or ())} of {channels} channels"


def _check_weights(module: nn.Module, folder: Path) -> None:
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            found = f"{bad} of {tensor.numel()} values of {name!r} are NaN or infinite in {str(folder)!r}"
            raise ModelError("a network whose weights are all finite", found, "take an earlier checkpoint, or train again")


def _check_answer(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` unless the network gives a finite logit for every class of one plain sample."""
    model = trained.model
    if not model.classes:
        remedy = "call the network of tare.load_model, or transfer it and name the run"
        raise ModelError("a network with the names of its classes", f"none in {str(trained.folder)!r}", remedy)
    try:
        logits = model.logits(_plain(model))
    except Exception as error:  # an architecture may raise anything
        raise _unusable(trained, reason_of(error)) from None
    shape = (1, len(model.classes), *(model.takes.shape if model.task.dense else ()))
    if tuple(logits.shape) != shape:
        raise _unusable(trained, f"output of shape {tuple(logits.shape)} for {len(model.classes)} {model.task.noun}")
    if not bool(torch.isfinite(logits).all()):
        what = "a grey image" if isinstance(model.takes, Geometry) else "a sample of mean values"
        raise _unusable(trained, f"logits that are NaN or infinite for {what}")


def _plain(model: TransferredModel) -> torch.Tensor:
    """Return a mid-grey image, or a signal or row of mean values."""
    shape = (1, model.network.channels, *model.takes.shape)
    if isinstance(model.takes, Geometry) and model.takes.raw_dtype == "uint8":
        return torch.full(shape, 128, dtype=torch.uint8)
    mean = torch.tensor(model.normalisation.mean).reshape(1, -1, *(1 for _ in model.takes.shape))
    return mean.expand(shape).contiguous()


def _unusable(trained: TrainedModel, found: str) -> ModelError:
    return ModelError(f"a model in {str(trained.folder)!r} that fits its own tare.json", found, "transfer again")


def _settings(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    settings = _json(path).get("settings") if path.is_file() else None
    return settings if isinstance(settings, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("a readable JSON file", f"{str(path)!r}: {error}", "transfer again") from None
    return document if isinstance(document, dict) else {}
