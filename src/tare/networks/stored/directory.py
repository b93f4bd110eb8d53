"""A model directory: weights as safetensors, ``config.json`` for timm, and ``tare.json`` with the normalisation.

``timm.create_model("local-dir:DIR", pretrained=True)`` loads a timm network without tare; its pretrained_cfg holds the mean
and std in use.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import inspect
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare._version import __version__
from tare.errors import ModelError, SpecError
from tare.folding.layers import FoldedNetwork
from tare.input_spec.fields import RAW_DTYPES, Crop, Field
from tare.input_spec.foreign import other_middle
from tare.input_spec.formats.timm import crop_pct_of
from tare.input_spec.geometry import (
    NOUNS,
    Geometry,
    InputGeometry,
    RowGeometry,
    SignalGeometry,
    SoundGeometry,
    VolumeGeometry,
    geometry_from,
    geometry_json,
)
from tare.input_spec.model_file import NAME
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.networks.building.hub.modules import Backbone
from tare.networks.building.hugging_face import brings_code, is_stored_by_library, store, store_backbone
from tare.networks.building.sound import SoundClassifier, store_sound
from tare.networks.network import Network
from tare.networks.stored.rebuilding import WEIGHTS, BuildPlan, changes_of, rebuilt_network
from tare.networks.stored.references import REFERENCE
from tare.networks.weights import separate_tensors, weight_holder
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.statistics.dataset_stats import DatasetStats
from tare.system.files import replacing_folder, write_text
from tare.system.handed.arguments import place_of
from tare.system.local.opened import text_of
from tare.tasks.classification import Classification
from tare.tasks.table import task_of_json
from tare.tasks.task import Task

SCHEMA = "tare.model/1"
_LONGEST_NAMES = 1000
#: Stands for the interpolation in timm's configuration of an input that its keys cannot state.
NOT_TIMMS = "none: this input is more than timm's keys can state, see tare.json"


@dataclass(frozen=True, slots=True)
class TransferredModel:
    """A network, its normalisation, input geometry and task: everything that prediction needs.

    ``classes`` are the names of the outputs. ``learnt`` is None for classification, which needs no more than the names.
    """

    network: Network
    normalisation: Normalisation
    takes: InputGeometry
    classes: tuple[str, ...]
    learnt: Task | None = None

    @property
    def task(self) -> Task:
        """What the network was taught."""
        return self.learnt or Classification(self.classes)

    @property
    def geometry(self) -> Geometry:
        """The geometry of image inputs. Raises :class:`ModelError` for a network that takes signals or rows."""
        if isinstance(self.takes, Geometry):
            return self.takes
        found = f"{self.network.reference}, which takes {NOUNS[self.takes.kind]}"
        raise ModelError("a network for images", found, "use `tare predict`, or tare.load_model in Python")

    def spec(self) -> InputSpec:
        """Return the input specification of the network."""
        origin = f"transfer with strategy {self.normalisation.strategy!r}"
        fields: dict[str, Any] = self.normalisation.spec_fields(self.takes.raw_dtype, origin)
        return _of_input(InputSpec(dtype=Known("float32", origin), **fields), self.takes, origin)

    @torch.inference_mode()
    def logits(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the network's outputs ``(N, K)``, such as logits, of samples that already have the network's size.

        Samples are raw uint8 or unit float images ``(N, C, H, W)``, signals ``(N, C, T)`` or rows ``(N, C)``.
        """
        self.network.module.eval()
        outputs = self.network.module(InputLayer(self.normalisation).to(samples.device)(samples))
        return self.task.restored(outputs, samples)


def _of_input(spec: InputSpec, takes: InputGeometry, origin: str) -> InputSpec:
    if isinstance(takes, Geometry):
        return _of_images(spec, takes, origin)
    if isinstance(takes, VolumeGeometry):
        return _of_volumes(spec, takes, origin)
    return _of_sound(spec, takes, origin) if isinstance(takes, SoundGeometry) else _of_numbers(spec, takes, origin)


def _of_sound(spec: InputSpec, takes: SoundGeometry, origin: str) -> InputSpec:
    """Complete the spec for spectrograms: frames and mel bins are the size, and the front end names the values."""
    nothing = Unknown("spectrograms are not resized")
    return replace(
        spec,
        channels=Known("logmel", origin),
        scale=Known(1.0, origin),
        size=Known(takes.size, origin),
        interpolation=nothing,
        crop=nothing,
        antialias=nothing,
        layout=Unknown("(N, frames, mel bins), one mean and std for all of them"),
        raw_dtype=_raw_field(takes.raw_dtype, origin),
        units=Known(takes.front.units, origin),
        extra={"front": takes.front.to_json()},
    )


def _of_volumes(spec: InputSpec, takes: VolumeGeometry, origin: str) -> InputSpec:
    """Complete the spec for volumes or clips; their first axis has no field of its own and goes into ``extra``."""
    count = len(spec.require("mean"))
    nothing = Unknown("volumes are cut and padded, not resized")
    stride = {} if takes.stride is None else {"stride": takes.stride}
    axes = {"axes": [list(fact) for fact in takes.axes]} if takes.axes else {}
    return replace(
        spec,
        channels=Known("RGB" if takes.clip else ",".join(f"c{index}" for index in range(count)), origin),
        size=Known(takes.size[1:], origin),
        interpolation=Known("bilinear", origin) if takes.clip else nothing,
        crop=Known(Crop("center", 1.0, offset="down"), origin) if takes.clip else nothing,
        antialias=Known(True, origin) if takes.clip else nothing,
        layout=Known("NCTHW" if takes.clip else "NCDHW", origin),
        raw_dtype=_raw_field(takes.raw_dtype, origin),
        extra={"frames": takes.size[0], **stride} if takes.clip else {"depth": takes.size[0], **axes},
    )


def _of_images(spec: InputSpec, geometry: Geometry, origin: str) -> InputSpec:
    count = len(spec.require("mean"))
    own = spec.per_sample
    if isinstance(own, Known) and own.value.kind == "zscore" and geometry.raw_dtype == "uint8":  # as InputLayer does it
        spec = replace(spec, per_sample=Known(replace(own.value, least=255 / math.prod(geometry.size) ** 0.5), own.origin))
    return replace(
        spec,
        channels=Known(_named(geometry.bands, count), origin),
        size=Known(geometry.size, origin),
        interpolation=Known(geometry.interpolation, origin),
        crop=Known(geometry.crop, origin),
        layout=Known("NCHW", origin),
        raw_dtype=_raw_field(geometry.raw_dtype, origin),
        extra={"axes": [list(fact) for fact in geometry.axes]} if geometry.axes else {},
    )


def _named(bands: tuple[str, ...] | None, count: int) -> str:
    """The order of colours, or the names of bands with commas between; numbers where a name has a comma itself."""
    if bands is not None and len(bands) == count and not any("," in name for name in bands):
        return ",".join(bands)
    return {1: "L", 3: "RGB"}.get(count) or ",".join(f"c{index}" for index in range(count))


def _of_numbers(spec: InputSpec, takes: SignalGeometry | RowGeometry, origin: str) -> InputSpec:
    """Complete the spec for signals or rows; a signal's length has no field of its own and goes into ``extra``."""
    nothing = Unknown("signals and rows of numbers are not resized")
    count = len(spec.require("mean"))
    names = ",".join(takes.columns if isinstance(takes, RowGeometry) else (f"c{index}" for index in range(count)))
    raw, readable = takes.raw_dtype, len(names) <= _LONGEST_NAMES and names.count(",") == count - 1  # a name may have a comma
    return replace(
        spec,
        channels=Known(names if readable else f"{count} columns", origin),
        size=nothing,
        interpolation=nothing,
        crop=nothing,
        antialias=nothing,
        layout=Known("NC" if isinstance(takes, RowGeometry) else "NCT", origin),
        raw_dtype=_raw_field(raw, origin),
        extra=_extra(takes),
    )


def _extra(takes: SignalGeometry | RowGeometry) -> dict[str, Any]:
    if not isinstance(takes, SignalGeometry):
        return {}
    rate = {} if takes.rate is None else {"rate": takes.rate}
    return {"length": takes.length, **rate, **({} if takes.front is None else {"front": takes.front.to_json()})}


def _raw_field(raw: str, origin: str) -> Field[str]:
    return Known(raw, origin) if raw in RAW_DTYPES else Unknown(f"raw values were of type {raw}")


def save_model(
    folder: Path,
    model: TransferredModel,
    *,
    source_spec: InputSpec,
    target_stats: DatasetStats | None,
    evidence: Mapping[str, Any],
    fold: Mapping[str, Any] | None = None,
    gate: Mapping[str, Any] | None = None,
    reference: Mapping[str, Any] | None = None,
) -> None:
    """Write the model directory under a temporary name and rename it; an existing directory is replaced.

    ``fold`` records a fold; :func:`load_model` rebuilds the network from its ``layers``. ``gate`` is what was found about the
    input before training. ``reference`` is what samples are tested against when the network is served. Raises
    :class:`OutputError` if the directory cannot be written; no partial directory remains.
    """
    from safetensors import SafetensorError

    with replacing_folder(folder) as temporary:
        try:
            _save_weights(temporary, model)
        except SafetensorError as error:  # raised by its writer when the disk is full
            raise OSError(errno.EIO, str(error)) from None
        document = _document(model, source_spec, target_stats, evidence)
        document |= {name: dict(part) for name, part in (("fold", fold), ("gate", gate)) if part is not None}
        if reference is not None:
            write_text(temporary / REFERENCE, json.dumps(reference, allow_nan=False) + "\n")
        write_text(temporary / NAME, json.dumps(document, indent=2, allow_nan=False) + "\n")


def load_model(folder: Path | str, factory: str | None = None, *, trust_remote_code: bool = False) -> TransferredModel:
    """Load a model directory written by :func:`save_model`.

    A network that a Python file builds needs that file again as ``factory`` (``FILE.py:FACTORY``): code named in a model
    directory is never run. One that the code of a repository builds needs ``hf:DIR_OR_ID`` and ``trust_remote_code``.

    Raises :class:`ModelError` if the directory is incomplete, malformed, or needs a factory.
    """
    folder = place_of(folder, "a model directory", ModelError)
    document = tare_json(folder)
    if document.get("schema") != SCHEMA:
        raise ModelError(f"a tare.json with schema {SCHEMA!r}", f"another schema in {str(folder)!r}", "transfer again")
    try:
        normalisation = Normalisation.from_json(document["normalisation"])
        geometry = geometry_from(document["geometry"])
        classes = tuple(str(name) for name in document["classes"])
        task = task_of_json(classes, document.get("task"))
        reference = str(document["network"]["reference"])
        is_timm, is_hf = bool(document["network"]["timm"]), bool(document["network"].get("hf", False))
        changes = changes_of(document.get("fold"))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            "a complete tare.json", f"{type(error).__name__}: {error} in {str(folder)!r}", "transfer again"
        ) from None
    channels = len(normalisation.mean)
    shape = (len(classes), channels, changes)
    plan = BuildPlan(folder, reference, factory, is_timm, is_hf, *shape, dense=task.dense, trusted=trust_remote_code)
    return TransferredModel(rebuilt_network(plan), normalisation, geometry, classes, task)


def versions() -> dict[str, str]:
    """Return the versions of the packages that produce a result."""
    packages = ("torch", "torchvision", "timm", "lightning", "numpy", "scikit-learn")
    return {"tare": __version__, "python": platform.python_version(), **{name: version(name) for name in packages}}


def _save_weights(folder: Path, model: TransferredModel) -> None:
    from safetensors.torch import save_file

    network = model.network
    module = _bare(network.module)
    if isinstance(module, SoundClassifier):
        store_sound(folder, module, model.classes, model.normalisation)
        return
    if is_stored_by_library(module):
        store(folder, module, model.classes, _processor_of(model))
        return
    if not network.is_timm:
        save_file(separate_tensors(weight_holder(module)), folder / WEIGHTS)
        if isinstance(module, Backbone) and not brings_code(module.model.config):
            store_backbone(folder, module)
        return
    from timm.models import save_for_hf

    options: dict[str, Any] = {"model_config": {"label_names": list(model.classes)}, "safe_serialization": True}
    written: Any = module.cpu()
    if "data_config" in inspect.signature(save_for_hf).parameters:
        options["data_config"] = _timm_keys(model)
    else:  # an older timm writes what the network itself states
        written = copy.copy(written)
        written.pretrained_cfg = {**written.pretrained_cfg, **_timm_keys(model)}
    save_for_hf(written, folder, **options)


def _bare(module: nn.Module) -> nn.Module:
    """The network without the layer that a fold puts in front of it."""
    return module.network if isinstance(module, FoldedNetwork) else module


def _processor_of(model: TransferredModel) -> Mapping[str, Any] | None:
    """The input as a processor of transformers; None if it cannot state it: then it finds none, and loads no other."""
    spec = model.spec()
    if not model.normalisation.is_affine or other_middle(spec.fields(), "hf") is not None:
        return None
    try:
        return spec.to_hf()
    except SpecError:
        return None


def _timm_keys(model: TransferredModel) -> dict[str, Any]:
    """The input in timm's keys.

    If they cannot state it, the interpolation is a text that timm makes no transform of: its transform would feed other values.
    The network loads all the same.
    """
    if not is_timms(model.spec()):
        return {**_stated_keys(model), "interpolation": NOT_TIMMS}
    return _stated_keys(model)


def is_timms(spec: InputSpec) -> bool:
    """Whether timm's own transform, made from the keys of its configuration, feeds what the specification says."""
    try:
        spec.to_timm()
    except SpecError:
        return False
    return other_middle(spec.fields(), "timm") is None


def _stated_keys(model: TransferredModel) -> dict[str, Any]:
    geometry, normalisation = model.geometry, model.normalisation
    return {
        "input_size": (len(normalisation.mean), *geometry.size),
        "interpolation": geometry.interpolation,
        "mean": normalisation.mean,
        "std": normalisation.std,
        "crop_pct": _crop_pct(geometry),
        "crop_mode": geometry.crop_mode,
    }


def _crop_pct(geometry: Geometry) -> float:
    """Return the fraction from which timm computes the same edge, if one exists."""
    try:
        return crop_pct_of(geometry.crop, geometry.size)
    except SpecError:
        return geometry.crop_fraction


def _document(
    model: TransferredModel, source_spec: InputSpec, target_stats: DatasetStats | None, evidence: Mapping[str, Any]
) -> dict[str, Any]:
    normalisation = model.normalisation
    return {
        "schema": SCHEMA,
        "network": {
            "reference": model.network.reference,
            "timm": model.network.is_timm,
            "hf": is_stored_by_library(bare := _bare(model.network.module)) or isinstance(bare, SoundClassifier),
            "weights": model.network.weights,
            "sha256": _file_hash(model.network.reference),
        },
        "classes": list(model.classes),
        "task": model.task.to_json(),
        "strategy": normalisation.strategy,
        "normalisation": normalisation.to_json(),
        "geometry": geometry_json(model.takes),
        "spec": model.spec().to_json(),
        "source_spec": source_spec.to_json(),
        "target_stats": target_stats.to_json() if target_stats else None,
        "evidence": dict(evidence),
        "versions": versions(),
    }


def _file_hash(reference: str) -> str | None:
    path = Path(reference.rpartition(":")[0])
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix == ".py" and path.is_file() else None


def tare_json(folder: Path) -> dict[str, Any]:
    """Return the ``tare.json`` of a model directory, of any schema. Raises :class:`ModelError` unless it is a JSON object."""
    path = folder / NAME
    try:
        document = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("a model directory with a tare.json", f"{str(path)!r}: {error}", "name RUN/model") from None
    if not isinstance(document, dict):
        raise ModelError("a JSON object in tare.json", f"a {type(document).__name__}", "transfer again")
    return document
