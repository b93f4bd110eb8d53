from __future__ import annotations

import json
import math
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from tare.errors import OutputError
from tare.system.files import (
    check_output,
    file_place,
    finite,
    folder_place,
    json_text,
    remove_parts,
    replacing,
    replacing_folder,
    staying,
    write_text,
)


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
    own = (".run.tare-a1b2c3d4.part", ".run.json.tare-a1b2c3d4.part")
    others = {".run.part", ".run.a1b2c3d4.part", ".run.20251129.old", "run.tare-a1b2c3d4.part", ".mine"}
    for name in (*own, *others):
        (tmp_path / name).write_text("")
    remove_parts(tmp_path, "run")
    assert {path.name for path in tmp_path.iterdir()} == {own[1], *others}
    remove_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == others


def test_what_json_does_not_have_becomes_null_at_any_depth() -> None:
    given = {"a": math.nan, "b": [1.0, (math.inf, "x")], "c": {"d": (-math.inf, None, 2)}}
    assert finite(given) == {"a": None, "b": [1.0, [None, "x"]], "c": {"d": [None, None, 2]}}
    assert json.loads(json_text(finite(given))) == finite(given)


def test_of_a_link_the_target_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "target").write_text("old")
    (tmp_path / "link").symlink_to("far/target")
    (tmp_path / "second").symlink_to(tmp_path / "link")
    before = (tmp_path / "far" / "target").stat().st_ino
    write_text(tmp_path / "second", "new")
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "far" / "target").read_text() == "new"
    assert (tmp_path / "far" / "target").stat().st_ino != before  # replaced in one step, not written over
    assert {path.name for path in tmp_path.rglob("*")} == {"far", "target", "link", "second"}


def test_of_a_link_to_a_folder_the_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    (tmp_path / "link").symlink_to("model")
    with replacing_folder(tmp_path / "link") as temporary:
        (temporary / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]


def links(root: Path) -> dict[str, str]:
    """Links that lead to nothing that can be written, each with what is found there."""
    (root / "dangling").symlink_to("absent")
    (root / "loop").symlink_to("loop")
    (root / "other").symlink_to("loop2")
    (root / "loop2").symlink_to("other")
    return {"dangling": "leads nowhere", "loop": "Too many levels", "other": "Too many levels"}


@pytest.mark.parametrize("write", [write_text, lambda path, _: replacing_folder(path).__enter__()])
def test_links_that_lead_nowhere_are_refused_and_nothing_is_made(write: object, tmp_path: Path) -> None:
    for name, found in links(tmp_path).items():
        before = set(tmp_path.iterdir())
        with pytest.raises(OutputError, match=found):
            write(tmp_path / name, "text")  # type: ignore[operator]
        assert set(tmp_path.iterdir()) == before


def test_into_a_pipe_the_finished_text_is_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_text(tmp_path / "pipe", "text" * 50_000)  # more than a pipe holds
    reader.join()
    assert said == ["text" * 50_000]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_pipe_without_a_reader_is_one_line_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.system.files._PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="found no reader of the pipe for"):
        write_text(tmp_path / "pipe", "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_failure_writes_nothing_into_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    def fail() -> None:
        with replacing(tmp_path / "pipe") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.read(reader, 9) == b""
    os.close(reader)


@pytest.mark.parametrize("number", [3, 5, 7])
def test_a_device_is_written_into_and_never_replaced(number: int, tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "device", stat.S_IFCHR | 0o666, os.makedev(1, number))  # copies of /dev/null, zero and full
        os.open(tmp_path / "device", os.O_WRONLY)
    except PermissionError:
        pytest.skip("making a device needs rights")
    if number == 7:
        with pytest.raises(OutputError, match="No space left on device"):
            write_text(tmp_path / "device", "text")
    else:
        write_text(tmp_path / "device", "text")
    assert stat.S_ISCHR((tmp_path / "device").stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["device"]


def test_a_socket_a_disk_and_a_folder_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(OutputError, match="found a socket for"):
            write_text(tmp_path / "socket", "text")
    for check in (check_output, lambda path: write_text(path, "text")):
        with pytest.raises(OutputError, match="found Is a directory for"):
            check(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Not a directory"), replacing_folder(tmp_path / "file"):
        pass


def test_the_name_of_an_open_file_of_this_process_is_that_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        log.write("before\n")
        log.flush()
        for name in (f"/dev/fd/{log.fileno()}", f"/proc/self/fd/{log.fileno()}"):
            write_text(Path(name), "text\n")
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        write_text(tmp_path / "link", "text\n")
    assert (tmp_path / "log").read_text() == "before\n" + 3 * "text\n"


@pytest.mark.parametrize("kind", ["removed", "another folder", "a link"])
def test_a_folder_that_vanishes_is_not_made_again(kind: str, tmp_path: Path) -> None:
    run, away = tmp_path / "run", tmp_path / "away"
    run.mkdir()

    def vanish() -> None:
        with staying(run):
            write_text(run / "first", "")
            os.replace(run, away)
            if kind == "another folder":
                run.mkdir()
            elif kind == "a link":
                (tmp_path / "elsewhere").mkdir()
                run.symlink_to(tmp_path / "elsewhere")
            write_text(run / "second", "")

    with pytest.raises(OutputError, match=r"a folder that was (removed|replaced) meanwhile"):
        vanish()
    assert not (run / "second").exists()
    assert (run.exists()) == (kind != "removed")
    write_text(run / "third", "")  # it is over


@pytest.mark.parametrize("kind", ["file", "dangling", "folder"])
def test_of_a_cache_a_planted_link_is_replaced_and_what_it_leads_to_is_left_alone(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    if kind == "file":
        target.write_text("precious")
    elif kind == "folder":
        target.mkdir()
    (tmp_path / "cache").symlink_to(target)
    write_text(tmp_path / "cache", "text", follow=False)
    assert not (tmp_path / "cache").is_symlink()
    assert (tmp_path / "cache").read_text() == "text"
    assert target.exists() == (kind != "dangling")
    assert kind != "file" or target.read_text() == "precious"


def test_an_output_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path)
    with replacing(Path("file.txt")) as file:
        os.chdir("else")
        file.write_text("whole")
    os.chdir(tmp_path)
    with replacing_folder(Path("folder")) as folder:
        os.chdir("else")
        (folder / "file.txt").write_text("whole")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["else", "file.txt", "folder"]
    assert not list((tmp_path / "else").iterdir())
    os.chdir(tmp_path)
    assert folder_place(Path("folder")) == tmp_path / "folder"
    assert file_place(Path("file.txt")) == tmp_path / "file.txt"


def test_a_name_as_long_as_names_can_be_is_written_and_its_remains_are_removed(tmp_path: Path) -> None:
    name = "é" * 126 + ".py"
    write_text(tmp_path / name, "x")
    with replacing(tmp_path / name) as temporary:
        kept = temporary.with_suffix(".old")
        kept.touch()
    remove_parts(tmp_path, name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_a_file_that_is_replaced_leaves_its_mode_and_is_never_wider(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) & ~(mode | 0o600) == 0
        temporary.unlink()  # a library may put a file of its own there
        temporary.write_text("new")
        temporary.chmod(0o600)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)
    (tmp_path / "link").symlink_to(path)
    write_text(tmp_path / "link", "newer")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("newer", mode)
