"""Hugging Face, for sound: a folder for the automatic classes of ``transformers``, with the feature extractor in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tare.datasets.signal_batches import sized
from tare.errors import ModelError
from tare.exporting.card import write_card
from tare.exporting.formats.format import Contents
from tare.exporting.formats.safetensors import copy, write_weights
from tare.exporting.parity import ParityError, check_difference, largest_difference
from tare.exporting.probe_numbers import ProbeNumbers
from tare.exporting.reloaded import one_line
from tare.exporting.result import Parity
from tare.input_spec.geometry import SignalGeometry, SoundGeometry
from tare.networks.building.sound import PROCESSOR, SoundClassifier, extractor_of
from tare.networks.stored.trained import TrainedModel
from tare.normalisation.input_layer import padded_input
from tare.samples.layout import unit_scale
from tare.system.optional import require
from tare.system.quiet import quietly

# Differences of network input below this are those of float32 rounding.
_ROUNDING = 1e-3
#: What the extractor of wav2vec 2.0 adds to the variance of a recording; that of quiet ones is not much more.
_ADDED = 1e-7


def fill_sound(folder: Path, contents: Contents) -> tuple[Parity, tuple[str, ...]]:
    """Write network and feature extractor, load both with transformers, and compare input and logits."""
    trained = contents.trained
    write_weights(folder, contents)
    for name in ("config.json", PROCESSOR):
        copy(trained, folder, name)
    write_card(folder, trained, _LOADING, contents.validated)
    transformers = require("transformers", extra="hf", purpose="--format hf")
    name = f"transformers {transformers.__version__}"
    probes = contents.probes
    assert isinstance(probes, ProbeNumbers)  # noqa: S101 - a network for sound
    with quietly(), one_line(name), torch.inference_mode():
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        module = transformers.AutoModelForAudioClassification.from_pretrained(folder, local_files_only=True).eval()
        ours, fed = _fed(trained, probes), _extracted(extractor, trained, probes)
        logits = module(input_values=fed.clone()).logits  # a forward may change its input in place
        same = ours * _shrunk(trained, probes)
        own = trained.model.network.module(same.clone())
    apart = float((_module(trained).share * same[:, 0] - fed).abs().max())
    if not apart <= _ROUNDING:
        raise ParityError("the input of training", f"a difference of {apart:.3g} in {name}", "use --format onnx")
    worst = largest_difference(np.asarray(own), np.asarray(logits), name)
    check_difference(worst, name)
    return Parity(name, probes.origin, probes.real, len(own), (len(own),), worst, None), _notes(
        trained, float((ours - same).abs().max())
    )


def check_sound(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` for a normalisation that the network's feature extractor has no keys for."""
    if extractor_of(_module(trained), trained.model.normalisation) is None:
        found = f"strategy {trained.model.normalisation.strategy!r}"
        raise ModelError(f"a normalisation that {_module(trained).front.name} can state", found, "use --format onnx or pt2")


def _module(trained: TrainedModel) -> SoundClassifier:
    """The network without a layer that a fold puts in front of it, which transformers would not build."""
    module = trained.model.network.module
    if not isinstance(module, SoundClassifier):
        raise ModelError("a network that hf can build", "one with a layer in front of it by a fold", "use --format onnx or pt2")
    return module


def _fed(trained: TrainedModel, probes: ProbeNumbers) -> torch.Tensor:
    takes: Any = trained.model.takes
    return padded_input(trained.model.normalisation, torch.stack([sized(values, takes) for values in _cut(trained, probes)]))


def _cut(trained: TrainedModel, probes: ProbeNumbers) -> list[Any]:
    """The samples at the network's size: waveforms repeated or cut to its length, since an extractor pads none."""
    takes = trained.model.takes
    if isinstance(takes, SignalGeometry):
        return [np.resize(values, (takes.length, 1)) for values in probes.samples]
    return list(probes.samples)


def _extracted(extractor: Any, trained: TrainedModel, probes: ProbeNumbers) -> torch.Tensor:
    """What the extractor makes of them: all of its work for waveforms, its normalisation for the values of its front end."""
    cut = _cut(trained, probes)
    if isinstance(trained.model.takes, SoundGeometry):
        return torch.from_numpy(np.stack([extractor.normalize(values[..., 0]) for values in cut]).astype(np.float32))
    waves = [values[:, 0] for values in cut]
    found: torch.Tensor = extractor(waves, sampling_rate=extractor.sampling_rate, return_tensors="pt")["input_values"]
    return found


def _shrunk(trained: TrainedModel, probes: ProbeNumbers) -> torch.Tensor:
    """By how much the extractor's z-scores of waveforms are smaller than those of training, ``(N, 1, 1)``; 1 for others."""
    if trained.model.normalisation.per_sample is None or not isinstance(trained.model.takes, SignalGeometry):
        return torch.ones(1)
    variances = np.array(
        [np.var(np.asarray(values, np.float64) * float(unit_scale(values.dtype))) for values in _cut(trained, probes)]
    )
    return torch.from_numpy(np.sqrt(variances / (variances + _ADDED)).astype(np.float32)).reshape(-1, 1, 1)


def _notes(trained: TrainedModel, apart: float) -> tuple[str, ...]:
    takes = trained.model.takes
    if not isinstance(takes, SignalGeometry):
        return ()
    said = [f"trained on {takes.length} values a recording; the extractor cuts and pads none: give the network as many"]
    if apart > _ROUNDING:
        said.append(
            f"the extractor adds {_ADDED:g} to the variance: its input of quiet recordings is smaller, by up to {apart:.2g} std"
        )
    return tuple(said)


_LOADING = [
    "from transformers import AutoFeatureExtractor, AutoModelForAudioClassification",
    "",
    'extractor = AutoFeatureExtractor.from_pretrained("DIR")',
    'model = AutoModelForAudioClassification.from_pretrained("DIR").eval()',
]
