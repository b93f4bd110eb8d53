"""What listens while something of tare runs: nothing but loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.serving.page_server import show
from tests.listening import listening

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system has no /proc/net/tcp")
RAY = """
import ray
from tare.system.engines import ray as engine
from tests.listening import listening

with engine._connected(ray, 1):
    assert ray.get(ray.remote(lambda one: abs(one)).remote(-1)) == 1
    print(*(f"{address}|{port}" for address, port in listening()))
"""


def data() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (64, 3, 8, 8), dtype=np.uint8)


def test_the_list_names_every_socket_that_listens() -> None:
    """Else the tests below would show nothing."""
    before = set(listening())
    with socket.create_server(("0.0.0.0", 0)) as every, socket.create_server(("127.0.0.1", 0)) as own:  # noqa: S104
        new = {(str(address), port) for address, port in set(listening()) - before}
        assert new == {("0.0.0.0", every.getsockname()[1]), ("127.0.0.1", own.getsockname()[1])}  # noqa: S104


def test_the_page_of_a_monitor_listens_on_loopback() -> None:
    before = set(listening())
    with show(tare.Monitor(tare.Reference.of(data())), port=0):
        new = set(listening()) - before
        assert len(new) == 1
        assert all(address.is_loopback for address, _ in new)


def test_measuring_listens_on_nothing() -> None:
    before = set(listening())
    tare.measure(data(), workers=2)
    assert set(listening()) == before


def test_measuring_an_array_of_dask_listens_on_nothing() -> None:
    dask = pytest.importorskip("dask.array", reason="the dask extra is not installed")
    before = set(listening())
    tare.measure(dask.from_array(data(), chunks=16))
    assert set(listening()) == before


@pytest.mark.long
def test_a_node_of_ray_listens_on_loopback_alone(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    root = str(Path(__file__).parents[1])
    program = f"import sys; sys.path.insert(0, {root!r})\n{RAY}"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=300
    )
    found = [line.partition("|")[0] for line in done.stdout.split()]
    assert len(found) > 4  # the driver, the scheduler, the store, agents and a worker
    assert {*found} == {"127.0.0.1"}
