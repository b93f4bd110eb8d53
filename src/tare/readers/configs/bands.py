"""Satellite configurations with named bands: Clay's ``metadata.yaml``, Prithvi, TerraTorch and TorchGeo.

Clay states ``SENSOR: {bands: {mean: {NAME: v}, std: {NAME: v}}}``; the others state lists of ``bands`` beside ``mean`` or
``means`` and ``std`` or ``stds``, or mappings by the name of a band. Constants are of raw values, whose type none of them states.
TerraTorch applies the transforms of a data set between ``constant_scale`` and the constants
(``terratorch/datasets/generic_pixel_wise_dataset.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import Place, dotted, known, listed, made, number, one_of_all, stated, walk
from tare.readers.documents.constants import check_one_pair

_MEANS, _STDS = ("mean", "means", "data_mean"), ("std", "stds", "data_std")
_BANDS = (
    "bands",
    "band_names",
    "bands_order",
    "band_order",
    "model_bands",
    "output_bands",  # to which TerraTorch brings the bands of a dataset before it normalises
    "dataset_bands",
    "backbone_bands",
    "rgb_bands",
)
#: Transforms by which TerraTorch's samples are evaluated, and the classes of them that leave values as they are.
_TRANSFORMS = ("val_transform", "test_transform", "predict_transform", "transform")
_SPATIAL = (
    "ToTensorV2", "Resize", "LongestMaxSize", "SmallestMaxSize", "CenterCrop", "RandomCrop", "Crop", "PadIfNeeded", "Pad",
    "Padding", "D4", "Flip", "HorizontalFlip", "VerticalFlip", "Transpose", "Rotate", "RandomRotate90", "NoOp",
    "FlattenTemporalIntoChannels", "UnflattenTemporalFromChannels",
    "FlattenSamplesIntoChannels", "UnflattenSamplesFromChannels", "Rearrange", "SelectBands",
)  # fmt: skip


def is_clay(document: Mapping[str, Any]) -> bool:
    """Whether a document has a sensor with Clay's ``bands.mean`` and ``bands.std``."""
    return any(_is_sensor(value) for value in list(document.values())[:1000])


def is_banded(document: Mapping[str, Any]) -> bool:
    """Whether a document has bands beside means and stds, at most seven levels deep."""
    level: list[Any] = [document]
    for _ in range(8):
        if any(isinstance(value, Mapping) and _is_part(value) for value in level):
            return True
        inner = [item for value in level for item in (value.values() if isinstance(value, Mapping) else value)]
        level = list({id(item): item for item in inner if isinstance(item, Mapping | list)}.values())
    return False


def read_clay_document(document: Mapping[str, Any], source: str, sensor: str = "") -> InputSpec:
    """Read Clay's metadata for the sensor that ``PATH#SENSOR`` names, or for the only one.

    Raises :class:`SpecError` with the list of sensors if there are more and none is named.
    """
    sensors = {str(name): value for name, value in document.items() if _is_sensor(value)}
    names = ", ".join(name[:60] for name in list(sensors)[:20])
    if sensor not in sensors and (sensor or len(sensors) != 1):
        expected = f"the sensor {sensor!r} in {source}" if sensor else f"one sensor of {source}"
        raise SpecError(expected, names, "name one as PATH#SENSOR")
    chosen = sensor or next(iter(sensors))
    part = sensors[chosen]
    order = part.get("band_order")
    origin = f"{source}, {chosen[:60]}"
    raw = known(1.0, f"{origin}: Clay's constants are of raw values")
    return _spec(part["bands"]["mean"], part["bands"]["std"], order, origin, raw)


def read_bands_document(document: Any, source: str, choice: str = "") -> InputSpec:
    """Read a configuration with bands, means and stds. Raises :class:`SpecError` if its parts contradict one another."""
    found: list[tuple[Place, InputSpec]] = []
    for place, value in walk(document, source):
        if isinstance(value, Mapping) and _is_part(value):
            means, stds = (_first(value, names) for names in (_MEANS, _STDS))
            origin = f"{source}, {dotted(place)}"
            check_one_pair(value, origin)
            found.append((place, _spec(means, stds, _bands_of(value, means), origin, _scale(value, origin))))
    if not found:
        raise SpecError(f"bands with mean and std in {source}", "none", "name a configuration that states them")
    return one_of_all(found, source, choice)


def _is_sensor(value: Any) -> bool:
    bands = value.get("bands") if isinstance(value, Mapping) else None
    return isinstance(bands, Mapping) and all(isinstance(bands.get(key), Mapping) for key in ("mean", "std"))


def _first(part: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((part[name] for name in names if part.get(name) is not None), None)


def _is_part(part: Mapping[str, Any]) -> bool:
    means, stds = (_first(part, names) for names in (_MEANS, _STDS))
    if means is None or stds is None:
        return False
    by_name = isinstance(means, Mapping) and isinstance(stds, Mapping)
    return by_name or (isinstance(means, list) and isinstance(_first(part, _BANDS), list))


def _bands_of(part: Mapping[str, Any], means: Any) -> Any:
    """The list of bands that has as many names as there are means, else the first."""
    lists = [part[name] for name in _BANDS if isinstance(part.get(name), list)]
    return next((bands for bands in lists if isinstance(means, list) and len(bands) == len(means)), _first(part, _BANDS))


def _scale(part: Mapping[str, Any], origin: str) -> Field[float]:
    """What raw values are multiplied with before the constants: TerraTorch's ``constant_scale``, 1 where it is not stated."""
    strange = next((name for key in _TRANSFORMS for name in _classes(part.get(key)) if not _is_spatial(name)), None)
    if strange is not None:
        return Unknown(f"{origin}: what the transform {strange[:80]!r} does to values is not read")
    factor = part.get("constant_scale")
    if factor is not None:
        return stated("scale", number(factor), f"{origin}, key 'constant_scale'")
    if any(key in part for key in ("dataset_bands", "output_bands")):
        return known(1.0, f"{origin}: TerraTorch's constant_scale is 1 where it is not stated")
    return Unknown(f"{origin} does not state how raw values are scaled")


def _classes(steps: Any) -> list[str]:
    """The classes that a list of transforms names."""
    named = [step.get("class_path") for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []
    return [name for name in named if isinstance(name, str)]


def _is_spatial(name: str) -> bool:
    module, _, stem = name.rpartition(".")
    return stem in _SPATIAL and module.partition(".")[0] in ("", "albumentations", "terratorch")


def _spec(means: Any, stds: Any, bands: Any, origin: str, scale: Field[float]) -> InputSpec:
    names, values = _by_band(means, stds, bands, origin) if isinstance(means, Mapping) else _in_order(means, stds, bands, origin)
    mean, std = (stated(key, value, f"{origin}, {key} by band") for key, value in zip(("mean", "std"), values, strict=True))
    order: Field[str] = Unknown(f"{origin}: {short_repr(bands)} does not name each of the {len(mean.value)} bands")
    if names is not None:
        order = stated("channels", ",".join(names), f"{origin}, names of bands")
    fields: dict[str, Field[Any]] = {
        "channels": order,
        "scale": scale,
        "mean": mean,
        "std": std,
        "raw_dtype": Unknown(f"{origin} does not state the type of raw values"),
        "units": Unknown(f"{origin} does not state whether raw values are digital numbers, reflectance or decibel"),
    }
    return made(fields, origin)


def _by_band(means: Any, stds: Any, bands: Any, origin: str) -> tuple[list[str], tuple[list[Any], list[Any]]]:
    """Constants by the name of a band, in the stated order of bands, else in the order of the file."""
    if not isinstance(stds, Mapping):
        raise SpecError(f"stds by band in {origin}, as its means are", short_repr(stds), "correct the file")
    order = [*bands] if isinstance(bands, list) and bands else [*means]
    missing = [band for band in order if not _is_name(band) or band not in means or band not in stds]
    extra = [band for band in stds if band not in means] if not bands else []
    if missing or extra or not order:
        found = f"{short_repr((missing + extra)[0])} in one of them" if missing or extra else "none"
        raise SpecError(f"a mean and a std of each band in {origin}", found, "correct the file")
    picked = [[number(part[band]) for band in order] for part in (means, stds)]
    return _named(order, origin), (picked[0], picked[1])


def _in_order(means: Any, stds: Any, bands: Any, origin: str) -> tuple[list[str] | None, tuple[list[Any], list[Any]]]:
    first, second = listed(means), listed(stds)
    if len(first) != len(second):
        raise SpecError(f"as many means as stds in {origin}", f"{len(first)} and {len(second)}", "correct the file")
    if not isinstance(bands, list) or not all(_is_name(band) for band in bands):
        return None, (first, second)
    if len(bands) != len(first):
        raise SpecError(
            f"a mean and a std of each band in {origin}", f"{len(bands)} bands, {len(first)} means", "correct the file"
        )
    return _named(bands, origin), (first, second)


def _is_name(band: Any) -> bool:
    return isinstance(band, str | int) and not isinstance(band, bool)


def _named(bands: list[Any], origin: str) -> list[str]:
    names = [str(band).strip() for band in bands]
    wrong = next((name for name in names if not name or len(name) > 80 or "," in name or not name.isprintable()), None)
    if wrong is not None:
        raise SpecError(f"names of bands without commas in {origin}", short_repr(wrong), "correct the file")
    return names
