"""What a CUDA device must give: the numbers of the processor. Skipped where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tare
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.predicting.api import predict
from tare.training.module import TransferModule
from tare.training.options import Training
from tare.training.parameter_groups import optimiser_of
from tare.transferring.api import transfer
from tare.transferring.result import TransferRun
from tests.labelled_images import dark_and_light
from tests.watched import SPEC, Net, codes, normalised, raw_images, unit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

SOURCE = Normalisation("source", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OF_SAMPLE = Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=EACH)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return dark_and_light(tmp_path / "data")


def trained(data: Path, out: Path, **options: Any) -> TransferRun:
    chosen = {"weights": "none", "size": 32, "workers": 0, "device": "gpu", "devices": 1, "batch_size": 4, **options}
    return transfer("timm:test_resnet", data, out=out, **chosen)


@pytest.mark.parametrize("chosen", [SOURCE, OF_SAMPLE], ids=["source", "sample"])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_bytes_and_floats_become_what_they_become_on_the_processor(chosen: Normalisation, memory: torch.memory_format) -> None:
    raw = torch.randint(0, 256, (4, 3, 17, 19), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    raw = raw.contiguous(memory_format=memory)
    here, there = InputLayer(chosen), InputLayer(chosen).cuda()
    for samples in (raw, raw / 255, raw.double() / 255):
        torch.testing.assert_close(there(samples.cuda()).cpu(), here(samples), rtol=1e-5, atol=1e-5)


def test_large_values_of_little_spread_keep_their_digits() -> None:
    rows = 1e6 + torch.rand(64, 2, dtype=torch.float64)
    chosen = Normalisation("target", (1e6 + 0.5,) * 2, (0.29,) * 2)
    torch.testing.assert_close(InputLayer(chosen).cuda()(rows.cuda()).cpu(), InputLayer(chosen)(rows), rtol=1e-6, atol=1e-6)


def test_constants_that_are_changed_past_autograd_count_and_are_not_waited_for() -> None:
    layer = tare.Normaliser((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8").cuda()
    new = tare.Normaliser((0.1, 0.2, 0.3), (0.25,) * 3, raw_dtype="uint8")
    raw = torch.randint(0, 256, (4, 3, 17, 19), dtype=torch.uint8)
    there, mean = raw.cuda(), new.mean.cuda()
    layer(there)
    torch.cuda.set_sync_debug_mode("error")
    try:
        layer.mean.data.copy_(mean)
        fed = layer(there)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(fed.cpu(), new(raw), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-mixed"])
def test_a_network_trains_in_every_precision_and_predicts_the_same_on_both(data: Path, tmp_path: Path, precision: str) -> None:
    run = trained(data, tmp_path / "run", protocol="finetune", epochs=3, lr=3e-3, precision=precision)
    assert run.val_accuracy is not None
    images = sorted((data / "val").rglob("*.png"))
    here, there = (predict(tmp_path / "run", images, device=name, top=2) for name in ("cpu", "cuda"))
    for one, other in zip(here, there, strict=True):
        assert one.path == other.path
        # Convolutions may take TF32, whose mantissa has 10 bits.
        assert all(abs(dict(one.ranks)[label] - share) < 5e-3 for label, share in other.ranks)


@pytest.mark.parametrize("precision", ["32-true", "16-mixed"])
def test_gradients_are_clipped_in_every_precision(data: Path, tmp_path: Path, precision: str) -> None:
    run = trained(data, tmp_path / "run", protocol="finetune", epochs=2, grad_clip=1.0, precision=precision)
    assert len(run.history) == 3


@pytest.mark.parametrize("batchnorm", ["train", "frozen", "reestimate"])
def test_a_probe_finds_what_it_finds_on_the_processor(data: Path, tmp_path: Path, batchnorm: str) -> None:
    here, there = (trained(data, tmp_path / name, protocol="probe", batchnorm=batchnorm, device=name) for name in ("cpu", "gpu"))
    assert here.val_accuracy == there.val_accuracy == 1.0


def test_an_interrupted_run_resumes_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"protocol": "finetune", "epochs": 2}
    whole = trained(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        step = TransferModule.training_step

        def killed(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
            if self.current_epoch == 1 and index == 1:
                raise InterruptedError
            return step(self, batch, index)

        patch.setattr(TransferModule, "training_step", killed)
        with pytest.raises(InterruptedError):
            trained(data, tmp_path / "part", **options)
    resumed = trained(data, tmp_path / "part", resume=True, **options)
    states = [run.load().network.module.state_dict() for run in (whole, resumed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_step_in_one_pass_is_the_step_in_several(name: str) -> None:
    networks = []
    for fused in (True, False):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)).cuda()
        # Clipping is what keeps tare from taking the step in one pass.
        options = Training(optimizer=name, lr=0.1, grad_clip=None if fused else 1.0)
        optimiser, _ = optimiser_of(network, "2", options, frozenset())
        assert bool(optimiser.param_groups[0].get("fused")) == fused
        batch = torch.randn(9, 5, generator=torch.Generator().manual_seed(1)).cuda()
        for _ in range(5):
            optimiser.zero_grad()
            network(batch).square().sum().backward()
            optimiser.step()
        networks.append(network)
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_watch_finds_on_the_device_what_it_finds_on_the_processor() -> None:
    for change in (lambda x: x, normalised):
        fed = change(normalised(unit(raw_images(24))))
        assert codes(fed.cuda()) == codes(fed) == ([] if change is not normalised else ["TARE003"])


def test_a_watched_network_computes_the_same_and_waits_for_nothing() -> None:
    torch.manual_seed(0)
    network, fed = Net().cuda(), normalised(unit(raw_images(24))).cuda()
    before = network(fed)
    with tare.watch(network, SPEC, on_finding="raise"):
        torch.cuda.set_sync_debug_mode("error")
        try:
            after = network(fed)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("what", [torch.uint8, torch.float32])
def test_a_folded_network_answers_on_the_device_as_the_separate_steps_do(what: torch.dtype) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    raw = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    folded = tare.fold(network, SPEC, shape=(3, 16, 16), input="uint8" if what is torch.uint8 else "unit").cuda()
    separate = network.cuda()(InputLayer(SOURCE).cuda()(raw.cuda()))
    given = raw.cuda() if what is torch.uint8 else raw.cuda() / 255
    torch.testing.assert_close(folded(given), separate, rtol=5e-3, atol=5e-3)
