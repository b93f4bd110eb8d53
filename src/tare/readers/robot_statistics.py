"""Statistics files of robot policies: LeRobot's ``meta/stats.json`` and openpi's ``norm_stats.json``.

Both hold mean, std and quantiles of every feature. Neither states which statistics a policy uses, so the user names a mode:
``lerobot:stats.json#action:quantile``. Without a mode, mean and std are read. Statistics of each timestep of a chunk of actions
keep both names, ``t0.c0``. A dimension that never changes is named: the library divides it by its epsilon alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import PARSERS, Known, Unknown, deviations, numbers
from tare.input_spec.spec import InputSpec, read_json
from tare.samples.constants import code_range

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
    path, part = _divided(name, ("meta/stats.json", "stats.json"))
    return read_lerobot_document(read_json(path), str(path), part)


def read_openpi(name: str) -> InputSpec:
    """Read ``PATH[#FEATURE[:MODE]]``, a ``norm_stats.json`` or its directory; FEATURE is ``state`` unless named."""
    path, part = _divided(name, ("norm_stats.json",))
    return read_openpi_document(read_json(path), str(path), part)


#: What LeRobot's training does with the statistics of a camera, in `lerobot/datasets/factory.py` of versions 0.1 to 0.4.
_REPLACED = "; lerobot-train takes ImageNet's mean and std instead, unless --dataset.use_imagenet_stats=false"


def is_lerobot(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document has a robot's state or action with their statistics."""
    features = [document.get(key) for key in _LEROBOT.first]
    return any(isinstance(feature, Mapping) and "mean" in feature and "std" in feature for feature in features)


def read_lerobot_document(document: Any, source: str, part: str = "") -> InputSpec:
    """Read a ``stats.json`` that is already parsed; ``part`` is ``FEATURE[:MODE]``.

    Dimensions have the names that ``info.json`` beside it states.
    """
    feature, _, mode = part.partition(":")
    return _spec(document, source, feature, mode or "mean_std", _LEROBOT)


def read_openpi_document(document: Any, source: str, part: str = "") -> InputSpec:
    """Read a ``norm_stats.json`` that is already parsed; ``part`` is ``FEATURE[:MODE]``."""
    inner = document.get("norm_stats") if isinstance(document, Mapping) else None
    if not isinstance(inner, Mapping):
        raise SpecError(f"an object 'norm_stats' in {source}", short_repr(inner), "name openpi's norm_stats.json")
    feature, _, mode = part.partition(":")
    return _spec(inner, f"{source}, norm_stats", feature, mode or "mean_std", _OPENPI)


def _divided(name: str, files: tuple[str, ...]) -> tuple[Path, str]:
    path, _, part = name.partition("#")
    place = Path(path)
    return next((place / file for file in files if (place / file).is_file()), place), part


def _spec(document: Any, source: str, feature: str, mode: str, form: _Format) -> InputSpec:
    if not isinstance(document, Mapping):
        raise SpecError(f"an object of features in {source}", short_repr(document), f"name {form.name}'s statistics")
    feature = feature or next((name for name in form.first if name in document), form.first[0])
    given = document.get(feature)
    if not isinstance(given, Mapping):
        known = ", ".join(str(key)[:40] for key in list(document)[:8])
        raise SpecError(f"the feature {feature!r} in {source}", f"{known or 'none'}", "name one as PATH#FEATURE")
    where = f"{source}, {feature}"
    ends = _ends(given, mode, where)
    mean, std = _constants(ends, mode, where, form)
    origin = f"{where}, keys {ends.keys} ({mode})"
    if ends.is_image or (len(mean) in (1, 3) and _is_image(feature)):
        about, names = _image(mean, std, ends, form, where), []
        origin += _REPLACED if form is _LEROBOT else ""
    else:
        names = _names(source, feature, ends) if form is _LEROBOT else ends.names()
        about = _vector(names or ends.names(), ends, where, named=f"{Path(source).parent / 'info.json'}" if names else "")
    names = names or ends.names()
    flat = [name for name, span in zip(names, ends.spans(mode), strict=False) if span == 0]
    extra = {"constant_dimensions": flat} if flat else {}
    warned = f"; constant: {', '.join(flat)[:200]}, which {form.name} divides by its epsilon alone" if flat else ""
    described: dict[str, Known[Any]] = {"mean": Known(mean, origin), "std": Known(std, origin + warned)}
    return InputSpec(**about, **described, extra=extra)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Two statistics of a feature, time first where each timestep has its own."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    steps: int
    is_image: bool
    keys: str

    def names(self) -> list[str]:
        """``c0, c1`` by dimension, ``t0.c0, t0.c1`` by timestep and dimension."""
        return self.by_time([f"c{index}" for index in range(len(self.low) // (self.steps or 1))])

    def by_time(self, names: list[str]) -> list[str]:
        return [f"t{step}.{name}" for step in range(self.steps) for name in names] if self.steps else names

    def spans(self, mode: str) -> list[float]:
        """What divides, without any epsilon."""
        return [*self.high] if mode == "mean_std" else [b - a for a, b in zip(self.low, self.high, strict=True)]


def _names(source: str, feature: str, ends: _Ends) -> list[str]:
    """The names of dimensions that ``info.json`` beside LeRobot's ``stats.json`` states; none if it states as many not."""
    beside = Path(source).parent / "info.json"
    if Path(source).name != "stats.json" or not beside.is_file():
        return []
    document = read_json(beside)
    features = document.get("features") if isinstance(document, Mapping) else None
    described = features.get(feature) if isinstance(features, Mapping) else None
    names = described.get("names") if isinstance(described, Mapping) else None
    while isinstance(names, Mapping) and len(names) == 1:  # {"motors": [...]}
        names = next(iter(names.values()))
    if not isinstance(names, list) or not all(isinstance(name, str) and 0 < len(name) <= 100 for name in names):
        return []
    wanted = len(ends.low) // (ends.steps or 1)
    plain = len({*names}) == len(names) == wanted and not any("," in name or not name.isprintable() for name in names)
    return ends.by_time(names) if plain else []


def _is_image(feature: str) -> bool:
    """Whether a feature is an image by its name, ``observation.image`` or ``observation.images.top``; not ``image_position``."""
    return not {"image", "images"}.isdisjoint(feature.split(".")[1:])


def _image(
    mean: tuple[float, ...], std: tuple[float, ...], ends: _Ends, form: _Format, where: str
) -> dict[str, Known[Any] | Unknown]:
    said = f"{form.name} decodes images to unit values in red, green, blue order"
    count = len(mean)
    known = {"scale": 1 / 255, "raw_dtype": "uint8", "layout": "NCHW", "dtype": "float32"}
    stated: dict[str, Known[Any] | Unknown] = {name: Known(value, said) for name, value in known.items()}
    if count in (1, 3):
        stated["channels"] = Known("L" if count == 1 else "RGB", said)
    else:  # colours and depth, or two cameras
        unknown = Unknown(f"{where}: an image of {count} channels, which the file does not name")
        stated |= {"channels": Known(_joined(ends.names(), where), f"{where}: an image of {count} channels, by their places")}
        stated |= dict.fromkeys(("scale", "raw_dtype"), unknown)
    largest = code_range(mean, std)
    if largest is not None:
        stated["scale"] = Unknown(f"{where} has statistics of 0..{largest} values, and {form.name} decodes images to unit values")
    return stated


def _vector(names: list[str], ends: _Ends, where: str, *, named: str) -> dict[str, Known[Any] | Unknown]:
    count = len(ends.low) // (ends.steps or 1)
    said = f"{where}: {ends.steps} timesteps of {count}" if ends.steps else f"{where}: a vector of {count}"
    known = {"scale": 1.0, "raw_dtype": "float32", "layout": "NC", "dtype": "float32"}
    stated: dict[str, Known[Any] | Unknown] = {name: Known(value, said) for name, value in known.items()}
    stated["channels"] = Known(_joined(names, where), f"{said}, names in {named}" if named else said)
    if ends.steps:
        stated["layout"] = Unknown(f"{said}: each timestep has constants of its own; lay (N, T, D) out as (N, T * D), time first")
    return stated | dict.fromkeys(("size", "interpolation", "antialias", "crop"), _NO_SIZE)


def _joined(names: list[str], where: str) -> str:
    try:
        return str(PARSERS["channels"](",".join(names)))
    except ValueError as error:
        raise SpecError(f"names of dimensions in {where}", str(error), "repair info.json") from None


def _ends(given: Mapping[str, Any], mode: str, where: str) -> _Ends:
    if mode not in _MODES:
        raise SpecError(f"a mode {', '.join(_MODES)}", short_repr(mode), "name one as PATH#FEATURE:MODE")
    first, second = _SPANS.get(mode, ("mean", "std"))
    (low, steps, is_image), (high, others, _) = (_column(given, key, where) for key in (first, second))
    if len(low) != len(high) or steps != others:
        raise SpecError(f"as many {first!r} as {second!r} in {where}", f"{len(low)} and {len(high)}", "repair the file")
    return _Ends(low, high, steps, is_image, f"{first!r} and {second!r}")


def _constants(ends: _Ends, mode: str, where: str, form: _Format) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std so that ``(x - mean) / std`` is what the library computes, epsilon included."""
    if mode == "mean_std":
        mean, std = ends.low, tuple(value + form.std_epsilon for value in ends.high)
    else:
        std = tuple((span + form.span_epsilon or form.flat) / 2 for span in ends.spans(mode))
        mean = tuple(a + half for a, half in zip(ends.low, std, strict=True))
    try:
        return mean, deviations(std)
    except ValueError:
        raise SpecError(f"a positive spread in {where}", short_repr(min(std)), f"repair {ends.keys}") from None


def _column(given: Mapping[str, Any], key: str, where: str) -> tuple[tuple[float, ...], int, bool]:
    """The numbers of one statistic, the number of timesteps (0 if the feature has one for all), and whether it is an image's.

    Those of images are nested as ``(C, 1, 1)``, those of timesteps as ``(T, D)``.
    """
    value = given.get(key)
    if value is None:
        raise SpecError(f"the key {key!r} in {where}", "none", "name another mode, or compute the statistics again")
    flat = value if isinstance(value, list) else [value]
    steps, is_image = 0, bool(flat) and all(_is_pixel(item) for item in flat)
    if is_image:
        flat = [item[0][0] for item in flat]
    elif flat and all(isinstance(item, list) for item in flat):
        if len({len(item) for item in flat}) > 1:
            found = f"{min(map(len, flat))} to {max(map(len, flat))}"
            raise SpecError(f"as many dimensions at each timestep of {key!r} in {where}", found, "repair the file")
        steps, flat = len(flat), [number for item in flat for number in item]
    try:
        return numbers(flat), steps, is_image
    except ValueError as error:
        raise SpecError(f"finite numbers as {key!r} of {where}", f"{short_repr(value)} ({error})", "repair the file") from None


def _is_pixel(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 1 and isinstance(item[0], list) and len(item[0]) == 1
