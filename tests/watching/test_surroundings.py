"""A watch changes and stops no run that is not its own: it looks at nothing there, and says so."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.autograd.forward_ad
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, linearize, stack_module_state, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import tare
from tare.errors import TareWarning
from tare.watching.result import WatchReport
from tests.forks import forked, held_elsewhere
from tests.watched import SPEC, raw_images, unit

BATCH, SMALL = unit(raw_images(4)), unit(raw_images(2, edge=6))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5)).eval()


def parameters(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters())


def ensemble(model: nn.Module) -> Any:
    stacked, buffers = stack_module_state([network(), network()])
    return vmap(lambda one, other, x: functional_call(model, (one, other), (x,)), in_dims=(0, 0, None))(stacked, buffers, BATCH)


TRANSFORMED: dict[str, Callable[[nn.Module], Any]] = {
    "vmap": lambda model: vmap(lambda x: functional_call(model, parameters(model), (x[None],)))(BATCH),
    "vmap of vmap": lambda model: vmap(vmap(lambda x: model(x[None])))(BATCH[None]),
    "ensemble": ensemble,
    "grad": lambda model: grad(lambda held, x: functional_call(model, held, (x,)).sum())(parameters(model), BATCH),
    "grad of the input": lambda model: grad(lambda x: model(x).sum())(BATCH),
    "grad under vmap": lambda model: vmap(grad(lambda x: model(x[None]).sum()))(SMALL),
    "jvp": lambda model: jvp(model, (BATCH,), (BATCH,)),
    "vjp": lambda model: vjp(model, BATCH)[1](torch.ones(4, 4)),
    "jacrev": lambda model: jacrev(model)(SMALL),
    "jacfwd": lambda model: jacfwd(model)(SMALL),
    "hessian": lambda model: hessian(lambda x: model(x).sum())(SMALL[:1, :, :3, :3]),
    "functionalize": lambda model: torch.func.functionalize(model)(BATCH),
}


def traced(model: nn.Module) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        graph = str(torch.jit.trace(model, BATCH, check_trace=False).graph)  # type: ignore[no-untyped-call]
        return graph.count("aten::")


def scripted(model: nn.Module) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(model)(BATCH)


def faked(model: nn.Module) -> Any:
    with FakeTensorMode(allow_non_fake_inputs=True):
        return [tuple(model(BATCH).shape), tuple(model(torch.rand(2, 3, 8, 8)).shape)]


GRAPHS: dict[str, Callable[[nn.Module], Any]] = {
    "export": lambda model: torch.export.export(model, (BATCH,)).graph_module.code,
    "strict export": lambda model: torch.export.export(model, (BATCH,), strict=True).graph_module.code,
    "dynamic export": lambda model: (
        torch.export.export(model, (BATCH,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},)).graph_module.code
    ),
    "trace": traced,
    "script": scripted,
    "fx": lambda model: torch.fx.symbolic_trace(model).code,
    "make_fx": lambda model: make_fx(model)(BATCH).code,
    "fake tensors": faked,
    "meta": lambda model: tuple(copy.deepcopy(model).to("meta")(BATCH.to("meta")).shape),
    "whole graph": lambda model: torch.compile(model, backend="eager", fullgraph=True)(BATCH),
}


class Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


class Called(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


class Counting(torch.Tensor):
    names: list[str] = []  # noqa: RUF012 - one list for all that are made of one

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.names.append(str(function))
        return super().__torch_function__(function, types, args, kwargs or {})  # type: ignore[no-untyped-call]


def under(mode: Any, model: nn.Module) -> Any:
    with mode:
        out = model(BATCH)
    return [out, *mode.names]


def saved(model: nn.Module) -> Any:
    kept: list[tuple[int, ...]] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.shape)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(BATCH.clone().requires_grad_())
    return kept


def counted(model: nn.Module) -> Any:
    Counting.names.clear()
    model(BATCH.as_subclass(Counting))
    return [*Counting.names]


def dual(model: nn.Module) -> Any:
    forward: Any = torch.autograd.forward_ad
    with forward.dual_level():
        return tuple(forward.unpack_dual(model(forward.make_dual(BATCH, BATCH))))


def steps(model: nn.Module) -> Any:
    model.train()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        optimiser.zero_grad()
        model(BATCH).square().sum().backward()
        optimiser.step()
    return [*model.state_dict().values(), *(each.grad for each in model.parameters()), model.training]


def on_a_device(model: nn.Module) -> Any:
    with torch.device("meta"):
        return model(BATCH)


def vectorised(model: nn.Module) -> Any:
    functional: Any = torch.autograd.functional
    return functional.jacobian(model, SMALL, vectorize=True, strategy="forward-mode")


LOOKED_AT: dict[str, Callable[[nn.Module], Any]] = {
    "training": steps,
    "dispatch mode": lambda model: under(Seen(), model),
    "function mode": lambda model: under(Called(), model),
    "subclass": counted,
    "saved tensors": saved,
    "forward gradient": dual,
    "default device": on_a_device,
    "vectorised jacobian": vectorised,
    "linearize": lambda model: linearize(model, BATCH)[1](BATCH),
    "functional_call": lambda model: functional_call(model, parameters(model), (BATCH,)),
    "bfloat16": lambda model: model.bfloat16()(BATCH.bfloat16()),
    "autocast": lambda model: torch.autocast("cpu", torch.bfloat16)(model)(BATCH),
    "channels last": lambda model: model(BATCH.to(memory_format=torch.channels_last)),
    "DataParallel": lambda model: nn.DataParallel(model)(BATCH),
}


def run(do: Callable[[nn.Module], Any], *, watched: bool) -> tuple[Any, Tensor, Any]:
    torch._dynamo.reset()
    model = network()
    torch.manual_seed(7)
    if not watched:
        return do(model), torch.get_rng_state(), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TareWarning)  # what is found here is no matter
        with tare.watch(model, SPEC) as watch:
            result = do(model)
            watch.report()
        assert not model._forward_pre_hooks
    return result, torch.get_rng_state(), watch.report()


def same(left: Any, right: Any) -> bool:
    ours, theirs = torch.utils._pytree.tree_leaves(left), torch.utils._pytree.tree_leaves(right)
    return len(ours) == len(theirs) and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(ours, theirs, strict=True)
    )


def unchanged(do: Callable[[nn.Module], Any]) -> WatchReport:
    """The watch's report, once its run has given the same values and left the same random state as one without it."""
    alone, state, _ = run(do, watched=False)
    result, ended, report = run(do, watched=True)
    assert same(result, alone)
    assert torch.equal(state, ended)
    assert isinstance(report, WatchReport)
    return report


@pytest.mark.parametrize("name", TRANSFORMED)
def test_inside_of_a_transform_nothing_is_looked_at_and_that_is_not_called_clean(name: str) -> None:
    report = unchanged(TRANSFORMED[name])
    assert (report.stages, report.clean) == ((), None)
    assert report.unjudged[0] == "no batch was seen"
    assert "inside of torch.func" in report.unjudged[1]
    assert len(report.notes) == 1


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_that_is_made_is_the_same_with_a_watch(name: str) -> None:
    report = unchanged(GRAPHS[name])
    assert report.clean is None


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_is_looked_at_computes_the_same_bits(name: str) -> None:
    report = unchanged(LOOKED_AT[name])
    assert report.stages


@pytest.mark.parametrize(
    ("batch", "word"),
    [
        (lambda: torch.ones(2, 3, 8, 8).to_sparse(), "sparse_coo"),
        (lambda: torch.quantize_per_tensor(torch.rand(2, 3, 8, 8), 0.1, 0, torch.quint8), "quint8"),
        (lambda: torch.nested.nested_tensor([torch.ones(3, 8, 8), torch.ones(3, 9, 9)]), "nested"),
        (lambda: torch.nested.nested_tensor([torch.ones(3, 8), torch.ones(4, 8)], layout=torch.jagged), "NestedTensor"),
        (lambda: torch.ones(2, 3, 8, 8, device="meta"), "meta tensor"),
        (lambda: torch.ones(2, 3, 8, 8, dtype=torch.complex64), "complex64"),
        (lambda: torch.masked.masked_tensor(torch.ones(2, 3, 8, 8), torch.ones(2, 3, 8, 8).bool()), "MaskedTensor"),
    ],
)
def test_tensors_of_other_kinds_are_left_alone_and_named(batch: Callable[[], Any], word: str) -> None:
    model = nn.Identity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its prototypes
        value = batch()
        with tare.watch(model, SPEC, on_finding="raise") as watch:
            assert model(value) is value
        report = watch.report()
    assert (report.stages, report.clean) == ((), None)
    assert any(word in note for note in report.notes), report.notes


def test_neither_what_is_seen_nor_what_is_not_makes_the_other_clean() -> None:
    model = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TareWarning)
        with tare.watch(model, SPEC) as watch:
            for _ in range(4):
                model((unit(raw_images(16)) - 0.45) / 0.225)
            alone = watch.report()
            vmap(lambda x: model(x[None]))(BATCH)
    assert [reason for reason in watch.report().unjudged if reason not in alone.unjudged] == [alone_reason(watch)]
    assert watch.report().clean in (None, False)


def alone_reason(watch: Any) -> str:
    reasons: tuple[str, ...] = watch.report().aside
    assert len(reasons) == 1
    return reasons[0]


def test_a_network_of_torchscript_is_not_watched_and_that_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = torch.jit.script(network())
    with pytest.warns(TareWarning, match="takes no hooks: watch the network that it was made of"):
        watch = tare.watch(model, SPEC)
    with watch:
        model(BATCH)
    assert (watch.active, watch.report().clean) == (False, None)


def test_copies_pickles_and_states_are_the_bits_of_an_unwatched_network() -> None:
    model = nn.Sequential(network())
    handle = model.register_forward_pre_hook(contextless, with_kwargs=True)
    alone = pickle.dumps(model), list(model.state_dict()), model.training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TareWarning)
        inner, outer = tare.watch(model[0], SPEC), tare.watch(model, SPEC)
        model.register_forward_pre_hook(contextless, with_kwargs=True).remove()
        assert (pickle.dumps(model), list(model.state_dict()), model.training) == alone
        copied = copy.deepcopy(model)
        assert list(copied._forward_pre_hooks.values()) == [contextless]
        assert not copied[0]._forward_pre_hooks
        assert model[0]._forward_pre_hooks
    outer.remove()
    inner.remove()
    assert list(model._forward_pre_hooks.values()) == [contextless]
    handle.remove()
    assert not model._forward_pre_hooks


def contextless(module: nn.Module, args: Any, kwargs: Any) -> None:
    """A hook of the user."""


def test_hooks_of_the_user_keep_their_order_and_what_they_change_is_seen() -> None:
    model, order = nn.Identity(), []

    def first(_: nn.Module, args: Any, kwargs: Any) -> Any:
        order.append("first")
        return (args[0] * 0 + 3,), kwargs

    def second(_: nn.Module, args: Any) -> None:
        order.append(str(float(args[0].mean())))

    model.register_forward_pre_hook(first, with_kwargs=True)
    with tare.watch(model, SPEC, on_finding=lambda _: None) as watch:
        model.register_forward_pre_hook(second)
        model(unit(raw_images(16)))
    assert order == ["first", "3.0"]
    assert watch.report().stages[0].channels[0].low == 3


def test_an_error_of_forward_is_the_users_own() -> None:
    model = network()
    with pytest.raises(RuntimeError, match="channels"), tare.watch(model, SPEC, on_finding=lambda _: None):
        model(torch.rand(2, 5, 8, 8))
    assert not model._forward_pre_hooks


class Nested(nn.Module):
    """A network that calls itself."""

    def forward(self, x: Tensor, depth: int = 2) -> Tensor:
        found: Tensor = self(x, depth - 1) if depth else x
        return found


def test_a_network_that_calls_itself_and_threads_that_report_meanwhile() -> None:
    model = Nested()
    watch = tare.watch(model, SPEC, batches=100, on_finding=lambda _: None)
    threads = [threading.Thread(target=lambda: [watch.report() for _ in range(5)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        model(BATCH)
    for thread in threads:
        thread.join()
    assert watch.report().stages[0].batches == 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_lock_that_another_thread_held() -> None:
    model = nn.Identity()
    watch = tare.watch(model, SPEC, on_finding=lambda _: None)

    def within_seconds() -> None:
        signal.alarm(5)
        watch.remove()

    with held_elsewhere(watch._lock):
        forked(within_seconds)


def test_a_device_that_fails_ends_the_watch_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Event:
        def query(self) -> bool:
            return False

        def synchronize(self) -> None:
            raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr("tare.watching.sample.on_its_way", lambda flat: (flat, Event()))
    model = nn.Identity()
    watch = tare.watch(model, SPEC)
    model(BATCH)
    with pytest.warns(TareWarning, match="stopped looking: RuntimeError: device-side assert triggered"):
        watch.report()
    watch.remove()
    assert watch.report().clean is None
    assert watch.report().unjudged == ("no batch was seen", "stopped looking: RuntimeError: device-side assert triggered")


def test_while_a_cuda_graph_is_captured_nothing_is_asked_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stood in for on machines without one: to ask for an event ends a capture."""

    class Event:
        def query(self) -> bool:
            assert not torch.cuda.is_current_stream_capturing(), "not permitted when stream is capturing"
            return False

    monkeypatch.setattr("tare.watching.sample.on_its_way", lambda flat: (flat, Event()))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    model = nn.Identity()
    watch = tare.watch(model, SPEC, batches=2)
    model(BATCH)  # is on its way
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    model(BATCH)
    assert watch.active
    assert watch._notes == ["a CUDA graph was captured, and what it is replayed with is not looked at"]
