"""Signals of two channels, in archives and arrays of every order and type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.handover.commands import tare
from fuzz.handover.matrix import Chain, Telling, Told, World
from fuzz.handover.tables import OTHERS, TRAINING, predicted

_SIGNALS, _STEPS = 48, 40


@dataclass(frozen=True)
class Signals:
    """Signals ``(N, T, C)``, and the label of each."""

    values: NDArray[np.float32]
    labels: tuple[str, ...]


def draw(generator: np.random.Generator) -> Signals:
    """A tone that tells two classes apart, and beside it a slower one around 5."""
    labels, steps = generator.integers(0, 2, _SIGNALS), np.arange(_STEPS)
    begin = generator.uniform(0, 6, (2, _SIGNALS, 1))
    tones = np.sin(steps * (0.3 + 0.5 * labels[:, None]) + begin[0]), 5 + 2 * np.cos(0.2 * steps + begin[1])
    values = np.stack(tones, axis=-1) + 0.05 * generator.normal(size=(_SIGNALS, _STEPS, 2))
    return Signals(values.astype(np.float32), tuple("ab"[label] for label in labels))


def _npz(change: Callable[[Any], Any] = lambda values: values, *options: str) -> Callable[[Path, Signals], Told]:
    def write(folder: Path, truth: Signals) -> Told:
        np.savez(folder / "data.npz", x=change(truth.values), y=np.array(truth.labels))
        return Told(folder / "data.npz", options)

    return write


def _npy(change: Callable[[Any], Any] = lambda values: values) -> Callable[[Path, Signals], Told]:
    def write(folder: Path, truth: Signals) -> Told:
        np.save(folder / "data.npy", change(truth.values))
        return Told(folder / "data.npy")

    return write


def _shuffled(folder: Path, truth: Signals) -> Told:
    order = np.random.default_rng(1).permutation(len(truth.labels)).tolist()
    moved = Signals(truth.values[order], tuple(truth.labels[place] for place in order))
    return replace(_npz()(folder, moved), samples=tuple(order))


def _trained(told: Told, folder: Path) -> Path:
    """A run of the signals."""
    tare("transfer", "--model", "tare:cnn1d", told.data, *told.options, *TRAINING, "--out", folder / "run")
    return folder / "run"


_TELLINGS = (
    Telling("npz", _npz()),
    Telling("npz, channels first", _npz(lambda v: v.transpose(0, 2, 1)), same=True),
    Telling("npz of float64", _npz(lambda v: v.astype(np.float64)), same=True),
    Telling("npz, most significant byte first", _npz(lambda v: v.astype(">f4")), same=True),
    Telling("npz, Fortran order", _npz(np.asfortranarray), same=True),
    Telling("npz of whole numbers", _npz(lambda v: np.round(v * 1000).astype(np.int16)), back=False),
    Telling("npz, channels exchanged", _npz(lambda v: v[..., ::-1]), remark=OTHERS, back=False),
    Telling("npz, one channel", _npz(lambda v: v[..., :1]), back=False),
    Telling("npz, signals in another order", _shuffled, reorders="samples", same=True),
    Telling("npy", _npy(), back=False, same=True),
    Telling("npy, channels first", _npy(lambda v: v.transpose(0, 2, 1)), back=False, same=True),
)

WORLDS = (World("signals", draw, _TELLINGS, (Chain("transfer, predict", _trained, predicted),)),)
