from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import DataError
from tare.samples.decode import UndecodableError, decode_noted
from tare.samples.tiff import Page, pages_of
from tests.tiff_files import bands, tiff

GREY = [bands(6, 5, 1, "uint8", seed) for seed in range(3)]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_pages_and_bands_are_read_as_the_directories_state_them(big_endian: bool, big: bool) -> None:
    data = tiff(
        bands(6, 5, 13), bands(3, 2, 13), bands(6, 5, 13), extra=(0,) * 12, kinds=(0, 1, 0), big_endian=big_endian, big=big
    )
    assert pages_of(data) == (Page(0, 13, 16, 12), Page(2, 13, 16, 12))  # the overview is no page
    assert pages_of(tiff(*GREY, big_endian=big_endian, big=big)) == tuple(Page(k, 1, 8, 0) for k in range(3))
    if not (big and big_endian):  # which Pillow cannot read
        np.testing.assert_array_equal(decode_noted(tiff(GREY[0], big_endian=big_endian, big=big)).values, GREY[0])


@pytest.mark.parametrize(
    ("number", "photometric", "extra", "further"),
    [
        (4, 2, (0,), 1),
        (4, 2, (2,), 0),
        (4, 2, (), 0),
        (2, 1, (0,), 1),
        (2, 1, (1,), 0),
        (5, 2, (0, 0), 2),
        (4, 1, (0,) * 3, 3),
        (4, 5, (), 0),
    ],
)
def test_bands_beyond_colours_and_alpha_are_counted(number: int, photometric: int, extra: tuple[int, ...], further: int) -> None:
    assert pages_of(tiff(bands(2, 2, number), photometric=photometric, extra=extra))[0].further == further


def test_a_damaged_or_endless_file_has_no_pages_or_each_page_once() -> None:
    data = tiff(*GREY)
    for end in range(8, len(data), 7):
        assert len(pages_of(data[:end])) in (0, 3)
    assert pages_of(b"II*\0") == pages_of(b"") == ()
    one = bytearray(tiff(GREY[0]))
    at = 8 + 2 + 11 * 12
    one[at : at + 4] = (8).to_bytes(4, "little")  # the next directory is the first one
    assert len(pages_of(bytes(one))) == 1


def test_several_pages_are_refused_unless_their_meaning_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    first, *others = (Image.fromarray(page[..., 0]) for page in GREY)
    first.save(path, save_all=True, append_images=others)
    with pytest.raises(DataError, match="a TIFF of 3 pages: state --pages samples if each is a sample, --pages channels if"):
        tare.measure(path)
    samples, channels = tare.measure(path, pages="samples"), tare.measure(path, pages="channels")
    assert (samples.samples, len(samples.channels)) == (3, 1)
    assert samples.mean == pytest.approx((np.mean(GREY) / 255,))
    assert (channels.samples, [channel.name for channel in channels.channels]) == (1, ["c0", "c1", "c2"])
    assert channels.mean == pytest.approx([page.mean() / 255 for page in GREY])
    with pytest.raises(DataError, match="a random sample of files with one sample each, found --pages samples"):
        tare.measure(path, pages="samples", tolerance=0.1)


@pytest.mark.parametrize("form", ["folder", "list", "tar"])
def test_pages_are_samples_in_folders_lists_and_archives(form: str, tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "d").mkdir()
    for k in range(2):
        (tmp_path / "d" / f"{k}.tif").write_bytes(tiff(*GREY))
    place = tmp_path / "d"
    if form == "list":
        place = tmp_path / "l.txt"
        place.write_text("d/0.tif\nd/1.tif\n")
    elif form == "tar":
        place = tmp_path / "t.tar"
        with tarfile.open(place, "w") as archive:
            archive.add(tmp_path / "d", "d")
    assert tare.measure(place, pages="samples").samples == 6
    with pytest.raises(DataError, match="a TIFF of 3 pages"):
        tare.measure(place)


@pytest.mark.parametrize(
    "how", [{"imagej": True, "truncate": True}, {"truncate": True}, {"volumetric": True, "tile": (16, 16, 16)}]
)
def test_planes_without_a_directory_are_not_left_out_silently(how: dict[str, Any]) -> None:
    tifffile = pytest.importorskip("tifffile", reason="writes TIFFs of many planes in one directory")
    stack = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stack, photometric="minisblack", **how)
    with pytest.raises(UndecodableError, match="a TIFF of 3 planes, of which 1 can be read"):
        decode_noted(buffer.getvalue(), pages="samples")
    whole = io.BytesIO()
    tifffile.imwrite(whole, stack, photometric="minisblack", imagej=how.get("imagej", False))
    assert decode_noted(whole.getvalue(), pages="samples").values.shape == (3, 4, 5, 1)


def test_webp_inside_a_tiff_is_read_by_tifffile() -> None:
    tifffile = pytest.importorskip("tifffile", reason="writes the TIFF")
    pytest.importorskip("imagecodecs", reason="compresses the TIFF")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 18, 3), np.uint8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", compression="webp", compressionargs={"lossless": True})
    np.testing.assert_array_equal(decode_noted(buffer.getvalue()).values, pixels)


def test_pages_of_different_sizes_are_refused_and_a_page_with_an_overview_is_one_image() -> None:
    for pages in ("samples", "channels"):
        with pytest.raises(UndecodableError, match="2 pages that differ in size or kind: split it into files"):
            decode_noted(tiff(bands(6, 5, 1, "uint8"), bands(5, 6, 1, "uint8")), pages=pages)
    decoded = decode_noted(tiff(GREY[0], GREY[1][:3, :2], kinds=(0, 1)))
    np.testing.assert_array_equal(decoded.values, GREY[0])
    assert decoded.notes == ()


def test_frames_of_an_animation_are_samples_if_that_is_stated() -> None:
    buffer = io.BytesIO()
    first, *others = (Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (0, 100, 200))
    first.save(buffer, "GIF", save_all=True, append_images=others)
    decoded = decode_noted(buffer.getvalue(), "grey", pages="samples")
    assert (decoded.several, decoded.values.shape) == (True, (3, 4, 4, 1))
    assert decoded.values[:, 0, 0, 0].tolist() == [0, 100, 200]
    assert decode_noted(buffer.getvalue(), "grey").notes == ("first of several frames read",)


@pytest.mark.parametrize(
    ("values", "photometric", "extra", "words"),
    [
        (bands(6, 5, 13), 1, (0,) * 12, "13 bands of 16 bits"),
        (bands(6, 5, 2), 1, (0,), "2 bands of 16 bits"),
        (bands(6, 5, 4, "uint8"), 2, (0,), "4 bands of 8 bits"),
        (bands(6, 5, 2, "uint8"), 1, (0,), "2 bands of 8 bits"),
    ],
)
def test_more_bands_than_pillow_reads_are_said_without_tifffile_and_read_with_it(
    values: Any, photometric: int, extra: tuple[int, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bands.tif"
    path.write_bytes(tiff(values, photometric=photometric, extra=extra))
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(
        DataError, match=rf"a TIFF of {words}, which Pillow cannot read: install tifffile \(pip install 'tare\[tiff\]'\)"
    ):
        tare.measure(path)
    for planar, stored in ((1, values), (2, np.moveaxis(values, -1, 0))):
        monkeypatch.setitem(sys.modules, "tifffile", fake_tifffile(stored, planar))
        stats = tare.measure(path)
        assert (stats.samples, stats.dtype, len(stats.channels)) == (1, values.dtype.name, values.shape[-1])
        scale = 255 if values.dtype == np.uint8 else 65535
        assert stats.mean == pytest.approx(values.reshape(-1, values.shape[-1]).mean(axis=0) / scale)


def fake_tifffile(stored: Any, planar: int) -> ModuleType:
    """A stand-in with the two calls that are used: ``TiffFile(file).pages[k].asarray()`` and ``.planarconfig``."""
    page = SimpleNamespace(asarray=lambda: stored, planarconfig=planar)

    class TiffFile:
        def __init__(self, file: io.BytesIO) -> None:
            assert pages_of(file.getvalue())
            self.pages = [page]

        def __enter__(self) -> TiffFile:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    module = ModuleType("tifffile")
    module.TiffFile = TiffFile  # type: ignore[attr-defined]
    return module


def test_thirteen_bands_are_read_by_the_library_itself(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="tifffile is not installed")
    values = bands(8, 9, 13)
    for planar in ("contig", "separate"):
        stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
        tifffile.imwrite(tmp_path / "a.tif", stored, planarconfig=planar, photometric="minisblack")
        assert tare.measure(tmp_path / "a.tif").mean == pytest.approx(values.reshape(-1, 13).mean(axis=0) / 65535)
