from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import InputError
from tare.transferring.result import TransferRun
from tests.advising.test_api import textured
from tests.images import save_png


def transferred(data: Path, out: Path, **options: object) -> TransferRun:
    chosen = {
        "strategy": "auto",
        "protocol": "probe",
        "size": 32,
        "workers": 0,
        "device": "cpu",
        "weights": "none",
        "mean": [0.45],
        "std": [0.25],
    }
    return tare.transfer("timm:test_resnet", data, out=out, **{**chosen, **options})  # type: ignore[arg-type]


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Training and validation images, in units that the network does not know: sixteen levels."""
    root = tmp_path / "data"
    textured(root / "train", gain=1 / 17)
    textured(root / "val", count=4, gain=1 / 17)
    return root


def test_it_takes_what_advise_recommends_and_says_why(split: Path, tmp_path: Path) -> None:
    run = transferred(split, tmp_path / "run")
    advice = tare.advise("timm:test_resnet", split, weights="none", mean=[0.45], std=[0.25], size=32, workers=1)
    assert run.normalisation.strategy == advice.strategy
    assert any(note.startswith(f"strategy auto: {advice.strategy}") and advice.rule in note for note in run.notes)
    assert [f"strategy auto: {text}" for text in advice.because] == [n for n in run.notes if n.startswith("strategy auto:")][1:]


def test_validation_images_have_no_say(split: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(split / "train", other / "train")
    rng = np.random.default_rng(0)
    for path in (split / "val").rglob("*.png"):
        save_png(other / path.relative_to(split), rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    first, second = (transferred(data, tmp_path / name) for data, name in ((split, "a"), (other, "b")))
    said = [[note for note in run.notes if note.startswith("strategy auto")][:1] for run in (first, second)]
    assert said[0] == said[1]
    assert first.normalisation == second.normalisation


def test_a_network_that_is_not_pretrained_gets_no_advice(split: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TARE093 collapsed: the data are uint8 with 5 bits in use \(up to 16\)"):
        transferred(split, tmp_path / "run", protocol="scratch", epochs=1, batch_size=8)
    run = transferred(split, tmp_path / "run", protocol="scratch", epochs=1, batch_size=8, allow=["collapsed"])
    assert "strategy auto: source, since the network is not pretrained" in run.notes


def test_an_earlier_run_is_a_source_whose_data_are_known(split: Path, tmp_path: Path) -> None:
    run = transferred(split, tmp_path / "run", strategy="target")
    advice = tare.advise(str(run.out), split, workers=1)
    assert advice.comparison is not None
    assert advice.comparison.kind == "no difference shown"
    assert "match" in advice.normalisations
