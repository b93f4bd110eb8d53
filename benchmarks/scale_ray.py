"""Ray's part: what an empty task costs, and the same measurement on one node and on two."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tare
from tare.engines.ray_engine import ray_map

os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # a busy machine takes longer than Ray waits by itself


@dataclass(frozen=True, slots=True)
class TwoNodes:
    """A run on two Ray nodes of one processor each: short tasks run by each, and whether all figures equal the local run's."""

    nodes: int
    tasks: tuple[int, ...]
    photos: int
    same_bits: bool
    seconds: float
    local: float


def empty_task(tasks: int, workers: int) -> tuple[float, float]:
    """Seconds to start a node of this machine, and seconds a task that does nothing, as the engine sends them."""
    import ray

    begun = time.perf_counter()
    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="error")
    started = time.perf_counter() - begun
    try:
        list(ray_map(_nothing, range(4 * workers), workers))  # the worker processes start
        begun = time.perf_counter()
        list(ray_map(_nothing, range(tasks), workers))
        return started, (time.perf_counter() - begun) / tasks
    finally:
        ray.shutdown()


def two_nodes(folder: Path) -> TwoNodes:
    """Start two nodes as processes of their own, measure ``folder`` through ``RAY_ADDRESS``, and compare with this process."""
    begun = time.perf_counter()
    local = tare.measure(folder, workers=2)
    alone = time.perf_counter() - begun
    with _cluster() as address, _environment("RAY_ADDRESS", address):
        import ray

        ray.init(address=address, log_to_driver=False, logging_level="error")
        try:
            nodes = sum(node["Alive"] for node in ray.nodes())
            begun = time.perf_counter()
            found = tare.measure(folder, workers=2, engine="ray")
            taken = time.perf_counter() - begun
            where = Counter(ray_map(_where, range(64), 2))
        finally:
            ray.shutdown()
    same = found.channels == local.channels and found.samples == local.samples
    return TwoNodes(nodes, tuple(sorted(where.values())), found.samples, same, taken, alone)


def _nothing(item: Any) -> Any:
    return item


def _where(_: int) -> str:
    """The node that this runs on; long enough for the other node to take the next one."""
    import ray

    time.sleep(0.05)
    return str(ray.get_runtime_context().get_node_id())


@contextmanager
def _cluster() -> Iterator[str]:
    """A head and a second node, one processor each, in processes that end with the block, and no others do."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    common = ["--num-cpus=1", "--include-dashboard=false", "--object-store-memory=100000000", "--disable-usage-stats", "--block"]
    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    head = [
        "start",
        "--head",
        "--node-ip-address=127.0.0.1",
        f"--port={port}",
        "--include-dashboard=false",
        f"--temp-dir={place}",
    ]
    nodes = [_node([*head, *common])]
    try:
        _listening(port)
        nodes.append(_node(["start", f"--address={address}", "--node-ip-address=127.0.0.1", *common]))
        _joined(address, 2)
        yield address
    finally:
        for node in reversed(nodes):
            os.killpg(node.pid, signal.SIGTERM)
        for node in reversed(nodes):
            try:
                node.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)


def _node(arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray.scripts.scripts", *arguments]
    return subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _joined(address: str, number: int) -> None:
    import ray

    ray.init(address=address, log_to_driver=False, logging_level="error")
    try:
        _wait(lambda: sum(node["Alive"] for node in ray.nodes()) >= number, f"{number} nodes at {address}")
    finally:
        ray.shutdown()


def _listening(port: int) -> None:
    def reached() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    _wait(reached, f"a Ray head at port {port}")


def _wait(done: Any, what: str) -> None:
    until = time.monotonic() + 180
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"expected {what} within three minutes")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
