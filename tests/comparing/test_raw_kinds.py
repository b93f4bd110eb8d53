"""What both sides state of their values, which comes before any number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tare
from tare.comparing.raw_kinds import axes_differ


def test_spacings_differ_where_both_sides_know_them() -> None:
    def spacings(*words: str) -> dict[str, tuple[str, ...]]:
        return {"spacing": words}

    (told,) = axes_differ(spacings("1 x 1 x 1 mm"), spacings("1 x 1 x 2 mm"))
    assert told == "spacings differ: 1 x 1 x 1 mm in the source, 1 x 1 x 2 mm in the target; nothing is resampled"
    many = axes_differ(spacings("1 mm"), spacings(*(f"{size} mm" for size in range(2, 7))))
    assert many == ("spacings differ: 1 mm in the source, 2 mm, 3 mm, 4 mm and 2 more in the target; nothing is resampled",)
    assert axes_differ(spacings("1 mm", "2 mm"), spacings("2 mm", "1 mm")) == ()
    assert axes_differ(spacings("1 mm"), spacings("1 unknown units")) == ()
    assert axes_differ(spacings("1 unknown units"), spacings("2 mm"))
    assert axes_differ(spacings("1 mm"), spacings("unstated")) == axes_differ({}, spacings("1 mm")) == ()


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
        "wide": ("spacings differ: 1 x 1 x 1 mm in the source, 2 x 1 x 1 mm in the target; nothing is resampled",),
        "turned": ("axes differ: RAS in the source, LAS in the target; nothing is turned",),
    }
    for name, told in wanted.items():
        notes = tare.compare(tmp_path / "same", tmp_path / name).notes
        assert tuple(note for note in notes if " differ: " in note) == told
    mixed = tare.measure([str(path) for path in sorted(tmp_path.glob("[st]*/*.nii.gz"))])
    assert mixed.extra["facts"]["orientation"] == "LAS, RAS"
