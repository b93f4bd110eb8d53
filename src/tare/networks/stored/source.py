"""The network that a transfer starts from: from a library, a Python file, or an earlier run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from tare.errors import ModelError, shell_word
from tare.input_spec.model_file import model_file
from tare.input_spec.spec import InputSpec, Unknown
from tare.networks.loading import load_network
from tare.networks.network import Network
from tare.networks.stored.directory import load_model, tare_json
from tare.networks.weights import load_weights
from tare.statistics.dataset_stats import DatasetStats
from tare.system.local.opened import whole
from tare.system.user_code import code_digest


def source_network(reference: str, weights: str, seed: int, channels: int | None = None, *, trusted: bool = False) -> Network:
    """Build ``reference`` with ``weights`` (:func:`tare.networks.loading.load_network`), or load the model of an earlier run.

    A run or model directory stands for its network with its weights and input specification. Name it as ``reference`` for a
    library's network, or as ``weights`` with the Python file as ``reference``. Raises :class:`ModelError` if it is unavailable.
    """
    folder = model_folder(reference)
    if folder is not None:
        if channels is not None and channels != channels_of(folder):
            found = f"{channels}, but {channels_of(folder)} in {str(folder)!r}"
            raise ModelError("as many input channels as the earlier run has", found, "leave --in-channels out")
        return _transferred(folder, weights, seed)
    given = model_folder(weights)
    if given is None:
        return load_network(reference, weights, seed, channels, trusted=trusted)
    if channels is not None and channels_of(given) != channels:
        found = f"{channels}, but {channels_of(given)} in {str(given)!r}"
        raise ModelError("data with as many channels as the run that the weights come from", found, "name another run")
    network = load_network(reference, str(given / "model.safetensors"), seed, channels, trusted=trusted)
    return replace(network, weights=weights, spec=_spec(given, network.spec))


def source_statistics(reference: str, weights: str) -> DatasetStats | None:
    """Return the training statistics of the earlier run that ``weights`` or ``reference`` names (dataset0), if recorded."""
    folder = model_folder(weights) or model_folder(reference)
    stated = tare_json(folder).get("target_stats") if folder is not None else None
    return DatasetStats.from_json(stated) if stated is not None else None


def source_bands(reference: str, weights: str) -> tuple[str, ...] | None:
    """Return the bands that the earlier run takes which ``weights`` or ``reference`` names, in its order; None without names."""
    folder = model_folder(weights) or model_folder(reference)
    geometry = tare_json(folder).get("geometry") if folder is not None else None
    bands = geometry.get("bands") if isinstance(geometry, dict) else None
    return tuple(map(str, bands)) if isinstance(bands, list) else None


def source_code(reference: str) -> dict[str, str]:
    """A hash of what a user can edit of the network that ``reference`` builds, besides weights; empty where that is nothing.

    It is the Python file of a factory with what it imports beside it, or what a directory of ``hf:`` states and brings.
    """
    place, _, factory = reference.rpartition(":")
    kind, _, name = reference.partition(":")
    if place.endswith(".py"):
        return {"code of the network": code_digest(Path(place), factory)}
    if kind != "hf" or not Path(name).is_dir():
        return {}
    parts = sorted(each for each in Path(name).rglob("*") if each.name == "config.json" or each.suffix == ".py")
    hashed = hashlib.sha256(b"".join(hashlib.sha256(whole(each)).digest() for each in parts if each.is_file()))
    return {"code of the network": hashed.hexdigest()}


def model_folder(reference: str) -> Path | None:
    """Return the model directory that ``reference`` names, itself or within a run; None if ``reference`` is not a directory.

    A path of a ``tare.json`` names its directory. Raises :class:`ModelError` for a directory without a model.
    """
    path = Path(reference)
    found = model_file(path)
    if found is None and path.is_dir():
        raise ModelError("a run or a model directory with a tare.json", f"{reference!r} without one", "name RUN or RUN/model")
    return found.parent if found is not None else None


def _transferred(folder: Path, weights: str, seed: int) -> Network:
    reference = str(tare_json(folder).get("network", {}).get("reference", ""))
    if reference.rpartition(":")[0].endswith(".py"):
        raise ModelError(
            "the Python file that builds this network",
            "a directory, which names the file but never runs it",
            f"use --model {shell_word(reference)} --weights {shell_word(folder)}",
        )
    if weights == "none":
        return replace(load_network(reference, "none", seed, channels_of(folder)), spec=_spec(folder, InputSpec()))
    model = load_model(folder)
    network = replace(model.network, reference=reference, weights=str(folder), spec=_spec(folder, model.spec()))
    if weights != "pretrained":
        loaded = load_weights(network.module, Path(weights), network.head)
        network = replace(network, weights=weights, notes=network.notes + loaded.notes, head_trained=loaded.with_head)
    return network


def _spec(folder: Path, otherwise: InputSpec) -> InputSpec:
    """Return the model's input specification; mean and std are unknown if every sample was normalised by its own values."""
    document = tare_json(folder)
    stated = document.get("spec")
    spec = InputSpec.from_json(stated) if isinstance(stated, dict) else otherwise
    stored = document.get("normalisation", {})
    if not stored.get("per_sample"):
        return spec
    by = f"--strategy {stored.get('strategy')}"
    nothing = Unknown(f"{str(folder)!r} was trained on samples normalised by their own moments: {by}")
    return replace(spec, mean=nothing, std=nothing)


def channels_of(folder: Path) -> int:
    """Return the number of input channels of the model in ``folder``."""
    mean = tare_json(folder).get("normalisation", {}).get("mean")
    if not isinstance(mean, list) or not mean:
        raise ModelError("a complete tare.json", f"no mean in {str(folder)!r}", "transfer again")
    return len(mean)
