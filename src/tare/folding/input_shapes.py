"""Find the input shape ``(C, *size)`` of a network that does not state it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from tare.errors import ModelError, reason_of
from tare.folding.first_layers import first_layers
from tare.folding.layers import Conv

_LENGTHS = (1024, 256, 64, 4096, 16000)
_SIDES = (224, 32, 64, 96, 28, 128, 160, 192, 240, 256, 288, 299, 384)
_CLIPS = ((16, 112, 112), (8, 32, 32), (16, 224, 224), (32, 32, 32), (8, 224, 224))


def found_shape(model: nn.Module, channels: int) -> tuple[int, ...]:
    """Return the input shape that the model states, else the first of some usual shapes that it takes."""
    config = getattr(model, "pretrained_cfg", None)
    stated = config.get("input_size") if isinstance(config, Mapping) else None
    if stated is not None:
        return tuple(int(n) for n in stated)
    reason = "no convolution or linear layer"
    for shape in _candidates(model, channels):
        try:
            first_layers(model, shape)
        except ModelError:
            return shape  # the model takes this shape; planning will raise the refusal again
        except Exception as error:  # an architecture may raise anything
            reason = reason_of(error) or type(error).__name__
        else:
            return shape
    raise ModelError(
        f"a network that takes {channels} channels (as many as the mean has)", reason, "state an input's shape (C, *size)"
    )


def _candidates(model: nn.Module, channels: int) -> Iterator[tuple[int, ...]]:
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            yield (channels,)
            area, side = layer.in_features // channels, round((layer.in_features / channels) ** 0.5)
            yield (channels, side, side)
            yield (channels, area)
            return
        if isinstance(layer, Conv):
            sizes: dict[int, Sequence[tuple[int, ...]]] = {
                1: [(n,) for n in _LENGTHS], 2: [(n, n) for n in _SIDES], 3: _CLIPS,
            }  # fmt: skip
            yield from ((channels, *size) for size in sizes[len(layer.kernel_size)])
            return
    yield from ((channels, side, side) for side in _SIDES)


def other_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return two further sizes at which strides and windows end differently; many networks take only their own size."""
    if len(shape) == 1:
        return []
    longer = (shape[0], *(n + 1 + dim for dim, n in enumerate(shape[1:])))
    return [longer, (shape[0], *(max(n // 2, 1) for n in shape[1:]))]
