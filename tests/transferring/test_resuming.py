"""Runs killed with SIGKILL, again and again, end as one that was left alone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.labelled_images import dark_and_light
from tests.signals import tones

pytestmark = pytest.mark.long

SCRIPT = """
import sys
import torch
import tare
torch.set_num_threads(1)
tare.transfer(
    "timm:test_resnet", sys.argv[1], out=sys.argv[2], resume=sys.argv[3] == "resume", weights="none", size=32, device="cpu",
    batch_size=5, head_epochs=2, epochs=10, patience=6, ema=0.9, mixup=0.4, cutmix=1.0, accumulate=2, erasing=0.3,
    augmentation="trivialaugment", label_smoothing=0.1, class_weights="balanced", grad_clip=1.0, layer_decay=0.8,
    head_lr_factor=3.0, lr=3e-3, workers=int(sys.argv[4]),
)
"""

SIGNALS = """
import sys
import torch
import tare
torch.set_num_threads(1)
tare.transfer(
    "tare:cnn1d", sys.argv[1], out=sys.argv[2], resume=sys.argv[3] == "resume", protocol="scratch", strategy="target",
    device="cpu", batch_size=5, epochs=14, ema=0.9, label_smoothing=0.1, lr=3e-3, workers=int(sys.argv[4]),
)
"""


def started(data: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    how = "resume" if (out / "run.json").exists() else "new"
    script = SIGNALS if data.name == "tones" else SCRIPT
    command = [sys.executable, "-c", script, str(data), str(out), how, str(workers)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})  # noqa: S603


def rows(out: Path) -> int:
    path = out / "metrics.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def killed(data: Path, out: Path, epochs: int, delay: float, workers: int) -> bool:
    """Start or resume, wait for so many epochs and a moment more, and kill; False if the run came to its end before."""
    process = started(data, out, workers)
    while process.poll() is None and not (out / "run.json").exists():
        time.sleep(0.01)
    while process.poll() is None and rows(out) < epochs and not (out / "model-last").exists():
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    return process.wait() != 0


@pytest.mark.parametrize(("kind", "seed"), [("images", 0), ("images", 1), ("signals", 0)])
def test_a_run_killed_at_any_time_ends_as_one_left_alone(tmp_path: Path, kind: str, seed: int) -> None:
    data = dark_and_light(tmp_path / "data", train=9) if kind == "images" else tones(tmp_path / "tones")
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert started(data, whole, workers=0).wait() == 0
    total, moments = rows(whole), random.Random(seed)
    stops = [0, *sorted(moments.randrange(1, total + 1) for _ in range(3)), total]
    kills = sum(killed(data, part, stop, moments.uniform(0, 0.15), workers=index % 2) for index, stop in enumerate(stops))
    if not (part / "evaluation.json").exists():
        assert started(data, part, workers=0).wait() == 0
    assert kills >= 3
    for name in ("metrics.csv", "metrics.json", "evaluation.json"):
        assert (part / name).read_text() == (whole / name).read_text()
    for name in ("model", "model-last"):
        ours, theirs = (load_file(run / name / "model.safetensors") for run in (part, whole))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    leftovers = [path.name for path in (part / "checkpoints").iterdir() if path.suffix != ".ckpt"]
    assert leftovers == []
