"""Read an :class:`InputSpec` from the configuration in a ``.keras`` file. Nothing in the file is executed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tare.errors import SpecError, TareError, reason_of
from tare.input_spec.spec import InputSpec
from tare.readers.keras.layers import StoredMoments, fields_of_layers

_MOST_BYTES = 1 << 26


def read_keras_file(path: Path) -> InputSpec:
    """Read the Rescaling and Normalization layers at the front of the model in a ``.keras`` archive.

    Mean and variance of an adapted layer are weights. They are read if h5py is installed, which comes with keras. Raises
    :class:`SpecError` if the file is no such archive, is too large, or is malformed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("config.json")
            if member.file_size > _MOST_BYTES:
                raise SpecError(
                    f"a config.json of at most {_MOST_BYTES} bytes", f"{member.file_size} in {str(path)!r}", "check the file"
                )
            with archive.open(member) as stream:
                document = json.loads(stream.read(_MOST_BYTES))
    except TareError:
        raise
    except KeyError:
        raise SpecError("a .keras archive with a config.json", f"none in {str(path)!r}", "save it with model.save()") from None
    except (OSError, ValueError, RecursionError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = reason_of(error, 120) or type(error).__name__
        raise SpecError("a readable .keras archive", f"{str(path)!r}: {reason}", "check the file") from None
    return spec_of_model_config(document, str(path), stored_moments(path))


def spec_of_model_config(document: Any, source: str, moments: StoredMoments) -> InputSpec:
    """Read the configuration of a Sequential or Functional model."""
    return InputSpec(**fields_of_layers(list(_layers(document, source)), source, moments))


def stored_moments(path: Path) -> StoredMoments:
    """A function that reads mean and variance of the n-th Normalization layer from the weights; it returns None if it cannot."""

    def read(index: int) -> tuple[Sequence[float], Sequence[float]] | None:
        try:
            import h5py

            name = f"layers/normalization{f'_{index}' if index else ''}/vars"
            with (
                zipfile.ZipFile(path) as archive,
                archive.open("model.weights.h5") as stream,
                h5py.File(stream, "r") as weights,
            ):
                stored = [weights[f"{name}/{part}"] for part in ("0", "1")]
                if any(values.size > 1 << 16 for values in stored):
                    return None
                mean, variance = ([float(value) for value in values[()].ravel()] for values in stored)
                return mean, variance
        except (ImportError, KeyError, OSError, ValueError, RuntimeError, AttributeError, zipfile.BadZipFile):
            return None  # the caller reports that they cannot be read

    return read


def _layers(document: Any, source: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Class and configuration of each layer, in order."""
    config = document.get("config") if isinstance(document, Mapping) else None
    listed = config.get("layers") if isinstance(config, Mapping) else None
    if not isinstance(listed, list):
        raise SpecError("a Keras model with a list of layers", f"none in {source}", "save a Sequential or Functional model")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for layer in _chained(listed):
        kind, inner = (layer.get("class_name"), layer.get("config")) if isinstance(layer, Mapping) else (None, None)
        if not isinstance(kind, str) or not isinstance(inner, Mapping):
            raise SpecError(
                "a class and a configuration for each Keras layer", f"a layer without them in {source}", "save the model again"
            )
        found.append((kind, inner))
    return found


def _chained(listed: list[Any]) -> list[Any]:
    """The layers from the first on, as long as each follows the one before it. After a branch there is no single input."""
    for index, layer in enumerate(listed):
        nodes = layer.get("inbound_nodes") if isinstance(layer, Mapping) else None
        if index and isinstance(nodes, list) and nodes and _previous(listed, index) not in json.dumps(nodes):
            return listed[:index]
    return listed


def _previous(listed: list[Any], index: int) -> str:
    before = listed[index - 1]
    return json.dumps(str(before.get("name"))) if isinstance(before, Mapping) else ""
