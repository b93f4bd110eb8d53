from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path

import pytest

from tare.errors import OutputError
from tare.system.files import finite, json_text, remove_parts, replacing, replacing_folder, write_text


def test_text_arrives_in_folders_that_did_not_exist(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "grüße")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "grüße".encode()


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_until_the_end_the_old_file_is_seen(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_the_result_has_the_permissions_that_the_umask_grants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_a_library_writes_has_the_permissions_that_the_umask_grants(umask: int, tmp_path: Path) -> None:
    def private(path: Path) -> None:  # as safetensors does: a file of its own with mode 0600, renamed to the name
        (beside := path.with_suffix(".own")).touch(0o600)
        os.replace(beside, path)

    before = os.umask(umask)
    try:
        with replacing(tmp_path / "file") as temporary:
            private(temporary)
        with replacing_folder(tmp_path / "folder") as temporary:
            (temporary / "inner").mkdir(0o700)
            private(temporary / "inner" / "weights")
            (temporary / "link").symlink_to("/dev/null")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if not path.is_symlink()}
    file, folder = 0o666 & ~umask, 0o777 & ~umask
    assert modes == {"file": file, "folder": folder, "inner": folder, "weights": file}


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"expected a place that can be written, found .*; free it or name another"):
        write_text(tmp_path / "file" / "x", "")


def test_a_folder_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError, match="expected a place that can be written, found Is a directory for"):
        write_text(tmp_path / "x", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_json_keeps_lists_of_numbers_on_one_line_and_says_the_same() -> None:
    document = {"a": [1, -2.5e-7, 3], "b": ["[\n1,\n2\n]", 4], "c": [[0.5], []], "d": {"e": [True, None]}}
    text = json_text(document)
    assert json.loads(text) == document
    assert '"a": [1, -2.5e-07, 3]' in text


def test_what_is_not_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": math.nan})


def test_a_folder_that_is_replaced_is_never_absent_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for text in ("old", "new"):
        with replacing_folder(folder) as temporary:
            (temporary / "a").write_text(text)
    assert (folder / "a").read_text() == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_is_replaced_where_names_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.system.files._exchanged", lambda *names: not names)
    test_a_folder_that_is_replaced_is_never_absent_and_leaves_nothing(tmp_path)


def test_only_what_a_killed_writer_leaves_is_removed(tmp_path: Path) -> None:
    for name in (".run.a1b2c3d4.part", ".run.json.a1b2c3d4.part", ".run.part", "run.a1b2c3d4.part", ".mine"):
        (tmp_path / name).write_text("")
    remove_parts(tmp_path, "run")
    assert {path.name for path in tmp_path.iterdir()} == {".run.json.a1b2c3d4.part", ".run.part", "run.a1b2c3d4.part", ".mine"}
    remove_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".run.part", "run.a1b2c3d4.part", ".mine"}


def test_what_json_does_not_have_becomes_null_at_any_depth() -> None:
    given = {"a": math.nan, "b": [1.0, (math.inf, "x")], "c": {"d": (-math.inf, None, 2)}}
    assert finite(given) == {"a": None, "b": [1.0, [None, "x"]], "c": {"d": [None, None, 2]}}
    assert json.loads(json_text(finite(given))) == finite(given)
