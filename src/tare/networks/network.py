"""Build the network that is transferred, by a library's name for it or a Python file: weights, what it states, its head."""

from __future__ import annotations

import difflib
import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of
from tare.input_spec.geometry import SampleKind
from tare.input_spec.spec import InputSpec, Unknown
from tare.networks.signal_networks import NETWORKS
from tare.networks.torchvision import torchvision_model
from tare.readers.timm import spec_of_pretrained_cfg
from tare.system.user_code import load_object, required_parameters


@dataclass(frozen=True, slots=True)
class Network:
    """A network, what it states about its input, and where its classifier sits.

    ``head`` is the dotted name of the linear classifier, ``head_trained`` whether it came with the weights; ``is_timm`` says that
    timm can rebuild ``module`` from a config.
    """

    module: nn.Module
    reference: str
    weights: str
    spec: InputSpec
    head: str
    is_timm: bool
    notes: tuple[str, ...] = field(default=())
    head_trained: bool = True

    @property
    def classifier(self) -> nn.Linear:
        """The linear layer called ``head``."""
        layer = self.module.get_submodule(self.head)
        if not isinstance(layer, nn.Linear):
            raise ModelError(f"a linear classifier at {self.head!r}", type(layer).__name__, "name another network")
        return layer

    @property
    def channels(self) -> int:
        """Number of input channels, from the first convolution, or without any from the first linear layer: a row's columns."""
        if (first := next(self._convolutions(), None)) is not None:
            return first.in_channels
        linear = next((layer for layer in self.module.modules() if isinstance(layer, nn.Linear)), None)
        if linear is not None:
            return linear.in_features
        expected = "a network with a convolution or a linear layer at its input"
        raise ModelError(expected, f"none in {self.reference!r}", "name another network")

    @property
    def kind(self) -> SampleKind:
        """What it takes, by its first convolution: images, or signals if it is 1-D; rows of numbers without any."""
        first = next(self._convolutions(), None)
        return "vector" if first is None else "signal" if isinstance(first, nn.Conv1d) else "image"

    def _convolutions(self) -> Iterator[nn.Conv1d | nn.Conv2d | nn.Conv3d]:
        return (layer for layer in self.module.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d))


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


def with_head(network: Network, classes: int, seed: int) -> Network:
    """Return the network with a fresh linear classifier of ``classes`` outputs, drawn from ``seed``; the body is shared."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if network.is_timm:
            network.module.reset_classifier(classes)  # type: ignore[operator]
        else:
            old = network.classifier
            new = nn.Linear(old.in_features, classes)
            parent, _, leaf = network.head.rpartition(".")
            setattr(network.module.get_submodule(parent), leaf, new)
    return replace(network, head=_head_name(network.module, network.reference), head_trained=False)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Notes on what weights and network did not share, and whether the weights brought the whole classifier."""

    notes: tuple[str, ...]
    with_head: bool


def load_weights(module: nn.Module, path: Path, head: str = "") -> Loaded:
    """Load a state dict into ``module`` and say what differed.

    Only the classifier ``head`` may differ in shape or be absent. Raises :class:`ModelError` otherwise, naming the keys.
    """
    given = read_state_dict(path)
    own = module.state_dict()
    fits = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    # Batch norm's step counter came late and is absent from older checkpoints; it only matters with momentum=None.
    optional = [key for key in own if key.endswith("num_batches_tracked") or _belongs(key, head)]
    wrong = [key for key in own if key not in fits and key not in optional]
    if wrong:
        raise ModelError(
            f"weights that fit the network ({len(own)} tensors)",
            f"{path.name!r} leaves {len(wrong)} unmatched, first {_mismatch(wrong[0], own, given)}",
            "name the network that these weights belong to",
        )
    module.load_state_dict(fits, strict=False)
    left = sorted(set(given) - set(fits))
    new = [key for key in own if _belongs(key, head) and key not in fits]
    notes = (("left out of", left), ("drawn anew, as they are not in", new))
    said = (f"{what} {path.name}: {', '.join(keys[:6])}{' ...' if len(keys) > 6 else ''}" for what, keys in notes if keys)
    return Loaded(tuple(said), not new)


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read named tensors from a ``.safetensors`` file or a ``.pth``/``.pt`` through ``weights_only=True``."""
    if not path.is_file():
        raise ModelError("a weights file", f"{str(path)!r} does not exist", "check the path, or use --weights pretrained|none")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ModelError(
            "a file that holds tensors only", f"{str(path)!r} is no checkpoint, or holds other objects", "use safetensors"
        ) from None
    except Exception as error:  # zip, safetensors and torch each raise their own
        reason = reason_of(error)
        raise ModelError(
            "a safetensors file, or a .pth that holds tensors only", f"{str(path)!r}: {reason}", "convert it to safetensors"
        ) from None
    return _tensors(loaded, path)


def _tensors(loaded: Any, path: Path) -> dict[str, torch.Tensor]:
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ModelError("a mapping of names to tensors", f"something else in {str(path)!r}", "save model.state_dict()")
    prefix = "module."  # what DistributedDataParallel puts before every name
    strip = all(str(key).startswith(prefix) for key in loaded)
    return {str(key).removeprefix(prefix) if strip else str(key): value for key, value in loaded.items()}


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
    network = Network(module, reference, weights, spec, _head_name(module, reference), is_timm=True)
    return network if weights == "pretrained" else _with_weights(network, weights)


def _torchvision_network(name: str, weights: str) -> Network:
    module, spec = torchvision_model(name, weights == "pretrained")
    reference = f"torchvision:{name}"
    network = Network(module, reference, weights, spec, _head_name(module, reference), is_timm=False)
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
    return _with_weights(Network(module, reference, weights, spec, _head_name(module, reference), is_timm=False), weights)


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


def _head_name(module: nn.Module, reference: str) -> str:
    """The dotted name of the classifier: what timm says, else the last linear layer."""
    config = getattr(module, "pretrained_cfg", None)
    stated = config.get("classifier") if isinstance(config, Mapping) else None
    linear = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    if isinstance(stated, str) and stated in linear:
        return stated
    if not linear:
        raise ModelError("a network that ends in a linear classifier", f"no nn.Linear in {reference}", "name another network")
    return str(linear[-1])


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


def _belongs(key: str, head: str) -> bool:
    return bool(head) and key.startswith(f"{head}.")


def _mismatch(key: str, own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    shape = f"shape {tuple(own[key].shape)}"
    return f"{key!r} ({shape}, the file has {tuple(given[key].shape)})" if key in given else f"{key!r} ({shape}, absent)"
