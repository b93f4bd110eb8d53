"""Ray's part: what an empty task costs, and the same measurement on one node and on two."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
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
from tare.system.engines.ray import ray_map


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
    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    started = time.perf_counter() - begun
    try:
        list(ray_map(_nothing, range(4 * workers), workers))  # the worker processes start
        begun = time.perf_counter()
        list(ray_map(_nothing, range(tasks), workers))
        return started, (time.perf_counter() - begun) / tasks
    finally:
        ray.shutdown()


def two_nodes(folder: Path) -> TwoNodes:
    """Start two nodes and a driver, each a process of its own, measure through ``RAY_ADDRESS``, and compare with this process."""
    begun = time.perf_counter()
    local = tare.measure(folder, workers=2)
    alone = time.perf_counter() - begun
    with _cluster() as environment:
        command = [sys.executable, "-m", "benchmarks.scale_ray", str(folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=400)  # noqa: S603
    found = json.loads(done.stdout.splitlines()[-1])
    # JSON writes floats so that they are read back to the last bit.
    same = found["channels"] == json.loads(json.dumps(local.to_json()["channels"]))
    return TwoNodes(found["nodes"], tuple(found["tasks"]), found["samples"], same, found["seconds"], alone)


def main() -> None:
    """The driver: measure the folder named, on the cluster that the environment names, and print JSON."""
    import ray

    ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False, logging_level=logging.ERROR)
    try:
        _wait(lambda: _alive(ray) >= 2, "two nodes")
        begun = time.perf_counter()
        found = tare.measure(sys.argv[1], workers=2, engine="ray")
        taken = time.perf_counter() - begun
        tasks = sorted(Counter(ray_map(_where, range(64), 2)).values())
        document = {"nodes": _alive(ray), "tasks": tasks, "samples": found.samples, "seconds": taken}
        print(json.dumps({**document, "channels": found.to_json()["channels"]}))
    finally:
        ray.shutdown()


def _alive(ray: Any) -> int:
    return sum(node["Alive"] for node in ray.nodes())


def _nothing(item: Any) -> Any:
    return item


def _where(_: int) -> str:
    """The node that this runs on; long enough for the other node to take the next one."""
    import ray

    time.sleep(0.05)
    return str(ray.get_runtime_context().get_node_id())


@contextmanager
def _cluster() -> Iterator[dict[str, str]]:
    """A head and a second node, one processor each, which end with the block; yields the environment of a driver.

    Ray asks for a token on clusters that it starts so; this one gets a token of its own.
    """
    import ray

    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # paths of sockets must be short
    host, port = str(ray.util.get_node_ip_address()), _free_port()  # type: ignore[no-untyped-call]
    address = f"{host}:{port}"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**os.environ, **token, "RAY_ADDRESS": address}
    common = ["--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats", "--block"]
    head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={place}"]
    nodes = [_node([*head, *common], environment)]
    try:
        _wait(lambda: _listening(host, port), f"a Ray head at {address}")
        nodes.append(_node([f"--address={address}", *common], environment))
        yield environment
    finally:
        for node in reversed(nodes):
            _ended(node)
        shutil.rmtree(place, ignore_errors=True)


def _node(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments]
    own = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(  # noqa: S603
        command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _ended(node: subprocess.Popen[bytes]) -> None:
    os.killpg(node.pid, signal.SIGTERM)
    try:
        node.wait(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(node.pid, signal.SIGKILL)


def _listening(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


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


if __name__ == "__main__":
    main()
