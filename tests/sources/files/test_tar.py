from __future__ import annotations

import gzip
import io
import shutil
import subprocess
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


def test_further_images_of_a_key_are_counted_and_said(tmp_path: Path) -> None:
    views = [(i, k, view) for i in range(5) for k, view in enumerate(("left", "right"))]
    pairs = [(f"{i:04}.{view}.png", encoded(IMAGES[2 * i + k], "PNG")) for i, k, view in views]
    said = "further files of a WebDataset sample, each counted as a sample of its own"
    assert dict(state_of(open_source(packed(tmp_path / "a.tar", pairs))).notes) == {said: 5}
    assert_same_by_index(open_source(tmp_path / "a.tar"))
    assert tare.measure(tmp_path / "a.tar").samples == 10
    assert not state_of(open_source(packed(tmp_path / "b.tar", shard(0, 9)))).notes


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


def test_a_second_member_of_one_name_is_no_further_sample(tmp_path: Path) -> None:
    first, second = (encoded(image, "PNG") for image in IMAGES[:2])
    path = packed(tmp_path / "a.tar", [("a/1.png", first), ("a/2.png", second), ("./a/1.png", second)])
    with pytest.raises(DataError, match="a second member of this name, which replaces the first"):
        tare.measure(path)
    assert tare.measure(path, max_skipped=1).samples == 2
    assert_same_by_index(open_source(str(path)))


@pytest.mark.parametrize("mask", ["cat/{}_mask.png", "cat/{}.seg.png", "Masks/cat/{}.png"])
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_masks_beside_images_are_no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mask: str) -> None:
    photos = [(f"cat/{k}.png", encoded(IMAGES[k], "PNG")) for k in range(4)]
    masks = [(mask.format(k), encoded(np.full((8, 9), 255 * (k % 2), np.uint8), "PNG")) for k in range(4)]
    with pytest.raises(DataError, match=r"images of one kind.*for 4 of 4 images: masks for each image"):
        tare.measure(packed(tmp_path / name, [*masks, *photos]))
    monkeypatch.setattr("tare.sources.files.masks._MANY", 0)
    many = [
        (member.replace(str(k % 4), str(k)), data)
        for each in (photos, masks)
        for k in range(400)
        for member, data in [each[k % 4]]
    ]
    with pytest.raises(DataError, match=r"for (\d+) of \1 images looked at: masks for each image"):
        tare.measure(packed(tmp_path / name, many))
    monkeypatch.undo()
    views = [(member, encoded(IMAGES[9], "PNG")) for member, _ in masks]
    assert tare.measure(packed(tmp_path / name, [*views, *photos])).samples == 8
    assert tare.measure(packed(tmp_path / name, [*masks, ("a.png", views[0][1])])).samples == 5


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


HOLES = {
    "a/0": [(0, 15), (39_015, 1_000)],
    "a/1": [(0, 15)],
    "b/2": [(0, 40_015)],
    "b/3": [(0, 15), (8_207, 9), (20_000, 4_111)],
}
PAX = "--format=pax --sparse-version="


def sparse_images(folder: Path) -> dict[str, bytes]:
    """PGM files with holes of several kinds, as a file system keeps them; one has none."""
    kept = {}
    for name, pieces in HOLES.items():
        data = bytearray(b"P5\n200 200\n255\n".ljust(40_015, b"\0"))
        for start, length in pieces[1:] or pieces:
            data[max(15, start) : start + length] = bytes((7 * k + 1) % 256 for k in range(start + length - max(15, start)))
        path = folder / f"{name}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(len(data))
            for start, length in pieces:
                file.seek(start)
                file.write(data[start : start + length])
        kept[f"{name}.pgm"] = bytes(data)
    return kept


@pytest.mark.skipif(shutil.which("tar") is None, reason="writes sparse members with GNU tar")
@pytest.mark.parametrize("form", ["--format=gnu", f"{PAX}0.0", f"{PAX}0.1", f"{PAX}1.0"])
def test_sparse_members_have_the_same_values_by_index_and_from_a_stream(tmp_path: Path, form: str) -> None:
    kept = sparse_images(tmp_path / "x")
    command = ["tar", "--sparse", "--hole-detection=raw", *form.split(), "--sort=name", "-cf", str(tmp_path / "a.tar"), "a", "b"]
    subprocess.run(command, cwd=tmp_path / "x", check=True)  # noqa: S603
    assert b"SCHILY" in (tmp_path / "a.tar").read_bytes() or (tmp_path / "a.tar").stat().st_size < 120_000
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write((tmp_path / "a.tar").read_bytes())
    source = open_source(tmp_path / "a.tar")
    for found in (samples(source), samples(open_source(tmp_path / "a.tar.gz"))):
        assert [b"P5\n200 200\n255\n" + sample.values.tobytes() for sample in found] == list(kept.values())
    assert_same_by_index(source)


def old_gnu_sparse(name: str, data: bytes, pieces: list[tuple[int, int]]) -> bytes:
    """A member in the old GNU format, with any pieces."""
    member = tarfile.TarInfo(name)
    member.size, member.type = sum(length for _, length in pieces), tarfile.GNUTYPE_SPARSE
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[386:482] = b"".join(f"{start:011o}\0{length:011o}\0".encode() for start, length in pieces).ljust(96, b"\0")
    block[483:495] = f"{len(data):011o}\0".encode()
    block[148:156] = b"        "
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    body = b"".join(data[start : start + length].ljust(length, b"\0") for start, length in pieces)
    return bytes(block) + body + bytes(-len(body) % 512)


@pytest.mark.parametrize("pieces", [[(512, 512), (0, 512)], [(0, 1024), (512, 512)], [(0, 512), (4096, 512)]])
def test_a_sparse_member_whose_pieces_do_not_fit_is_refused_by_every_way(tmp_path: Path, pieces: list[tuple[int, int]]) -> None:
    data = b"P5\n40 40\n255\n" + bytes(range(200)) * 8
    whole = old_gnu_sparse("good.pgm", data, [(0, 512), (1024, len(data) - 1024)])
    (tmp_path / "a.tar").write_bytes(whole + old_gnu_sparse("bad.pgm", data, pieces) + bytes(1024))
    source = open_source(tmp_path / "a.tar")
    assert [item.reason for item in skipped(source)] == ["a sparse file whose pieces do not fit its size"]
    expected = data[13:512] + bytes(512) + data[1024:]
    assert [sample.values.tobytes() for sample in samples(source)] == [expected]
    assert_same_by_index(source)


def test_a_second_archive_behind_the_first_is_not_left_unread(tmp_path: Path) -> None:
    one = packed(tmp_path / "a.tar", shard(0, 2)).read_bytes()
    (tmp_path / "both.tar").write_bytes(one + one)
    with pytest.raises(DataError, match=r"one tar archive in a file, found .*another archive behind its end"):
        samples(open_source(tmp_path / "both.tar"))
    with gzip.open(tmp_path / "both.tar.gz", "wb") as file:
        file.write(one + bytes(1 << 20) + one)
    with pytest.raises(DataError, match="another archive behind its end"):
        samples(open_source(tmp_path / "both.tar.gz"))
    (tmp_path / "padded.tar").write_bytes(one + bytes(100_000) + b"padding of another kind" * 90)
    assert len(samples(open_source(tmp_path / "padded.tar"))) == 2
    assert_same_by_index(open_source(tmp_path / "padded.tar"))


def member(name: str, data: bytes, **changes: object) -> bytes:
    one = tarfile.TarInfo(name)
    one.size = len(data)
    for key, value in changes.items():
        setattr(one, key, value)
    return one.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512)


def test_members_with_tricks_are_the_same_by_index_and_from_a_stream(tmp_path: Path) -> None:
    images = [encoded(IMAGES[k], "PNG") for k in range(6)]
    large = bytearray(member("size.png", images[0])[:512])
    large[124:136] = b"\x80" + len(images[0]).to_bytes(11, "big")  # base 256
    large[148:156] = b"        "
    large[148:156] = f"{sum(large):06o}\0 ".encode()
    parts = [
        bytes(large) + images[0] + bytes(-len(images[0]) % 512),
        member("twice.png", images[1]),
        member("twice.png", images[2]),
        member("link.png", b"", type=tarfile.LNKTYPE, linkname="twice.png"),
        member("long" * 60 + ".png", images[3]),
        member("pax.png", images[4], pax_headers={"size": str(len(images[4])), "path": "renamed.png"}),
        member("empty.png", b""),
        member("fifo.png", b"", type=tarfile.FIFOTYPE),
    ]
    (tmp_path / "a.tar").write_bytes(b"".join(parts) + bytes(1024))
    source = open_source(tmp_path / "a.tar")
    assert len(samples(source)) == 4
    assert len(skipped(source)) == 4
    assert_same_by_index(source)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"".join(parts[:3])) + gzip.compress(b"".join(parts[3:]) + bytes(1024)))
    assert state_of(open_source(tmp_path / "a.tar.gz")).groups.keys() == state_of(source).groups.keys()
    assert len(samples(open_source(tmp_path / "a.tar.gz"))) == 4
