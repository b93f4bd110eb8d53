"""The normalisation of tensors in plain operations, which eager mode, TorchScript, torch.compile and exporters share."""

import torch
from torch import nn


def reordered(values: torch.Tensor, axis: int, order: list[int]) -> torch.Tensor:
    """Return the channels in another order, told by numbers: a tensor of places may lose them where a layer has no memory yet."""
    channels = values.unbind(axis)
    return torch.stack([channels[place] for place in order], dim=axis)


def mapped(
    values: torch.Tensor,
    factor: torch.Tensor,
    offset: torch.Tensor,
    low: torch.Tensor | None,
    high: torch.Tensor | None,
) -> torch.Tensor:
    """Return ``factor * clip(v) + offset`` per channel of ``v``, in the type of the constants.

    Two operations, since torch takes longer for one ``addcmul`` with one number per channel. What is converted is a copy, and
    is changed where it lies: memory that is used for the first time costs more than the arithmetic.
    """
    own = values.dtype != factor.dtype
    values = values.to(factor.dtype)
    if low is not None and high is not None:
        values, own = values.clamp(low, high), True
    scaled = values.mul_(factor) if own else values.mul(factor)
    return scaled.add_(offset)


class ScriptedNormaliser(nn.Module):
    """What ``torch.jit.script`` makes of a :class:`tare.Normaliser`: tensors alone, no images of Pillow or torchvision.

    Another type or number of channels raises an error of TorchScript with the same meaning.
    """

    factor: torch.Tensor
    offset: torch.Tensor
    low: torch.Tensor | None
    high: torch.Tensor | None
    order: list[int]

    def __init__(
        self,
        buffers: dict[str, torch.Tensor | None],
        order: list[int],
        axis: int,
        dimensions: int,
        raw: str,
        kinds: tuple[torch.dtype, torch.dtype],
    ) -> None:
        super().__init__()
        for name, values in buffers.items():
            self.register_buffer(name, None if values is None else values.clone())
        self.order = order
        self.axis, self.dimensions, self.raw = axis, dimensions, raw
        self.stored, self.dtype = kinds
        self.floats = self.stored.is_floating_point

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise a sample or a batch."""
        if values.dtype != self.stored and not (self.floats and values.is_floating_point()):
            raise ValueError(f"expected raw values of type {self.raw}, found another type")
        if values.dim() not in (self.dimensions, self.dimensions - 1) or values.size(self.axis) != self.factor.numel():
            raise ValueError(f"expected {self.factor.numel()} channels on axis {self.axis}, found the shape {values.shape}")
        if len(self.order) > 0:
            values = reordered(values, self.axis, self.order)
        return mapped(values, self.factor, self.offset, self.low, self.high).to(self.dtype)
