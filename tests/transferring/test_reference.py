from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tare
from tare.input_spec.fields import Crop
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.samples.records import Sample
from tare.transferring.reference import _stored
from tests.monitoring.made import photographs

_FACTORY = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
"""


def test_a_run_carries_the_reference_of_its_training_split(tmp_path: Path) -> None:
    images = photographs(60, 0, size=16)
    for place, image in enumerate(images):
        part, label = ("val" if place % 5 == 4 else "train"), "ab"[place % 2]
        path = tmp_path / "data" / part / label / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (tmp_path / "net.py").write_text(_FACTORY)
    tare.transfer(
        data=tmp_path / "data",
        model=f"{tmp_path / 'net.py'}:net",
        weights="none",
        mean=[0.4, 0.4, 0.4],
        std=[0.2, 0.2, 0.2],
        size=16,
        protocol="probe",
        device="cpu",
        workers=0,
        out=tmp_path / "run",
    )
    reference = Reference.load(tmp_path / "run")
    kept = np.array([image for place, image in enumerate(images) if place % 5 != 4])
    assert reference.samples == 48
    assert reference.taking.channels == ("red", "green", "blue")
    assert reference.stats.mean == tuple(
        json.loads((tmp_path / "run/model/tare.json").read_text())["target_stats"]["channels"][c]["mean"] for c in range(3)
    )
    assert (reference.counts == Reference.of(kept, workers=1).counts).all()
    assert reference.as_fed == {"mean": (0.4,) * 3, "std": (0.2,) * 3}
    assert reference.seen is not None
    assert reference.seen.as_fed == reference.as_fed
    assert Monitor(tmp_path / "run").reference.digest == reference.digest
    assert Monitor(tmp_path / "run", values="fed").reference.digest == reference.seen.digest
    monitor = Monitor(tmp_path / "run", values="fed")
    monitor.update(((kept[:8] / 255 - 0.4) / 0.2).astype(np.float32))
    assert monitor.state.samples == 8


def test_a_border_has_the_colour_that_the_network_is_fed(tmp_path: Path) -> None:
    """Samples at the network's size, as an export takes them, are those of `tare predict`."""
    images = photographs(60, 0, size=16)[:, :8]
    np.savez(tmp_path / "data.npz", x=images, y=np.arange(60) % 2)
    (tmp_path / "net.py").write_text(_FACTORY)
    spec = tare.InputSpec.of((0.4, 0.5, 0.6), (0.2, 0.2, 0.2), raw_dtype="uint8", crop=Crop("border", 1.0))
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    made = tare.transfer(
        data=tmp_path / "data.npz",
        model=f"{tmp_path / 'net.py'}:net",
        weights="none",
        spec=tmp_path / "spec.json",
        size=16,
        interpolation="bilinear",
        protocol="probe",
        device="cpu",
        workers=0,
        out=tmp_path / "run",
    )
    reference = Reference.load(tmp_path / "run").seen
    assert reference is not None
    fed = (np.asarray(reference.stats.mean) - made.normalisation.mean) / made.normalisation.std
    stored = (np.asarray(Reference.load(tmp_path / "run").stats.mean) - made.normalisation.mean) / made.normalisation.std
    assert fed == pytest.approx(stored / 2, abs=0.02)  # half of each is border, which is zero


@pytest.mark.parametrize("kind", ["uint16", "int16"])
def test_deeper_images_at_the_networks_size_are_of_their_own_type(kind: str, tmp_path: Path) -> None:
    """An exported network takes them so, and carries that reference alone."""
    levels = np.random.default_rng(0).normal(3000, 800, (60, 16, 16, 1)) + 2000 * (np.arange(60) % 2)[:, None, None, None]
    images = np.clip(levels, 0, 65535 if kind == "uint16" else 32767).astype(kind)
    np.savez(tmp_path / "data.npz", x=images, y=np.arange(60) % 2)
    (tmp_path / "net.py").write_text(_FACTORY.replace("Conv2d(3", "Conv2d(1"))
    tare.transfer(
        data=tmp_path / "data.npz",
        model=f"{tmp_path / 'net.py'}:net",
        weights="none",
        strategy="target",
        size=16,
        interpolation="bilinear",
        crop=1.0,
        layout="NHWC",
        protocol="probe",
        device="cpu",
        workers=0,
        out=tmp_path / "run",
    )
    reference = Reference.load(tmp_path / "run")
    assert reference.seen is not None
    assert reference.seen.taking == reference.taking
    assert (reference.seen.counts == reference.counts).all()  # nothing is resized here
    reference.seen.save(tmp_path / "seen.json")
    monitor = Monitor(tmp_path / "seen.json")
    for _ in range(20):
        monitor.update(images)
    assert monitor.state.samples == 20 * 60
    assert not monitor.alarm


def test_values_that_a_resize_takes_beyond_their_type_end_there() -> None:
    seen = _stored(Sample("", np.array([[[-0.01], [0.5], [1.01]]], np.float32)), np.dtype("uint16"))
    assert seen.values.ravel().tolist() == [0, 32768, 65535]
