"""Documents that a user names by a pipe, as ``tare spec <(...)`` does: read once, with a limit of size and of time."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tare
from tare.errors import SpecError
from tare.input_spec.spec import InputSpec
from tare.studying.plan import requested_plan
from tare.system.local import opened
from tare.system.option_files.yaml_file import read_yaml

SPEC = InputSpec.of([0.5, 0.4, 0.3], [0.2, 0.2, 0.2], raw_dtype="uint8")


def piped(data: bytes) -> int:
    """The reading end of a pipe that another thread writes."""
    reader, writer = os.pipe()

    def write() -> None:
        try:
            with open(writer, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            pass

    threading.Thread(target=write, daemon=True).start()
    return reader


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    descriptor = piped(request.param)
    yield f"/dev/fd/{descriptor}"
    os.close(descriptor)


@pytest.mark.parametrize("reader", [b"mean: [0.5, 0.4, 0.3]\nstd: [0.2, 0.2, 0.2]\n"], indirect=True)
def test_yaml_through_a_pipe(reader: str) -> None:
    assert tare.spec(reader).mean.value == (0.5, 0.4, 0.3)  # type: ignore[union-attr]


def test_json_through_a_pipe_is_the_same_as_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(SPEC.to_json()))
    descriptor = piped((tmp_path / "s.json").read_bytes())
    assert tare.spec(f"/dev/fd/{descriptor}").to_json() == tare.spec(tmp_path / "s.json").to_json()
    os.close(descriptor)


@pytest.mark.parametrize("reader", [b"study: digits\nseeds: 3\n"], indirect=True)
def test_a_plan_through_a_pipe(reader: str) -> None:
    assert requested_plan(reader, {}).seeds == 3


@pytest.mark.parametrize("reader", [b"epochs: 20\n"], indirect=True)
def test_options_through_a_pipe(reader: str) -> None:
    assert read_yaml(Path(reader), "file of options", "epochs: 20") == {"epochs": 20}


@pytest.mark.parametrize("reader", [b"x" * (3 << 20)], indirect=True)
def test_a_pipe_that_never_ends_is_refused(reader: str) -> None:
    with pytest.raises(SpecError, match="a pipe of more than 1,048,576 bytes"):
        tare.spec(reader)


def test_a_pipe_that_nobody_writes_to_is_refused_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_PATIENCE", 0.1)
    os.mkfifo(tmp_path / "s.json")
    began = time.monotonic()
    with pytest.raises(SpecError, match="a pipe that nobody writes to"):
        tare.spec(tmp_path / "s.json")
    assert time.monotonic() - began < 5


def test_a_writer_that_says_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_LONGEST", 0.2)
    reader, writer = os.pipe()
    with pytest.raises(SpecError, match="a pipe that did not end within"):
        tare.spec(f"/dev/fd/{reader}")
    os.close(reader)
    os.close(writer)
