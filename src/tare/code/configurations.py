"""What configurations state about preprocessing: constants with their scale and order, and the networks in the same file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tare.code.files.configuration.value import Configuration, Keys, Value
from tare.code.networks.expected import Constants, Expected, Order
from tare.code.networks.table import expected
from tare.code.place import Place

Format = Literal["transformers", "timm", "detectron2", "openmmlab", "paddle", "albumentations", "torchvision", "plain"]
Fields = Mapping[str, Value]
Numbers = tuple[float, ...]

_UNIT = 1 / 255
_LONGEST_KEY = 100
_NUMBERS = re.compile(r"[\[(]?\s*[-+.\deE]+(?:\s*,\s*[-+.\deE]+)*\s*,?\s*[\])]?")
_PAIR = re.compile(r"(?P<before>(?:.*[_\-.])?)(?P<word>means?)(?P<after>(?:[_\-.].*)?)", re.IGNORECASE)
_OF_INPUT = re.compile(r"norm|pixel|image|img|rgb|transform|preproc|mel|wav", re.IGNORECASE)
_FRACTION = re.compile(r"\s*([\d.]+)\s*/\s*([\d.]+)\s*")

_MODEL_KEYS = frozenset({"model", "model_name", "backbone", "backbone_name", "arch", "architecture", "encoder", "encoder_name"})
_MODEL_KEYS |= {"base_model", "net", "network", "timm_model", "timm_name", "model_id"}
_MODEL_KEYS |= {"_name_or_path", "pretrained_model_name_or_path", "model_name_or_path"}


@dataclass(frozen=True, slots=True)
class Stated:
    """Constants that a configuration states: the network is fed ``(scale * v - mean) / std`` of an 8-bit value v.

    ``scale`` is None and ``order`` empty where the file does not say. ``keys`` lead to the mapping in which they stand.
    """

    format: Format
    keys: Keys
    mean: Numbers
    std: Numbers
    mean_value: Value
    std_value: Value
    scale: float | None = None
    order: Order = ""

    @property
    def constants(self) -> Constants | None:
        """The same as constants of unit values; None if the scale is not known."""
        if not self.scale:
            return None
        unit = self.scale * 255
        return Constants(tuple(each / unit for each in self.mean), tuple(each / unit for each in self.std))


@dataclass(frozen=True, slots=True)
class Named:
    """A network that a configuration names, and what it expects in each library that has the name.

    ``pretrained`` is what a key beside it says, None if none does.
    """

    name: str
    keys: Keys
    value: Value
    expected: tuple[Expected, ...]
    pretrained: bool | None = None


def stated_in(configuration: Configuration) -> tuple[Stated, ...]:
    """Every mean and std that a configuration states, in the order of its text; what an alias repeats stands once."""
    found: dict[Place | Keys, Stated] = {}
    for keys, value in configuration.root.walk():
        if isinstance(value.content, Mapping):
            for each in _stated(configuration, keys, value.content):
                found.setdefault(each.mean_value.place if each.mean_value.exact else keys, each)
    return tuple(found.values())


def named_in(configuration: Configuration) -> tuple[Named, ...]:
    """Every network that a configuration names and that a library knows, in the order of its text."""
    found: dict[Place | Keys, Named] = {}
    for keys, value in configuration.root.walk():
        if isinstance(value.content, Mapping):
            for each in _named(keys, value.content):
                found.setdefault(each.value.place if each.value.exact else each.keys, each)
    return tuple(found.values())


def _stated(configuration: Configuration, keys: Keys, fields: Fields) -> Iterator[Stated]:
    reader = next((read for fits, read in _FORMATS if fits(keys, fields)), None)
    for mean, std in _pairs(fields):
        means, stds = _numbers(fields[mean]), _numbers(fields[std])
        if means and stds and _fit(means, stds) and (reader or _is_of_input((*keys, mean), fields[mean])):
            read = reader(configuration, fields) if reader else _PLAIN
            if read:
                yield Stated(read[0], keys, means, stds, fields[mean], fields[std], *read[1:])


def _pairs(fields: Fields) -> Iterator[tuple[str, str]]:
    """Keys of a mean and the std that belongs to it: ``img_mean`` and ``img_std``, ``PIXEL_MEAN`` and ``PIXEL_STD``."""
    for key in fields:
        match = _PAIR.fullmatch(key) if len(key) <= _LONGEST_KEY else None
        if match:
            plural = "s" if match["word"].lower().endswith("s") else ""
            word = f"STD{plural.upper()}" if match["word"].isupper() else f"std{plural}"
            std = f"{match['before']}{word}{match['after']}"
            if std in fields:
                yield key, std


def _numbers(value: Value) -> Numbers | None:
    """The numbers of a list, also of one that is written as a text: ``0.485, 0.456, 0.406``."""
    text = value.content
    if not isinstance(text, str):
        return value.numbers()
    if len(text) > 200 or not _NUMBERS.fullmatch(text):
        return None
    try:
        return tuple(float(part) for part in text.strip("[]() ").split(",") if part.strip())
    except ValueError:
        return None


def _is_of_input(keys: Keys, mean: Value) -> bool:
    """Whether a mean is one of inputs: single numbers are those of scores unless a key says otherwise."""
    return not isinstance(mean.content, int | float) or any(isinstance(key, str) and _OF_INPUT.search(key) for key in keys)


def _fit(mean: Numbers, std: Numbers) -> bool:
    return len(mean) == len(std) or 1 in {len(mean), len(std)}


Read = tuple[Format, float | None, Order]
_PLAIN: Read = ("plain", None, "")


def _transformers(_: Configuration, fields: Fields) -> Read | None:
    """Raw values times ``rescale_factor``, unless ``do_rescale`` is false; nothing if ``do_normalize`` is false."""
    if _plain(fields, "do_normalize", True) is False:
        return None
    factor = _plain(fields, "rescale_factor", _UNIT)
    scale = 1.0 if _plain(fields, "do_rescale", True) is False else factor
    order: Order = "BGR" if _plain(fields, "do_flip_channel_order", False) is True else "RGB"
    return "transformers", float(scale) if isinstance(scale, int | float) else None, order


def _detectron2(configuration: Configuration, _: Fields) -> Read:
    """Raw values in the order of ``INPUT.FORMAT``; blue first if the file leaves it out."""
    stated = configuration.root.get("INPUT", "FORMAT")
    order = stated.content if stated is not None else "BGR"
    return "detectron2", 1.0, "RGB" if order == "RGB" else "BGR" if order == "BGR" else ""


def _openmmlab(_: Configuration, fields: Fields) -> Read:
    """Raw values, red first if a key says so; mmcv reads blue first."""
    swapped = any(_plain(fields, key, False) is True for key in ("to_rgb", "bgr_to_rgb"))
    return "openmmlab", 1.0, "RGB" if swapped else "BGR"


def _paddle(_: Configuration, fields: Fields) -> Read:
    """Values times ``scale``, which may be a text like 1.0/255.0, or over 255 unless ``is_scale`` is false."""
    stated = _plain(fields, "scale", None)
    if isinstance(stated, str):
        fraction = _FRACTION.fullmatch(stated)
        return "paddle", _quotient(fraction[1], fraction[2]) if fraction else None, ""
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        return "paddle", float(stated), ""
    return "paddle", 1.0 if _plain(fields, "is_scale", True) is False else _UNIT, ""


def _quotient(one: str, other: str) -> float | None:
    try:
        return float(one) / float(other)
    except (ValueError, ZeroDivisionError):
        return None


def _albumentations(_: Configuration, fields: Fields) -> Read:
    """Values over ``max_pixel_value``, which is 255 if it is left out."""
    most = _plain(fields, "max_pixel_value", 255)
    return "albumentations", 1 / most if isinstance(most, int | float) and most else None, ""


def _torchvision(_: Configuration, __: Fields) -> Read:
    return "torchvision", None, ""


def _timm(_: Configuration, __: Fields) -> Read:
    """Unit values, red first."""
    return "timm", _UNIT, "RGB"


def _plain(fields: Fields, key: str, otherwise: object) -> object:
    value = fields.get(key)
    return otherwise if value is None or value.content is None else value.content


def _target(fields: Fields) -> str:
    """The class or function that a mapping names, as Hydra, albumentations and registries do."""
    names = (_plain(fields, key, None) for key in ("_target_", "__class_fullname__", "class_path"))
    return next((name for name in names if isinstance(name, str)), "")


def _has(*names: str) -> Callable[[Keys, Fields], bool]:
    return lambda _, fields: any(name in fields for name in names)


def _makes_normalize(library: str) -> Callable[[Keys, Fields], bool]:
    return lambda _, fields: _target(fields).endswith("Normalize") and _target(fields).startswith(library)


_FORMATS: tuple[tuple[Callable[[Keys, Fields], bool], Callable[[Configuration, Fields], Read | None]], ...] = (
    (_has("image_mean", "image_processor_type", "feature_extractor_type"), _transformers),
    (_has("PIXEL_MEAN"), _detectron2),
    (_has("to_rgb", "bgr_to_rgb", "rgb_to_bgr"), _openmmlab),
    (lambda keys, _: bool(keys) and keys[-1] == "NormalizeImage", _paddle),
    (_makes_normalize("torchvision."), _torchvision),
    (_makes_normalize("albumentations."), _albumentations),
    (_has("max_pixel_value"), _albumentations),
    (_has("crop_pct"), _timm),
)


def _named(keys: Keys, fields: Fields) -> Iterator[Named]:
    target = _target(fields)
    libraries = _libraries_of(target)
    pretrained = _plain(fields, "pretrained", None)
    for key, value in fields.items():
        if isinstance(value.content, str) and (
            key.lower() in _MODEL_KEYS or (key == "name" and keys and keys[-1] in _MODEL_KEYS)
        ):
            known = tuple(found for library in libraries if (found := expected(library, value.content)))
            if known:
                yield Named(value.content, (*keys, key), value, known, pretrained if isinstance(pretrained, bool) else None)
        elif key == "_target_" and target.startswith("torchvision.models."):
            known = (found,) if (found := expected("torchvision", target.rpartition(".")[2], weights=_weights(fields))) else ()
            if known:
                yield Named(target, (*keys, key), value, known, pretrained if isinstance(pretrained, bool) else None)


def _libraries_of(target: str) -> tuple[str, ...]:
    """The libraries in which a name is looked up: the one that the mapping names, or those whose names are plain words."""
    named = target.partition(".")[0]
    return (named,) if named in {"timm", "torchvision", "transformers", "open_clip"} else ("timm", "torchvision", "transformers")


def _weights(fields: Fields) -> str | None:
    stated = _plain(fields, "weights", None)
    return stated if isinstance(stated, str) else None
