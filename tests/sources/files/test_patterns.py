"""Patterns that stand for many names: counted before they are written out, and never walking in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import DataError
from tare.sources.places import files_at


@pytest.mark.parametrize("pattern", ["x{0..99999999999}.tar", "x{0..9999}{0..9999}.tar", "x{000..999999999999999999}.tar"])
def test_braces_that_stand_for_too_many_names_are_refused(pattern: str) -> None:
    with pytest.raises(DataError, match=r"a pattern of at most 1,000,000 names, found 10{0,2},[,\d]+ for"):
        files_at(pattern)


def test_links_in_a_circle_end_and_other_links_are_followed(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data / "a" / "b", data / ".hidden", elsewhere):
        folder.mkdir(parents=True)
        (folder / "x.png").touch()
    for name in ("one", "two", "three"):
        (data / name).symlink_to(".")
        (data / "a" / name).symlink_to("..")
    (data / "c").symlink_to(elsewhere)
    assert files_at(f"{data}/**/*.png") == (f"{data}/a/b/x.png", f"{data}/c/x.png")
    assert files_at(f"{data}/**") == (f"{data}/a/b/x.png", f"{data}/c/x.png")
    assert files_at(f"{tmp_path}/**/b/**/x.png") == (f"{data}/a/b/x.png",)


def test_a_pattern_without_a_folder_begins_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").touch()
    (tmp_path / "y.png").touch()
    monkeypatch.chdir(tmp_path)
    assert files_at("**/*.png") == ("a/x.png", "y.png")
    assert files_at("*.png") == ("y.png",)


def test_a_file_that_several_of_the_names_match_is_taken_once(tmp_path: Path) -> None:
    names = [str(tmp_path / f"part{number}_x.npy") for number in range(1, 13)]
    for name in names:
        Path(name).touch()
    assert sorted(files_at(f"{tmp_path}/part{{1..12}}*.npy")) == sorted(names)
    assert files_at(f"{tmp_path}/part{{9..12}}_x.npy") == tuple(names[8:])
