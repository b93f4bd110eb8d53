"""A specification as the normalisation of other libraries, each refused for what the library cannot say."""

from __future__ import annotations

from typing import Any

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import check_picture_order
from tare.input_spec.fields import Known
from tare.input_spec.spec import InputSpec
from tare.samples.layout import unit_scale
from tare.system.optional import require

_REMEDY = "keep the Normaliser, or export it with torch.export"
#: Keras divides by the std, but by at least this.
_KERAS_EPSILON = 1e-7


def torchvision_steps(spec: InputSpec) -> Any:
    """``v2.Compose`` that takes raw values as images of Pillow or tensors ``(..., C, H, W)``."""
    import torch
    from torchvision.transforms import v2

    mean, std = _unit_constants(spec, "torchvision's Normalize", ("uint8", "uint16", "float32", "float16", "float64"))
    _check_layout(spec, "torchvision's Normalize", ("NCHW", "NTCHW"))
    if spec.require("raw_dtype") == "uint16" and not _scales_words():
        raise SpecError(
            "a torchvision that scales 16-bit values to [0, 1]", "an older one", f"install 0.20 or newer, or {_REMEDY}"
        )
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])


def _scales_words() -> bool:
    """Whether the installed torchvision divides unsigned 16-bit values by 65535; 0.19 hands them on as they are."""
    import torch
    from torchvision.transforms.v2 import functional

    brightest = torch.full((1, 1, 1), 65535, dtype=torch.uint16)
    return float(functional.to_dtype(brightest, torch.float32, scale=True)) == 1.0


def albumentations_step(spec: InputSpec) -> Any:
    """``albumentations.Normalize``, which divides raw values by the range of their type."""
    mean, std = _unit_constants(spec, "albumentations' Normalize", ("uint8", "uint16", "float32"))
    _check_layout(spec, "albumentations' Normalize", ("NCHW", "NHWC"))
    library: Any = require("albumentations", extra="readers", purpose="to_albumentations")
    return library.Normalize(mean=mean, std=std, max_pixel_value=1 / _range(spec))


def kornia_layer(spec: InputSpec) -> Any:
    """``kornia.enhance.Normalize``, which takes unit floats."""
    import torch

    mean, std = _unit_constants(spec, "kornia's Normalize", ("uint8", "uint16", "float32", "float16", "float64"))
    _check_layout(spec, "kornia's Normalize", ("NCHW",))
    library: Any = require("kornia.enhance", extra="readers", purpose="to_kornia")
    return library.Normalize(mean=torch.tensor(mean), std=torch.tensor(std))


def processor_fields(spec: InputSpec) -> dict[str, Any]:
    """The fields of a Hugging Face image processor that rescale and normalise."""
    mean, std = _unit_constants(spec, "a Hugging Face image processor", ("uint8", "uint16", "float32"))
    _check_layout(spec, "a Hugging Face image processor", ("NCHW", "NHWC"))
    factor = _range(spec)
    return {
        "do_rescale": factor != 1.0,
        "rescale_factor": factor,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }


def timm_fields(spec: InputSpec) -> dict[str, Any]:
    """Mean and std of a timm configuration."""
    mean, std = _unit_constants(spec, "a timm configuration", ("uint8",))
    _check_layout(spec, "a timm configuration", ("NCHW",))
    if len(mean) not in (1, 3):
        raise SpecError("1 or 3 channels, which timm's transforms make", f"{len(mean)}", _REMEDY)
    return {"mean": tuple(mean), "std": tuple(std)}


def keras_layer(spec: InputSpec, name: str | None = None) -> Any:
    """``keras.layers.Normalization`` with the mean and variance of raw values."""
    affine = _affine(spec, "Keras's Normalization")
    std = [1 / a for a in affine.scale]
    if min(std) <= _KERAS_EPSILON:
        raise SpecError(
            f"every std of raw values above {_KERAS_EPSILON:g}, Keras's least", f"{min(std):g}", "scale the data first"
        )
    mean = [-b * s for b, s in zip(affine.shift, std, strict=True)]
    axis = spec.require("layout", "state the layout").index("C")
    keras: Any = require("keras", extra="readers", purpose="to_keras")
    last = axis == len(spec.require("layout")) - 1
    variance = [s * s for s in std]
    return keras.layers.Normalization(axis=-1 if last else axis, mean=mean, variance=variance, name=name)


def _affine(spec: InputSpec, target: str) -> Affine:
    """The map of raw values. Raises :class:`SpecError` for a clip, a named map, a per-sample convention or another order."""
    whole = spec.input_map()
    affine = whole.as_affine(*(spec.raw_range() or (-float("inf"), float("inf"))))
    if affine is None:
        raise SpecError(f"a shift and a scale per channel, which is all that {target} can do", whole.why_not_affine(), _REMEDY)
    check_picture_order(spec.channels, "pictures")
    if affine.order != tuple(range(len(affine.order))):
        raise SpecError(f"channels in the order of the data, which {target} keeps", spec.require("channels"), _REMEDY)
    return affine


def _range(spec: InputSpec) -> float:
    """The factor by which libraries bring raw values of the type to [0, 1]."""
    return float(unit_scale(spec.require("raw_dtype")))


def _unit_constants(spec: InputSpec, target: str, able: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Mean and std of what the library makes of raw values before it normalises."""
    affine, raw = _affine(spec, target), spec.require("raw_dtype")
    if raw not in able:
        raise SpecError(f"raw values of type {' or '.join(able)}, which {target} takes", raw, _REMEDY)
    if isinstance(spec.scale, Known) and spec.scale.value == _range(spec):
        return list(spec.require("mean")), list(spec.require("std"))
    std = [_range(spec) / a for a in affine.scale]
    return [-b * s for b, s in zip(affine.shift, std, strict=True)], std


def _check_layout(spec: InputSpec, target: str, able: tuple[str, ...]) -> None:
    layout = spec.require("layout", "state the layout")
    if layout not in able:
        raise SpecError(f"the layout {' or '.join(able)}, which {target} takes", layout, _REMEDY)
