"""What a loader's processes are sent: batches of every kind of labelled data can be pickled and read the same afterwards."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tare.datasets.image_batches import ImageBatches, stacked
from tare.datasets.options import Augmenting, LabelOptions
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import open_split
from tare.input_spec.geometry import Geometry, RowGeometry, SignalGeometry
from tests.signals import save_table, save_wav, tone
from tests.tiny_run import save_photo


def batches(root: Path, name: str) -> Any:
    if name in ("folder", "exact", "border", "trivialaugment", "manifest", "images.npz"):
        return image_batches(root, name)
    if name in ("table", "row.npz"):
        if name == "table":
            labelled = LabelOptions(save_table(root / "table.csv"))
        else:
            np.savez(root / "rows.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
            labelled = LabelOptions(root / "rows.npz")
        return SignalBatches(open_split(labelled, 0, "vector").train, RowGeometry(("a", "b")))
    if name == "signals.npz":
        np.savez(root / "signals.npz", x=np.random.default_rng(0).normal(size=(8, 40)), y=np.arange(8) % 2)
        labelled = LabelOptions(root / "signals.npz")
    else:
        for index in range(8):
            save_wav(root / "wav" / f"{'ab'[index % 2]}_{index}.wav", tone(0.5, 40 + index, index))
        labelled = LabelOptions(root / "wav", label_pattern="([ab])_")
    return SignalBatches(open_split(labelled, 0, "signal").train, SignalGeometry(32, (0.0,)), 3, varies=True)


def image_batches(root: Path, name: str) -> ImageBatches:
    labelled = LabelOptions(root / "data")
    for index in range(8):
        save_photo(root / "data" / "ab"[index % 2] / f"{index}.png", index)
    if name == "manifest":
        lines = [f"data/{'ab'[index % 2]}/{index}.png,{'ab'[index % 2]}" for index in range(8)]
        (root / "list.csv").write_text("\n".join(["path,label", *lines]) + "\n")
        labelled = LabelOptions(root / "list.csv")
    if name == "images.npz":
        images = np.random.default_rng(0).integers(0, 255, (8, 20, 20, 3), np.uint8)
        np.savez(root / "images.npz", x=images, y=np.arange(8) % 2)
        labelled = LabelOptions(root / "images.npz")
    geometry = Geometry((16, 16), "bilinear", 0.9)
    if name == "exact":
        geometry = Geometry((16, 16), "bilinear", 0.9, "center", (19,), "down")
    if name == "border":
        geometry = Geometry((16, 16), "bilinear", 0.9, "border")
    augmenting = Augmenting(augmentation="trivialaugment", erasing=0.5) if name == "trivialaugment" else None
    return ImageBatches(open_split(labelled, 0).train, geometry, "rgb", augmenting, 0, (0.1, 0.2, 0.3))


@pytest.mark.parametrize(
    "name",
    ["folder", "exact", "border", "trivialaugment", "manifest", "images.npz", "table", "row.npz", "signals.npz", "recordings"],
)
def test_batches_survive_pickling(tmp_path: Path, name: str) -> None:
    ours = batches(tmp_path, name)
    sent = pickle.loads(pickle.dumps(ours))  # noqa: S301 - our own, made a moment ago
    for index in range(len(ours)):
        mine, theirs = ours[index], sent[index]
        assert torch.equal(mine[0], theirs[0])
        assert mine[1] == theirs[1]


@pytest.mark.long
@pytest.mark.parametrize("name", ["manifest", "recordings"])
def test_spawned_processes_read_the_same(tmp_path: Path, name: str) -> None:
    samples = batches(tmp_path, name)
    spawned = DataLoader(samples, 4, num_workers=1, multiprocessing_context="spawn", collate_fn=stacked)
    plain = DataLoader(samples, 4, collate_fn=stacked)
    for ours, theirs in zip(plain, spawned, strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])
