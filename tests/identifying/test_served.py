"""Constants for the values that arrive now, by what a served network's batch norm remembers."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from tare.errors import ModelError
from tare.identifying.served import remembered, with_recovered
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.monitoring.result import Verdict
from tare.networks.network import Network
from tare.normalisation.applied import Normalisation
from tests.monitoring.made import changed, photographs

_MEAN, _STD = (0.5, 0.4, 0.45), (0.25, 0.2, 0.3)
_GEOMETRY = Geometry((32, 32))


def _images(number: int, seed: int) -> NDArray[np.uint8]:
    """Smooth pictures, so that a crop or a resize of training changes little of their std."""
    coarse = 10 + photographs(number, seed, size=4) * 0.9
    wide = np.kron(coarse, np.ones((1, 8, 8, 1)))
    for axis in (1, 2):
        wide = (np.roll(wide, 2, axis) + np.roll(wide, -2, axis) + 2 * wide) / 4
    return np.asarray(np.round(wide), np.uint8)


def _sharp(number: int, seed: int) -> NDArray[np.uint8]:
    """Pictures of many values each, between the ends of the range."""
    return np.asarray(np.round(20 + photographs(number, seed, size=32) * 0.8), np.uint8)


def _network(seed: int = 0) -> Network:
    """A small network whose batch norm remembers made photographs under the constants."""
    torch.manual_seed(seed)
    first = nn.Conv2d(3, 16, 3, padding=1, bias=False)
    module = nn.Sequential(first, nn.BatchNorm2d(16, momentum=None), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 1024, 2))
    unit = torch.from_numpy(_images(400, seed)).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (_MEAN, _STD))
    with torch.no_grad():
        for batch in torch.split((unit - mean) / std, 40):
            module.train()(batch)
    spec = InputSpec.of(_MEAN, _STD, channels="RGB", raw_dtype="uint8", origin="a test")
    return Network(module.eval(), "a test's network", "made", spec, "4", is_timm=False)


def _saved(images: NDArray[np.uint8], folder: Path) -> Path:
    folder.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{place:03d}.png")
    return folder


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.4, 0.0), (0.5, 0.3)])
def test_constants_are_those_of_training_after_the_change(tmp_path: Path, gain: float, offset: float) -> None:
    served = _saved(changed(_images(96, 7), gain, offset), tmp_path / "served")
    found = remembered(_network(), served, _MEAN, _STD, _GEOMETRY)
    assert (found.layer, found.images) == ("1", 96)
    for place, (mean, std) in enumerate(zip(found.estimated.mean, found.estimated.std, strict=True)):
        assert std.low <= gain * _STD[place] <= std.high
        assert std.estimate == pytest.approx(gain * _STD[place], rel=0.1)
        assert mean.estimate == pytest.approx(gain * _MEAN[place] + offset, abs=0.05 * gain)
    assert found.estimated.divergence < 0.001
    assert found.shown == ((gain, offset) != (1.0, 0.0))
    assert found.together.held
    assert found.together.gain.low <= gain <= found.together.gain.high
    assert found.together.offset.low <= offset <= found.together.offset.high
    for place, (mean, std) in enumerate(zip(*found.constants(_MEAN, _STD), strict=True)):
        assert mean.low <= gain * _MEAN[place] + offset <= mean.high
        assert std.low <= gain * _STD[place] <= std.high
        assert std.high - std.low < found.estimated.std[place].high - found.estimated.std[place].low


def _alarmed(root: Path, monkeypatch: pytest.MonkeyPatch, chosen: Normalisation) -> tuple[Verdict, Reference]:
    """An alarm of a run's monitor, whose network is fed under ``chosen``."""
    model = SimpleNamespace(network=_network(), normalisation=chosen, geometry=_GEOMETRY)
    monkeypatch.setattr("tare.networks.stored.directory.load_model", lambda *_: model)
    known = replace(Reference.of(_images(300, 1), workers=1), origin=str(root))
    return replace(Monitor(known).verdict(), alarm=5), known


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_constants_are_proposed_only_where_the_memory_shows_a_change(
    tmp_path: Path, gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarmed, known = _alarmed(tmp_path, monkeypatch, Normalisation("target", _MEAN, _STD))
    named = [tmp_path / "before", _saved(changed(_images(96, 7), gain), tmp_path / "served")]
    found = with_recovered(alarmed, known, named[1:] if gain == 1.0 else named)  # a list, as the command line has it
    assert (found.recovered is None) == (gain == 1.0)
    if gain == 1.0:
        assert "no change in 96 of them beyond the error of what 1 remembers" in found.notes[-1]
    else:
        assert found.recovered is not None
        assert "tare respec" in found.recovered.command


def test_no_constants_are_proposed_for_what_is_more_than_a_mean_and_std(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Normalisation("log1p", (4.0,) * 3, (0.9,) * 3, value_map="log1p", step=1 / 255)
    alarmed, known = _alarmed(tmp_path, monkeypatch, chosen)
    found = with_recovered(alarmed, known, _saved(changed(_images(96, 7), 0.5), tmp_path / "served"))
    assert found.recovered is None
    assert "a network that takes values by a mean and std alone, found the strategy 'log1p'" in found.notes[-1]


def test_a_network_without_batch_norm_remembers_nothing(tmp_path: Path) -> None:
    plain = replace(_network(), module=nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 2)))
    with pytest.raises(ModelError, match="batch norm"):
        remembered(plain, _saved(_images(16, 1), tmp_path / "served"), _MEAN, _STD, _GEOMETRY)


def test_a_reference_without_its_run_leaves_a_note(tmp_path: Path) -> None:
    known = Reference.of(_images(300, 1), workers=1)
    monitor = Monitor(known)
    served = changed(_images(160, 2), 0.5)
    assert with_recovered(monitor.verdict(), known, tmp_path) == monitor.verdict()
    for start in range(0, 160, 8):
        monitor.update(served[start : start + 8])
    noted = with_recovered(monitor.verdict(), known, tmp_path)
    assert noted.recovered is None
    assert "not recovered from batch norm: expected the run of the served network" in noted.notes[-1]


_FILE = """
import torch
from torch import nn

def factory():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(8, 2))
"""


@pytest.mark.long
def test_the_command_of_an_alarm_names_the_function_of_the_network_and_runs(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    import tare
    from tare.cli.main import app

    (tmp_path / "net.py").write_text(_FILE)
    (tmp_path / "data").mkdir()
    for name in "ab":
        _saved(_sharp(250, ord(name)), tmp_path / "data" / name)
    factory = f"{tmp_path / 'net.py'}:factory"
    tare.transfer(
        data=tmp_path / "data", model=factory, weights="none", mean=list(_MEAN), std=list(_STD), epochs=1, workers=0,
        device="cpu", out=tmp_path / "run",
    )  # fmt: skip
    served = _saved(changed(_sharp(640, 9), 0.5), tmp_path / "served")
    words = ["drift", str(tmp_path / "run"), str(served), "--recover", "--model", factory]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, done.output
    commands = [line for line in done.stdout.splitlines() if line.startswith("tare respec")]
    assert len(commands) == 1, done.output
    assert "not recovered from batch norm" in done.output  # it is as new: a probe trains the head alone
    said = [*shlex.split(commands[0])[1:-1], str(tmp_path / "mended")]
    assert said[2:4] == ["--model", factory]
    mended = CliRunner().invoke(app, said)
    assert mended.exit_code == 0, mended.output
