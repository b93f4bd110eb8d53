"""A classifier of sound of the library transformers: its front end, its weights, and the directory that it is written as."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, SpecError, reason_of
from tare.input_spec.formats.front_end import front_end_of
from tare.input_spec.spec import InputSpec, Known
from tare.networks.building.hub.modules import store_model
from tare.networks.network import Network, head_name, nothing_stated
from tare.networks.weights import WITHOUT_WEIGHTS, load_weights
from tare.normalisation.applied import Normalisation
from tare.readers.table import read_spec
from tare.samples.sound.front_end import FrontEnd
from tare.system.quiet import quietly

PREFIX = "hf:"
PROCESSOR = "preprocessor_config.json"
#: The front ends whose values a network is trained on here; Whisper's are made without constants.
_TRAINED_ON = ("ASTFeatureExtractor", "Wav2Vec2FeatureExtractor")
_NOTES = {
    "ASTFeatureExtractor": ("the extractor computes (x - mean) / (2 std): mean and std here are its own, and the network halves",)
}
#: Parts of classifiers of sound that a network without a trained head lacks.
_HEADS = ("classifier.", "projector.")
#: How the reader of extractors says that it has doubled a std.
_TWICE = "twice the key"
#: The share of a z-score that a network takes.
HALVED = {"ASTFeatureExtractor": 0.5}


class SoundClassifier(nn.Module):
    """Logits ``(N, K)`` of what a front end hands on, normalised: log-mel ``(N, 1, frames, bins)`` or waveforms ``(N, 1, T)``.

    Networks of AST take half a z-score, ``(x - mean) / (2 std)``. The half is taken here, so that mean and std are those that
    their extractor names, that are published, and that are measured; with a ``share`` of 1 it is not.
    """

    def __init__(self, model: Any, front: FrontEnd, share: float | None = None) -> None:
        super().__init__()
        self.model = model
        self.front = front
        self.wrapped = "model"
        self.share = HALVED.get(front.name, 1.0) if share is None else share

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        values = samples[:, 0] if self.share == 1.0 else samples[:, 0] * self.share
        logits: torch.Tensor = self.model(input_values=values).logits
        return logits


def takes_sound(transformers: Any, config: Any) -> bool:
    """Whether transformers builds a classifier of sound from this configuration."""
    return type(config) in transformers.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING


def sound_network(transformers: Any, name: str, config: Any, weights: str) -> Network:
    """Build the classifier of sound in the directory ``name`` with ``weights``: pretrained, none, or a file.

    Raises :class:`ModelError` if it cannot be built, or its front end is not one of those whose values are trained on here.
    """
    reference = f"{PREFIX}{name}"
    front = _front_end(name, reference)
    trained = any(str(each).endswith("Classification") for each in getattr(config, "architectures", None) or ())
    try:
        module = built(transformers, name if weights == "pretrained" else config, front)
    except ModelError:
        raise
    except Exception as error:  # the hub's client, the file system and the library's own checks
        raise ModelError(f"the network {reference} with weights as safetensors", reason_of(error, 200), WITHOUT_WEIGHTS) from None
    head_trained = weights == "pretrained" and trained
    network = Network(
        module,
        reference,
        weights,
        _stated(name, reference, front),
        head_name(module, reference),
        is_timm=False,
        head_trained=head_trained,
        notes=_NOTES.get(front.name, ()),
    )
    if weights in ("pretrained", "none"):
        return network
    loaded = load_weights(module, Path(weights), network.head)
    return replace(network, notes=network.notes + loaded.notes, head_trained=loaded.with_head)


def built(transformers: Any, source: Any, front: FrontEnd, *, local: bool = False, share: float | None = None) -> SoundClassifier:
    """The network of a directory or a repository with its weights; of a configuration, with weights drawn."""
    auto = transformers.AutoModelForAudioClassification
    with quietly():
        if isinstance(source, str | Path):
            options = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": local}
            made, found = auto.from_pretrained(source, output_loading_info=True, **options)
            _check_whole(found["missing_keys"], source)
        else:
            made = auto.from_config(source, trust_remote_code=False)
    if getattr(made.config, "apply_spec_augment", False):
        made.config.apply_spec_augment = False  # its random numbers are NumPy's, so that no seed would repeat a training
    return SoundClassifier(made.float().eval(), front, share)


def _check_whole(missing: Any, place: str | Path) -> None:
    """Raise :class:`ModelError` for weights that transformers would draw without an error; a head may be new."""
    lacking = sorted(key for key in map(str, missing) if not key.startswith(_HEADS))
    if lacking:
        found = f"{len(lacking)} tensors without one, the first {lacking[0]!r}"
        raise ModelError(f"the weights of the whole network in {str(place)!r}", found, "name what save_pretrained wrote")


def store_sound(folder: Path, module: SoundClassifier, classes: Sequence[str], chosen: Normalisation) -> None:
    """Write configuration, weights and feature extractor, with the normalisation in use where the extractor can state it."""
    store_model(folder, module.model, classes)
    text = json.dumps(extractor_of(module, chosen) or {**module.front.to_json(), **_UNSTATED}, indent=2, allow_nan=False)
    (folder / PROCESSOR).write_text(text + "\n", encoding="utf-8")


#: What stands in a directory whose normalisation the extractor cannot state: tare's own file does.
_UNSTATED = {"do_normalize": False, "tare": "normalised as tare.json says: this extractor has no key for it"}


def extractor_of(module: SoundClassifier, chosen: Normalisation) -> Mapping[str, Any] | None:
    """The extractor's configuration with the normalisation in use; None if it has no keys for it.

    AST's extractor divides by twice its std, of which the half is the network's. That of wav2vec 2.0 knows each recording's own
    moments, or none.
    """
    front, stated = module.front, module.front.to_json()
    if front.name == "ASTFeatureExtractor" and chosen.is_affine:
        return {**stated, "do_normalize": True, "mean": chosen.mean[0], "std": chosen.std[0] / (2 * module.share)}
    each = None if chosen.per_sample is None else chosen.per_sample.kind
    plain = (chosen.mean, chosen.std, chosen.value_map, chosen.clip) == ((0.0,), (1.0,), "identity", None)
    if front.name == "Wav2Vec2FeatureExtractor" and plain and each in (None, "zscore"):
        return {**stated, "do_normalize": each is not None, "return_attention_mask": False}
    return None


def whole(module: nn.Module) -> tuple[nn.Module, float]:
    """A network without the half of its input, to rewrite its first layer, and the share that it took; others as they are."""
    if not isinstance(module, SoundClassifier) or module.share == 1.0:
        return module, 1.0
    return SoundClassifier(module.model, module.front, 1.0), module.share


def stored_front(folder: Path, reference: str) -> FrontEnd:
    """The front end of a directory that :func:`store_sound` wrote."""
    return _front_end(str(folder), reference)


def _front_end(name: str, reference: str) -> FrontEnd:
    found = front_end_of(name) if Path(name).is_dir() else None
    if found is not None and found[0].name in _TRAINED_ON:
        return found[0]
    if found is not None:
        known = f"a network whose front end is {' or '.join(_TRAINED_ON)}"
        remedy = "its values are measured (tare measure --as-seen); compare strategies with tare study --evaluate"
        raise ModelError(known, f"{found[0].name} of {reference}", remedy)
    expected = f"a {PROCESSOR} of {' or '.join(_TRAINED_ON)} beside the network"
    raise ModelError(expected, f"none in {name!r}", "name a directory: save the feature extractor beside the network")


def _stated(name: str, reference: str, front: FrontEnd) -> InputSpec:
    """What the directory states, with the std that the extractor names where it divides by a multiple of it."""
    try:
        spec = read_spec(name)
    except SpecError as error:
        return nothing_stated(f"{reference} {error.found}"[:200])
    return own_constants(spec, front)


def own_constants(spec: InputSpec, front: FrontEnd) -> InputSpec:
    """The specification with the std that an extractor names, where the reader states the multiple that it divides by."""
    share = HALVED.get(front.name, 1.0)
    if share == 1.0 or not isinstance(spec.std, Known) or _TWICE not in spec.std.origin:
        return spec
    return replace(spec, std=Known(tuple(share * value for value in spec.std.value), spec.std.origin.replace(_TWICE, "the key")))
