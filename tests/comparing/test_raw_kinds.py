"""What both sides state of their values, which comes before any number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tare

SIZE = "nothing is resampled, so the same structure has another size"


def test_a_comparison_says_that_voxels_or_axes_of_volumes_differ(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    for name, affine in (("same", (1, 1, 1)), ("wide", (2, 1, 1)), ("turned", (-1, 1, 1))):
        (tmp_path / name).mkdir()
        for index in range(3):
            values = np.random.default_rng((len(name), index)).normal(100, 9, (5, 6, 7)).astype(np.int16)
            image = nibabel.Nifti1Image(values, np.diag([*affine, 1]))
            image.header.set_xyzt_units("mm")
            nibabel.save(image, tmp_path / name / f"{index}.nii.gz")
    wanted = {
        "same": (),
        "wide": (f"spacings differ: 1 x 1 x 1 mm in the source, 2 x 1 x 1 mm in the target; {SIZE}",),
        "turned": ("axes differ: RAS in the source, LAS in the target; nothing is turned, so the same side is at another end",),
    }
    for name, told in wanted.items():
        notes = tare.compare(tmp_path / "same", tmp_path / name).notes
        assert tuple(note for note in notes if " differ: " in note) == told
    mixed = tare.measure([str(path) for path in sorted(tmp_path.glob("[st]*/*.nii.gz"))])
    assert mixed.extra["facts"]["orientation"] == "LAS, RAS"
