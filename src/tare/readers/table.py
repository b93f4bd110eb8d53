"""Read what a network expects from whatever names it: a library's name for it, a file, a directory, an object.

Three tables decide who reads: by prefix (``timm:resnet50``), by what a file or JSON document is, by what an object is. A
reader is named ``module:function`` and loads when it is used; it returns an :class:`InputSpec` and never executes what it
reads.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tare.code.networks.stated import spec_of_published
from tare.errors import SpecError, short_repr
from tare.input_spec.formats.torchvision import is_preset
from tare.input_spec.model_file import PLACES
from tare.input_spec.spec import InputSpec, Known, read_json
from tare.normalisation.catalog import by_name, named
from tare.readers.audio_features import is_audio
from tare.readers.configs.bands import is_banded, is_clay
from tare.readers.configs.detectron2 import is_detectron2
from tare.readers.configs.documents import read_text, read_yaml, yaml_of
from tare.readers.configs.monai import is_monai
from tare.readers.configs.openmmlab import is_openmmlab
from tare.readers.configs.openvino import is_openvino
from tare.readers.configs.paddle import is_paddle
from tare.readers.configs.tflite import is_tflite
from tare.readers.configs.ultralytics import is_ultralytics
from tare.readers.documents.constants import has_constants, is_open_clip
from tare.readers.documents.fitting import fitting, fitting_directory
from tare.readers.hf import NAMES as HF_FILES
from tare.readers.hf import document_of_processor, inner_document, is_extractor, is_processor_document, located
from tare.readers.inputs import SpecRequest
from tare.readers.live.module import is_module, is_pipeline
from tare.readers.nnunet import PLANS, is_plans, read_nnunet
from tare.readers.robot_statistics import is_lerobot
from tare.readers.torchvision import is_weights
from tare.system.local.opened import is_pipe
from tare.system.options import verb

#: ``PREFIX:REST``: the function that reads REST.
PREFIXES: dict[str, str] = {
    "timm": "tare.readers.timm:read_timm",
    "torchvision": "tare.readers.torchvision:read_torchvision",
    "hf": "tare.readers.table:spec_of_hub",
    "keras": "tare.readers.keras.applications:read_keras",
    "onnx": "tare.readers.onnx.graph:read_onnx",
    "lerobot": "tare.readers.robot_statistics:read_lerobot",
    "openpi": "tare.readers.robot_statistics:read_openpi",
    "nnunet": "tare.readers.nnunet:read_nnunet",
    "catalog": "tare.readers.table:spec_of_catalog",
}

#: Files by suffix: the function that reads the path.
SUFFIXES: dict[str, str] = {
    ".json": "tare.readers.table:spec_of_json",
    ".keras": "tare.readers.keras.file:read_keras_file",
    ".onnx": "tare.readers.onnx.graph:read_onnx",
    ".pbtxt": "tare.readers.configs.triton:read_triton",
    ".py": "tare.readers.configs.openmmlab:read_openmmlab",
    ".yaml": "tare.readers.table:spec_of_yaml",
    ".yml": "tare.readers.table:spec_of_yaml",
    ".safetensors": "tare.readers.safetensors:read_safetensors",
    ".pkl": "tare.readers.pickled.vecnormalize:read_vecnormalize",
}

#: Files that say what a directory is; the first that states a network's input decides.
IN_DIRECTORY = (*PLACES, *HF_FILES, *PLANS)


def _has(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: all(key in document for key in keys)


def _schema(prefix: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: str(document.get("schema")).startswith(prefix)


#: JSON documents: what tells them apart, and the function that reads ``(document, source)``; the first match decides.
DOCUMENTS: tuple[tuple[Callable[[Mapping[str, Any]], bool], str], ...] = (
    (_schema("tare.spec/"), "tare.readers.table:spec_of_document"),
    (_schema("tare.model/"), "tare.readers.table:spec_of_model_document"),
    (is_audio, "tare.readers.audio_features:read_audio_document"),
    (_has("pretrained_cfg"), "tare.readers.timm:read_timm_document"),
    (is_open_clip, "tare.readers.documents.constants:read_open_clip_document"),
    (is_processor_document, "tare.readers.hf:read_hf_document"),
    (_has("input_size", "mean", "std"), "tare.readers.timm:read_timm_document"),
    (_has("norm_stats"), "tare.readers.robot_statistics:read_openpi_document"),
    (is_lerobot, "tare.readers.robot_statistics:read_lerobot_document"),
    (_has("configurations", "plans_name"), "tare.readers.nnunet:read_plans_document"),
    (_has("foreground_intensity_properties_per_channel"), "tare.readers.nnunet:read_fingerprint_document"),
    (is_openmmlab, "tare.readers.configs.openmmlab:read_openmmlab_document"),
    (is_detectron2, "tare.readers.configs.detectron2:read_detectron2_document"),
    (is_paddle, "tare.readers.configs.paddle:read_paddle_document"),
    (is_openvino, "tare.readers.configs.openvino:read_openvino_document"),
    (is_ultralytics, "tare.readers.configs.ultralytics:read_ultralytics_document"),
    (is_tflite, "tare.readers.configs.tflite:read_tflite_document"),
    (is_monai, "tare.readers.configs.monai:read_monai_document"),
    (is_clay, "tare.readers.configs.bands:read_clay_document"),
    (is_banded, "tare.readers.configs.bands:read_bands_document"),
    (has_constants, "tare.readers.documents.constants:read_constants_document"),
)

#: Readers of documents and files that take the part that PATH#PART names.
OF_PARTS = frozenset({
    "tare.readers.keras.file:read_keras_file",
    "tare.readers.configs.openmmlab:read_openmmlab", "tare.readers.configs.openmmlab:read_openmmlab_document",
    "tare.readers.configs.paddle:read_paddle_document",
    "tare.readers.configs.monai:read_monai_document", "tare.readers.configs.openvino:read_openvino_document",
    "tare.readers.configs.tflite:read_tflite_document", "tare.readers.configs.triton:read_triton",
    "tare.readers.configs.bands:read_clay_document", "tare.readers.configs.bands:read_bands_document",
    "tare.readers.nnunet:read_plans_document", "tare.readers.robot_statistics:read_openpi_document",
    "tare.readers.robot_statistics:read_lerobot_document",
    "tare.readers.table:spec_of_json", "tare.readers.table:spec_of_yaml",
    "tare.readers.pickled.vecnormalize:read_vecnormalize",
})  # fmt: skip

#: Objects: what tells them apart, and the function that reads them; the first match decides.
OBJECTS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda thing: getattr(thing, "pretrained_cfg", None) is not None, "tare.readers.timm:read_pretrained_cfg_of"),
    (is_weights, "tare.readers.torchvision:read_weights"),
    (is_preset, "tare.readers.torchvision:read_preset"),
    (is_extractor, "tare.readers.table:spec_of_processor"),
    (is_pipeline, "tare.readers.live.module:read_pipeline"),
    (is_module, "tare.readers.live.module:read_module"),
)


@verb(SpecRequest)
def read_spec(request: SpecRequest) -> InputSpec:
    """Read what ``model`` expects at its input, every field with its origin or the reason why it is unknown.

    ``model`` is ``PREFIX:NAME``, a file, a directory, a mapping, or an object of a library that states its input. Nothing is
    downloaded unless ``online``; nothing that is read is executed.

    Raises :class:`SpecError` if it is nothing that can be read, with what comes closest.
    """
    model = request.model
    if isinstance(model, InputSpec):
        return model
    if isinstance(model, str | os.PathLike):
        return _of_text(os.fspath(model), request.online)
    if isinstance(model, Mapping):
        return of_document(model, "the mapping")
    for is_one, reader in OBJECTS:
        if is_one(model):
            return _call(reader, model)
    raise SpecError("something that states a network's input", f"a {type(model).__name__}", _names())


def of_document(document: Any, source: str, part: str = "", kind: str = "JSON") -> InputSpec:
    """Read a JSON or YAML document by what it is. Raises :class:`SpecError` if it states no network's input."""
    inner, name = inner_document(document, source) if isinstance(document, Mapping) else (document, source)
    reader = _reader_of(inner)
    if reader is not None:
        return _call_for(part, reader, inner, name)
    found = f"{source} with {_keys(document)}"
    raise SpecError(f"a {kind} document that states a network's input", found, "name a spec, a model or a processor config")


def _reader_of(document: Any) -> str | None:
    """The reader of a JSON document, None if it states no network's input."""
    if not isinstance(document, Mapping):
        return None
    return next((reader for is_one, reader in DOCUMENTS if is_one(document)), None)


def spec_of_json(path: Path, part: str = "") -> InputSpec:
    """Read a JSON file by what is in it; ``part`` is what PATH#PART names. What a file beside it adds is read, too.

    The ``dataset.json`` beside nnU-Net's fingerprint adds the channels, and the ``tare.json`` beside the ``config.json`` of a
    transferred model adds what a timm configuration cannot state.
    """
    if path.name == "config.json" and (beside := path.with_name(PLACES[0])).is_file():
        path = beside
    document = read_json(path)
    if is_plans(document):
        return read_nnunet(f"{path}#{part}" if part else str(path))
    return of_document(document, str(path), part)


def spec_of_yaml(path: Path, part: str = "") -> InputSpec:
    """Read a YAML file by what is in it; ``part`` is what PATH#PART names."""
    return of_document(read_yaml(path), str(path), part, "YAML")


def spec_of_pipe(path: Path, part: str = "") -> InputSpec:
    """Read the JSON or YAML that comes through a pipe, which has no name that says which; ``part`` is what PATH#PART names."""
    text = read_text(path, "JSON or YAML")
    try:
        return of_document(json.loads(text), str(path), part)
    except (ValueError, RecursionError):
        return of_document(yaml_of(text, str(path)), str(path), part, "YAML")


def spec_of_hub(name: str, online: bool = False) -> InputSpec:
    """Read ``hf:NAME``: a directory, a file, or a repository out of the local cache, or from the hub if ``online``."""
    if _exists(Path(name)):
        return _of_path(Path(name))
    files = located(name, online)
    file = _first_that_states(files)
    return of_document(read_json(file), f"{name}/{file.name}")


def spec_of_processor(processor: Any) -> InputSpec:
    """Read an image processor or feature extractor object as its configuration file is read."""
    return of_document(*document_of_processor(processor))


def _first_that_states(files: Sequence[Path]) -> Path:
    """The first of JSON files that states a network's input, else the first."""
    if len(files) == 1:
        return files[0]
    documents = ((file, read_json(file)) for file in files)
    states = (file for file, each in documents if isinstance(each, Mapping) and _reader_of(inner_document(each, "")[0]))
    return next(states, files[0])


def spec_of_document(document: Any, source: str) -> InputSpec:
    """Read tare's own JSON; the fields carry their own origins."""
    del source
    return InputSpec.from_json(document)


def spec_of_model_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read the spec in the ``tare.json`` of a transferred model."""
    if "spec" not in document:
        raise SpecError(f"a tare.json with a spec in {source}", "none", "transfer again")
    return InputSpec.from_json(document["spec"])


def spec_of_catalog(name: str) -> InputSpec:
    """State a catalog entry as a spec: its constants, order, scale, units and window; a size it has none."""
    entry = named(name)
    values: dict[str, Any] = {"channels": entry.channels, "scale": entry.scale, "mean": entry.mean, "std": entry.std}
    values |= {"raw_dtype": entry.raw_dtype}
    values |= {key: stated for key, stated in (("units", entry.units), ("clip", entry.clip)) if stated}
    return InputSpec(**{key: Known(value, entry.origin) for key, value in values.items()})  # type: ignore[arg-type]


def _of_text(text: str, online: bool) -> InputSpec:
    prefix, colon, rest = text.partition(":")
    if colon and prefix in PREFIXES:
        named = _path_behind(prefix, rest)
        if named is not None:
            return _of_path(named)
        return _named(prefix, rest, online)
    path = Path(text)
    if _exists(path):
        return _of_path(path)
    place, mark, part = text.rpartition("#")
    if mark and part and _exists(Path(place)):
        return _of_path(Path(place), part)
    if colon and prefix.isidentifier():
        close = difflib.get_close_matches(prefix, PREFIXES, n=1, cutoff=0.4)
        hint = f"did you mean {close[0]}:{rest}?" if close else _names()
        raise SpecError(f"a prefix {', '.join(PREFIXES)}", f"{text!r}", hint)
    if text in by_name():
        raise SpecError("a model, a file or a directory", f"{text!r}, a name in the catalog", f"write catalog:{text}")
    raise SpecError("a model, a file or a directory", f"{text!r}, which does not exist", _names())


def _named(prefix: str, rest: str, online: bool) -> InputSpec:
    """Ask the library; if it is not installed, tare's own index of what its networks expect."""
    try:
        return _call(PREFIXES[prefix], rest, **({"online": online} if prefix == "hf" else {}))
    except ModuleNotFoundError:
        known = spec_of_published(f"{prefix}:{rest}")
        if known is None:
            raise
        return known


def _path_behind(prefix: str, rest: str) -> Path | None:
    """The path that ``timm:`` or ``keras:`` names: timm's ``local-dir:DIR``, or a path that cannot be a library's name."""
    if prefix not in ("timm", "keras"):
        return None
    local = rest.removeprefix("local-dir:")
    path = Path(local)
    is_path = local != rest or path.suffix in SUFFIXES or len(path.parts) > 1 or local.startswith(".")
    return path if is_path and _exists(path) else None


def _of_path(path: Path, part: str = "") -> InputSpec:
    if path.is_dir():
        found = [path / name for name in IN_DIRECTORY if (path / name).is_file()]
        if not found:
            raise SpecError(
                f"a directory with {', '.join(IN_DIRECTORY)}", f"none in {str(path)!r}", fitting_directory(path, SUFFIXES)
            )
        return spec_of_json(_first_that_states(found), part)
    if path.suffix not in SUFFIXES and is_pipe(path):
        return spec_of_pipe(path, part)
    if path.suffix not in SUFFIXES:
        raise SpecError(f"a file that ends in {', '.join(SUFFIXES)}", f"{str(path)!r}", fitting(path, _names()))
    return _call_for(part, SUFFIXES[path.suffix], path)


def _call_for(part: str, reader: str, *arguments: Any) -> InputSpec:
    """Call a reader with the part that PATH#PART names. Raises :class:`SpecError` if it has no parts to choose from."""
    if part and reader not in OF_PARTS:
        raise SpecError("a file of several parts before #", f"{short_repr(arguments[-1])}, which states one", "leave #PART out")
    return _call(reader, *arguments, *([part] if part else []))


def _call(reader: str, *arguments: Any, **options: Any) -> InputSpec:
    module, _, function = reader.partition(":")
    spec: InputSpec = getattr(importlib.import_module(module), function)(*arguments, **options)
    return spec.checked()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a NUL in it
        return False


def _keys(document: Any) -> str:
    if not isinstance(document, Mapping):
        return f"a {type(document).__name__}"
    names = ", ".join(str(key)[:40] for key in list(document)[:6])
    return f"the keys {names}" if names else "no keys"


def _names() -> str:
    return f"name {', '.join(f'{prefix}:NAME' for prefix in PREFIXES)}, a spec or config file, or a model directory"
