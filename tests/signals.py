"""Small labelled signals and rows."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATES = {"high": 0.9, "low": 0.2}


def tone(rate: float, length: int, seed: int, level: float = 0.3) -> NDArray[np.float64]:
    """A tone of ``rate`` radians a step in a little noise."""
    generator = np.random.default_rng(seed)
    values: NDArray[np.float64] = np.sin(rate * np.arange(length) + generator.uniform(0, 6))
    return level * (values + 0.1 * generator.normal(size=length))


def save_wav(path: Path, values: NDArray[np.float64]) -> Path:
    """16-bit mono, or one channel a column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(values.reshape(len(values), -1).shape[1])
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.rint(values * 32767).astype("<i2").tobytes())
    return path


def tones(folder: Path, train: int = 8, val: int = 4, level: float = 0.3) -> Path:
    """Recordings of high and low tones of 50, 60, 70, ... steps in ``train/`` and ``val/``, so many of each class."""
    for part, count in (("train", train), ("val", val)):
        for label, rate in RATES.items():
            for index in range(count):
                values = tone(rate, 50 + 10 * index, 100 * (part == "val") + index, level)
                save_wav(folder / part / label / f"{index}.wav", values)
    return folder


def save_table(path: Path, rows: int = 40, offset: float = 0.0, *, seed: int = 0) -> Path:
    """Two columns of numbers of very different units, of which the second tells the classes a and b apart, and their label."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    size, weight = generator.normal(1000, 50, rows), offset + generator.normal(0.01, 0.001, rows) + 0.01 * labels
    lines = [f"{x!r},{'ab'[label]},{y!r}" for x, y, label in zip(size.tolist(), weight.tolist(), labels, strict=True)]
    path.write_text("\n".join(["size,label,weight", *lines]) + "\n")
    return path
