from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tests.encoding import encoded, packed
from tests.sources.reading import assert_moments, assert_same_by_index, samples, skipped, state_of

IMAGES = np.random.default_rng(0).integers(0, 256, (150, 4, 5, 3), dtype=np.uint8)


def shard(first: int, last: int) -> list[tuple[str, bytes]]:
    return [
        member
        for i in range(first, last)
        for member in (
            (f"s/{i:04}.cls", str(i % 3).encode()),
            (f"s/{i:04}.json", b"{}"),
            (f"s/{i:04}.png", encoded(IMAGES[i], "PNG")),
        )
    ]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz"])
def test_a_webdataset_shard_gives_images_and_their_classes(tmp_path: Path, name: str) -> None:
    source = open_source(packed(tmp_path / name, shard(0, 150)))
    found = samples(source)
    np.testing.assert_array_equal([sample.values for sample in found], IMAGES)
    assert [sample.label for sample in found] == [str(i % 3) for i in range(150)]
    assert_moments(state_of(source), IMAGES.reshape(-1, 3))
    assert skipped(source) == []


def test_shards_named_by_braces_by_pattern_by_list_and_by_folder_are_one_dataset(tmp_path: Path) -> None:
    for index in range(3):
        packed(tmp_path / f"x-{index:02}.tar", shard(50 * index, 50 * index + 50))
    by_folder = state_of(open_source(tmp_path))
    assert_moments(by_folder, IMAGES.reshape(-1, 3))
    assert state_of(open_source(f"{tmp_path}/x-{{00..02}}.tar")) == by_folder
    assert state_of(open_source(f"{tmp_path}/x-*.tar")) == by_folder
    assert state_of(open_source([tmp_path / f"x-{index:02}.tar" for index in range(3)])) == by_folder


def test_in_a_packed_folder_the_first_level_is_the_label(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar", [("./cat/1.png", encoded(IMAGES[0], "PNG")), ("2.png", encoded(IMAGES[1], "PNG"))])
    assert [sample.label for sample in samples(open_source(path))] == ["cat", None]


def test_names_that_climb_out_are_only_names(tmp_path: Path) -> None:
    names = ["../../../evil.png", "/etc/evil.png", "a/../../b.png", "new\nline.png", "\udcff.png"]
    path = tmp_path / "a.tar"
    packed(path, [(name, encoded(IMAGES[i], "PNG")) for i, name in enumerate(names)])
    before = sorted(tmp_path.rglob("*"))
    assert_moments(state_of(open_source(path)), IMAGES[:5].reshape(-1, 3))
    assert sorted(tmp_path.rglob("*")) == before


def test_links_and_devices_are_listed_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("good.png")
        data = encoded(IMAGES[0], "PNG")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    stats = tare.measure(path, max_skipped=1)
    assert stats.samples == 1
    assert [(Path(item.path).name, item.foreign) for item in stats.skipped] == [
        ("hard.png", False),
        ("link.png", False),
        ("pipe", True),
    ]


def test_bad_members_are_skipped_with_their_reason(tmp_path: Path) -> None:
    good = encoded(IMAGES[0], "PNG")
    path = packed(
        tmp_path / "a.tar", [("1.png", good), ("2.png", b""), ("3.png", good[:60]), ("4.jpg", b"text"), ("README", b"hi")]
    )
    stats = tare.measure(path, max_skipped=1)
    np.testing.assert_allclose(stats.mean, IMAGES[0].reshape(-1, 3).mean(axis=0) / 255, rtol=1e-12)
    assert len(stats.unreadable) == 3
    assert len(stats.skipped) == 4


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_an_archive_that_ends_early_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name, shard(0, 150))
    data = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(DataError, match=r"complete tar archive|readable file") as caught:
            state_of(open_source(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no tar archive" * 100, gzip.compress(b"no tar archive" * 100, mtime=0)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("a.tar.gz" if content[:2] == b"\x1f\x8b" else "a.tar")
    path.write_bytes(content)
    with pytest.raises(DataError, match="tar archive"):
        state_of(open_source(path))


def test_members_are_the_same_by_index(tmp_path: Path) -> None:
    bad = [("s/bad.png", b"\x89PNG\r\n\x1a\n"), ("s/notes", b"about"), ("s/x.cls", b"7"), ("s/x.png", encoded(IMAGES[0], "PNG"))]
    assert_same_by_index(open_source(packed(tmp_path / "a.tar", shard(0, 70) + bad)))


def test_shards_are_the_same_by_index_and_can_be_sampled(tmp_path: Path) -> None:
    for index in range(3):
        packed(tmp_path / f"x-{index:02}.tar", shard(50 * index, 50 * index + 50))
    assert_same_by_index(open_source(tmp_path))
    assert tare.measure(tmp_path, tolerance=1e-9).channels == tare.measure(tmp_path).channels
    assert tare.measure(tmp_path, tolerance=0.05).extra["sampled"]["share"] < 1


@pytest.mark.parametrize("cut", [1, 600, 1024, 5000])
def test_an_archive_cut_short_is_not_sampled(tmp_path: Path, cut: int) -> None:
    data = packed(tmp_path / "a.tar", shard(0, 20)).read_bytes()
    (tmp_path / "a.tar").write_bytes(data.rstrip(b"\0")[:-cut])
    with pytest.raises(DataError, match="a complete tar archive"):
        tare.measure(tmp_path / "a.tar", tolerance=0.1)


def test_an_archive_cut_between_two_members_is_not_sampled(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar", shard(0, 20))
    with tarfile.open(path) as archive:
        end = archive.getmembers()[30].offset
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DataError, match="stops without an end mark"):
        tare.measure(path, tolerance=0.1)
