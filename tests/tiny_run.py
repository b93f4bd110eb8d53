"""A run directory with a tiny network of random weights, as `tare transfer` leaves one, without the training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tare.input_spec.fields import PerSample
from tare.input_spec.geometry import Geometry, RowGeometry, SignalGeometry
from tare.networks.loading import load_network
from tare.networks.network import with_head
from tare.networks.stored.directory import TransferredModel, save_model
from tare.normalisation.applied import EACH, Normalisation
from tests.images import save_png
from tests.made_stats import stated_stats

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = ("ant", "bee", "cow")
FACTORY = """
from torch import nn


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))
"""


def save_photo(path: Path, seed: int, height: int = 40, width: int = 52) -> Path:
    """A smooth picture with an edge, unlike noise."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows * generator.uniform(0.05, 0.4) + columns * generator.uniform(0.05, 0.4)) for _ in range(3)]
    pixels = np.stack(waves, axis=-1) * 90 + 120 + 40 * (columns > width // 2)[..., None]
    save_png(path, np.clip(pixels, 0, 255).astype(np.uint8))
    return path


#: What strategies beyond a mean and std make of the images.
MORE = {
    "percentile": Normalisation("percentile", (0.1,) * 3, (0.7,) * 3, clip=((0.1, 0.8),) * 3),
    "log1p": Normalisation("log1p", (4.0,) * 3, (0.9,) * 3, value_map="log1p", step=1 / 255),
    "sample-percentile": Normalisation(
        "sample-percentile", (0.0,) * 3, (1.0,) * 3, PerSample("percentile", "channel", 1e-9, 1.0, 99.0), clip=((0.0, 1.0),) * 3
    ),
}


def tiny_run(
    root: Path,
    strategy: str = "source",
    *,
    reference: str = "timm:test_resnet",
    geometry: Geometry | None = None,
    classes: tuple[str, ...] = CLASSES,
    with_data: bool = True,
) -> Path:
    """Write ``root/run``, and images of ``classes`` as ``root/data`` that its settings name; returns the run."""
    network = with_head(load_network(reference, "none"), len(classes), seed=0)
    per_sample = strategy == "sample"
    mean, std = ((0.0,) * 3, (1.0,) * 3) if per_sample else (MEAN, STD)
    chosen = Normalisation(strategy, mean, std, EACH if per_sample else None)  # type: ignore[arg-type]
    chosen = MORE.get(strategy, chosen)
    model = TransferredModel(network, chosen, geometry or Geometry((32, 32), "bilinear", 0.9), classes)
    evidence = {"val_accuracy": 0.5, "protocol": "probe", "split": "train/ and val/ of 'data'"}
    run = root / "run"
    save_model(run / "model", model, source_spec=network.spec, target_stats=stated_stats(MEAN, STD), evidence=evidence)
    data = root / "data"
    if with_data:
        for part in ("train", "val"):
            for label, name in enumerate(classes):
                save_photo(data / part / name / "1.png", label + 10 * (part == "val"))
    settings = {"data": str(data), "seed": 0}
    (run / "run.json").write_text(json.dumps({"schema": "tare.run/1", "settings": settings}))
    return run


def tiny_number_run(
    root: Path,
    takes: SignalGeometry | RowGeometry,
    strategy: str = "target",
    *,
    reference: str = "",
    settings: dict[str, object] | None = None,
) -> Path:
    """Write ``root/run`` with a network of random weights for signals of two channels, or for rows."""
    channels = len(takes.columns) if isinstance(takes, RowGeometry) else 2
    reference = reference or ("tare:mlp" if isinstance(takes, RowGeometry) else "tare:cnn1d")
    network = with_head(load_network(reference, "none", channels=channels), 2, seed=0)
    per_sample = strategy == "sample"
    pair = ((0.0, 0.0), (1.0, 1.0)) if per_sample else ((0.0, 0.3), (1.0, 0.5))
    mean, std = ((values * channels)[:channels] for values in pair)
    chosen = Normalisation(strategy, mean, std, EACH if per_sample else None)  # type: ignore[arg-type]
    model = TransferredModel(network, chosen, takes, ("high", "low"))
    run = root / "run"
    save_model(run / "model", model, source_spec=network.spec, target_stats=None, evidence={"val_accuracy": 0.5})
    (run / "run.json").write_text(json.dumps({"schema": "tare.run/1", "settings": settings or {}}))
    return run
