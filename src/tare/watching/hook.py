"""Call a function before every forward of a network, outside of what torch compiles, scripts, exports, copies or pickles."""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache, wraps
from itertools import count
from typing import Any, cast

import torch
import torch._dynamo.eval_frame

from tare.watching.surroundings import Aside

_REASON = "tare.watch looks at batches outside of the graph; for fullgraph=True watch what torch.compile returned"
_EXPORTED = Aside("a graph was traced or exported, which is fed no values", fed=False)
_COMPILED = Aside("it is part of a graph that is compiled whole (fullgraph=True): watch what torch.compile returned")
SCRIPTED = Aside("a network of TorchScript takes no hooks: watch the network that it was made of")

#: Called with whether the network is in training mode, and the positional and named arguments of its forward.
BeforeForward = Callable[[bool, tuple[Any, ...], dict[str, Any]], None]


def _untraced(function: Callable[..., None]) -> Callable[..., None]:
    """The function outside of what torch.compile traces; PyTorch states the reason from 2.8 on."""
    disable: Any = torch.compiler.disable
    takes_reason = "reason" in inspect.signature(disable).parameters
    return cast(Callable[..., None], disable(function, reason=_REASON) if takes_reason else disable(function))


class _Hook:
    """The forward pre-hook. A module that pickles itself in its own way gets one that does nothing and needs no tare."""

    def __init__(self, before_forward: BeforeForward, aside: Callable[[Aside], None]) -> None:
        self._before_forward, self.aside = before_forward, aside
        self._number = next(_NUMBERS)
        _HOOKS[self._number] = self

    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not (torch.compiler.is_compiling() and _whole(self._number)):
            self._look(module, args, kwargs)

    @_untraced
    def _look(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._before_forward(module.training, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # The __exit__ of a nullcontext takes any arguments and returns None, so it serves as a hook that does nothing.
        return getattr, (contextlib.nullcontext(), "__exit__")


_NUMBERS = count()
_HOOKS: weakref.WeakValueDictionary[int, _Hook] = weakref.WeakValueDictionary()


def _whole(number: int) -> bool:
    """Whether a graph is made that must not be interrupted; the compiler asks once, and keeps the answer as a constant."""
    from torch._dynamo.symbolic_convert import InstructionTranslator

    try:
        now: Any = InstructionTranslator.current_tx()
    except AttributeError:  # torch.export runs the network itself
        now = None
    exporting = now is None or bool(getattr(torch.compiler, "_is_exporting_flag", False) or getattr(now, "export", False))
    whole = exporting or bool(getattr(now, "one_graph", False) or getattr(now, "error_on_graph_break", False))
    hook = _HOOKS.get(number)
    if whole and hook is not None:
        hook.aside(_EXPORTED if exporting else _COMPILED)
    return whole


# What torch.compiler.assume_constant_result sets.
_whole._dynamo_marked_constant = True  # type: ignore[attr-defined]
# A hook that is called outside of a compiled forward is no graph of its own.
torch._dynamo.eval_frame.skip_code(_Hook.__call__.__code__)


def attach(model: torch.nn.Module, before_forward: BeforeForward, aside: Callable[[Aside], None]) -> Callable[[], None] | None:
    """Put the hook outside of the compiled code, and return a function that removes it; None for what takes no hooks.

    ``aside`` is called where the hook cannot look.
    """
    if isinstance(model, torch.jit.ScriptModule):
        aside(SCRIPTED)
        return None
    _leave_hooks_out()
    hook, inner = _Hook(before_forward, aside), getattr(model, "_compiled_call_impl", None)
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


@cache
def _leave_hooks_out() -> None:
    """Let copies, pickles and scripts of watched networks be those of unwatched ones; other networks are not touched.

    torch has no way to state that of a hook: its own state of a module has all hooks, and scripting compiles all of them.
    """
    from torch.jit import _recursive

    state: Any = torch.nn.Module.__getstate__

    @wraps(state)
    def without_watches(module: torch.nn.Module) -> dict[str, Any]:
        found: dict[str, Any] = state(module)
        watching = _watching(module)
        for name in ("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs") if watching else ():
            found[name] = OrderedDict((key, value) for key, value in found[name].items() if key not in watching)
        return found

    setattr(torch.nn.Module, "__getstate__", without_watches)  # noqa: B010 - mypy forbids to assign a method
    for name in ("get_hook_stubs", "infer_concrete_type_builder"):
        if hasattr(_recursive, name):
            setattr(_recursive, name, _hiding(getattr(_recursive, name)))


def _hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a module, for which the module has no watch."""

    @wraps(function)
    def hiding(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        with _hidden(module):
            return function(module, *args, **kwargs)

    return hiding


def _watching(module: torch.nn.Module) -> set[int]:
    return {key for key, hook in module.__dict__.get("_forward_pre_hooks", {}).items() if isinstance(hook, _Hook)}


@contextlib.contextmanager
def _hidden(module: torch.nn.Module) -> Iterator[None]:
    watching, hooks = _watching(module), module.__dict__.get("_forward_pre_hooks", OrderedDict())
    if not watching:
        yield
        return
    module.__dict__["_forward_pre_hooks"] = OrderedDict((key, hook) for key, hook in hooks.items() if key not in watching)
    try:
        yield
    finally:
        module.__dict__["_forward_pre_hooks"] = hooks
