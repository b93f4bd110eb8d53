"""DICOM series against NumPy on the same arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.samples.raw_kind import Known, Unknown
from tare.samples.records import Skipped
from tare.sources.files.picture_masks import CUT, OUTSIDE
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.volumes.dicom_whole import dicom_image

pydicom = pytest.importorskip("pydicom", reason="reads DICOM series (pip install 'tare[medical]')")
RNG = np.random.default_rng(5)


def write(
    path: Path, values: NDArray[Any] | None, *, number: int = 1, series: str = "1.2.3", syntax: str = "", **tags: Any
) -> Path:
    """One slice, 16 bits and monochrome unless the tags say otherwise."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, f"{series}.{number}"
    meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.SeriesInstanceUID = CTImageStorage, f"{series}.{number}", series
    data.Modality, data.InstanceNumber = "CT", number
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2.5 * number]
    data.PixelSpacing, data.SliceThickness = [0.7, 0.7], 2.5
    if values is not None:
        bits = 8 * values.dtype.itemsize
        data.Rows, data.Columns, data.SamplesPerPixel = *values.shape[:2], 1 if values.ndim == 2 else 3
        data.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
        data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
        data.PixelRepresentation = int(values.dtype.kind == "i")
        if values.ndim == 3:
            data.PlanarConfiguration = 0
        data.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def ct(folder: Path, slices: int = 5, series: str = "1.2.3", **tags: Any) -> NDArray[Any]:
    """A CT series whose files are named in another order than its slices, without an ending."""
    volume = RNG.integers(0, 3000, (slices, 8, 9)).astype("uint16")
    for k, values in enumerate(volume):
        write(folder / f"IM{slices - 1 - k:04d}_{series[-1]}", values, number=k, series=series, **tags)
    return volume


HU: dict[str, Any] = {"RescaleSlope": 1, "RescaleIntercept": -1024}


def test_a_folder_of_ct_series_is_one_sample_a_series_in_hounsfield_units(tmp_path: Path) -> None:
    volumes = [ct(tmp_path, 5, "1.2.3", **HU), ct(tmp_path, 7, "1.2.4", **HU)]
    stats = tare.measure(tmp_path)
    flat = np.concatenate([volume.ravel() for volume in volumes]).astype(float) - 1024
    assert (stats.samples, stats.dtype) == (2, "int32")
    np.testing.assert_allclose([stats.mean[0], stats.std[0]], [flat.mean(), flat.std()], rtol=1e-12)
    assert isinstance(stats.units, Known)
    assert stats.units.value == "HU"
    assert stats.extra["facts"]["spacing"] == "0.7 x 0.7 x 2.5 mm"
    assert stats.extra["facts"]["orientation"] == "LAS"  # as of the NIfTI file that dcm2niix makes of it
    assert stats.skipped == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_series_states_the_axes_and_spacing_of_the_volume_it_becomes(tmp_path: Path, seed: int) -> None:
    orientations = pytest.importorskip("nibabel.orientations", reason="compares with nibabel (pip install 'tare[medical]')")
    from tare.sources.volumes.dicom_whole import series_facts

    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    rows, columns, normal = turn[:, 0], turn[:, 1], np.cross(turn[:, 0], turn[:, 1])
    for number in range(3):
        place = [float(f"{value:.6f}") for value in 2.5 * number * normal]
        cosines = [float(f"{value:.6f}") for value in (*rows, *columns)]
        tags: dict[str, Any] = {"ImageOrientationPatient": cosines, "ImagePositionPatient": place, "PixelSpacing": [0.9, 0.70312]}
        write(tmp_path / f"{number}", np.zeros((8, 9), "uint16"), number=number, series="1.2", **tags)
    affine = np.diag([-1.0, -1.0, 1.0]) @ np.stack(
        [rows, -columns, normal], axis=1
    )  # to the left and back, then to the right and front
    wanted = "".join(orientations.aff2axcodes(np.block([[affine, np.zeros((3, 1))], [np.zeros(3), np.ones(1)]])))
    found = dict(series_facts([str(path) for path in sorted(tmp_path.iterdir())]))
    assert found == {"spacing": "0.7031 x 0.9 x 2.5 mm", "orientation": wanted}


def test_values_without_slope_stay_as_stored_and_their_bits_are_those_of_the_header(tmp_path: Path) -> None:
    ct(tmp_path, Modality="MR", BitsStored=12, HighBit=11)
    stats = tare.measure(tmp_path)
    assert stats.dtype == "uint16"
    assert isinstance(stats.units, Unknown)
    assert isinstance(stats.bits, Known)
    assert stats.bits.value == 12
    assert "IM" in stats.bits.origin


def test_a_slope_of_each_slice_is_applied(tmp_path: Path) -> None:
    stored = RNG.integers(0, 3000, (3, 6, 6)).astype("uint16")
    for k, values in enumerate(stored):
        write(tmp_path / f"{k}.dcm", values, number=k, Modality="PT", Units="BQML", RescaleSlope=0.5 + k, RescaleIntercept=0)
    stats = tare.measure(tmp_path)
    expected = stored * (0.5 + np.arange(3))[:, None, None]
    np.testing.assert_allclose([stats.mean[0], stats.std[0]], [expected.mean(), expected.std()], rtol=1e-12)
    assert isinstance(stats.units, Known)
    assert stats.units.value == "BQML"


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept"),
    [("uint32", 1, 0), ("uint32", 1000, -5), ("uint16", 16000, 2 * 10**9), ("uint16", 1, 2 * 10**10)],
)
def test_no_slope_takes_values_beyond_the_type_that_holds_them(tmp_path: Path, dtype: str, slope: int, intercept: int) -> None:
    values = RNG.integers(0, np.iinfo(dtype).max, (6, 7), dtype)
    write(tmp_path / "a.dcm", values, RescaleSlope=str(slope), RescaleIntercept=str(intercept))
    wanted = values * float(slope) + intercept
    np.testing.assert_allclose(tare.measure(tmp_path / "a.dcm").mean, wanted.mean())
    np.testing.assert_allclose(dicom_image(str(tmp_path / "a.dcm"))[..., 0], wanted)  # type: ignore[index]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"RescaleSlope": "0"}, "a rescale slope of 0"),
        ({"BitsStored": 12, "HighBit": 15}, "12 bits of which the highest is bit 15"),
    ],
)
def test_a_slope_of_zero_and_bits_that_are_shifted_are_refused(tmp_path: Path, tags: dict[str, Any], found: str) -> None:
    write(tmp_path / "a.dcm", RNG.integers(0, 4000, (6, 7)).astype("uint16"), **tags)
    with pytest.raises(DataError, match=found):
        tare.measure(tmp_path / "a.dcm")


def test_padding_of_floats_is_left_out(tmp_path: Path) -> None:
    values = RNG.random((6, 7)).astype("float32")
    values[:2] = -1e10
    place = write(tmp_path / "a.dcm", values, FloatPixelData=values.tobytes(), FloatPixelPaddingValue=-1e10)
    data = pydicom.dcmread(place)
    del data.PixelData
    data.save_as(place)
    stats = tare.measure(place)
    assert stats.channels[0].count == 28
    np.testing.assert_allclose(stats.mean, values[2:].mean(), rtol=1e-6)


def test_padding_is_left_out(tmp_path: Path) -> None:
    values = RNG.integers(0, 3000, (8, 8)).astype("int16")
    values[:3] = -2000
    write(tmp_path / "a.dcm", values, PixelPaddingValue=-2000, **HU)
    stats = tare.measure(tmp_path / "a.dcm")
    assert stats.channels[0].count == 40
    np.testing.assert_allclose(stats.mean, values[3:].mean() - 1024.0)
    assert isinstance(stats.nodata, Known)
    assert stats.nodata.value == (-3024.0,)


def test_frames_and_colours(tmp_path: Path) -> None:
    colours = RNG.integers(0, 255, (6, 7, 3)).astype("uint8")
    stats = tare.measure(write(tmp_path / "rgb.dcm", colours, Modality="US"))
    np.testing.assert_allclose(stats.mean, colours.mean(axis=(0, 1)) / 255)
    frames = RNG.integers(0, 255, (4, 6, 7)).astype("uint8")
    write(tmp_path / "frames.dcm", frames[0], Modality="US", NumberOfFrames=4, PixelData=frames.tobytes())
    np.testing.assert_allclose(tare.measure(tmp_path / "frames.dcm").mean, frames.mean() / 255)


def test_monochrome1_is_inverted_as_training_inverts_it_and_that_is_said(tmp_path: Path) -> None:
    values = RNG.integers(0, 4096, (6, 7)).astype("uint16")
    stated: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "Modality": "CR"}
    write(tmp_path / "a.dcm", values, series="1.1", PhotometricInterpretation="MONOCHROME1", **stated)
    stats = tare.measure(tmp_path)
    assert "MONOCHROME1 (inverted, so that low is dark)" in " ".join(stats.extra["remarks"])
    trained = dicom_image(str(tmp_path / "a.dcm"))
    assert not isinstance(trained, Skipped)
    assert stats.mean[0] == pytest.approx(trained.mean() / 65535) == pytest.approx((4095 - values.astype(float)).mean() / 65535)
    write(tmp_path / "b.dcm", 4095 - values, series="1.2", **stated)  # the same picture
    both = tare.measure(tmp_path)
    assert both.samples == 2
    assert both.mean[0] == pytest.approx(stats.mean[0])


def test_padding_of_monochrome1_is_told_as_it_is_after_inversion(tmp_path: Path) -> None:
    values = RNG.integers(0, 3000, (8, 8)).astype("uint16")
    values[:3] = 4095
    look: dict[str, Any] = {
        "PhotometricInterpretation": "MONOCHROME1",
        "PixelPaddingValue": 4095,
        "BitsStored": 12,
        "HighBit": 11,
    }
    write(tmp_path / "a.dcm", values, **look)
    stats = tare.measure(tmp_path / "a.dcm")
    assert stats.channels[0].count == 40
    assert isinstance(stats.nodata, Known)
    assert stats.nodata.value == (0.0,)


@pytest.mark.parametrize("look", ["PALETTE COLOR", "HSV", "MONOCHROME3"])
def test_values_that_are_no_grey_and_no_colours_are_refused(look: str, tmp_path: Path) -> None:
    values = RNG.integers(0, 255, (6, 7)).astype("uint8")
    write(tmp_path / "a.dcm", values, PhotometricInterpretation=look)
    with pytest.raises(DataError, match=f"the photometric interpretation '{look}'"):
        tare.measure(tmp_path)
    assert isinstance(dicom_image(str(tmp_path / "a.dcm")), Skipped)


def test_series_of_two_spacings_or_units_are_not_pooled(tmp_path: Path) -> None:
    ct(tmp_path, series="1.1", **HU)
    ct(tmp_path, series="1.2", PixelSpacing=[0.5, 0.5], **HU)
    with pytest.raises(DataError, match=r"one spacing, .*0.5 x 0.5 x 2.5 mm in 1.*0.7 x 0.7 x 2.5 mm in 1"):
        tare.measure(tmp_path)
    assert tare.measure(tmp_path, mixed_spacing=True).samples == 2
    ct(tmp_path, series="1.3", RescaleType="US", **HU)
    with pytest.raises(DataError, match="one units"):
        tare.measure(tmp_path, mixed_spacing=True)


def test_a_missing_slice_is_noted(tmp_path: Path) -> None:
    ct(tmp_path, 6, **HU)
    (tmp_path / "IM0000_3").unlink()  # an end: nothing is missing between the others
    assert "notes" not in tare.measure(tmp_path).extra
    (tmp_path / "IM0003_3").unlink()
    assert any("uneven" in note for note in tare.measure(tmp_path).extra["notes"])


def test_objects_without_pixels_are_foreign_beside_images_and_refused_alone(tmp_path: Path) -> None:
    write(tmp_path / "dose", None, series="9.9", Modality="RTSTRUCT")
    with pytest.raises(DataError, match=r"no pixel data \(a DICOM object of modality RTSTRUCT\)"):
        tare.measure(tmp_path)
    ct(tmp_path, **HU)
    (tmp_path / "README").write_text("words")
    stats = tare.measure(tmp_path)
    assert stats.samples == 1
    assert stats.unreadable == ()


def test_slices_of_different_sizes_in_one_series_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", np.ones((4, 4), "uint16"), number=1)
    write(tmp_path / "b.dcm", np.ones((4, 5), "uint16"), number=2)
    with pytest.raises(DataError, match="slices of 4 x 4 and 4 x 5"):
        tare.measure(tmp_path)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("cut short", "a.dcm.*412|expected|bytes"),
        ("no pixels", "no pixel data"),
        ("deflated", "deflated"),
        ("unknown compression", "a.dcm"),
        ("MPEG", "compressed as MPEG"),
        ("lookup table", "lookup table"),
        ("claims 65535 a side", "claims 65535 x 65535|pixel data"),
        ("half a header", "damaged|no pixel data|no DICOM"),
        ("words", "no DICOM file by its content"),
        ("compressed rubbish", "a.dcm"),
    ],
)
def test_a_damaged_or_undecodable_file_is_refused_in_one_line(tmp_path: Path, kind: str, found: str) -> None:
    place, values = tmp_path / "a.dcm", RNG.integers(0, 3000, (16, 16)).astype("uint16")
    write(place, values)
    if kind == "cut short":
        place.write_bytes(place.read_bytes()[:-100])
    if kind == "no pixels":
        write(place, values)
        data = pydicom.dcmread(place)
        del data.PixelData
        data.save_as(place)
    if kind == "deflated":
        data = pydicom.dcmread(place)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
        data.save_as(place)
    if kind in ("unknown compression", "MPEG", "compressed rubbish"):
        syntax = {"MPEG": "1.2.840.10008.1.2.4.100", "compressed rubbish": "1.2.840.10008.1.2.4.70"}
        data = pydicom.dcmread(place)
        data.PixelData = pydicom.encaps.encapsulate([b"\0" * 100])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = syntax.get(kind, "1.2.840.10008.1.2.4.201")
        data.save_as(place)
    if kind == "lookup table":
        write(place, values, ModalityLUTSequence=[pydicom.Dataset()])
    if kind == "claims 65535 a side":
        write(place, values, Rows=65535, Columns=65535)
    if kind == "half a header":
        place.write_bytes(place.read_bytes()[:300])
    if kind == "words":
        place.write_bytes(b"words " * 100)
    with pytest.raises(DataError, match=found) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


BUNDLED = (
    "CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm", "emri_small.dcm", "rtdose.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", BUNDLED)
def test_real_files_are_what_pydicom_reads(name: str) -> None:
    place = Path(pydicom.__file__).parent / "data" / "test_files" / name
    if not place.exists():
        pytest.skip(f"this pydicom does not bring {name}")
    data = pydicom.dcmread(place)
    values = data.pixel_array.astype(float) * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    values = values.reshape(-1, int(data.SamplesPerPixel))
    stats = tare.measure(place)
    scale = {"uint8": 255, "uint16": 65535}.get(stats.dtype, 1)
    np.testing.assert_allclose(np.array(stats.mean) * scale, values.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(np.array(stats.std) * scale, values.std(axis=0), rtol=1e-9)


def _masked(folder: Path, where: Path, seed: int = 0) -> list[NDArray[Any]]:
    """A mask in ``where`` for each slice of a folder, under its name."""
    where.mkdir()
    made: list[NDArray[Any]] = []
    for path in sorted(folder.iterdir()):
        mask = np.random.default_rng((seed, len(made))).integers(0, 2, (8, 9)).astype("uint8")
        write(where / path.name, mask, series="9.9.9", number=len(made))
        made.append(mask)
    return made


def test_masks_of_a_folder_choose_the_values_of_each_slice(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    volume = ct(tmp_path / "ct", 5, **HU)
    masks = _masked(tmp_path / "ct", tmp_path / "masks")
    inside = np.concatenate([volume[4 - k][mask != 0] for k, mask in enumerate(masks)]).astype(float) - 1024
    stats = tare.measure(tmp_path / "ct", mask=tmp_path / "masks")
    assert (stats.samples, stats.channels[0].count) == (1, inside.size)
    np.testing.assert_allclose([stats.mean[0], stats.std[0]], [inside.mean(), inside.std()], rtol=1e-12)
    assert "only values where the mask" in stats.extra["remarks"][0]
    source = open_source(tmp_path / "ct", Options(mask=str(tmp_path / "masks")))
    (chunk,) = source.chunks()
    assert sorted(source.beside(chunk)) == sorted(map(str, (tmp_path / "masks").iterdir()))


def test_masks_beside_their_slices_are_no_slices(tmp_path: Path) -> None:
    values = RNG.integers(1, 3000, (8, 9)).astype("uint16")
    write(tmp_path / "a.dcm", values)
    mask = np.zeros((8, 9), "uint8")
    mask[2:4] = 3
    write(tmp_path / "a_mask.dcm", mask, series="9.9")
    stats = tare.measure(tmp_path, mask="_mask.dcm")
    assert stats.samples == 1
    assert stats.mean[0] == pytest.approx(values[2:4].mean() / 65535)


def test_a_mask_of_a_slice_that_lost_values_is_cut_at_its_middle_or_refused(tmp_path: Path) -> None:
    values = RNG.integers(1, 3000, (8, 9)).astype("uint16")
    write(tmp_path / "a.dcm", values)
    mask = np.repeat(np.array([0, 0, 0, 6, 251, 255, 255, 254], "uint8")[:, None], 9, axis=1)
    write(tmp_path / "a_mask.dcm", mask, series="9.9", LossyImageCompression="01")
    stats = tare.measure(tmp_path, mask="_mask.dcm")
    assert stats.mean[0] == pytest.approx(values[4:].mean() / 65535)
    assert stats.extra["notes"] == {CUT: 1, OUTSIDE: 1}
    write(tmp_path / "a_mask.dcm", mask // 2, series="9.9", LossyImageCompression="01")
    with pytest.raises(DataError, match=r"its mask .*a_mask.dcm': stored with losses"):
        tare.measure(tmp_path, mask="_mask.dcm")


def test_slices_of_several_folders_have_the_masks_of_their_own(tmp_path: Path) -> None:
    kept = []
    for place in ("p1", "p2"):
        (tmp_path / place).mkdir()
        (tmp_path / "m" / place).mkdir(parents=True)
        values, mask = RNG.integers(1, 3000, (8, 9)).astype("uint16"), RNG.integers(0, 2, (8, 9)).astype("uint8")
        write(tmp_path / place / "IM0", values, series=f"1.{place[1]}")
        for where in (tmp_path / "m" / place, tmp_path / "m"):
            write(where / "IM0", mask, series="9")
        kept.append(values[mask != 0])
    pattern = str(tmp_path / "p?" / "IM0")
    assert tare.measure(pattern, mask=tmp_path / "m").mean[0] == pytest.approx(np.concatenate(kept).mean() / 65535)
    for place in ("p1", "p2"):
        (tmp_path / "m" / place / "IM0").unlink()
    with pytest.raises(DataError, match=r"a mask for each image, found '.*m/IM0' alone for '.*p1/IM0' and '.*p2/IM0'"):
        tare.measure(pattern, mask=tmp_path / "m")


def test_a_slice_without_a_mask_or_with_one_of_another_size_says_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "ct" / name).mkdir(parents=True)
        ct(tmp_path / "ct" / name, 2, f"1.2.{3 if name == 'a' else 4}", **HU)
    (tmp_path / "masks" / "a").mkdir(parents=True)
    for path in (tmp_path / "ct" / "a").iterdir():
        write(tmp_path / "masks" / "a" / path.name, np.ones((4, 9), "uint8"), series="9.9")
    (tmp_path / "ct" / "c").mkdir()
    ct(tmp_path / "ct" / "c", 1, "1.2.5", **HU)
    (tmp_path / "masks" / "c").mkdir()
    write(tmp_path / "masks" / "c" / "IM0000_5", np.ones((8, 9), "uint8"), series="9.9")
    stats = tare.measure(tmp_path / "ct", mask=tmp_path / "masks", max_skipped=1.0)
    reasons = " ".join(item.reason for item in stats.skipped)
    assert stats.samples == 1
    assert "has 4 x 9 pixels" in reasons
    assert "no mask" in reasons


def _frames(values: NDArray[Any], maps: Sequence[tuple[float, float]], path: Path) -> Path:
    """A file of many frames, whose groups state a slope and an intercept each."""
    groups = []
    for slope, intercept in maps:
        one, group = pydicom.Dataset(), pydicom.Dataset()
        one.RescaleSlope, one.RescaleIntercept, one.RescaleType = slope, intercept, "HU"
        group.PixelValueTransformationSequence = [one]
        groups.append(group)
    name = "SharedFunctionalGroupsSequence" if len(groups) == 1 else "PerFrameFunctionalGroupsSequence"
    told: dict[str, Any] = {"Rows": values.shape[1], "Columns": values.shape[2], "NumberOfFrames": len(values)}
    told |= {"PixelData": values.tobytes(), name: groups}
    return write(path, values[0], **told)


def test_the_slope_of_the_groups_of_frames_is_applied_and_several_are_refused(tmp_path: Path) -> None:
    values = RNG.integers(0, 3000, (2, 8, 9)).astype("uint16")
    for maps in ([(1, -1000)], [(1, -1000), (1, -1000)]):
        stats = tare.measure(_frames(values, maps, tmp_path / "a.dcm"))
        np.testing.assert_allclose(stats.mean[0], values.mean() - 1000, rtol=1e-12)
        assert isinstance(stats.units, Known)
        assert stats.units.value == "HU"
    with pytest.raises(DataError, match="frames of different slopes or intercepts"):
        tare.measure(_frames(values, [(1, -1000), (2, 0)], tmp_path / "b.dcm"))


@pytest.mark.parametrize(
    ("kinds", "maps", "kind"),
    [
        (("int16", "int16"), ({}, {"RescaleSlope": 2, "RescaleIntercept": -24}), "int32"),
        (("uint16", "int16"), ({}, {}), "int32"),
        (("int16", "uint16"), ({}, {}), "int32"),
        (("uint8", "uint16"), ({}, {}), "int32"),
        (("uint16", "uint16"), ({}, {"RescaleSlope": 0.5, "RescaleIntercept": 0}), "float64"),
        (("uint16", "uint16"), ({}, {}), "uint16"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_slices_that_are_stored_in_several_ways_have_the_values_of_each(
    tmp_path: Path, kinds: tuple[str, str], maps: Any, kind: str, turned: bool
) -> None:
    values = []
    for number, (stored, tags) in enumerate(sorted(zip(kinds, maps, strict=True), key=str, reverse=turned)):
        raw = RNG.integers(0 if stored[0] == "u" else -200, 250, (8, 9)).astype(stored)
        write(tmp_path / f"{number}.dcm", raw, number=number, **tags)
        values.append(raw.astype(float) * tags.get("RescaleSlope", 1) + tags.get("RescaleIntercept", 0))
    stats = tare.measure(tmp_path)
    scale = 65535 if kind == "uint16" else 1
    assert stats.dtype == kind
    assert stats.mean == pytest.approx([np.mean(values) / scale])
    assert stats.std == pytest.approx([np.std(values) / scale])
