from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tare
from tare.errors import SpecError, TareWarning
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tests.monitoring.made import changed, photographs
from tests.tiny_run import MEAN, STD, tiny_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = tiny_run(tmp_path)
    known = Reference.of(photographs(300, 0, size=32), workers=1).to_json()
    document = {**known, "as_fed": {"mean": list(MEAN), "std": list(STD)}}
    (made / "model" / "reference.json").write_text(json.dumps(document))
    return made


def fed(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> torch.Tensor:
    column = (3, 1, 1)
    unit = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (unit - torch.tensor(MEAN).reshape(column)) / torch.tensor(STD).reshape(column)


def test_evaluation_batches_reach_the_monitor_as_if_they_were_given_to_it(run: Path) -> None:
    network = tare.load_model(run / "model").network.module.eval()
    images = photographs(24, 1, size=32)
    with tare.watch(network, run / "model", on_finding=lambda _: None, monitor=True) as watch, torch.no_grad():
        for start in range(0, 24, 8):
            network(fed(images[start : start + 8]))
        network.train()(fed(photographs(8, 2, size=32)))  # training augments: it is not what was measured
    direct = Monitor(run)
    for start in range(0, 24, 8):
        direct.update(images[start : start + 8])
    assert watch.monitor is not None
    assert watch.monitor.state.samples == 24
    assert watch.monitor.verdict().evidence == direct.verdict().evidence


def test_a_change_is_told_after_the_findings_have_ended(run: Path) -> None:
    network = tare.load_model(run / "model").network.module.eval()
    monitor = Monitor(run, values="fed")
    with tare.watch(network, run / "model", batches=1, every=0, on_finding=lambda _: None, monitor=monitor), torch.no_grad():
        for place in range(30):
            network(fed(changed(photographs(8, place, size=32), 0.7)))
    assert monitor.state.batches == 30
    assert monitor.alarm


def test_what_the_monitor_cannot_take_ends_its_counting_alone(run: Path) -> None:
    layer = torch.nn.Conv2d(3, 2, 1).eval()
    watch = tare.watch(layer, run / "model", on_finding=lambda _: None, monitor=run)
    layer(fed(photographs(8, 1, size=32)))
    with pytest.warns(TareWarning, match=r"the monitor of tare\.watch stopped: DataError"):
        layer(fed(photographs(1, 2, size=32))[0])  # without the axis N
    layer(fed(photographs(8, 3, size=32)))
    assert watch.monitor is not None
    assert watch.monitor.state.batches == 1
    assert any("the monitor stopped" in note for note in watch.report().notes)
    assert watch.active
    watch.remove()


def test_nothing_that_carries_a_reference_is_refused_with_what_to_pass() -> None:
    with pytest.raises(SpecError, match=r"monitor=True and spec=None; pass monitor='run/'"):
        tare.watch(torch.nn.Conv2d(3, 2, 1), monitor=True)


def test_a_monitor_of_images_as_stored_watches_no_network_that_sees_them_otherwise(run: Path) -> None:
    known = Reference.load(run)
    seen = Reference.of(photographs(300, 0, size=16), workers=1)
    both = replace(known, seen=replace(seen, as_fed=known.as_fed))
    layer = torch.nn.Conv2d(3, 2, 1).eval()
    with pytest.raises(SpecError, match=r"values as the network takes them, found one of 'raw' values; pass .*values='fed'"):
        tare.watch(layer, monitor=Monitor(both))
    tare.watch(layer, monitor=Monitor(both, values="fed")).remove()
    tare.watch(layer, monitor=Monitor(known)).remove()


def test_large_images_are_thinned_as_the_reference_thins_them(run: Path) -> None:
    from tare.watching.monitored import Monitored

    images = photographs(4, 3, size=96)
    monitor, direct = Monitor(run, values="fed"), Monitor(run)
    Monitored(monitor).take(fed(images))
    direct.update(images)
    assert (monitor.state.ladder[0].counts == direct.state.ladder[0].counts).all()


def test_the_images_of_one_forward_are_one_batch(run: Path) -> None:
    class Detector(torch.nn.Module):
        def forward(self, images: list[torch.Tensor]) -> torch.Tensor:
            return torch.stack([each.mean() for each in images])

    images = photographs(12, 1, size=32)
    monitor, direct = Monitor(run, values="fed", memory=2), Monitor(run, values="fed", memory=2)
    network = Detector().eval()
    with tare.watch(network, on_finding=lambda _: None, monitor=monitor), torch.no_grad():
        for start in range(0, 12, 4):
            network(list(fed(images[start : start + 4])))
            direct.update(list(fed(images[start : start + 4])))
    assert monitor.state.batches == direct.state.batches == 3
    assert monitor.state.samples == 12
    assert (monitor.state.ladder[0].counts == direct.state.ladder[0].counts).all()


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_forward_that_is_computed_again_in_backward_counts_once(run: Path, reentrant: bool) -> None:
    layer = torch.nn.Conv2d(3, 2, 1).eval()
    monitor = Monitor(run, values="fed")
    with tare.watch(layer, run / "model", on_finding=lambda _: None, monitor=monitor) as watch:
        for place in range(2):
            values = fed(photographs(8, place, size=32)).requires_grad_()
            torch.utils.checkpoint.checkpoint(layer, values, use_reentrant=reentrant).sum().backward()
    assert (monitor.state.batches, monitor.state.samples) == (2, 16)
    assert [stage.batches for stage in watch.report().stages] == [2]
