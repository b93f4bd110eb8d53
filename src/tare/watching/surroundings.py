"""Where a forward runs: whether its values may be looked at there, and how to look without a trace in the run itself.

Some runs hold no values (a graph is traced or exported), and some hold them in tensors that are not to be touched: inside of
``torch.func`` transforms, while a CUDA graph is captured, in tensors without plain memory. There a watch stands aside.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tare.system.handed.tensors import oddity

#: The dispatch modes under which tensors are descriptions, by the names of their classes.
_TRACING = {"FakeTensorMode", "ProxyTorchDispatchMode", "FunctionalTensorMode"}
_FUNCTORCH: Any = torch._C._functorch


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a batch is not looked at; ``fed`` says whether it held values that the network computed with."""

    reason: str
    fed: bool = True


_TRACED = Aside("a graph was traced or exported, which is fed no values", fed=False)


def aside_from_forward() -> Aside | None:
    """The reason why no forward is looked at here and now, whatever it is given; None where there is no reason.

    Nothing is asked of a device: while a CUDA graph is captured, even asking for an event ends the capture.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return _TRACED
    if _FUNCTORCH.maybe_current_level() is not None:
        return Aside("batches inside of torch.func (vmap, grad, jvp and what is made of them) are not looked at")
    if any(kind.__name__ in _TRACING for mode in _modes() for kind in type(mode).__mro__) or _proxies_are_made():
        return _TRACED
    cuda: Any = torch.cuda
    if cuda.is_initialized() and cuda.is_current_stream_capturing():
        return Aside("a CUDA graph was captured, and what it is replayed with is not looked at")
    return None


def aside_from(value: Any) -> Aside | None:
    """The reason why this tensor, or list of tensors, is not looked at; None if it is, and for what is no tensor."""
    for tensor in value if isinstance(value, list | tuple) else (value,):
        if isinstance(tensor, torch.fx.Proxy):
            return _TRACED
        if isinstance(tensor, torch.Tensor) and (why := _why_not(tensor)) is not None:
            return why
    return None


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor has numbers in memory of its own, one after another."""
    return _why_not(tensor) is None


def _why_not(tensor: torch.Tensor) -> Aside | None:
    odd = oddity(tensor)
    return None if odd is None else Aside(f"not looked at: a {odd.kind}", fed=not odd.empty)


@contextmanager
def by_itself() -> Iterator[None]:
    """Compute as if nothing else ran: no gradient, and no mode of the caller's counts, traces or changes what is computed."""
    with ExitStack() as stack:
        stack.enter_context(torch._C.DisableTorchFunction())
        stack.enter_context(torch.no_grad())
        forward_gradient = getattr(torch.autograd.forward_ad, "_set_fwd_grad_enabled", None)
        if forward_gradient is not None:
            stack.enter_context(forward_gradient(False))
        if _FUNCTORCH.maybe_current_level() is not None:
            from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

            stack.enter_context(temporarily_clear_interpreter_stack())
        if _modes():
            stack.enter_context(torch.utils._python_dispatch._disable_current_modes())
        yield


def traced(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether ``torch.fx`` runs the forward with stand-ins instead of tensors."""
    return any(isinstance(value, torch.fx.Proxy) for value in (*args, *kwargs.values()))


def _modes() -> Sequence[Any]:
    return torch.utils._python_dispatch._get_current_dispatch_mode_stack()


def _proxies_are_made() -> bool:
    tracing = sys.modules.get("torch.fx.experimental.proxy_tensor")
    mode = getattr(tracing, "get_proxy_mode", None)
    return mode is not None and mode() is not None
