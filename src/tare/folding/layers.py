"""First layers of folded networks: convolutions that pad with a value other than zero, and layers that take raw bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from tare.system.handed.tensors import oddity

#: How a folded convolution reproduces the padding zeros of the normalised input. ``weights``: no padding to reproduce.
#: ``border``: it pads with plain zeros, and the border of its output is corrected. ``pad``: the input is padded with the value
#: that normalisation maps to zero. ``shift``: that value is subtracted from the input first.
Method = Literal["weights", "border", "pad", "shift"]

Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
Extent = tuple[tuple[int, int], ...]
_FUNCTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@dataclass(frozen=True, slots=True)
class LayerForm:
    """The form of a folded layer without its numbers: enough to rebuild it from the original architecture.

    ``at_size`` is the spatial input size that ``border`` is prepared for. ``casts`` says that the layer takes raw uint8.
    ``dynamic`` says that it pads by the size of its input, as TensorFlow's 'same' does.
    """

    method: Method
    groups: int = 1
    bias: bool = True
    at_size: tuple[int, ...] = ()
    casts: bool = False
    dynamic: bool = False


class FoldedLinear(nn.Linear):
    """A linear layer that takes raw uint8 values."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # torch's own name
        """``(..., C)`` uint8 or float to ``(..., K)``."""
        return functional.linear(input.to(self.weight.dtype), self.weight, self.bias)


class _FoldedBatchNorm(nn.Module):
    """A batch norm that takes raw uint8 values."""

    running_mean: torch.Tensor | None

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """``(N, C, *size)`` uint8 or float to the same in the layer's own dtype."""
        like = self.running_mean
        result: torch.Tensor = super().forward(input if like is None else input.to(like.dtype))
        return result


class FoldedBatchNorm1d(_FoldedBatchNorm, nn.BatchNorm1d):
    """A :class:`torch.nn.BatchNorm1d` that takes raw uint8 values."""


class FoldedBatchNorm2d(_FoldedBatchNorm, nn.BatchNorm2d):
    """A :class:`torch.nn.BatchNorm2d` that takes raw uint8 values."""


class FoldedBatchNorm3d(_FoldedBatchNorm, nn.BatchNorm3d):
    """A :class:`torch.nn.BatchNorm3d` that takes raw uint8 values."""


class _FoldedConv(nn.Module):
    """The part of a folded convolution that its dimensions share; see :func:`folded_forward`."""

    form: LayerForm
    zero: torch.Tensor
    borders: tuple[tuple[str, tuple[slice, ...]], ...] = ()

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """``(N, C, *size)`` to ``(N, K, *size')``."""
        return folded_forward(self, input)  # type: ignore[arg-type]


class FoldedConv1d(_FoldedConv, nn.Conv1d):
    """A folded :class:`torch.nn.Conv1d`."""


class FoldedConv2d(_FoldedConv, nn.Conv2d):
    """A folded :class:`torch.nn.Conv2d`."""


class FoldedConv3d(_FoldedConv, nn.Conv3d):
    """A folded :class:`torch.nn.Conv3d`."""


class FoldedNetwork(nn.Module):
    """A network that pads its input before its first layer, with the value that normalisation maps to zero subtracted in front.

    ``zero`` ``(1, C, 1, ...)`` is that value in units of the input; ``casts`` says that the input is raw uint8.
    """

    zero: torch.Tensor

    def __init__(self, network: nn.Module, zero: Sequence[float], dims: int, *, casts: bool) -> None:
        super().__init__()
        like = next(network.parameters())
        values = torch.tensor(zero, dtype=like.dtype, device=like.device).reshape(1, -1, *[1] * dims)
        self.network, self.casts = network, casts
        self.register_buffer("zero", values)
        self.train(network.training)

    def forward(self, given: torch.Tensor) -> Any:
        """``(N, C, *size)`` to whatever the network returns."""
        _check_floating(given, casts=self.casts)
        return self.network((given.to(self.zero.dtype) if self.casts else given) - self.zero)


_BATCH_NORMS: tuple[tuple[type[nn.Module], type[nn.Module]], ...] = (
    (nn.BatchNorm1d, FoldedBatchNorm1d),
    (nn.BatchNorm2d, FoldedBatchNorm2d),
    (nn.BatchNorm3d, FoldedBatchNorm3d),
)
FoldedBatchNorm = FoldedBatchNorm1d | FoldedBatchNorm2d | FoldedBatchNorm3d
FoldedConv = FoldedConv1d | FoldedConv2d | FoldedConv3d
_FOLDED: dict[int, type[FoldedConv1d] | type[FoldedConv2d] | type[FoldedConv3d]] = {
    1: FoldedConv1d,
    2: FoldedConv2d,
    3: FoldedConv3d,
}


def folded_forward(layer: FoldedConv, given: torch.Tensor) -> torch.Tensor:
    """Compute ``conv(pad_u(x)) + bias``: x is padded with u, the value that normalisation maps to zero.

    The buffer ``zero`` ``(1, C, 1, ...)`` is u in units of x. The buffers ``border_0``, ``border_1``, ... correct the outermost
    outputs after a padding of zeros at the size ``form.at_size``. At other sizes the input is padded with u.
    """
    form = layer.form
    _check_floating(given, casts=form.casts)
    if form.method in ("border", "pad") and tuple(given.shape[2:]) != form.at_size:
        padded = pad_per_channel(given, padding_of(layer, given.shape[2:]), layer.zero)
        return convolve(layer, padded)
    x = given.to(layer.weight.dtype) if form.casts else given
    if form.method == "shift":
        x = x - layer.zero
    if form.dynamic:
        sides = [side for pair in reversed(padding_of(layer, x.shape[2:])) for side in pair]
        return convolve(layer, functional.pad(x, sides))
    result: torch.Tensor = layer._conv_forward(x, layer.weight, layer.bias)
    if form.method == "border":
        for name, slab in layer.borders:
            result[slab].add_(getattr(layer, name))
    return result


def with_form(network: nn.Module, name: str, form: LayerForm) -> nn.Module:
    """Give the layer named ``name`` in ``network`` the form; return the network, which may be that layer itself."""
    new = rebuilt(network.get_submodule(name), form)
    if not name:
        return new
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, new)
    return network


def rebuilt(layer: nn.Module, form: LayerForm) -> nn.Module:
    """Give ``layer`` the ``form``, in place if torch's own layer can hold it, else as a new layer, without numbers."""
    if isinstance(layer, nn.Linear):
        if form.casts:
            return _like(layer, FoldedLinear(layer.in_features, layer.out_features, form.bias))
        if isinstance(layer, FoldedLinear):
            return _like(layer, nn.Linear(layer.in_features, layer.out_features, form.bias))
        _make_bias(layer, layer.out_features, form.bias)
        return layer
    if isinstance(layer, BatchNorm):
        return _batch_norm(layer, casts=form.casts)
    if not isinstance(layer, Conv):
        raise TypeError(f"neither a convolution nor a linear layer nor a batch norm: {type(layer).__name__}")
    plain_kinds = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
    plain = form.method == "weights" and not form.casts and not form.dynamic
    dims = len(layer.kernel_size)
    if plain and is_plain(layer) and form.groups == layer.groups:
        _make_bias(layer, layer.out_channels, form.bias)
        return layer
    kind: Any = plain_kinds[dims] if plain else _FOLDED[dims]
    new = kind(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
        groups=form.groups, bias=form.bias, padding_mode=layer.padding_mode,
    )  # fmt: skip
    if not plain:
        _add_buffers(new, form)
    return _like(layer, new)


def is_plain(layer: nn.Module) -> bool:
    """Return whether the layer computes exactly as torch's own convolution or linear layer."""
    for base in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
        if isinstance(layer, base):
            kind = type(layer)
            return kind.forward is base.forward and kind._conv_forward is base._conv_forward
    if isinstance(layer, BatchNorm):
        return type(layer).forward is nn.BatchNorm2d.forward
    return isinstance(layer, nn.Linear) and type(layer).forward is nn.Linear.forward


def padding_of(layer: Conv, size: Sequence[int]) -> Extent:
    """Return how many zeros the layer pads before and after each spatial dimension of an input of ``size``.

    Dynamic 'same' padding is TensorFlow's: ``max((ceil(n / stride) - 1) stride + reach + 1 - n, 0)`` in total, the larger half
    after the input; reach is dilation (kernel - 1).
    """
    if layer.padding_mode != "zeros":
        return tuple((0, 0) for _ in size)
    reach = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]
    if is_dynamic(layer):
        wanted = [
            max((-(-n // stride) - 1) * stride + r + 1 - n, 0) for n, stride, r in zip(size, layer.stride, reach, strict=True)
        ]
    elif layer.padding == "same":
        wanted = reach
    elif layer.padding == "valid":
        wanted = [0] * len(reach)
    else:
        return tuple((int(side), int(side)) for side in layer.padding)
    return tuple((total // 2, total - total // 2) for total in wanted)


def bad_moments(module: nn.Module) -> str:
    """How many running means or variances of a layer are no such numbers; "" if all are.

    They are no parameters, and an infinite variance, as float16 makes of 70,000, gives a constant and no error.
    """
    for name, value in module.named_buffers():
        kind = name.rpartition(".")[2]
        if kind not in ("running_mean", "running_var") or oddity(value) is not None:
            continue
        bad = ~value.isfinite() | ((value < 0) & (kind == "running_var"))
        if bool(bad.any()):
            words = "NaN, infinite or negative" if kind == "running_var" else "NaN or infinite"
            return f"{int(bad.sum())} of {value.numel()} values of {name!r} are {words}"
    return ""


def is_dynamic(layer: nn.Module) -> bool:
    """Return whether the layer pads by its input's size: timm's ``Conv2dSame``, and standardised kinds with ``same_pad``."""
    if isinstance(layer, FoldedConv):
        return layer.form.dynamic
    return type(layer).__name__ == "Conv2dSame" or bool(getattr(layer, "same_pad", False))


def convolve(layer: Conv, given: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Apply the layer's convolution without its padding; ``weight``, if given, replaces the weights and drops the bias."""
    used, bias = (layer.weight, layer.bias) if weight is None else (weight, None)
    function: Any = _FUNCTIONS[len(layer.kernel_size)]
    groups = layer.in_channels // used.shape[1]
    result: torch.Tensor = function(given, used, bias, layer.stride, 0, layer.dilation, groups)
    return result


def pad_per_channel(given: torch.Tensor, padding: Extent, value: torch.Tensor) -> torch.Tensor:
    """Pad ``(N, C, *size)`` with ``value`` ``(1, C, 1, ...)`` and cast it to the dtype of ``value``, in one pass."""
    size = [before + n + after for n, (before, after) in zip(given.shape[2:], padding, strict=True)]
    padded = torch.empty((*given.shape[:2], *size), dtype=value.dtype, device=given.device, memory_format=_memory_format(given))
    inner = tuple((before, before + n) for n, (before, _) in zip(given.shape[2:], padding, strict=True))
    for slab in _shell(inner, tuple(size)):
        padded[_slices(slab)] = value
    padded[_slices(inner)] = given
    return padded


def border_slabs(layer: Conv, size: Sequence[int]) -> list[Extent]:
    """Return the parts of the layer's output that depend on its zero padding, without overlap, for an input of ``size``."""
    inner, full = [], []
    for n, (before, after), stride, dilation, kernel in zip(
        size, padding_of(layer, size), layer.stride, layer.dilation, layer.kernel_size, strict=True
    ):
        reach = dilation * (kernel - 1)
        outputs = (before + n + after - reach - 1) // stride + 1
        first = min(-(-before // stride), outputs)
        last = max(first, min(-(-(n + before - reach) // stride), outputs))
        inner.append((first, last))
        full.append(outputs)
    return list(_shell(tuple(inner), tuple(full)))


def _shell(inner: Extent, full: tuple[int, ...]) -> Iterator[Extent]:
    """Cover the part of a box of size ``full`` that lies outside ``inner`` with boxes that do not overlap."""
    for dim, (first, last) in enumerate(inner):
        rest = tuple((0, n) for n in full[dim + 1 :])
        for side in ((0, first), (last, full[dim])):
            box = (*inner[:dim], side, *rest)
            if all(end > begin for begin, end in box):
                yield box


def _check_floating(given: torch.Tensor, *, casts: bool) -> None:
    if given.dtype == torch.uint8 and not casts:
        raise TypeError("this network was folded for floating-point values; for raw bytes fold it with input='uint8'")


def _slices(box: Extent) -> tuple[slice, ...]:
    return (slice(None), slice(None), *(slice(begin, end) for begin, end in box))


def _memory_format(given: torch.Tensor) -> torch.memory_format:
    if given.is_contiguous():
        return torch.contiguous_format
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    wanted = formats.get(given.dim(), torch.contiguous_format)
    return wanted if given.is_contiguous(memory_format=wanted) else torch.contiguous_format


def _batch_norm(layer: BatchNorm, *, casts: bool) -> nn.Module:
    """Give a batch norm the class that takes what it is to take: ``layer`` itself if it is of that class already."""
    plain, casting = next(kinds for kinds in _BATCH_NORMS if isinstance(layer, kinds[0]))
    if casts == isinstance(layer, _FoldedBatchNorm):
        return layer
    kind: Any = casting if casts else plain
    new = kind(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    like = layer.running_mean
    new.to(device=like.device, dtype=like.dtype) if like is not None else None
    if layer.affine:
        new.requires_grad_(layer.weight.requires_grad)
    new.load_state_dict(layer.state_dict())
    return new.train(layer.training)  # type: ignore[no-any-return]


def _add_buffers(layer: FoldedConv, form: LayerForm) -> None:
    layer.form = form
    dims = len(layer.kernel_size)
    if form.method != "weights":
        layer.register_buffer("zero", torch.zeros(1, layer.in_channels, *[1] * dims))
    if form.method == "border":
        for index, slab in enumerate(border_slabs(layer, form.at_size)):
            shape = [end - begin for begin, end in slab]
            layer.register_buffer(f"border_{index}", torch.zeros(1, layer.out_channels, *shape))
            layer.borders = (*layer.borders, (f"border_{index}", _slices(slab)))


def _make_bias(layer: Any, outputs: int, wanted: bool) -> None:
    if wanted and layer.bias is None:
        layer.bias = nn.Parameter(layer.weight.new_zeros(outputs), requires_grad=layer.weight.requires_grad)


def _like(layer: Conv | nn.Linear, new: nn.Module) -> nn.Module:
    new.to(device=layer.weight.device, dtype=layer.weight.dtype).requires_grad_(layer.weight.requires_grad)
    return new.train(layer.training)
