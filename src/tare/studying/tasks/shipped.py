"""Data that ship with scikit-learn, read from its files, since importing it takes longer than a small study's analysis."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = tuple[NDArray[np.float64], NDArray[np.int64]]


def shipped_digits() -> Table:
    """Handwritten digits ``(1797, 8, 8)`` in levels 0 to 16, and their classes."""
    table = _table("digits.csv.gz")
    if table is None:
        from sklearn import datasets

        return _of(datasets.load_digits())
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def shipped_cells() -> Table:
    """Thirty measurements of cell nuclei ``(569, 30)``, and whether they are benign (1)."""
    table = _table("breast_cancer.csv", skip=1)
    if table is None:
        from sklearn import datasets

        return _of(datasets.load_breast_cancer())
    return table[:, :-1], table[:, -1].astype(np.int64)


def _of(bunch: Any) -> Table:
    return getattr(bunch, "images", bunch.data), bunch.target.astype(np.int64)


def _table(name: str, skip: int = 0) -> NDArray[np.float64] | None:
    """The numbers of a file; None if this version of scikit-learn keeps it in another place."""
    spec = find_spec("sklearn")
    places = spec.submodule_search_locations or () if spec is not None else ()
    paths = [Path(place) / "datasets" / "data" / name for place in places]
    found = next((path for path in paths if path.is_file()), None)
    return None if found is None else np.loadtxt(found, delimiter=",", skiprows=skip)
