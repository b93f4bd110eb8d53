"""NIfTI volumes against NumPy on the same arrays."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.samples.raw_kind import Unknown
from tare.sources.files.picture_masks import OUTSIDE, SOFT
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import assert_moments, state_of

nibabel = pytest.importorskip("nibabel", reason="reads NIfTI volumes (pip install 'tare[medical]')")
RNG = np.random.default_rng(11)


def write(
    path: Path, values: NDArray[Any], zooms: tuple[float, ...] = (1, 1, 3), scaled: tuple[float, float] | None = None
) -> Path:
    image = nibabel.Nifti1Image(values, np.diag([*zooms[:3], 1]))
    image.header.set_xyzt_units("mm")
    if scaled is not None:
        image.header.set_slope_inter(*scaled)
    nibabel.save(image, path)
    if scaled is not None:  # nibabel would change the values to fit: the file is to state these numbers
        data = bytearray(path.read_bytes())
        struct.pack_into("<2f", data, 112, *scaled)
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_a_volume_is_one_sample_and_what_numpy_computes(tmp_path: Path, dtype: str, ending: str) -> None:
    volumes = [RNG.integers(0, 100, (7 + k, 5, 9)).astype(dtype) for k in range(3)]
    for k, volume in enumerate(volumes):
        write(tmp_path / f"{k}{ending}", volume)
    state = state_of(open_source(tmp_path))
    assert state.samples == 3
    assert_moments(state, np.concatenate([volume.ravel() for volume in volumes])[:, None])


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    stored = RNG.integers(0, 4000, (6, 5, 4)).astype("int16")
    stats = tare.measure(write(tmp_path / "ct.nii", stored, scaled=(0.5, -1024)))
    np.testing.assert_allclose([stats.mean[0], stats.std[0]], [(stored * 0.5 - 1024).mean(), (stored * 0.5).std()], rtol=1e-12)
    assert stats.dtype == "float64"
    assert isinstance(stats.units, Unknown)
    assert stats.extra["facts"]["spacing"] == "1 x 1 x 3 mm"


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_volume_read_in_slabs_is_the_same_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    for k in range(2):
        write(tmp_path / f"{k}{ending}", RNG.integers(0, 9000, (8, 9, 10)).astype("uint16"))
    whole = tare.measure(tmp_path)
    monkeypatch.setattr("tare.sources.volumes.nifti._SLAB_BYTES", 8 * 8 * 9 * 3)
    assert tare.measure(tmp_path).channels == whole.channels


def test_four_axes_are_refused_unless_their_meaning_is_stated(tmp_path: Path) -> None:
    volume = RNG.normal(size=(5, 6, 7, 3)).astype("float32")
    write(tmp_path / "bold.nii.gz", volume)
    with pytest.raises(DataError, match=r"4 axes .*state --layout HWDC"):
        tare.measure(tmp_path / "bold.nii.gz")
    stats = tare.measure(tmp_path / "bold.nii.gz", layout="HWDC")
    np.testing.assert_allclose(stats.mean, volume.astype("f8").mean(axis=(0, 1, 2)), rtol=1e-9)
    with pytest.raises(DataError, match="the layout HWD or"):
        tare.measure(tmp_path / "bold.nii.gz", layout="NHW")


@pytest.mark.parametrize("masks", ["folder", "_mask.nii.gz"])
def test_only_the_foreground_counts_where_a_mask_is_named(tmp_path: Path, masks: str) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    inside_values = []
    for k in range(3):
        volume = RNG.normal(size=(6, 7, 8)).astype("float32")
        mask = (RNG.random((6, 7, 8)) < 0.3).astype("uint8")
        suffix = "_0000" if masks == "folder" else ""  # as nnU-Net names images and labels
        write(images / f"case{k}{suffix}.nii.gz", volume)
        write(labels / f"case{k}.nii.gz" if masks == "folder" else images / f"case{k}_mask.nii.gz", mask)
        inside_values.append(volume[mask != 0].astype("f8"))
    stats = tare.measure(images, mask=labels if masks == "folder" else masks)
    assert stats.samples == 3
    np.testing.assert_allclose(stats.mean, np.concatenate(inside_values).mean(), rtol=1e-12)
    assert any("where the mask" in remark for remark in stats.extra["remarks"])
    source = open_source(images, Options(mask=str(labels if masks == "folder" else masks)))
    beside = [file for chunk in source.chunks() for file in source.beside(chunk) if Path(file).is_file()]
    assert beside == sorted(map(str, labels.iterdir() if masks == "folder" else images.glob(f"*{masks}")))


def test_an_image_of_two_axes_has_a_mask_of_two(tmp_path: Path) -> None:
    image, mask = RNG.random((9, 7)), (RNG.random((9, 7)) < 0.5).astype("uint8")
    write(tmp_path / "a.nii", image)
    write(tmp_path / "a_mask.nii", mask)
    assert tare.measure(tmp_path / "a.nii", mask="_mask.nii").mean == pytest.approx([image[mask != 0].mean()])


def test_nan_in_a_mask_is_outside(tmp_path: Path) -> None:
    volume, mask = RNG.random((4, 5, 6)), np.ones((4, 5, 6), "float32")
    mask[0], mask[1] = np.nan, 0
    write(tmp_path / "a.nii", volume)
    write(tmp_path / "a_mask.nii", mask)
    assert tare.measure(tmp_path / "a.nii", mask="_mask.nii").mean == pytest.approx([volume[2:].mean()])


def test_a_mask_of_another_size_or_none_at_all_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.nii", np.ones((4, 4, 4), "uint8"))
    with pytest.raises(DataError, match=r"no mask .*a_mask.nii"):
        tare.measure(tmp_path / "a.nii", mask="_mask.nii")
    write(tmp_path / "a_mask.nii", np.ones((4, 4, 5), "uint8"))
    with pytest.raises(DataError, match=r"its mask .* has \(4, 4, 5\) values"):
        tare.measure(tmp_path / "a.nii", mask="_mask.nii")


@pytest.mark.parametrize(("code", "refused"), [(1, True), (0, False)])
def test_a_mask_that_lies_elsewhere_by_its_affine_is_refused(tmp_path: Path, code: int, refused: bool) -> None:
    volume = RNG.random((4, 5, 6)).astype("float32")
    write(tmp_path / "a.nii", volume)
    affine = np.diag([-1.0, 1, 3, 1])
    affine[0, 3] = 3
    flipped = nibabel.Nifti1Image(np.ones((4, 5, 6), "uint8"), affine)
    flipped.set_sform(flipped.affine, code)
    flipped.set_qform(flipped.affine, code)
    nibabel.save(flipped, tmp_path / "a_mask.nii")
    if refused:
        with pytest.raises(DataError, match="lies elsewhere by its affine, up to 3 voxels away"):
            tare.measure(tmp_path / "a.nii", mask="_mask.nii")
    else:  # without a code nothing states where it lies
        assert tare.measure(tmp_path / "a.nii", mask="_mask.nii").mean == pytest.approx([volume.mean()])


def test_volumes_of_two_spacings_or_types_are_not_pooled(tmp_path: Path) -> None:
    write(tmp_path / "a.nii", np.ones((4, 4, 4), "int16"))
    write(tmp_path / "b.nii", np.ones((4, 4, 4), "int16"), zooms=(1, 1, 5))
    with pytest.raises(DataError, match=r"samples with one spacing, .*1 x 1 x 3 mm in 1 .*1 x 1 x 5 mm in 1.*--mixed-spacing"):
        tare.measure(tmp_path)
    assert tare.measure(tmp_path, mixed_spacing=True).samples == 2
    write(tmp_path / "b.nii", np.ones((4, 4, 4), "float32"))
    with pytest.raises(DataError, match="one dtype"):
        tare.measure(tmp_path)


def packed(form: str, at: int, *values: Any) -> Callable[[bytearray], None]:
    """What writes values over a header."""
    return lambda data: struct.pack_into(form, data, at, *values)


DAMAGE: dict[str, Callable[[bytearray], Any]] = {
    "cut short": lambda data: data.__delitem__(slice(-200, None)),
    "empty": lambda data: data.clear(),
    "header only": lambda data: data.__delitem__(slice(348, None)),
    "no NIfTI": lambda data: data.__setitem__(slice(None), b"these are words" * 40),
    "claims 32767 a side": packed("<8h", 40, 3, 32767, 32767, 32767, 1, 1, 1, 1),
    "negative size": packed("<8h", 40, 3, -9, 9, 9, 1, 1, 1, 1),
    "five axes": packed("<8h", 40, 5, 3, 3, 3, 3, 9, 1, 1),
    "complex": packed("<2h", 70, 32, 64),
    "RGB": packed("<2h", 70, 128, 24),
    "unknown type": packed("<2h", 70, 9999, 16),
    "offset beyond the end": packed("<f", 108, 1e9),
}


def damage(path: Path, kind: str) -> None:
    write(path, RNG.integers(0, 100, (9, 9, 9)).astype("int16"))
    data = bytearray(path.read_bytes())
    DAMAGE[kind](data)
    path.write_bytes(data)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_or_lying_volume_is_refused_in_one_line(tmp_path: Path, kind: str, zipped: bool) -> None:
    place = tmp_path / "a.nii"
    damage(place, kind)
    if zipped:
        data = place.read_bytes()
        place = tmp_path / "a.nii.gz"
        place.write_bytes(gzip.compress(data))
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)
    assert "a.nii" in str(raised.value)


def test_a_gzip_stream_that_is_cut_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.nii.gz", RNG.normal(size=(20, 20, 20)))
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:-5000])
    with pytest.raises(DataError, match="damaged"):
        tare.measure(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("name", ["anatomical.nii", "example4d.nii.gz", "functional.nii", "standard.nii.gz"])
def test_real_files_are_what_nibabel_reads(name: str) -> None:
    place = Path(nibabel.__file__).parent / "tests" / "data" / name
    if not place.exists():
        pytest.skip(f"this nibabel does not bring {name}")
    values = nibabel.load(place).get_fdata()
    stats = tare.measure(place, layout="HWDC" if values.ndim == 4 else None)
    scale = {"uint8": 255, "uint16": 65535}.get(stats.dtype, 1)
    np.testing.assert_allclose(np.array(stats.mean) * scale, np.atleast_1d(values.mean(axis=(0, 1, 2))), rtol=1e-9)
    np.testing.assert_allclose(np.array(stats.std) * scale, np.atleast_1d(values.std(axis=(0, 1, 2))), rtol=1e-9)


def test_volumes_of_several_folders_have_the_masks_of_their_own(tmp_path: Path) -> None:
    kept = []
    for place in ("p1", "p2"):
        volume, mask = RNG.random((6, 7, 8)), (RNG.random((6, 7, 8)) < 0.5).astype("uint8")
        for where, values in ((place, volume), (f"m/{place}", mask), ("m", mask)):
            (tmp_path / where).mkdir(parents=True, exist_ok=True)
            write(tmp_path / where / "t1.nii.gz", values)
        kept.append(volume[mask != 0])
    pattern = str(tmp_path / "p?" / "t1.nii.gz")
    stats = tare.measure(pattern, mask=tmp_path / "m")
    assert stats.mean == pytest.approx([np.concatenate(kept).mean()])
    assert stats.extra["notes"] == {OUTSIDE: 2}
    for place in ("p1", "p2"):
        (tmp_path / "m" / place / "t1.nii.gz").unlink()
    with pytest.raises(DataError, match=r"a mask for each image, found '.*m/t1.nii.gz' alone for '.*p1/.*' and '.*p2/.*'"):
        tare.measure(pattern, mask=tmp_path / "m")


@pytest.mark.parametrize("inside", [1.0, 0.5])
def test_what_a_mask_of_a_volume_leaves_out_or_holds_between_is_said(tmp_path: Path, inside: float) -> None:
    write(tmp_path / "a.nii", RNG.random((4, 5, 6)))
    write(tmp_path / "a_mask.nii", np.full((4, 5, 6), inside, "float32"))
    extra = tare.measure(tmp_path / "a.nii", mask="_mask.nii").extra
    assert "no value lies outside its mask, so that --mask left nothing out" in extra["remarks"]
    assert extra.get("notes", {}) == ({} if inside == 1 else {SOFT: 1})
