from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tare
from tare.errors import DataError, MissingDependencyError
from tare.system.engines.ray import _apply, ray_map
from tests.images import rgb_folder


def test_without_ray_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"the package 'ray' for the engine 'ray'.*pip install 'tare\[ray\]'"):
        list(ray_map(abs, [1], 1))


@pytest.fixture(scope="module")
def node() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="the ray extra is not installed")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.mark.long
@pytest.mark.usefixtures("node")
def test_the_bits_are_those_of_the_local_engine(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 200)
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    assert tare.measure(tmp_path, engine="ray") == tare.measure(tmp_path)
    assert tare.measure(tmp_path, engine="ray", as_seen=8) == tare.measure(tmp_path, as_seen=8)


@pytest.mark.long
@pytest.mark.usefixtures("node")
def test_names_count_from_the_directory_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers' own directory is that in which Ray was started."""
    rgb_folder(tmp_path / "photos", 20)
    monkeypatch.chdir(tmp_path)
    assert tare.measure("photos", engine="ray") == tare.measure("photos")


def test_a_worker_without_the_directory_of_the_caller_finds_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _apply(os.listdir, ".", str(tmp_path / "nowhere")) == []
    assert _apply(os.listdir, ".", str(tmp_path)) == ["photos"]
    assert Path.cwd() == tmp_path


@pytest.mark.long
@pytest.mark.usefixtures("node")
def test_a_chunk_whose_worker_died_is_tried_again_and_order_is_kept(tmp_path: Path) -> None:
    folder = str(tmp_path)

    def die_once(item: int) -> int:
        marker = f"{folder}/{item}"
        if item % 5 == 2 and not os.path.exists(marker):  # noqa: PTH110 - runs elsewhere
            open(marker, "w").close()
            os._exit(1)
        return item * item

    assert list(ray_map(die_once, range(12), 2)) == [item * item for item in range(12)]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.long
@pytest.mark.usefixtures("node")
def test_what_is_wrong_with_the_data_is_said_as_it_is_locally(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n" * 3000 + "x,2\n")
    with pytest.raises(DataError) as local:
        tare.measure(tmp_path / "t.csv")
    with pytest.raises(DataError) as remote:
        tare.measure(tmp_path / "t.csv", engine="ray")
    assert str(remote.value) == str(local.value)


def test_a_cluster_that_cannot_be_reached_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="the ray extra is not installed")
    ray.shutdown()  # a node that another test of this process began would be used
    rgb_folder(tmp_path, 2)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(DataError, match=r"a Ray cluster that can be reached, found 127\.0\.0\.1:1: .*refused; check RAY_ADDRESS"):
        tare.measure(tmp_path, engine="ray")
