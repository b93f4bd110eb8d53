"""Read an :class:`InputSpec` from the configuration in a ``.keras`` file. Nothing in the file is executed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tare.errors import SpecError, TareError, reason_of
from tare.input_spec.spec import InputSpec
from tare.readers.keras.layers import fields_of_model
from tare.readers.keras.value import StoredKernels, StoredMoments

_MOST_BYTES = 1 << 26


def read_keras_file(path: Path, part: str = "") -> InputSpec:
    """Read the Rescaling and Normalization layers at the front of the model in a ``.keras`` archive; ``part`` names an input.

    Mean and variance of an adapted layer are weights. They are read if h5py is installed, which comes with keras. Raises
    :class:`SpecError` if the file is no such archive, is too large, or is malformed, or if its inputs take different values.
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
    return spec_of_model_config(document, str(path), stored_moments(path), stored_kernels(path), part)


def spec_of_model_config(
    document: Any, source: str, moments: StoredMoments, learns: StoredKernels = lambda _: False, part: str = ""
) -> InputSpec:
    """Read the configuration of a Sequential or Functional model; ``part`` names one of several inputs."""
    return InputSpec(**fields_of_model(document, source, moments, learns, part))


def stored_moments(path: Path) -> StoredMoments:
    """A function that reads mean and variance of the Normalization layer whose weights lie at a path; None if it cannot."""

    def moments(weights: Any, place: str) -> tuple[Sequence[float], Sequence[float]] | None:
        stored = [weights[f"{place}/vars/{part}"] for part in ("0", "1")]
        if any(values.size > 1 << 16 for values in stored):
            return None
        mean, variance = ([float(value) for value in values[()].ravel()] for values in stored)
        return mean, variance

    return lambda place: _of_weights(path, lambda weights: moments(weights, place))


def stored_kernels(path: Path) -> StoredKernels:
    """A function that says whether weights of two axes or more lie at a path or below; False if they cannot be read."""

    def is_kernel(_: str, stored: Any) -> bool | None:
        return len(getattr(stored, "shape", ())) >= 2 or None

    return lambda place: bool(_of_weights(path, lambda weights: weights[place].visititems(is_kernel)))


def _of_weights(path: Path, read: Callable[[Any], Any]) -> Any:
    """What ``read`` finds in the file of weights; None if it cannot be read, which the caller reports."""
    try:
        import h5py

        with (
            zipfile.ZipFile(path) as archive,
            archive.open("model.weights.h5") as stream,
            h5py.File(stream, "r") as weights,
        ):
            return read(weights)
    except (ImportError, KeyError, OSError, ValueError, RuntimeError, AttributeError, zipfile.BadZipFile):
        return None
