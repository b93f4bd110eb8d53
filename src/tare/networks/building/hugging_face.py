"""A network of the library transformers for images or videos: built from a directory or a repository, and written as one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from tare.errors import ModelError, SpecError, reason_of, short_repr
from tare.input_spec.spec import InputSpec
from tare.networks.building.hub.kinds import AUTO, PREFIX, head_is_trained, kind_of, whole_of
from tare.networks.building.hub.modules import (
    WEIGHTS,
    WRAPPED,
    Backbone,
    Classifier,
    ClipClassifier,
    HubModule,
    Segmenter,
    store_model,
)
from tare.networks.building.sound import SoundClassifier, built, sound_network, stored_front, takes_sound
from tare.networks.network import Network, head_name, nothing_stated
from tare.networks.weights import WITHOUT_WEIGHTS, load_weights, read_state_dict
from tare.readers.table import read_spec
from tare.system.local.opened import text_of
from tare.system.optional import require
from tare.system.quiet import quietly
from tare.system.user_code import users_own

#: What a classifier of videos has beside its head and its backbone has not.
_WITH_HEAD = ("fc_norm.", "pooler.")
PROCESSOR, BACKBONE = "preprocessor_config.json", "backbone.json"


def hugging_face_network(name: str, weights: str, *, trusted: bool = False) -> Network:
    """Build the network in the directory or repository ``name``, with ``weights``: pretrained, none, or a file.

    A repository is read from the local cache, and fetched by the hub's own client where it is not there and ``weights`` are
    pretrained. Only safetensors are read, and code of a repository is run only if it is ``trusted``.

    Raises :class:`ModelError` if it cannot be built or takes neither images nor videos.
    """
    transformers = require("transformers", extra="hf", purpose=f"the network {PREFIX}{name}")
    config = _config(transformers, name, online=weights == "pretrained", trusted=trusted)
    if takes_sound(transformers, config):
        return sound_network(transformers, name, config, weights)
    whole = whole_of(transformers, config)
    kind = kind_of(transformers, whole or config, name)
    reference = f"{PREFIX}{name}"
    head_trained = weights == "pretrained" and head_is_trained(config)
    try:
        module = _built(
            transformers, kind, whole or config, name if weights == "pretrained" and not whole else None, trusted=trusted
        )
        if whole and weights == "pretrained":
            _fill_tower(transformers, module, name)
    except ModelError:
        raise
    except Exception as error:  # the hub's client, the file system and the library's own checks
        raise ModelError(f"the network {reference} with weights as safetensors", reason_of(error, 200), WITHOUT_WEIGHTS) from None
    spec = _stated(name, reference, online=weights == "pretrained")
    if isinstance(module, ClipClassifier) and module.frames is not None:
        spec = replace(spec, extra={**spec.extra, "frames": module.frames})
    notes = (f"the code that {reference} brings was run: --trust-remote-code",) if brings_code(config) else ()
    network = Network(module, reference, weights, spec, _head(module, reference), False, notes, head_trained)
    if weights in ("pretrained", "none"):
        return network
    return _with_file(network, Path(weights))


def _head(module: nn.Module, reference: str) -> str:
    return module.head if isinstance(module, Segmenter) else head_name(module, reference)


def _with_file(network: Network, path: Path) -> Network:
    """The network with the weights of a file; names that the library has changed since are read by the library itself."""
    assert isinstance(network.module, HubModule)  # noqa: S101 - made by the caller
    if isinstance(network.module, Backbone):
        loaded = load_weights(network.module.model, path)
        return replace(network, notes=network.notes + loaded.notes, head_trained=False)
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
            module = type(network.module)(read.float().eval())
            return replace(network, module=module, head_trained=not absent)
    loaded = load_weights(network.module, path, network.head)
    return replace(network, notes=network.notes + loaded.notes, head_trained=loaded.with_head)


def is_stored_by_library(module: nn.Module) -> bool:
    """Whether transformers' automatic classes build this network again from the directory that they write."""
    if not isinstance(module, Classifier | ClipClassifier | Segmenter) or brings_code(module.model.config):
        return False
    import transformers

    known: Any = {
        Classifier: transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        ClipClassifier: transformers.MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING,
        Segmenter: transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING,
    }[type(module)]
    return type(module.model.config) in known and isinstance(module.model, known[type(module.model.config)])


def automatic_class(folder: Path) -> str:
    """The automatic class of transformers that loads the network of a directory that :func:`store` wrote."""
    transformers = require("transformers", extra="hf", purpose=f"the network in {str(folder)!r}")
    return AUTO[kind_of(transformers, _config(transformers, str(folder), online=False), str(folder))]


def named_classes(module: nn.Module) -> tuple[str, ...]:
    """The classes of a classifier of transformers by its configuration; none for another network."""
    if not isinstance(module, Classifier | ClipClassifier | SoundClassifier):
        return ()
    names = module.model.config.id2label
    return tuple(str(names[index]) for index in range(len(names))) if {*names} == {*range(len(names))} else ()


def store(folder: Path, module: nn.Module, classes: Sequence[str], processor: Mapping[str, Any] | None) -> None:
    """Write ``config.json``, the weights and the processor's configuration for transformers' automatic classes."""
    assert isinstance(module, HubModule)  # noqa: S101 - asked before
    store_model(folder, module.model, classes)
    if processor is not None:
        text = json.dumps(processor, indent=2, allow_nan=False) + "\n"
        (folder / PROCESSOR).write_text(text, encoding="utf-8")


def store_backbone(folder: Path, module: Backbone) -> None:
    """Write the configuration from which :func:`stored_backbone` builds the network, under a name that no library reads."""
    text = json.dumps(module.model.config.to_dict(), indent=2, default=str) + "\n"
    (folder / BACKBONE).write_text(text, encoding="utf-8")


def stored_backbone(folder: Path, reference: str, classes: int) -> Network:
    """Build the network of a directory that :func:`store_backbone` wrote into, with weights drawn."""
    transformers = require("transformers", extra="hf", purpose=f"the network {reference}")
    try:
        document = json.loads(text_of(folder / BACKBONE))
        config = transformers.AutoConfig.for_model(**document)
        with quietly():
            module = Backbone(transformers.AutoModel.from_config(config, trust_remote_code=False).float().eval(), classes)
    except Exception as error:  # the library's own checks and the file system
        found = f"{str(folder / BACKBONE)!r}: {reason_of(error)}"
        raise ModelError("a configuration that transformers can build", found, "transfer again") from None
    return Network(module, reference, "none", InputSpec(), "head", is_timm=False)


def stored_network(folder: Path, reference: str, *, weights: bool) -> Network:
    """Build the network of a directory that :func:`store` wrote, with its weights or with others drawn."""
    transformers = require("transformers", extra="hf", purpose=f"the network {reference}")
    try:
        config = _config(transformers, str(folder), online=False)
        module: nn.Module
        if takes_sound(transformers, config):
            share = None if weights else 1.0  # weights are drawn for a folded network, whose first layer has taken the half in
            front = stored_front(folder, reference)
            module = built(transformers, folder if weights else config, front, local=True, share=share)
        else:
            kind = kind_of(transformers, config, str(folder))
            module = _built(transformers, kind, config, folder if weights else None, local=True)
    except Exception as error:  # the library, safetensors and the file system
        reason = reason_of(error)
        raise ModelError("a model directory that transformers can load", f"{str(folder)!r}: {reason}", "transfer again") from None
    return Network(module, reference, str(folder), InputSpec(), _head(module, reference), is_timm=False)


def _built(
    transformers: Any, kind: type[HubModule], config: Any, place: Any, *, local: bool = False, trusted: bool = False
) -> HubModule:
    """The network that ``config`` describes, with the weights at ``place``, or with weights drawn if it is None."""
    auto = getattr(transformers, AUTO[kind])
    if place is None:
        with quietly(), users_own():  # a repository may bring code
            return kind(auto.from_config(config, trust_remote_code=trusted).float().eval())
    options = {"use_safetensors": True, "trust_remote_code": trusted, "local_files_only": local, "output_loading_info": True}
    with quietly(), users_own():
        made, found = auto.from_pretrained(place, config=config, **options)
    module = kind(made.float().eval())
    heads: tuple[str, ...] = () if kind is Backbone else (f"{_head(module, str(place)).split('.')[1]}.",)
    if kind is ClipClassifier:
        heads += _WITH_HEAD
    lacking = sorted(key for key in map(str, found["missing_keys"]) if not key.startswith(heads))
    if lacking:  # transformers draws them, and says so in a log alone
        raise ModelError(
            f"the weights of the whole network in {str(place)!r}, without or with a head",
            f"{len(lacking)} tensors without one, the first {lacking[0]!r}",
            "name the directory that save_pretrained wrote",
        )
    return module


def _fill_tower(transformers: Any, module: HubModule, name: str) -> None:
    """Load the tower of vision ``name`` into the classifier that it is part of."""
    with quietly():
        tower = transformers.AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
    state = {key.removeprefix("vision_model."): value for key, value in tower.float().state_dict().items()}
    module.model.vision_model.load_state_dict(state)


def _config(transformers: Any, name: str, *, online: bool, trusted: bool = False) -> Any:
    places = {"local_files_only": not online}
    try:
        with quietly(), users_own():
            stated, _ = transformers.PretrainedConfig.get_config_dict(name, **places)
            if stated.get("auto_map") and not trusted:
                raise _code_refused(name)
            _check_own_code(name, stated.get("auto_map"))
            return transformers.AutoConfig.from_pretrained(name, trust_remote_code=trusted, **places)
    except ModelError:
        raise
    except Exception as error:  # the hub's client and the file system
        expected = f"a directory or a repository of transformers at {name!r}"
        raise ModelError(
            expected, reason_of(error, 200), "check the name; a repository is fetched once, with a connection"
        ) from None


def _check_own_code(name: str, auto_map: Any) -> None:
    """Raise :class:`ModelError` if a local directory names code of a repository, which would be fetched and run."""
    named = auto_map.values() if isinstance(auto_map, dict) else ()
    texts = [
        each for value in named for each in (value if isinstance(value, list | tuple) else (value,)) if isinstance(each, str)
    ]
    other = next((text.rpartition("--")[0] for text in texts if "--" in text), None)
    if other is not None and Path(name).is_dir():
        raise ModelError(
            f"code of the directory {name!r} itself, which alone is trusted",
            f"auto_map with code of the repository {short_repr(other)}",
            "copy that code into the directory, and name the file in auto_map without the repository",
        )


def _code_refused(name: str) -> ModelError:
    return ModelError(
        "a network that transformers has itself",
        f"{PREFIX}{name}, which brings its own Python code (auto_map)",
        "read this code; --trust-remote-code runs it, with all that you may do on this machine",
    )


def brings_code(config: Any) -> bool:
    """Whether the network is built by code of its repository."""
    return bool(getattr(config, "auto_map", None))


def _stated(name: str, reference: str, *, online: bool) -> InputSpec:
    try:
        return read_spec(name if Path(name).is_dir() else reference, online=online)
    except SpecError as error:
        return nothing_stated(f"{reference} {error.found}"[:200])
