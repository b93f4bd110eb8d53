"""``tare.Normaliser``: a normalisation as a layer on tensors that is a transform of torchvision v2, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from tare.errors import DataError, SpecError, reason_of
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import check_picture_order
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.input_map import mapped as value_mapped
from tare.input_spec.spec import InputSpec
from tare.input_spec.tensors import NARROW, by_sample, in_memory, is_eager
from tare.normalisation import fused
from tare.normalisation.names import Strategy
from tare.parts import libraries
from tare.parts.plain import ScriptedNormaliser, mapped, reordered
from tare.parts.stated import spec_of_constants, spec_of_stats, usable
from tare.statistics.dataset_stats import DatasetStats

#: Modes of Pillow whose pixels are the values themselves, not places in a palette and not other colour spaces.
_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "I", "F", "1")

#: Whether an exported graph may change a converted tensor where it lies, which saves the memory of a second one.
_EXPORTS_CHANGES = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 6)

#: Factor and offset per channel, and the least and largest raw value where there is a clip.
_Form = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]


def _is_tensor(thing: Any) -> bool:
    return isinstance(thing, torch.Tensor) and not isinstance(thing, tv_tensors.TVTensor)


class Normaliser(v2.Transform):  # type: ignore[misc]
    """Map raw values to a network's input by ``(scale * v - mean) / std`` per channel, as a specification states it.

    A layer: tensors of the stated ``layout``, with or without the axis N, become tensors of the same shape, float32 unless
    :meth:`half` or another move says otherwise. A transform of torchvision v2: in ``v2.Compose`` and on samples of several
    things, images of Pillow and ``tv_tensors.Image`` and ``Video`` are normalised and all else is left alone.

    ``mean`` and ``std`` are in unit values, ``raw_dtype`` is the type of the raw values (``uint8``, ``uint16``, ``float32``,
    ...), and ``scale`` the factor from raw to unit value; without one it is that of the type: 1/255 of uint8, 1/65535 of uint16,
    1 of the others. ``others`` are fields of :class:`tare.InputSpec`: ``channels``, ``clip``, ``value_map``, ``per_sample``,
    ``bits``, ``units``. Values of integer types beyond 16 bits and float64 are mapped in float64.

    Raises :class:`SpecError` for constants that cannot be used, and when it is called on raw values of another type or another
    number of channels; all floating types pass as one.

    The constants are buffers in float64 (``mean``, ``std``, ``scale``, ``clip``); the rest of :attr:`spec` is structure, which no
    ``state_dict`` holds. A state with another ``scale`` is not loaded. Constants that are changed where they lie count from the
    next call on, also compiled; what is exported has those of that moment.
    """

    _transformed_types = (_is_tensor, tv_tensors.Image, tv_tensors.Video, Image.Image)
    mean: torch.Tensor
    std: torch.Tensor
    scale: torch.Tensor
    clip: torch.Tensor | None
    factor: torch.Tensor
    offset: torch.Tensor
    low: torch.Tensor | None
    high: torch.Tensor | None

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        raw_dtype: str,
        layout: str = "NCHW",
        scale: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__()
        self._state(spec_of_constants(mean, std, raw_dtype=raw_dtype, layout=layout, scale=scale, **others))

    @classmethod
    def from_spec(cls, spec: InputSpec, *, layout: str | None = None) -> Normaliser:
        """Make the layer that a specification states; ``layout`` is needed where the specification states none.

        Raises :class:`SpecError` if a field that is needed is unknown, or the network normalises inside.
        """
        made = cls.__new__(cls)
        v2.Transform.__init__(made)
        made._state(spec if layout is None else replace(spec, layout=InputSpec.of((0,), (1,), layout=layout).layout))
        return made

    @classmethod
    def from_stats(
        cls,
        stats: DatasetStats,
        strategy: Strategy = "target",
        *,
        source: Any = None,
        source_stats: DatasetStats | None = None,
        window: Sequence[float] | None = None,
        layout: str = "NCHW",
        **others: Any,
    ) -> Normaliser:
        """Make the layer for a dataset that was measured, by one of tare's strategies.

        ``source`` is what the network was pretrained with, for ``source``, ``match`` and ``blend``: a mean and std in unit
        values, or an :class:`tare.InputSpec`. ``source_stats`` are dataset0's statistics, for ``match``. ``window`` is a low
        and a high raw value, for ``window``. ``others`` are as for the class; ``raw_dtype`` is that of the data. Raises
        :class:`StrategyError` for what a strategy lacks.
        """
        return cls.from_spec(spec_of_stats(stats, strategy, source, source_stats, layout=layout, window=window, **others))

    def _state(self, spec: InputSpec) -> None:
        usable(spec)
        whole = spec.input_map()
        self._stated, self._value_map, self._per_sample = spec, whole.value_map, whole.per_sample
        self._layout, self._raw = spec.require("layout", "give layout='NCHW' or another one"), spec.require("raw_dtype")
        self._axis = self._layout.index("C") - len(self._layout)
        self.dtype = getattr(torch, spec.dtype.value) if isinstance(spec.dtype, Known) else torch.float32
        doubles = {"mean": spec.require("mean"), "std": spec.require("std"), "scale": spec.require("scale"), "clip": whole.clip}
        for name, numbers in doubles.items():
            self._keep(name, None if numbers is None else torch.tensor(numbers, dtype=torch.float64))
        moved = whole.affine.order != tuple(range(len(whole.affine.order)))
        self._order = list(whole.affine.order) if moved else []
        self._settle()

    def _keep(self, name: str, numbers: torch.Tensor | None, *, persistent: bool = True) -> None:
        """Keep numbers as a buffer; what is absent is none, since torch.export miscounts buffers that are None."""
        if numbers is None:
            setattr(self, name, None)
        else:
            self.register_buffer(name, numbers, persistent=persistent)

    def _formed(self) -> _Form:
        """The constants in the form and type that values are mapped with."""
        narrow = self.mean.dtype == torch.float32 or (self._raw in NARROW and self.dtype != torch.float64)
        shape, kind = (-1, *(1 for _ in range(-self._axis - 1))), torch.float32 if narrow else torch.float64
        factor, offset = ((each / self.std).to(kind).reshape(shape) for each in (self.scale, -self.mean))
        if self.clip is None:
            return factor, offset, None, None
        low, high = (each.to(kind).reshape(shape) for each in self.clip.unbind(dim=1))
        return factor, offset, low, high

    def _settle(self) -> None:
        """Keep the constants in that form, and the numbers that they were made of."""
        with torch.inference_mode(False), torch.no_grad():  # what a call in inference mode keeps must serve one with gradients
            formed = self._formed()
        for name, numbers in zip(("factor", "offset", "low", "high"), formed, strict=True):
            self._keep(name, numbers, persistent=False)
        self._settled = self._numbers()

    def _numbers(self) -> list[Any] | None:
        """The constants as numbers; None where to read them is to wait for a device, or to lose a gradient."""
        constants = [each for each in (self.mean, self.std, self.scale, self.clip) if each is not None]
        return [each.tolist() for each in constants] if all(map(in_memory, constants)) else None

    def _now(self) -> tuple[_Form, list[Any] | None]:
        """The form of the constants for this call, and their numbers where they may be used in place of tensors.

        No version of a tensor tells that it was changed: ``.data`` has one of its own, and another tensor may have the same.
        So numbers in memory are compared, and those of a device, which a comparison would wait for, brought into form again.
        What is recorded has this in it: no call before it need have been, and a compiled one is called again.
        """
        if not is_eager():
            return self._formed(), None
        numbers = self._numbers()
        if numbers is None and not self._may_be_kept():
            return self._formed(), None
        if numbers is None or numbers != self._settled:
            self._settle()
        return (self.factor, self.offset, self.low, self.high), numbers

    def _may_be_kept(self) -> bool:
        """Whether another call may use this one's form: not where a gradient goes through it, or a CUDA graph computes it."""
        learnt = any(each.requires_grad for each in (self.mean, self.std, self.scale))
        return not learnt and not (self.mean.is_cuda and torch.cuda.is_current_stream_capturing())

    @property
    def spec(self) -> InputSpec:
        """The specification of the raw values and what becomes of them, with the constants now in the buffers."""
        now: dict[str, Any] = {name: tuple(getattr(self, name).tolist()) for name in ("mean", "std")}
        before: dict[str, Any] = {name: self._stated.require(name) for name in now}
        now["scale"], before["scale"] = float(self.scale), self._stated.require("scale")
        if self.clip is not None:
            now["clip"], before["clip"] = tuple(map(tuple, self.clip.tolist())), self._stated.input_map().clip
        changed: dict[str, Any] = {n: Known(each, "the layer's state") for n, each in now.items() if each != before[n]}
        if self.clip is None and isinstance(self._stated.clip, Known):
            changed["clip"] = Unknown("the layer's state has none")
        return replace(self._stated, **changed)

    def forward(self, inputs: Any, *others: Any) -> Any:
        """Normalise a tensor, an image, or the images of a sample as torchvision's transforms find them."""
        if not others and _is_tensor(inputs):
            return self._normalised(inputs, self._axis)
        return super().forward(inputs, *others)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise :class:`SpecError` for a sample without an image: torchvision would hand it on as it is."""
        if not any(self._needs_transform_list(flat_inputs)):
            found = ", ".join(sorted({type(thing).__name__ for thing in flat_inputs})) or "nothing"
            raise SpecError("a tensor, or an image of Pillow or torchvision", found, "convert arrays with torch.from_numpy")

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:  # noqa: ARG002
        """Normalise one image; torchvision calls it for each image of a sample."""
        if _is_tensor(inpt):
            return self._normalised(inpt, self._axis)
        check_picture_order(self._stated.channels, "a picture")
        if self._axis != -3:
            found = f"the layout {self._layout}"
            raise SpecError("channels before height and width, as images of torchvision have them", found, "give tensors")
        image = v2.functional.to_image(_of_values(inpt)) if isinstance(inpt, Image.Image) else inpt
        return tv_tensors.wrap(self._normalised(image.as_subclass(torch.Tensor), -3), like=image)

    if hasattr(v2.Transform, "_transform"):  # their names up to torchvision 0.20
        _transform, _check_inputs = transform, check_inputs

    def inverse(self) -> Normaliser:
        """Return the layer that maps this one's output back to raw values, as floats of the output's type.

        Raises :class:`SpecError` where values cannot be told apart afterwards, or go through a named map.
        """
        spec = self.spec
        affine = spec.input_map().as_affine(*(spec.raw_range() or (-float("inf"), float("inf"))))
        if affine is None:
            found = spec.input_map().why_not_affine()
            raise SpecError("a normalisation that a shift and a scale per channel undo", found, "keep the raw values")
        back = affine.inverse()
        std = [1 / a for a in back.scale]
        mean = [-b * s for b, s in zip(back.shift, std, strict=True)]
        kind = str(self.dtype).removeprefix("torch.")
        stated = {"channels": spec.require("channels"), "layout": self._layout, "dtype": kind}
        raw = "float32" if kind == "bfloat16" else kind
        origin = "inverse of a Normaliser"
        made = Normaliser.from_spec(InputSpec.of(mean, std, scale=1.0, raw_dtype=raw, origin=origin, **stated))
        return made._apply(lambda buffer: buffer.to(self.mean.device))

    def to_torchvision(self) -> Any:
        """``v2.Compose`` of ToImage, ToDtype and Normalize. Raises :class:`SpecError` for what they cannot do."""
        return libraries.torchvision_steps(self.spec)

    def to_albumentations(self) -> Any:
        """``albumentations.Normalize`` for arrays ``(H, W, C)``. Raises :class:`SpecError` for what it cannot do."""
        return libraries.albumentations_step(self.spec)

    def to_kornia(self) -> Any:
        """``kornia.enhance.Normalize`` for unit floats ``(N, C, H, W)``. Raises :class:`SpecError` for what it cannot do."""
        return libraries.kornia_layer(self.spec)

    def to_hf(self) -> dict[str, Any]:
        """The fields of a Hugging Face image processor. Raises :class:`SpecError` for what it cannot do."""
        return libraries.processor_fields(self.spec)

    def to_timm(self) -> dict[str, Any]:
        """Mean and std of a timm configuration. Raises :class:`SpecError` for what timm cannot do."""
        return libraries.timm_fields(self.spec)

    def to_keras(self, name: str | None = None) -> Any:
        """Keras's own ``Normalization`` layer for raw values, which a saved model holds without tare.

        Raises :class:`SpecError` for what it cannot do.
        """
        return libraries.keras_layer(self.spec, name)

    def extra_repr(self) -> str:
        """The constants and what else a specification states of the map."""
        spec = self.spec
        words = [f"mean={spec.require('mean')}, std={spec.require('std')}, raw_dtype={self._raw!r}, layout={self._layout!r}"]
        words += [f"channels={spec.require('channels')!r}, scale={float(self.scale):.6g}"]
        named: dict[str, Any] = {"value_map": None if self._value_map == "identity" else self._value_map}
        named |= {"per_sample": self._per_sample, "clip": None if self.clip is None else self.clip.tolist()}
        words += [f"{key}={value}" for key, value in named.items() if value is not None]
        return ", ".join([*words, f"dtype={self.dtype}"])

    def __prepare_scriptable__(self) -> nn.Module:
        if self._per_sample is not None or self._value_map != "identity":
            found = self.spec.input_map().why_not_affine()
            raise SpecError("a shift, a scale and a clip to script", found, "use torch.jit.trace or torch.export")
        self._settle()
        buffers = {name: getattr(self, name) for name in ("factor", "offset", "low", "high")}
        kinds = (getattr(torch, self._raw), self.dtype)
        return ScriptedNormaliser(buffers, self._order, self._axis, len(self._layout), self._raw, kinds)

    def _normalised(self, values: torch.Tensor, axis: int) -> torch.Tensor:
        self._check(values, axis)
        (factor, offset, low, high), numbers = self._now()
        if numbers is not None and self._is_fused(values):
            mean, std, scale = numbers  # and no clip
            affine = Affine.of_normalisation(tuple(mean), tuple(std), scale, tuple(self._order))
            batch = values if values.ndim == 4 else values[None]
            return fused.normalise(batch, affine).reshape(values.shape)
        if self._order:
            # Older releases of PyTorch lack operations on unsigned 16-bit values.
            values = reordered(values.to(factor.dtype) if values.dtype == torch.uint16 else values, axis, self._order)
        if torch.compiler.is_compiling() and not _EXPORTS_CHANGES:
            values = values.to(factor.dtype)
        if self._per_sample is not None:
            kept = values.to(factor.dtype)
            values = by_sample(self._per_sample, kept, axis, batched=values.ndim == len(self._layout))
        if self._value_map != "identity":
            values = value_mapped(self._value_map, torch, values.to(factor.dtype))
        return mapped(values, factor, offset, low, high).to(self.dtype)

    def _check(self, values: torch.Tensor, axis: int) -> None:
        stored = getattr(torch, self._raw)
        if values.dtype != stored and not (stored.is_floating_point and values.dtype.is_floating_point):
            found = str(values.dtype).removeprefix("torch.")
            remedy = f"give raw values, or make a Normaliser with raw_dtype={found!r} and the constants of such values"
            raise SpecError(f"raw values of type {self._raw}, as this Normaliser states", found, remedy)
        count, most = self.mean.numel(), len(self._layout)
        if values.ndim not in (most, most - 1) or values.shape[axis] != count:
            expected = f"{count} channels on axis {axis} of {self._layout}, with or without N"
            raise SpecError(expected, f"the shape {tuple(values.shape)}", "state the layout, or check the data")

    def _is_fused(self, values: torch.Tensor) -> bool:
        """Whether the compiled pass takes the values, which need constants in memory."""
        affine = self.clip is None and self._per_sample is None and self._value_map == "identity"
        fits = values.dtype == torch.uint8 and self._axis == -3 and values.ndim in (3, 4) and self.dtype == torch.float32
        return affine and fits and fused.takes(values if values.ndim == 4 else values[None])

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Normaliser:  # noqa: ARG002
        """Move to a device or type. The output follows; the constants stay float64, which half precision would round."""
        moved = fn(torch.zeros((), dtype=self.dtype, device=self.mean.device))
        self.dtype = moved.dtype
        doubles = torch.float32 if moved.device.type == "mps" else torch.float64  # Apple's devices have no float64
        for name, buffer in self._buffers.items():
            if buffer is not None:
                kind = doubles if buffer.is_floating_point() else buffer.dtype
                self._buffers[name] = fn(buffer) if buffer.is_meta or moved.is_meta else buffer.to(moved.device, kind)
        if not moved.is_meta:
            self._settle()
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        scale: Any = state_dict.get(f"{prefix}scale")
        errors = others[-1]
        stated = self._stated.require("scale")  # the buffer may hold nothing yet
        if scale is not None and not scale.is_meta and not math.isclose(float(scale), stated, rel_tol=1e-6):
            mine, theirs = f"{stated:g}", f"{float(scale):g}"
            errors.append(f"expected the state of a Normaliser with scale {mine}, found {theirs}; make one for such raw values")
            return
        super()._load_from_state_dict(state_dict, prefix, *others)
        self._settle()


def _of_values(image: Image.Image) -> Image.Image:
    """The image itself. Raises :class:`SpecError` for one whose pixels are places in a palette, or of another colour space."""
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError("an image that can be read", f"{type(error).__name__}: {reason_of(error)}", "open it again") from None
    if image.mode not in _MODES:
        raise SpecError(f"an image of mode {', '.join(_MODES)}", f"mode {image.mode}", "convert it: image.convert('RGB')")
    return image
