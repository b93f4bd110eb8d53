"""Volumes of whole numbers, one NIfTI file each, stored in several types, spacings and directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.handover.commands import tare
from fuzz.handover.matrix import Chain, Telling, Told, World
from fuzz.handover.pictures import TRAINING, Images, Run, drifted, predicted

_NUMBER, _SHAPE = 28, (8, 9, 7)
_LABELS = ("air", "bone")
NETWORKS = """
import torch
from torch import nn


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(2), nn.Flatten(), nn.Linear(32, 2))
"""


def draw(generator: np.random.Generator) -> Images:
    """Hounsfield units whose classes differ, brighter at one end."""
    classes = np.arange(_NUMBER) % len(_LABELS)
    slope = np.linspace(0, 300, _SHAPE[0])[:, None, None, None]
    values = generator.normal(0, 60, (_NUMBER, *_SHAPE, 1)) + 300 * classes[:, None, None, None, None] + slope
    return Images(values.astype(np.int16), ("c0",), tuple(_LABELS[place] for place in classes))


def _nifti(
    ending: str = ".nii",
    affine: tuple[float, ...] = (1, 1, 1),
    axes: tuple[int, ...] = (0, 1, 2),
    change: Callable[[NDArray[Any]], NDArray[Any]] = lambda values: values,
    scale: float | None = None,
    order: str = "<",
) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        import nibabel

        for place, label in enumerate(images.labels):
            values = change(images.values[place, ..., 0]).transpose(axes)
            header = nibabel.Nifti1Header(endianness=order)
            header.set_data_dtype(values.dtype)
            image = nibabel.Nifti1Image(values, np.diag([*affine, 1.0])[:, [*axes, 3]], header)
            if scale is not None:
                image.header.set_slope_inter(scale, 0)
            (folder / "data" / label).mkdir(parents=True, exist_ok=True)
            nibabel.save(image, folder / "data" / label / f"{place:04}{ending}")
        return Told(folder / "data", samples=images.folders)

    return write


def _mixed(folder: Path, images: Images) -> Told:
    """Some volumes are compressed."""
    half = len(images.labels) // 2
    for ending, part in ((".nii", range(half)), (".nii.gz", range(half, len(images.labels)))):
        chosen = replace(images, values=images.values[list(part)], labels=tuple(images.labels[place] for place in part))
        told = _nifti(ending)(folder / ending, chosen)
        for path in sorted(Path(told.data).rglob(f"*{ending}")):
            number = int(path.name.partition(".")[0]) + part.start
            place = folder / "data" / path.parent.name / f"{number:04}{ending}"
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    return Told(folder / "data", samples=images.folders)


#: That volumes lie otherwise.
_LIES = "nothing is (resampled|turned)"
_NEEDS = ("nibabel",)

TELLINGS = (
    Telling("NIfTI", _nifti(), _NEEDS),
    Telling("NIfTI, gzip", _nifti(".nii.gz"), _NEEDS, same=True),
    Telling("NIfTI, some gzip", _mixed, _NEEDS, same=True),
    Telling("NIfTI, most significant byte first", _nifti(order=">"), _NEEDS, same=True),
    Telling("NIfTI of 32-bit integers", _nifti(change=lambda values: values.astype(np.int32)), _NEEDS, back=False),
    Telling("NIfTI of 32-bit floats", _nifti(change=lambda values: values.astype(np.float32)), _NEEDS, back=False),
    Telling("NIfTI of halves", _nifti(change=lambda values: (2 * values).astype(np.int16), scale=0.5), _NEEDS, back=False),
    Telling("NIfTI from 0", _nifti(change=lambda values: (values + 1024).astype(np.uint16)), _NEEDS, back=False),
    Telling("NIfTI, the other way round", _nifti(affine=(-1, 1, 1), change=lambda values: values[::-1]), _NEEDS, remark=_LIES),
    Telling("NIfTI, two axes exchanged", _nifti(axes=(1, 0, 2)), _NEEDS, remark=_LIES, back=False),
)


def trained(told: Told, folder: Path) -> Run:
    """A run of the volumes, with the statistics of their own."""
    (folder / "networks.py").write_text(NETWORKS)
    built = f"{folder / 'networks.py'}:net"
    given = ("--model", built, "--weights", "none", "--strategy", "target", *TRAINING, "--out", folder / "run")
    tare("transfer", told.data, *given)
    return Run(folder / "run", built)


CHAINS = (
    Chain("transfer, predict", trained, predicted, atol=1e-5),
    Chain("transfer, drift", trained, drifted, in_order=("first samples", "second samples"), atol=1e-9),
)

WORLDS = (World("volumes", draw, TELLINGS, CHAINS),)
