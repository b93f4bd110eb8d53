from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tare.errors import DataError
from tare.samples.decode import image_format
from tare.sources.files.image_folder import claims_or_is
from tare.sources.named_files import image_paths


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b/2.png", "a/1.JPG", "a/notes.txt", "c[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(root: Path, *words: str, stdin: bytes = b"") -> list[str]:
    given = [word if word == "-" else str(root / word) for word in words]
    return [path.removeprefix(f"{root}/") for path in image_paths(given, io.BytesIO(stdin))]


def test_the_order_is_that_of_the_words(photos: Path) -> None:
    assert names(photos, "b/2.png", "a/1.JPG", "b/2.png") == ["b/2.png", "a/1.JPG", "b/2.png"]


def test_a_folder_stands_for_its_images_sorted(photos: Path) -> None:
    assert names(photos.parent, photos.name) == [f"{photos.name}/{name}" for name in ("c[1].png", "a/1.JPG", "b/2.png")]
    assert names(photos, "a") == ["a/1.JPG"]


def test_a_pattern_stands_for_what_it_matches_and_a_file_of_that_name_for_itself(photos: Path) -> None:
    assert names(photos, "*/*.png") == ["b/2.png"]
    assert names(photos, "**/*.png") == ["b/2.png", "c[1].png"]
    assert names(photos, "c[1].png") == ["c[1].png"]


def test_what_is_not_there_keeps_its_row(photos: Path) -> None:
    assert names(photos, "absent.png", "*.gif") == ["absent.png", "*.gif"]


@pytest.mark.parametrize("stdin", [b"x.png\ny\xff.png\n\n", b"x.png\r\ny\xff.png", b"x.png\0y\xff.png\0"])
def test_a_list_comes_from_standard_input_byte_for_byte(stdin: bytes) -> None:
    found = list(image_paths(["-"], io.BytesIO(stdin)))
    assert [os.fsencode(path) for path in found] == [b"x.png", b"y\xff.png"]


def test_names_in_a_list_with_nul_may_hold_line_breaks() -> None:
    assert list(image_paths(["-"], io.BytesIO(b"a\nb.png\0"))) == ["a\nb.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_refused(photos: Path) -> None:
    (photos / "a").chmod(0)
    with pytest.raises(DataError, match="a readable folder"):
        names(photos, "a")
    (photos / "a").chmod(0o755)


def test_what_a_folder_holds_besides_is_handed_over(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2", "a/notes.txt", ".cache/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" if name == "a/2" else b"x")
    left: list[str] = []
    also = lambda path: claims_or_is(path, (), image_format)  # noqa: E731
    found = list(image_paths([str(tmp_path)], also=also, left_out=lambda _, path: left.append(path)))
    assert [os.path.relpath(path, tmp_path) for path in found] == ["a/1.png", "a/2"]
    assert [os.path.relpath(path, tmp_path) for path in left] == [".cache", "a/notes.txt"]
