"""An alarm's own command, carried out, makes the alarm go away."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import tare
from tare.cli.main import app
from tare.errors import SpecError
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tests.monitoring.made import changed, photographs
from tests.tiny_run import MEAN, STD, tiny_run

_GAIN, _OFFSET = 0.8, 0.06


def _unclipped(number: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Photographs between the ends of the range, so that a gain and an offset lose nothing."""
    return np.asarray(np.round(20 + photographs(number, seed, size=32) * 0.8), np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = tiny_run(tmp_path)
    known = Reference.of(_unclipped(500, 0), workers=1).to_json()
    document = {**known, "as_fed": {"mean": list(MEAN), "std": list(STD)}}
    (made / "model" / "reference.json").write_text(json.dumps(document))
    return made


def _saved(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], folder: Path) -> Path:
    folder.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{place:04d}.png")
    return folder


def test_the_command_of_the_verdict_makes_the_alarm_go_away(run: Path, tmp_path: Path) -> None:
    served = _saved(changed(_unclipped(400, 1), _GAIN, _OFFSET), tmp_path / "served")
    runner = CliRunner()
    first = runner.invoke(app, ["drift", str(run), str(served), "--json"])
    assert first.exit_code == 1
    verdict = json.loads(first.stdout)
    assert verdict["kind"] in ("gain", "gain and offset")
    words = shlex.split(verdict["command"])
    assert words[:3] == ["tare", "respec", str(run)]
    mended = runner.invoke(app, words[1:])
    assert mended.exit_code == 0, mended.output
    again = runner.invoke(app, ["drift", words[-1], str(served), "--json"])
    assert again.exit_code == 0, json.loads(again.stdout)["sentence"]


def test_the_mended_network_answers_as_the_old_one_did_before_the_change(run: Path, tmp_path: Path) -> None:
    images = _unclipped(6, 2)
    numbers = [f"--gain={_GAIN},0.9,1.1", f"--offset={_OFFSET},-0.02,0"]
    done = CliRunner().invoke(app, ["respec", str(run), *numbers, "--out", str(tmp_path / "mended")])
    assert done.exit_code == 0, done.output
    unit = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    gain, offset = torch.tensor([_GAIN, 0.9, 1.1])[:, None, None], torch.tensor([_OFFSET, -0.02, 0])[:, None, None]
    before, after = tare.load_model(run / "model"), tare.load_model(tmp_path / "mended")
    assert after.normalisation.mean == pytest.approx(MEAN)
    torch.testing.assert_close(after.logits(gain * unit + offset), before.logits(unit), rtol=1e-4, atol=1e-4)


def test_two_changes_in_a_row_are_put_back_to_the_training_values(run: Path, tmp_path: Path) -> None:
    runner, source = CliRunner(), run
    for place, numbers in enumerate(
        (["--gain=0.8,0.8,0.8", "--offset=0.05,0.05,0.05"], ["--gain=0.9,0.9,0.9", "--offset=0,0,0"])
    ):
        out = tmp_path / f"mended{place}"
        assert runner.invoke(app, ["respec", str(source), *numbers, "--out", str(out)]).exit_code == 0
        source = out
    known = Reference.load(source)
    assert known.arriving == {"gain": pytest.approx((0.72,) * 3), "offset": pytest.approx((0.045,) * 3)}
    monitor, images = Monitor(known), _unclipped(240, 5)
    for start in range(0, 240, 8):
        monitor.update(changed(images[start : start + 8], 0.72, 0.045))
    assert not monitor.alarm
    plain = Monitor(Reference.load(run))
    for start in range(0, 240, 8):
        plain.update(changed(images[start : start + 8], 0.72, 0.045))
    assert plain.alarm


def test_a_second_change_gives_a_command_in_arriving_values(run: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["respec", str(run), "--gain=0.8,0.8,0.8", "--offset=0.05,0.05,0.05", "--out", str(tmp_path / "one")])
    monitor, images = Monitor(tmp_path / "one"), _unclipped(400, 6)
    for start in range(0, 400, 8):
        monitor.update(changed(images[start : start + 8], 0.9 * 0.8, 0.9 * 0.05 - 0.01))
    words = shlex.split(monitor.verdict().command)
    assert words[2] == str(tmp_path / "one")
    stated = {
        word.partition("=")[0]: [float(each) for each in word.partition("=")[2].split(",")] for word in words if "=" in word
    }
    assert stated["--gain"] == pytest.approx([0.9] * 3, abs=0.05)
    assert np.array(stated["--gain"]) * 0.4 + stated["--offset"] == pytest.approx(np.full(3, 0.35), abs=0.02)


def test_what_the_network_feels_is_said(run: Path) -> None:
    monitor, images = Monitor(run), _unclipped(320, 7)
    for start in range(0, 320, 8):
        monitor.update(changed(images[start : start + 8], _GAIN, _OFFSET))
    assert monitor.verdict().felt is None
    felt = monitor.verdict(run).felt
    assert felt is not None
    assert felt.share > 0.3  # batch norm in eval mode cancels nothing
    assert 0.1 < felt.entering < 10


def test_a_fold_hands_the_reference_on_as_the_folded_network_is_fed(run: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["fold", str(run), "--out", str(tmp_path / "folded"), "--input", "uint8"]).exit_code == 0
    known = Reference.load(tmp_path / "folded")
    assert known.as_fed == {"mean": (0.0,) * 3, "std": pytest.approx((1 / 255,) * 3)}
    monitor, images = Monitor(known, values="fed"), _unclipped(8, 8)
    monitor.update(images.astype(np.float32))
    direct = Monitor(Reference.load(run))
    direct.update(images)
    assert (monitor.state.ladder[0].counts == direct.state.ladder[0].counts).all()


@pytest.mark.parametrize(
    "numbers",
    [
        ["--gain=0.8"],
        ["--gain=0,1,1", "--offset=0,0,0"],
        ["--gain=1,1", "--offset=0,0"],
        ["--gain=1,1,1", "--offset=0,0,0", "--to", "x"],
    ],
)
def test_a_change_that_cannot_be_undone_is_refused(run: Path, tmp_path: Path, numbers: list[str]) -> None:
    done = CliRunner().invoke(app, ["respec", str(run), *numbers, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, SpecError)
    assert not (tmp_path / "out").exists()


def test_a_command_without_a_run_says_what_stands_for_it(run: Path) -> None:
    images = _unclipped(400, 1)
    told = []
    for reference in (Reference.of(_unclipped(500, 0), workers=1), Reference.load(run)):
        monitor = Monitor(reference)
        for start in range(0, 400, 8):
            monitor.update(changed(images[start : start + 8], _GAIN, _OFFSET))
        told.append(monitor.verdict())
    assert shlex.split(told[0].command)[2] == "RUN"
    assert told[0].cure[-1].startswith("In the command, RUN stands for the run or model directory of the served network")
    assert not any("RUN stands" in sentence for sentence in told[1].cure)
