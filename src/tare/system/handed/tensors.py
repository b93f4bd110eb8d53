"""Which tensors hold plain numbers, and their values as arrays; torch is not imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of


@dataclass(frozen=True, slots=True)
class Odd:
    """What is not plain about a tensor, and what makes it so; ``empty`` where it holds no values at all."""

    kind: str
    remedy: str
    empty: bool = False


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def oddity(tensor: Any) -> Odd | None:
    """What keeps a tensor from being read as numbers one after another in memory; None for a plain one.

    Shapes are not asked for: a graph that is being traced would depend on the answer.
    """
    for applies, words, remedy, empty in _ODDITIES:
        if applies(tensor):
            return Odd(words(tensor), remedy, empty)
    return None


def host_array(tensor: Any) -> NDArray[Any]:
    """The values of a tensor on the host, without a copy where it is there (bfloat16 and 8-bit floats, as float32).

    Raises :class:`DataError` for a tensor that does not hold plain numbers, with what makes it one that does.
    """
    odd = oddity(tensor)
    if odd is not None:
        raise DataError("a dense tensor of real numbers", f"a {odd.kind}", odd.remedy)
    torch = _torch()
    plain = tensor.detach().resolve_neg()
    narrow = plain.is_floating_point() and plain.dtype not in (torch.float16, torch.float32, torch.float64)
    try:
        return np.asarray((plain.float() if narrow else plain).cpu())
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise DataError("a tensor that NumPy can read", f"{_name(tensor)}: {reason_of(error)}", "convert it first") from None


def _kind(tensor: Any) -> str:
    return type(tensor).__name__


def _name(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _torch() -> Any:
    return sys.modules["torch"]


#: What applies first counts: of meta tensors and stand-ins nothing else may be asked.
_ODDITIES: tuple[tuple[Callable[[Any], bool], Callable[[Any], str], str, bool], ...] = (
    (
        lambda tensor: _kind(tensor) in ("FakeTensor", "FunctionalTensor"),
        lambda tensor: f"{_kind(tensor)} without values",
        "pass a tensor outside of the tracing mode",
        True,
    ),
    (
        lambda tensor: isinstance(tensor, _torch().nn.parameter.UninitializedTensorMixin),
        lambda _: "uninitialised tensor without a shape",
        "run the module once first",
        True,
    ),
    (lambda tensor: tensor.is_meta, lambda _: "meta tensor without values", "make it on a device such as 'cpu'", True),
    (
        lambda tensor: type(tensor).__torch_dispatch__ is not _torch().Tensor.__torch_dispatch__,
        lambda tensor: f"{_kind(tensor)}, which computes in its own way",
        "pass plain tensors, or a list of them",
        False,
    ),
    (lambda tensor: tensor.is_nested, lambda _: "nested tensor", "pass the list tensor.unbind()", False),
    (
        lambda tensor: tensor.layout != _torch().strided,
        lambda tensor: f"tensor with the layout {str(tensor.layout).removeprefix('torch.')}",
        "pass tensor.to_dense()",
        False,
    ),
    (
        lambda tensor: tensor.is_quantized,
        lambda tensor: f"quantised tensor ({_name(tensor)})",
        "pass tensor.dequantize()",
        False,
    ),
    (
        lambda tensor: tensor.is_complex(),
        lambda tensor: f"complex tensor ({_name(tensor)})",
        "pass tensor.abs(), or torch.view_as_real(tensor)",
        False,
    ),
    (
        lambda tensor: bool(_torch()._C._functorch.is_functorch_wrapped_tensor(tensor)),
        lambda _: "tensor of a torch.func transform",
        "pass it outside of the transform",
        False,
    ),
)
