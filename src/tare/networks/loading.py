"""Build a network from a library's name or a Python file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from tare.errors import ModelError, did_you_mean, reason_of
from tare.folding.first_layers import evaluating
from tare.input_spec.geometry import SampleKind
from tare.input_spec.spec import Unknown
from tare.networks.building.hub.modules import Segmenter, as_called
from tare.networks.building.hugging_face import hugging_face_network
from tare.networks.building.input_channels import with_channels, with_channels_of
from tare.networks.network import Network, head_name, nothing_stated
from tare.networks.signal_networks import NETWORKS
from tare.networks.torchvision import torchvision_model
from tare.networks.weights import WITHOUT_WEIGHTS, check_network, load_weights
from tare.readers.timm import spec_of_pretrained_cfg
from tare.system.handed.arguments import of_kind
from tare.system.seeds import seeded
from tare.system.user_code import load_object, one_line, required_parameters, users_own

#: The kind of samples that a ``tare:`` network takes, by the first word of its name.
_KINDS: Mapping[str, SampleKind] = {"cnn1d": "signal", "mlp": "vector"}


def built_for(reference: str) -> SampleKind | None:
    """Return the kind of samples that ``tare:NAME`` takes; None for other networks, which are not built for the data's channels.

    Raises :class:`ModelError` for an unknown name.
    """
    of_kind(reference, str, "the name of a network", "pass a text such as 'timm:resnet18'", ModelError)
    kind, _, name = reference.partition(":")
    if kind != "tare":
        return None
    if name not in NETWORKS:
        hint = did_you_mean(name, NETWORKS, "choose one of them", most=1, prefix="tare:")
        raise ModelError(f"one of {', '.join(f'tare:{known}' for known in NETWORKS)}", f"{reference!r}", hint)
    return _KINDS[name.partition("-")[0]]


def load_network(
    reference: str, weights: str = "pretrained", seed: int = 0, channels: int | None = None, *, trusted: bool = False
) -> Network:
    """Build ``timm:NAME``, ``torchvision:NAME``, ``hf:DIR_OR_ID``, ``tare:NAME`` or ``FILE.py:FACTORY`` with ``weights``.

    ``weights`` are ``pretrained`` (the library's default for the name), ``none`` (drawn from ``seed``), or a file. ``channels``
    is the number of input channels (columns, for rows of numbers), which ``tare:`` networks need; the first layer of another
    network is adapted to it (:mod:`tare.networks.building.input_channels`).

    A weights file is read as safetensors, or as a ``.pth`` with ``weights_only=True``: no code in it is executed. A Python file
    named with FACTORY is executed, and the code of a repository of ``hf:`` if it is ``trusted``. Raises
    :class:`ModelError` if the network or its weights are unavailable or do not fit.
    """
    of_kind(reference, str, "the name of a network", "pass a text such as 'timm:resnet18'", ModelError)
    network = _built(reference, weights, seed, channels, trusted=trusted)
    check_network(network.module, reference)
    return network


def _built(reference: str, weights: str, seed: int, channels: int | None, *, trusted: bool) -> Network:
    """Build a network; see :func:`load_network`."""
    kind, _, name = reference.partition(":")
    path, _, factory = reference.rpartition(":")
    with seeded(seed):
        if kind == "timm" and name:
            return with_channels(_timm_network(name, weights), channels)
        if kind == "torchvision" and name:
            return with_channels(_torchvision_network(name, weights), channels)
        if kind == "hf" and name:
            return with_channels(hugging_face_network(name, weights, trusted=trusted), channels)
        if built_for(reference) is not None:
            return _own_network(reference, weights, channels)
        if path.endswith(".py") and factory:
            return with_channels(_factory_network(Path(path), factory, weights), channels)
    expected = "a network: timm:NAME, torchvision:NAME, hf:DIR_OR_ID, tare:NAME, FILE.py:FACTORY or an earlier run's directory"
    raise ModelError(expected, f"{reference!r}", "for example --model timm:resnet18")


def _timm_network(name: str, weights: str) -> Network:
    import timm

    if not timm.is_model(name):
        bare, _, tag = name.partition(".")
        known = timm.list_pretrained(f"{bare}.*") if tag and timm.is_model(bare) else timm.list_models()
        hint = did_you_mean(name, known, "see timm.list_models()", prefix="timm:")
        raise ModelError("a network that timm knows", f"{name!r}", hint)
    if weights == "pretrained":
        _check_reachable(name)
    try:
        module = timm.create_model(name, pretrained=weights == "pretrained")
    except Exception as error:  # the hub, the file system and timm's own checks
        reason = reason_of(error, 200)
        remedy = "give --weights FILE, or --weights none"
        raise ModelError(f"timm to build {name!r} with weights {weights!r}", reason, remedy) from None
    reference = f"timm:{name}"
    config: Mapping[str, Any] = module.pretrained_cfg
    tagged = ".".join(str(part) for part in (config.get("architecture"), config.get("tag")) if part)
    spec = spec_of_pretrained_cfg(config, f"timm {timm.__version__} pretrained_cfg of {tagged}")
    network = Network(module, reference, weights, spec, head_name(module, reference), is_timm=True)
    return network if weights == "pretrained" else _with_weights(network, weights)


def _torchvision_network(name: str, weights: str) -> Network:
    module, spec = torchvision_model(name, weights == "pretrained")
    reference = f"torchvision:{name}"
    dense = type(module).__module__.startswith("torchvision.models.segmentation")
    network = Network(module, reference, weights, spec, "classifier" if dense else head_name(module, reference), is_timm=False)
    return network if weights == "pretrained" else _with_weights(network, weights)


def _own_network(reference: str, weights: str, channels: int | None) -> Network:
    if weights == "pretrained":
        remedy = "give an earlier run of this network with --weights RUN; `tare transfer` trains it from scratch without one"
        raise ModelError(f"weights for {reference}", "'pretrained', but it has no pretrained weights", remedy)
    if channels is None:
        raise ModelError(f"data for {reference}, which is built for their channels", "none", "transfer it: tare transfer --model")
    module, spec = NETWORKS[reference.partition(":")[2]](channels, 2), nothing_stated(f"{reference} has no pretrained_cfg")
    return _with_weights(Network(module, reference, weights, spec, "head", is_timm=False), weights)


def _factory_network(path: Path, factory: str, weights: str) -> Network:
    reference = f"{path}:{factory}"
    module = _made_by(load_object(reference, ModelError), path, factory)
    config = getattr(module, "pretrained_cfg", None)
    if isinstance(config, Mapping):
        spec = spec_of_pretrained_cfg(config, f"pretrained_cfg of {reference}")
    else:
        spec = nothing_stated(f"{reference} has no pretrained_cfg")
    if weights == "pretrained":
        raise ModelError(
            f"a weights file for {reference}", "'pretrained', which only a library's networks have", "give --weights FILE or none"
        )
    head = module.head if isinstance(module, Segmenter) else head_name(module, reference, may_be_dense=True)
    return _with_weights(Network(module, reference, weights, spec, head, is_timm=False), weights)


def _with_weights(network: Network, weights: str) -> Network:
    if weights == "none":
        return replace(network, head_trained=False)
    network = with_channels_of(network, Path(weights))
    loaded = load_weights(network.module, Path(weights), network.head)
    notes = loaded.notes
    stated = not isinstance(network.spec.mean, Unknown)
    library = network.reference.partition(":")[0]
    if library in ("timm", "torchvision") and stated:
        notes += (f"mean and std are those that {library} states for its own weights, assumed for {Path(weights).name} too",)
    return replace(network, notes=network.notes + notes, head_trained=loaded.with_head)


def _made_by(factory: Any, path: Path, name: str) -> nn.Module:
    reference = f"{path}:{name}"
    if not callable(factory):
        raise ModelError(f"a function {name!r} in {str(path)!r}", type(factory).__name__, "name one that builds the network")
    required = required_parameters(factory)
    if required:
        raise ModelError(f"a factory {reference} without required arguments", f"{', '.join(required)}", "give it defaults")
    try:
        with users_own(factory):
            module = factory()
    except Exception as error:  # the user's own code
        raise ModelError(f"{reference} to build a network", one_line(error), "repair it") from None
    if not isinstance(module, nn.Module):
        raise ModelError(f"{reference} to return a torch.nn.Module", f"{type(module).__name__}", "return the network")
    try:
        with users_own(factory), evaluating(module):
            pass
    except Exception as error:
        raise ModelError(f"a network of {reference} with an eval mode", one_line(error), "repair its eval()") from None
    return as_called(module)


def _check_reachable(name: str) -> None:
    """Ask the hub once whether the weights are available, instead of letting its client retry for most of a minute."""
    import timm
    from huggingface_hub import constants, get_session, hf_hub_url, try_to_load_from_cache

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    config = timm.get_pretrained_cfg(name)
    repository = str(config.hf_hub_id) if config is not None and config.hf_hub_id else ""
    files = ("model.safetensors", "pytorch_model.bin")
    if not repository or any(isinstance(try_to_load_from_cache(repository, file), str) for file in files):
        return
    reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
    try:
        if not reason:
            get_session().head(hf_hub_url(repository, files[0]), timeout=10.0)
    except Exception as error:  # the hub library's HTTP client changes between versions
        reason = reason_of(error, 120) or type(error).__name__
    if reason:
        raise ModelError(
            f"the pretrained weights of timm:{name}, cached or from the model hub",
            f"not cached, and the hub cannot be reached ({reason})",
            f"connect to the network once, {WITHOUT_WEIGHTS}",
        )
