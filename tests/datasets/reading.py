"""How tests of labelled data make and read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tare.datasets.opening import open_labelled
from tare.datasets.samples import LabelledSamples
from tare.samples.records import Skipped
from tare.sources.options import Options
from tests.images import rgb_folder


def opened(data: Any, label: str | None = None, pattern: str | None = None, **options: Any) -> LabelledSamples:
    return open_labelled(data, Options(**options), label, pattern)[0]


def value(samples: LabelledSamples, index: int) -> np.ndarray[Any, Any]:
    read = samples.read(index)
    assert not isinstance(read, Skipped)
    return read


def class_folders(root: Path, counts: dict[str, int]) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        rgb_folder(root / name, count)
    return root
