from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tare.errors import DataError
from tare.samples.records import Sample, Skipped
from tare.sources.base import ITEMS_PER_CHUNK
from tare.sources.files.image_folder import ImageFolder, open_image_folder, walk_files
from tests.images import random_rgb, rgb_folder, save_png


def read_all(source: ImageFolder) -> dict[str, Sample | Skipped]:
    records = [record for chunk in source.chunks() for record in source.read(chunk)]
    found = {}
    for record in records:
        assert isinstance(record, Sample | Skipped)
        found[Path(record.path).name] = record
    return found


def reason(root: Path, name: str) -> str:
    record = read_all(open_image_folder(root))[name]
    assert isinstance(record, Skipped)
    return record.reason


def test_pixels_paths_and_labels_come_out(tmp_path: Path) -> None:
    images = rgb_folder(tmp_path, 3)
    save_png(tmp_path / "loose.png", random_rgb(9))
    records = read_all(open_image_folder(tmp_path))
    for index, name in enumerate(("000.png", "001.png", "002.png")):
        record = records[name]
        assert isinstance(record, Sample)
        assert record.label == "ab"[index % 2]
        np.testing.assert_array_equal(record.values, images[index])
    loose = records["loose.png"]
    assert isinstance(loose, Sample)
    assert loose.label is None


def test_the_first_folder_level_is_the_label_at_any_depth(tmp_path: Path) -> None:
    save_png(tmp_path / "cat" / "2020" / "x" / "deep.png", random_rgb(0))
    record = read_all(open_image_folder(tmp_path))["deep.png"]
    assert isinstance(record, Sample)
    assert record.label == "cat"


def test_chunks_are_fixed_by_the_sorted_walk_and_can_travel(tmp_path: Path) -> None:
    for index in range(ITEMS_PER_CHUNK + 3):
        (tmp_path / f"{index:04}.png").write_bytes(b"x")
    source = open_image_folder(tmp_path)
    chunks = list(source.chunks())
    assert [source.chunk_length(chunk) for chunk in chunks] == [ITEMS_PER_CHUNK, 3]
    assert chunks == list(pickle.loads(pickle.dumps(source)).chunks())  # noqa: S301 - our own bytes


def test_the_walk_is_sorted_and_follows_links_out_of_the_folder_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("root/b/2", "root/b/1", "root/a/3", "root/0", "root/.hidden/5", "root/@eaDir/6", "root/__MACOSX/7", "away/4"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a" / "self")
    (root / "c").symlink_to(tmp_path / "away")
    (root / "d").symlink_to(tmp_path / "away")
    (root / "up").symlink_to(tmp_path)
    found = [os.path.relpath(path, root) for path in walk_files(root)]
    assert found == [".hidden", "0", "@eaDir", "__MACOSX", "d", "up", "a/3", "a/loop", "a/self", "b/1", "b/2", "c/4"]
    assert [os.path.relpath(path, root) for path in walk_files(root / "a", root)] == ["a/3", "a/loop", "a/self"]


def test_an_empty_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"")
    assert reason(tmp_path, "x.jpg") == "the file is empty"


def test_a_file_that_only_claims_to_be_an_image_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"<html>not found</html>")
    assert reason(tmp_path, "x.jpg").startswith("not an image: it begins with b'<html>")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_image_is_skipped(tmp_path: Path, kind: str) -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(random_rgb(0, 64, 64)).save(buffer, kind)
    (tmp_path / "x.img").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    assert reason(tmp_path, "x.img").startswith(f"damaged {kind}: ")


def test_the_reason_is_the_same_in_every_run(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    assert reason(tmp_path, "x.png") == "damaged PNG: its header cannot be read"


def test_a_mislabelled_image_is_read_by_its_content(tmp_path: Path) -> None:
    save_png(tmp_path / "really-a-png.jpg", random_rgb(0))
    assert isinstance(read_all(open_image_folder(tmp_path))["really-a-png.jpg"], Sample)


def test_an_image_without_a_suffix_is_found_by_its_content(tmp_path: Path) -> None:
    save_png(tmp_path / "image", random_rgb(0))
    assert isinstance(read_all(open_image_folder(tmp_path))["image"], Sample)


def test_a_decompression_bomb_is_skipped_before_it_is_unpacked(tmp_path: Path) -> None:
    import struct
    import zlib

    def block(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = block(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + block(b"IDAT", zlib.compress(bytes(1000))))
    record = read_all(open_image_folder(tmp_path))["bomb.png"]
    assert isinstance(record, Skipped)
    assert "limit" in record.reason


def test_a_text_file_is_foreign_not_unreadable(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about these images")
    record = read_all(open_image_folder(tmp_path))["README.md"]
    assert record == Skipped(str(tmp_path / "README.md"), "not an image by name or content", foreign=True)


def test_a_broken_link_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "gone.png")
    assert reason(tmp_path, "x.png").startswith("cannot be opened: No such file")


def test_a_link_to_itself_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "x.png")
    assert reason(tmp_path, "x.png").startswith("cannot be opened: ")


def test_a_named_pipe_is_skipped_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    assert reason(tmp_path, "x.png") == "not a regular file but a named pipe"


def test_a_name_that_is_not_utf8_does_no_harm(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    save_png(tmp_path / "good.png", random_rgb(0))
    (tmp_path / "good.png").rename(tmp_path / name)
    assert isinstance(read_all(open_image_folder(tmp_path))[name], Sample)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_skipped(tmp_path: Path) -> None:
    save_png(tmp_path / "x.png", random_rgb(0))
    (tmp_path / "x.png").chmod(0)
    assert reason(tmp_path, "x.png").startswith("cannot be opened: Permission denied")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected an existing folder of images, found .*none' does not exist; check the path"):
        open_image_folder(tmp_path / "none")


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(DataError, match=r"expected a folder of images, found .*x' is a file; name the folder"):
        open_image_folder(tmp_path / "x")


def test_links_to_files_that_are_counted_are_said(tmp_path: Path) -> None:
    for place in ("data/a/1.png", "data/a/2.png", "data/.store/3.png", "away/4.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        save_png(tmp_path / place, np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "data" / "all").mkdir()
    for number, target in enumerate(("data/a/1.png", "data/.store/3.png", "away/4.png")):
        (tmp_path / "data" / "all" / f"{number}.png").symlink_to(tmp_path / target)
    (remark,) = open_image_folder(tmp_path / "data").remarks
    assert remark.startswith("1 of 6 files are links to others of them")
    assert open_image_folder(tmp_path / "data" / "all").remarks == ()
