"""The mask that belongs to a sample, by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: nnU-Net numbers the channels of a case behind its name; all of them have one mask.
_CHANNEL = re.compile(r"_\d{4}$")


def is_mask(path: str, masks: str) -> bool:
    """Whether a file is itself a mask, where masks are named by their ending."""
    return not Path(masks).is_dir() and path.endswith(masks)


def inside(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a mask is a number other than 0; NaN, which some tools write around the foreground, is outside."""
    return np.asarray((mask != 0) & (mask == mask))  # noqa: PLR0124 - NaN alone differs from itself


def mask_places(path: str, masks: str, root: str, endings: Sequence[str]) -> list[str]:
    """Where the mask of a sample may be: ``masks`` is a folder of masks, or the ending of a mask's name.

    A mask in a folder has the path of its sample below ``root``, endings apart; nnU-Net's ``_0000`` may be missing. With an
    ending such as ``_mask.png`` the mask of ``7.jpg`` is ``7_mask.png`` beside it.
    """
    stem = next((path[: -len(end)] for end in endings if path.endswith(end)), os.path.splitext(path)[0])
    if not Path(masks).is_dir():
        return [f"{stem}{masks}"]
    inside = os.path.relpath(stem, root) if Path(root).is_dir() else os.path.basename(stem)  # noqa: PTH119
    names = dict.fromkeys((inside, _CHANNEL.sub("", inside)))
    return [f"{Path(masks) / name}{ending}" for name in names for ending in endings]
