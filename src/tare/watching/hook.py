"""Call a function before every forward of a network, outside of what torch.compile traces."""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import Callable
from typing import Any, cast

import torch

_REASON = "tare.watch looks at batches outside of the graph; for fullgraph=True watch what torch.compile returned"

#: Called with whether the network is in training mode, and the positional and named arguments of its forward.
BeforeForward = Callable[[bool, tuple[Any, ...], dict[str, Any]], None]


def _untraced(function: Callable[..., None]) -> Callable[..., None]:
    """The function outside of what torch.compile traces; PyTorch states the reason from 2.8 on."""
    disable: Any = torch.compiler.disable
    takes_reason = "reason" in inspect.signature(disable).parameters
    return cast(Callable[..., None], disable(function, reason=_REASON) if takes_reason else disable(function))


class _Hook:
    """The forward pre-hook; copies and pickles of the model get one that does nothing and needs no tare."""

    def __init__(self, before_forward: BeforeForward) -> None:
        self._before_forward = before_forward

    @_untraced
    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._before_forward(module.training, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # The __exit__ of a nullcontext takes any arguments and returns None, so it serves as a hook that does nothing.
        return getattr, (contextlib.nullcontext(), "__exit__")


def attach(model: torch.nn.Module, before_forward: BeforeForward) -> Callable[[], None]:
    """Put the hook outside of the compiled code, and return a function that removes it."""
    hook, inner = _Hook(before_forward), getattr(model, "_compiled_call_impl", None)
    if inner is None or hasattr(model, "_orig_mod"):
        return model.register_forward_pre_hook(hook, with_kwargs=True).remove
    # model.compile() would trace a hook; its compiled call is replaced by one that looks first.
    owner = weakref.ref(model)

    def looking(*args: Any, **kwargs: Any) -> Any:
        module = owner()
        if module is not None:
            hook(module, args, kwargs)
        return inner(*args, **kwargs)

    def take_off() -> None:
        module = owner()
        if module is not None and module.__dict__.get("_compiled_call_impl") is looking:
            module.__dict__["_compiled_call_impl"] = inner

    model.__dict__["_compiled_call_impl"] = looking
    return take_off
