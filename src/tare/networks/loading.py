"""Build the network that is transferred, by a library's name for it or a Python file."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of
from tare.input_spec.geometry import SampleKind
from tare.input_spec.spec import InputSpec, Unknown
from tare.networks.network import Network, head_name
from tare.networks.signal_networks import NETWORKS
from tare.networks.torchvision import torchvision_model
from tare.networks.weights import load_weights
from tare.readers.timm import spec_of_pretrained_cfg
from tare.system.user_code import load_object, required_parameters

#: What the networks of ``tare:`` take, by the first word of their names.
_KINDS: Mapping[str, SampleKind] = {"cnn1d": "signal", "mlp": "vector"}


def built_for(reference: str) -> SampleKind | None:
    """What ``tare:NAME`` takes, which is built for the channels of the data; None for any other network.

    Raises :class:`ModelError` for a name that tare does not have.
    """
    kind, _, name = reference.partition(":")
    if kind != "tare":
        return None
    if name not in NETWORKS:
        close = difflib.get_close_matches(name, list(NETWORKS), n=1, cutoff=0.5)
        hint = f"did you mean tare:{close[0]}?" if close else "choose one of them"
        raise ModelError(f"a network of tare's: {', '.join(f'tare:{known}' for known in NETWORKS)}", f"{reference!r}", hint)
    return _KINDS[name.partition("-")[0]]


def load_network(reference: str, weights: str = "pretrained", seed: int = 0, channels: int | None = None) -> Network:
    """Build ``timm:NAME``, ``torchvision:NAME``, ``tare:NAME`` or ``FILE.py:FACTORY`` with ``weights``.

    These are ``pretrained`` (for a name alone the library's default), ``none`` (drawn from ``seed``), or a file. Only the
    networks of ``tare:`` are built for a number of input ``channels`` (columns, for rows of numbers).

    A file is read as safetensors, or as a ``.pth`` through ``weights_only=True``: nothing in it is executed. A FACTORY is:
    naming one runs the Python file. Raises :class:`ModelError` if the network or its weights cannot be had or do not fit.
    """
    kind, _, name = reference.partition(":")
    path, _, factory = reference.rpartition(":")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "timm" and name:
            return _timm_network(name, weights)
        if kind == "torchvision" and name:
            return _torchvision_network(name, weights)
        if built_for(reference) is not None:
            return _own_network(reference, weights, channels)
        if path.endswith(".py") and factory:
            return _factory_network(Path(path), factory, weights)
    expected = "a network as timm:NAME, torchvision:NAME, tare:NAME, FILE.py:FACTORY or a transferred model's directory"
    raise ModelError(expected, f"{reference!r}", "for example --model timm:resnet18")


def _timm_network(name: str, weights: str) -> Network:
    import timm

    if not timm.is_model(name):
        bare, _, tag = name.partition(".")
        known = timm.list_pretrained(f"{bare}.*") if tag and timm.is_model(bare) else timm.list_models()
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(f'timm:{match}' for match in close)}?" if close else "see timm.list_models()"
        raise ModelError("a network that timm knows", f"{name!r}", hint)
    if weights == "pretrained":
        _check_reachable(name)
    try:
        module = timm.create_model(name, pretrained=weights == "pretrained")
    except Exception as error:  # the hub, the file system and timm's own checks
        reason = reason_of(error, 200)
        raise ModelError(f"timm to build {name!r} with weights {weights!r}", reason, "use --weights none|FILE") from None
    reference = f"timm:{name}"
    spec = spec_of_pretrained_cfg(module.pretrained_cfg, f"timm {timm.__version__} pretrained_cfg of {_tagged(module)}")
    network = Network(module, reference, weights, spec, head_name(module, reference), is_timm=True)
    return network if weights == "pretrained" else _with_weights(network, weights)


def _torchvision_network(name: str, weights: str) -> Network:
    module, spec = torchvision_model(name, weights == "pretrained")
    reference = f"torchvision:{name}"
    network = Network(module, reference, weights, spec, head_name(module, reference), is_timm=False)
    return network if weights == "pretrained" else _with_weights(network, weights)


def _own_network(reference: str, weights: str, channels: int | None) -> Network:
    if weights == "pretrained":
        remedy = "give --weights RUN, an earlier run of it, or train it with --protocol scratch"
        raise ModelError(f"weights for {reference}", "'pretrained', which it does not come with", remedy)
    if channels is None:
        raise ModelError(f"data for {reference}, which is built for their channels", "none", "transfer it: tare transfer --model")
    module = NETWORKS[reference.partition(":")[2]](channels, 2)
    return _with_weights(Network(module, reference, weights, _nothing_stated(reference), "head", is_timm=False), weights)


def _factory_network(path: Path, factory: str, weights: str) -> Network:
    module = _call(_import_factory(path, factory), f"{path}:{factory}")
    reference = f"{path}:{factory}"
    config = getattr(module, "pretrained_cfg", None)
    if isinstance(config, Mapping):
        spec = spec_of_pretrained_cfg(config, f"pretrained_cfg of {reference}")
    else:
        spec = _nothing_stated(reference)
    if weights == "pretrained":
        raise ModelError(
            f"a weights file for {reference}", "'pretrained', which only timm networks have", "give --weights FILE or none"
        )
    return _with_weights(Network(module, reference, weights, spec, head_name(module, reference), is_timm=False), weights)


def _nothing_stated(reference: str) -> InputSpec:
    nothing = Unknown(f"{reference} has no pretrained_cfg")
    names = ("channels", "scale", "mean", "std", "size", "interpolation", "crop")
    return InputSpec(**dict.fromkeys(names, nothing))  # type: ignore[arg-type]


def _with_weights(network: Network, weights: str) -> Network:
    if weights == "none":
        return replace(network, head_trained=False)
    loaded = load_weights(network.module, Path(weights), network.head)
    notes = loaded.notes
    stated = not isinstance(network.spec.mean, Unknown)
    library = network.reference.partition(":")[0]
    if library in ("timm", "torchvision") and stated:
        notes += (f"mean and std are those {library} states for its own weights, taken to hold for {Path(weights).name} too",)
    return replace(network, notes=network.notes + notes, head_trained=loaded.with_head)


def _import_factory(path: Path, name: str) -> Callable[..., Any]:
    factory = load_object(f"{path}:{name}", ModelError)
    if not callable(factory):
        raise ModelError(f"a function {name!r} in {str(path)!r}", type(factory).__name__, "name one that builds the network")
    return factory  # type: ignore[no-any-return]


def _call(factory: Callable[..., Any], reference: str) -> nn.Module:
    required = required_parameters(factory)
    if required:
        raise ModelError(f"a factory {reference} without required arguments", f"{', '.join(required)}", "give it defaults")
    try:
        module = factory()
    except Exception as error:  # the user's own code
        raise ModelError(f"{reference} to build a network", f"{type(error).__name__}: {error}", "repair it") from None
    if not isinstance(module, nn.Module):
        raise ModelError(f"{reference} to return a torch.nn.Module", f"{type(module).__name__}", "return the network")
    return module


def _check_reachable(name: str) -> None:
    """Ask the hub once whether the weights can be had, instead of letting its client retry for most of a minute."""
    from huggingface_hub import constants, get_session, hf_hub_url, try_to_load_from_cache

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    repository = _hub_id(name)
    files = ("model.safetensors", "pytorch_model.bin")
    if not repository or any(isinstance(try_to_load_from_cache(repository, file), str) for file in files):
        return
    reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
    try:
        if not reason:
            get_session().head(hf_hub_url(repository, files[0]), timeout=10.0)
    except Exception as error:  # whichever HTTP client the hub library uses today
        reason = reason_of(error, 120) or type(error).__name__
    if reason:
        raise ModelError(
            f"the pretrained weights of timm:{name}, cached or from the model hub",
            f"not cached, and the hub cannot be reached ({reason})",
            "connect to the network once, or give --weights FILE",
        )


def _hub_id(name: str) -> str:
    import timm

    config = timm.get_pretrained_cfg(name)
    return str(config.hf_hub_id) if config is not None and config.hf_hub_id else ""


def _tagged(module: nn.Module) -> str:
    config: Mapping[str, Any] = getattr(module, "pretrained_cfg", {})
    return ".".join(str(part) for part in (config.get("architecture"), config.get("tag")) if part)
