"""Findings kept between runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tare.checking.linting import cache
from tare.checking.repository.result import Judged
from tare.code.files.document import Document, Skipped
from tests.code_findings import finding

FOUND = Judged([finding()], [Skipped("a.py", "broken")])
ONE = Document("a.py", "python", "x = 1\n")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_what_is_kept_is_read_under_its_key_only() -> None:
    cache.keep(["."], "key", FOUND)
    assert cache.kept(["."], "key") == FOUND
    assert cache.kept(["."], "other") is None
    assert cache.kept(["src"], "key") is None


def test_only_the_last_findings_of_the_same_paths_are_kept() -> None:
    for key in ("one", "two"):
        cache.keep(["."], key, Judged([], []))
    assert len([*cache.cache_folder().iterdir()]) == 1
    assert cache.kept(["."], "one") is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"[]", b'{"schema": "tare.code-cache/1", "key": "key", "findings": [{}]}'])
def test_a_damaged_file_is_as_none(data: bytes) -> None:
    cache.keep(["."], "key", FOUND)
    (path,) = cache.cache_folder().iterdir()
    path.write_bytes(data)
    assert cache.kept(["."], "key") is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache.keep(["."], "key", Judged([], []))
    assert cache.kept(["."], "key") is None


def test_the_key_covers_names_texts_kinds_settings_and_tare(monkeypatch: pytest.MonkeyPatch) -> None:
    base = cache.key_of([ONE], "a")
    others = [
        cache.key_of([Document("b.py", "python", ONE.text)], "a"),
        cache.key_of([Document("a.py", "python", "x = 2\n")], "a"),
        cache.key_of([Document("a.py", "configuration", ONE.text)], "a"),
        cache.key_of([ONE, ONE], "a"),
        cache.key_of([ONE], "b"),
        cache.key_of([ONE], "a", ""),
    ]
    monkeypatch.setattr(cache, "_program", lambda: "another tare")
    others.append(cache.key_of([ONE], "a"))
    assert len({base, *others}) == 8


@pytest.mark.parametrize(
    "name", ["__init__.py", "normalisation/catalog.json", "readers/configs/new.py", "code/networks/inputs.json"]
)
def test_the_key_covers_every_file_of_tare(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("__init__.py", "normalisation/catalog.json", "code/networks/inputs.json"):
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / each).write_text("0.225")
    monkeypatch.setattr(cache, "_PACKAGE", tmp_path)
    before = renewed()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    assert renewed() == before
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("0.2255")
    assert renewed() != before


def test_the_key_covers_python_and_the_files_of_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = renewed()
    with monkeypatch.context() as other:
        other.setattr("sys.version", "3.99.0 (another build)")
        assert cache.key_of([ONE]) != before
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml" / "__init__.py").write_text("__version__ = '99'")
    monkeypatch.delitem(sys.modules, "yaml", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with_other = renewed()
    assert with_other != before
    (tmp_path / "yaml" / "_yaml.so").touch()  # the parser in C, which a build may lack
    assert renewed() not in (before, with_other)


def renewed() -> str:
    """The key of a document in a process that has not looked at tare before."""
    cache._program.cache_clear()
    return cache.key_of([ONE])


@pytest.fixture(autouse=True)
def _looks_again() -> Iterator[None]:
    program = cache._program
    yield
    program.cache_clear()


def test_parts_do_not_run_into_each_other() -> None:
    assert cache.key_of([Document("ab", "python", "c")]) != cache.key_of([Document("a", "python", "bc")])


def test_the_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the standard says that a relative path is to be ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".cache" / "tare" / "check"


@pytest.mark.parametrize("home", ["relative", None])
def test_a_user_without_home_keeps_nothing(home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    cache.keep(["."], "key", FOUND)
    assert cache.kept(["."], "key") is None
    assert [*tmp_path.iterdir()] == []


def test_a_planted_pipe_is_not_waited_for_and_a_planted_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = cache._file(["a.py"])
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    assert cache.kept(["a.py"], "key") is None
    place.unlink()
    (tmp_path / "precious").write_text("precious")
    place.symlink_to(tmp_path / "precious")
    cache.keep(["a.py"], "key", Judged([], []))
    assert (tmp_path / "precious").read_text() == "precious"
    assert cache.kept(["a.py"], "key") == Judged([], [])
