"""Functions that studies of these tests call."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tare
from tare.studying.evaluation.trial import Trial


def distance(normaliser: tare.Normaliser, mean: tuple[float, ...], seed: int) -> dict[str, float]:
    """How far the mean is from 3, with a little chance that all strategies of a seed share."""
    noise = float(np.random.default_rng(seed).normal(0, 0.01))
    fed = normaliser(torch.zeros(1, len(mean)))
    return {"near": 1 / (1 + abs(mean[0] - 3)) + noise, "far": abs(mean[0] - 3) + noise, "fed": float(fed.sum())}


def plain(mean: tuple[float, ...], seed: int) -> float:
    return mean[0] + seed


def several(std: tuple[float, ...]) -> list[float]:
    return [std[0], 2 * std[0]]


def sometimes(mean: tuple[float, ...], seed: int) -> Any:
    if seed == 1:
        raise RuntimeError("out of\nluck")
    if seed == 2:
        return {"a": 1.0}
    return {"a": mean[0], "b": float("nan") if seed == 3 else 1.0 + seed}


def never(trial: Trial) -> float:
    raise SystemExit(trial.seed + 3)


def writing(mean: tuple[float, ...], folder: Path) -> float:
    assert not list(folder.iterdir())
    (folder / "weights.txt").write_text(str(mean))
    return mean[0]


def beside(mean: tuple[float, ...], folder: Path) -> float:
    """Writes where every other trial writes, too."""
    with open(folder.parent / "shared.txt", "x") as file:
        file.write(str(mean))
    return mean[0]


def moving(mean: tuple[float, ...], folder: Path) -> float:
    """Changes the working directory, as training scripts do, and writes by a relative path there."""
    os.chdir("else")
    Path("mine.txt").write_text(str(mean))
    (folder / "weights.txt").write_text(str(mean))
    return mean[0]


def chance(mean: tuple[float, ...]) -> dict[str, float]:
    """Draws of the three generators."""
    return {"python": random.random(), "numpy": np.random.rand(), "torch": float(torch.rand(())), "mean": mean[0]}


def named(mean: tuple[float, ...], names: tuple[str, ...], train: Any, test: Any) -> float:
    assert len(names) == len(train) + len(test)
    return mean[0]


def dogs(mean: tuple[float, ...], names: tuple[str, ...]) -> dict[str, float]:
    """The labels that stand in the names."""
    return {"dogs": sum("dog" in name for name in names), "mean": mean[0]}
