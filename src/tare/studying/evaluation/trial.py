"""One trial: the normalisation, the samples and the seed that the user's function gets, and the scores that it returns."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.input_spec.spec import InputSpec
from tare.system.local.opened import Identity, identity_of
from tare.system.seeds import seeded
from tare.system.user_code import users_own

if TYPE_CHECKING:
    from tare.parts.normaliser import Normaliser

#: The one score of a function that returns a number.
SCORE = "score"
#: The names of the other columns of the table of results.
RESERVED = ("network", "strategy", "size", "seed", "tested", "fed_mean", "fed_std", "error", "accuracy", "shift")
_LONGEST = 60
Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a function of ``--evaluate`` may ask for, by the names of its parameters; ``trial`` asks for the whole.

    ``normaliser`` is a :class:`tare.Normaliser` from raw values to the network's input; ``spec`` is its specification, and
    ``mean`` and ``std`` are its constants in unit values. ``train`` and ``test`` are indices ``(n,)`` of the samples to learn
    from and to score on, and ``names`` are the names of all samples, by index. ``seed`` is the repetition, the same for all
    strategies; the generators of Python, NumPy and torch are seeded with it. ``folder`` is an empty directory that no other
    trial has. ``network`` is the name of the network among several. Which strategy it is, is not said.
    """

    normaliser: Normaliser
    spec: InputSpec
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int
    folder: Path
    network: str
    samples: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all samples, by index: paths, for files."""
        return _names(self.samples, identity_of(os.stat(self.samples)))

    @property
    def trial(self) -> Trial:
        """The trial itself."""
        return self


def scored(function: Callable[..., Any], asked: tuple[str, ...], trial: Trial) -> Scores:
    """Call the user's function with the parameters that it asks for, and check what it returns.

    What it prints goes to the error output. Its folder is empty when it begins, and is removed again if it leaves nothing there.
    Raises :class:`DataError` for anything but finite numbers, and whatever the function raises.
    """
    with _own_folder(trial.folder), seeded(trial.seed), contextlib.redirect_stdout(sys.stderr):
        given = {name: getattr(trial, name) for name in asked}
        with users_own(function):
            returned = function(**given)
    return scores_of_trial(returned)


def scores_of_trial(returned: Any) -> dict[str, float]:
    """The scores by name: of a dict its own, of a number ``score``, of several ``score 1``, ``score 2`` and so on.

    Raises :class:`DataError` for what is no finite number, for no number at all, and for a name that a column of the table has.
    """
    if isinstance(returned, Mapping):
        named = dict(returned)
    elif isinstance(returned, list | tuple):
        named = {f"{SCORE} {place}": value for place, value in enumerate(returned, 1)}
    else:
        named = {SCORE: returned}
    if not named:
        raise DataError("at least one score", "none", "return a number, or a dict of numbers")
    return {_name(name): _number(name, value) for name, value in named.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.strip()) <= _LONGEST:
        raise DataError(f"names of scores, of 1 to {_LONGEST} signs", f"{name!r}"[:80], "rename the key")
    if name in RESERVED:
        raise DataError("names of scores that no column of the table has", f"{name!r}", f"rename the key, as in {name}_score")
    return name


def _number(name: Any, value: Any) -> float:
    try:
        number = None if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = None
    if number is None:
        found = f"a {type(value).__name__} as {name!r}"
        raise DataError("a number, or a dict of numbers, returned by the function", found, "return float(...)")
    if not math.isfinite(number):
        raise DataError("finite scores", f"{number} as {name!r}", "look at this trial's training")
    return number


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """An empty folder; what an earlier, failed attempt left in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it holds what the function wrote
            folder.rmdir()


@lru_cache(maxsize=1)
def _names(path: Path, written: Identity) -> tuple[str, ...]:
    """The names in a file, read once for as long as nobody writes it again."""
    del written
    return tuple(json.loads(path.read_text(encoding="utf-8")))
