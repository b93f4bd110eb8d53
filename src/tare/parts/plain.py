"""The normalisation of tensors in plain operations, which eager mode, TorchScript, torch.compile and exporters share."""

import torch
from torch import nn

#: Raw types whose values float32 holds exactly; the others are mapped in float64.
NARROW = ("uint8", "int8", "uint16", "int16", "bool", "float16", "bfloat16", "float32")


def column(numbers: torch.Tensor, kind: torch.dtype, after: int) -> torch.Tensor:
    """One number per channel, to be broadcast over ``after`` axes behind the channels."""
    return numbers.to(kind).reshape([-1] + [1] * after)


def mapped(
    values: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, scale: torch.Tensor, clip: torch.Tensor | None, after: int
) -> torch.Tensor:
    """Return ``(scale * clip(v) - mean) / std`` per channel of floats ``v``, as ``a * v + b`` in the type of ``v``."""
    if clip is not None:
        values = values.clamp(column(clip[:, 0], values.dtype, after), column(clip[:, 1], values.dtype, after))
    factor, offset = column(scale / std, values.dtype, after), column(-mean / std, values.dtype, after)
    return torch.addcmul(offset, values, factor)


class ScriptedNormaliser(nn.Module):
    """What ``torch.jit.script`` makes of a :class:`tare.Normaliser`: tensors alone, no images of Pillow or torchvision.

    Another type or number of channels raises an error of TorchScript with the same meaning.
    """

    mean: torch.Tensor
    std: torch.Tensor
    scale: torch.Tensor
    clip: torch.Tensor | None
    order: torch.Tensor | None

    def __init__(
        self, buffers: dict[str, torch.Tensor | None], axis: int, dimensions: int, raw: str, kinds: tuple[torch.dtype, ...]
    ) -> None:
        super().__init__()
        for name, values in buffers.items():
            self.register_buffer(name, None if values is None else values.clone())
        self.axis, self.dimensions, self.raw = axis, dimensions, raw
        self.stored, self.kind, self.dtype = kinds
        self.floats = self.stored.is_floating_point

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise a sample or a batch."""
        if values.dtype != self.stored and not (self.floats and values.is_floating_point()):
            raise ValueError(f"expected raw values of type {self.raw}, found another type")
        if values.dim() not in (self.dimensions, self.dimensions - 1) or values.size(self.axis) != self.mean.numel():
            raise ValueError(f"expected {self.mean.numel()} channels on axis {self.axis}, found the shape {values.shape}")
        order = self.order  # TorchScript narrows the type of a name, not of an attribute
        if order is not None:
            values = values.index_select(self.axis, order)
        fed = mapped(values.to(self.kind), self.mean, self.std, self.scale, self.clip, -self.axis - 1)
        return fed.to(self.dtype)
