"""A watch in every way in which networks are run: compiled, in parallel, copied, saved, in several threads."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.multiprocessing
from torch import Tensor, nn
from torch._dynamo.utils import counters

import tare
from tare.checking.rules.finding import Finding
from tare.errors import TareWarning
from tests.watched import SPEC, Net, normalised, raw_images, right, unit, warned

UNITS = unit(raw_images(16))


@pytest.fixture
def compiler() -> Iterator[Any]:
    torch._dynamo.reset()
    counters.clear()
    yield counters
    torch._dynamo.reset()


def compiled_by_eager(model: nn.Module, backend: str = "eager", fullgraph: bool = False) -> nn.Module:
    compiled = torch.compile(model, backend=backend, fullgraph=fullgraph)
    assert isinstance(compiled, nn.Module)
    return compiled


def steps(model: nn.Module, batch: Tensor, count: int = 6) -> None:
    for _ in range(count):
        model(batch).sum().backward()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("fullgraph", [True, False])
def test_what_compile_returned_stays_one_graph(compiler: Any, backend: str, fullgraph: bool) -> None:
    compiled = compiled_by_eager(Net(), backend, fullgraph)
    with tare.watch(compiled, on_finding=lambda _: None) as watch:
        steps(compiled, UNITS)
    steps(compiled, UNITS)
    assert compiler["stats"]["unique_graphs"] == 1
    assert not compiler["graph_break"]
    assert [finding.code for finding in watch.findings] == ["TARE004"]
    assert watch.report().network == "Net"


@pytest.mark.parametrize("fullgraph", [True, False])
def test_a_network_compiled_in_place_stays_one_graph(compiler: Any, fullgraph: bool) -> None:
    model = Net()
    model.compile(backend="eager", fullgraph=fullgraph)
    steps(model, UNITS)
    with tare.watch(model, on_finding=lambda _: None) as watch:
        steps(model, UNITS)
    steps(model, UNITS)
    assert compiler["stats"]["unique_graphs"] == 1
    assert not compiler["graph_break"]
    assert [finding.code for finding in watch.findings] == ["TARE004"]


@pytest.mark.parametrize("fullgraph", [True, False])
def test_a_network_watched_first_and_compiled_then_is_one_graph_and_is_not_compiled_again(compiler: Any, fullgraph: bool) -> None:
    model = Net()
    watch = tare.watch(model, on_finding=lambda _: None)
    steps(compiled_by_eager(model, fullgraph=fullgraph), UNITS, 20)
    assert compiler["stats"]["unique_graphs"] == 1
    assert not compiler["graph_break"]
    assert watch.report().stages[0].batches == 8


def test_of_torchs_own_containers_the_hook_is_left_out_of_the_graph(compiler: Any) -> None:
    model = nn.Sequential(Net())
    watch = tare.watch(model, SPEC, on_finding=lambda _: None)
    steps(compiled_by_eager(model), UNITS, 20)
    assert compiler["stats"]["unique_graphs"] == 1
    assert sum(compiler["graph_break"].values()) <= 2  # when it is compiled, and not at every call
    assert watch.report().stages[0].batches == 8


def test_where_a_graph_must_stay_whole_the_watch_stands_aside_and_says_what_to_do(compiler: Any) -> None:
    model = nn.Sequential(Net())
    with tare.watch(model, SPEC) as watch:
        steps(compiled_by_eager(model, fullgraph=True), UNITS)
    assert not compiler["graph_break"]
    assert watch.report().clean is None
    assert any("watch what torch.compile returned" in reason for reason in watch.report().unjudged)


def test_values_are_the_same_with_a_watch_and_without() -> None:
    model, batch = Net().eval(), right()
    without = model(batch)
    tare.watch(model)
    assert torch.equal(model(batch), without)


def test_no_wait_is_left_on_a_device_that_answers_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's event is stood in for by one that is done after three calls: nothing synchronises before it is."""

    class Event:
        def __init__(self) -> None:
            self.asked = 0

        def query(self) -> bool:
            self.asked += 1
            return self.asked > 3

        def synchronize(self) -> None:
            assert self.asked > 3, "waited for the device"

    events: list[Event] = []

    def on_its_way(flat: Tensor) -> tuple[Tensor, Event]:
        events.append(Event())
        return flat, events[-1]

    monkeypatch.setattr("tare.watching.sample.on_its_way", on_its_way)
    model = nn.Identity()
    found: list[Finding] = []
    tare.watch(model, SPEC, batches=2, every=0, on_finding=found.append)
    for step in range(8):
        model(UNITS)
        assert bool(found) == (step >= 3)
    assert len(events) == 2


def test_every_zero_takes_the_hook_off_after_the_first_batches() -> None:
    model = Net()
    watch = tare.watch(model, batches=3, every=0)
    for step in range(5):
        assert watch.active == (step < 3)
        model(right())
    assert model._forward_pre_hooks == OrderedDict()
    assert watch.report().stages[0].batches == 3


def test_afterwards_one_batch_in_so_many_is_looked_at_and_stands_for_itself() -> None:
    model = Net()
    watch = tare.watch(model, batches=2, every=5, on_finding=lambda _: None)
    for step in range(12):
        model(UNITS if step == 11 else right())
    assert [finding.where for finding in watch.findings] == ["training batch 12"]
    assert watch.report().stages[0].batches == 4


def test_training_and_evaluation_are_judged_apart() -> None:
    model = Net()
    watch = tare.watch(model, on_finding=lambda _: None)
    for training in (True, False, True, False):
        model.train(training)
        model(right() if training else UNITS)
    report = watch.report()
    assert [(stage.stage, stage.fits) for stage in report.stages] == [("train", True), ("eval", False)]
    assert [finding.where for finding in report.findings] == ["evaluation batch 1"]


def test_remove_and_the_end_of_a_block_leave_the_network_as_it_was() -> None:
    model = Net()
    before = set(model.__dict__)
    with tare.watch(model) as watch:
        model(right())
    watch.remove()
    assert set(model.__dict__) == before
    assert not model._forward_pre_hooks
    assert not model._forward_pre_hooks_with_kwargs


def test_an_error_in_the_block_is_not_hidden_by_a_finding() -> None:
    model = Net()
    with pytest.raises(KeyError, match="mine"), tare.watch(model, batches=3, on_finding="raise") as watch:
        raise KeyError("mine")
    assert not watch.active


def test_state_dict_and_parameters_are_unaffected() -> None:
    model = Net()
    before = list(model.state_dict()), len(list(model.parameters())), len(list(model.modules()))
    tare.watch(model)
    assert (list(model.state_dict()), len(list(model.parameters())), len(list(model.modules()))) == before


def saved(model: nn.Module) -> nn.Module:
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    loaded: nn.Module = torch.load(buffer, weights_only=False)
    return loaded


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, saved, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301
@pytest.mark.parametrize("in_place", [True, False])
def test_copies_and_saved_networks_are_not_watched(duplicate: Callable[[nn.Module], nn.Module], in_place: bool) -> None:
    model = Net()
    if in_place:
        model.compile(backend="eager")
    watch = tare.watch(model, on_finding=lambda _: None)
    other = duplicate(model)
    if duplicate is not copy.copy:  # which shares its hooks, as it shares its weights
        other(UNITS)
        assert watch.report().stages == ()
    model(UNITS)
    assert len(watch.findings) == 1


def test_a_saved_network_loads_where_tare_is_not_installed(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    tare.watch(model, SPEC)
    torch.save(model, tmp_path / "model.pt")
    program = (
        "import sys; sys.modules['tare'] = None; import torch;"
        f"print(torch.load({str(tmp_path / 'model.pt')!r}, weights_only=False)(torch.ones(1, 3, 8, 8)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "torch.Size([1, 2, 6, 6])"


@pytest.mark.parametrize(
    "run",
    [
        lambda model, batch: torch.inference_mode()(model)(batch),
        lambda model, batch: torch.no_grad()(model)(batch),
        lambda model, batch: torch.autocast("cpu", torch.bfloat16)(model)(batch),
        lambda model, batch: model(batch.requires_grad_()).sum().backward(),
        lambda model, batch: model(batch.contiguous(memory_format=torch.channels_last)),
        lambda model, batch: model.bfloat16()(batch.bfloat16()),
        lambda model, batch: model(batch[:1]),
        lambda model, batch: nn.DataParallel(model)(batch),
        lambda model, batch: torch.utils.checkpoint.checkpoint(model, batch, use_reentrant=False).sum().backward(),
    ],
    ids=[
        "inference_mode",
        "no_grad",
        "autocast",
        "requires_grad",
        "channels_last",
        "bfloat16",
        "one",
        "DataParallel",
        "checkpoint",
    ],
)
def test_the_same_is_found_however_the_network_is_run(run: Callable[[nn.Module, Tensor], object]) -> None:

    for batch, expected in ((UNITS.clone(), ["TARE004"]), (right(), [])):
        model = Net().eval()
        with tare.watch(model, on_finding=lambda _: None) as watch:
            for _ in range(3):
                run(model, batch.detach())
        assert [finding.code for finding in watch.findings] == expected
        assert watch.report().notes == ()


def test_gradients_reach_an_input_that_requires_them() -> None:
    model, batch = Net().eval(), right().requires_grad_()
    tare.watch(model)
    model(batch).sum().backward()
    assert batch.grad is not None


def test_threads_are_counted_together_and_each_code_is_said_once() -> None:
    model = Net().eval()
    got: list[Finding] = []
    watch = tare.watch(model, batches=40, every=0, on_finding=got.append)
    threads = [threading.Thread(target=lambda: [model(UNITS) for _ in range(10)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [finding.code for finding in got] == ["TARE004"]
    assert not watch.active
    assert watch.report().stages[0].batches >= 40


def test_a_failure_of_the_watch_never_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.watching.handle.look_at", lambda *_: 1 / 0)
    model = Net()
    watch = tare.watch(model)
    with pytest.warns(TareWarning, match="tare.watch stopped looking: ZeroDivisionError: division by zero"):
        model(UNITS)
    model(UNITS)
    assert not watch.active
    assert watch.report().notes == ("stopped looking: ZeroDivisionError: division by zero",)
    assert watch.report().clean is None


def test_tracing_and_exporting_look_at_nothing() -> None:
    model, batch = Net().eval(), right()
    watch = tare.watch(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit.trace is deprecated
        traced = torch.jit.trace(model, batch, check_trace=False)  # type: ignore[no-untyped-call]
    exported = torch.export.export(model, (batch,)).module()
    assert torch.allclose(traced(batch), model(batch))
    assert torch.allclose(exported(batch), model(batch))
    assert watch.report().stages[0].batches == 2  # the two calls of the network itself


def _rank(rank: int, size: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=size)
    model = nn.parallel.DistributedDataParallel(Net())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tare.watch(model) as watch:
            steps(model, UNITS, 3)
    codes = " ".join(finding.code for finding in watch.findings)
    Path(folder, str(rank)).write_text(f"{codes} {len(warned(caught))} {watch.report().network}")
    torch.distributed.destroy_process_group()


@pytest.mark.long
@pytest.mark.parametrize("size", [1, 2])
def test_under_ddp_every_process_finds_it_and_the_first_one_says_it(size: int, tmp_path: Path) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_rank, (size, port, str(tmp_path)), nprocs=size)  # type: ignore[attr-defined, no-untyped-call]
    said = [(tmp_path / str(rank)).read_text() for rank in range(size)]
    assert said == ["TARE004 1 Net", "TARE004 0 Net"][:size]


def test_after_normalisation_by_a_wrong_spec_the_right_one_is_named() -> None:
    model = Net()
    with tare.watch(model, "catalog:clip", on_finding=lambda _: None) as watch:
        model(normalised(UNITS))
    assert "not those of catalog:clip" in watch.findings[0].message
