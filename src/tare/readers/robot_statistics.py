"""Statistics files of robot policies: LeRobot's ``meta/stats.json`` and openpi's ``norm_stats.json``.

Both hold mean, std and quantiles of every feature. Neither states which statistics a policy uses, so the user names a mode:
``lerobot:stats.json#action:quantile``. Without a mode, mean and std are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Known, Unknown, deviations, numbers, short_repr
from tare.input_spec.spec import InputSpec, read_json

_NO_SIZE = Unknown("a vector has no size")


@dataclass(frozen=True, slots=True)
class _Format:
    """How a library divides: ``(x - mean) / (std + std_epsilon)``, ``2 (x - low) / (high - low + span_epsilon) - 1``.

    ``flat`` replaces a span of zero; LeRobot does so (normalize_processor.py), openpi adds to every span (transforms.py).
    """

    name: str
    first: tuple[str, ...]
    std_epsilon: float
    span_epsilon: float
    flat: float


_LEROBOT = _Format("LeRobot", ("observation.state", "action"), 1e-8, 0.0, 1e-8)
_OPENPI = _Format("openpi", ("state", "actions"), 1e-6, 1e-6, 0.0)

#: Modes: the two keys that state the ends that become -1 and 1.
_SPANS = {"min_max": ("min", "max"), "quantile": ("q01", "q99"), "quantile10": ("q10", "q90")}
_MODES = ("mean_std", *_SPANS)


def read_lerobot(name: str) -> InputSpec:
    """Read ``PATH[#FEATURE[:MODE]]``, a ``stats.json`` or the dataset's directory; FEATURE is ``observation.state`` unless named.

    Images are unit values there, vectors raw. Raises :class:`SpecError` if it is not there or malformed.
    """
    path, feature, mode = _divided(name, ("meta/stats.json", "stats.json"))
    return _spec(read_json(path), str(path), feature, mode, _LEROBOT)


def read_openpi(name: str) -> InputSpec:
    """Read ``PATH[#FEATURE[:MODE]]``, a ``norm_stats.json`` or its directory; FEATURE is ``state`` unless named."""
    path, feature, mode = _divided(name, ("norm_stats.json",))
    return read_openpi_document(read_json(path), str(path), feature, mode)


def is_lerobot(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document has a robot's state or action with their statistics."""
    features = [document.get(key) for key in _LEROBOT.first]
    return any(isinstance(feature, Mapping) and "mean" in feature and "std" in feature for feature in features)


def read_lerobot_document(document: Any, source: str) -> InputSpec:
    """Read a ``stats.json`` that is already parsed."""
    return _spec(document, source, "", "mean_std", _LEROBOT)


def read_openpi_document(document: Any, source: str, feature: str = "", mode: str = "mean_std") -> InputSpec:
    """Read a ``norm_stats.json`` that is already parsed."""
    inner = document.get("norm_stats") if isinstance(document, Mapping) else None
    if not isinstance(inner, Mapping):
        raise SpecError(f"an object 'norm_stats' in {source}", short_repr(inner), "name openpi's norm_stats.json")
    return _spec(inner, f"{source}, norm_stats", feature, mode, _OPENPI)


def _divided(name: str, files: tuple[str, ...]) -> tuple[Path, str, str]:
    path, _, rest = name.partition("#")
    feature, _, mode = rest.partition(":")
    place = Path(path)
    found = next((place / file for file in files if (place / file).is_file()), place)
    return found, feature, mode or "mean_std"


def _spec(document: Any, source: str, feature: str, mode: str, form: _Format) -> InputSpec:
    if not isinstance(document, Mapping):
        raise SpecError(f"an object of features in {source}", short_repr(document), f"name {form.name}'s statistics")
    feature = feature or next((name for name in form.first if name in document), form.first[0])
    stated = document.get(feature)
    if not isinstance(stated, Mapping):
        known = ", ".join(str(key)[:40] for key in list(document)[:8])
        raise SpecError(f"the feature {feature!r} in {source}", f"{known or 'none'}", "name one as PATH#FEATURE")
    where = f"{source}, {feature}"
    mean, std, keys = _constants(stated, mode, where, form)
    is_image = ".image" in feature and len(mean) in (1, 3)
    origin = f"{where}, keys {keys} ({mode})"
    described: dict[str, Known[Any]] = {"mean": Known(mean, origin), "std": Known(std, origin)}
    return InputSpec(**(_image(len(mean), form) if is_image else _vector(len(mean), where)), **described)  # type: ignore[arg-type]


def _image(count: int, form: _Format) -> dict[str, Known[Any] | Unknown]:
    said = f"{form.name} decodes images to unit values in red, green, blue order"
    known = {
        "channels": "L" if count == 1 else "RGB",
        "scale": 1 / 255,
        "raw_dtype": "uint8",
        "layout": "NCHW",
        "dtype": "float32",
    }
    return {name: Known(value, said) for name, value in known.items()}


def _vector(count: int, where: str) -> dict[str, Known[Any] | Unknown]:
    names = ",".join(f"c{index}" for index in range(count))
    known = {"channels": names, "scale": 1.0, "raw_dtype": "float32", "layout": "NC", "dtype": "float32"}
    stated: dict[str, Known[Any] | Unknown] = {
        name: Known(value, f"{where}: a vector of {count}") for name, value in known.items()
    }
    return stated | dict.fromkeys(("size", "interpolation", "antialias", "crop"), _NO_SIZE)


def _constants(
    stated: Mapping[str, Any], mode: str, where: str, form: _Format
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Mean and std so that ``(x - mean) / std`` is what the library computes, epsilon included."""
    if mode not in _MODES:
        raise SpecError(f"a mode {', '.join(_MODES)}", short_repr(mode), "name one as PATH#FEATURE:MODE")
    first, second = _SPANS.get(mode, ("mean", "std"))
    low, high = (_column(stated, key, where) for key in (first, second))
    if len(low) != len(high):
        raise SpecError(f"as many {first!r} as {second!r} in {where}", f"{len(low)} and {len(high)}", "repair the file")
    if mode == "mean_std":
        mean, std = low, tuple(value + form.std_epsilon for value in high)
    else:
        spans = [b - a + form.span_epsilon for a, b in zip(low, high, strict=True)]
        std = tuple((span or form.flat) / 2 for span in spans)
        mean = tuple(a + half for a, half in zip(low, std, strict=True))
    try:
        return mean, deviations(std), f"{first!r} and {second!r}"
    except ValueError:
        raise SpecError(f"a positive spread in {where}", short_repr(min(std)), f"repair {second!r}") from None


def _column(stated: Mapping[str, Any], key: str, where: str) -> tuple[float, ...]:
    """The numbers of one statistic; those of images are nested as ``(C, 1, 1)``."""
    value = stated.get(key)
    if value is None:
        raise SpecError(f"the key {key!r} in {where}", "none", "name another mode, or compute the statistics again")
    flat = value if isinstance(value, list) else [value]
    for _ in range(2):
        if flat and all(isinstance(item, list) and len(item) == 1 for item in flat):
            flat = [item[0] for item in flat]
    try:
        return numbers(flat)
    except ValueError as error:
        raise SpecError(f"finite numbers as {key!r} of {where}", f"{short_repr(value)} ({error})", "repair the file") from None
