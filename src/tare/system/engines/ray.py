"""Map a function over chunks on Ray: on the cluster that ``RAY_ADDRESS`` names, else on a new node on this machine.

A node that is started here listens on loopback alone, sends no usage statistics, and imports nothing from the working directory.

A chunk is a description (names of files, ranges of an array) that the worker reads, so the worker must reach the data. Chunks
of tar, CSV and Parquet files carry their bytes, since such files are read from their beginning. Workers return states only.
They work in the directory of the caller, from which names of files count. Where their machine has none of that name they work in
an empty one, in which no such name is found, rather than in one with other files of the same names.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from tare.errors import DataError
from tare.system.optional import require

#: Decides whether Ray's processes listen on every address of the machine or on loopback; named after the systems it was made for.
_EVERY_ADDRESS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"

T = TypeVar("T")
R = TypeVar("R")

#: How often a chunk is tried again when the process or machine that worked on it died.
_RETRIES = 3


def ray_map(function: Callable[[T], R], items: Iterable[T], workers: int | None) -> Iterator[R]:
    """Yield ``function(item)`` for every item, in the items' order, with at most two calls per worker under way.

    ``function`` is stored once in the cluster, with all that it holds. A chunk whose worker died is tried again elsewhere, up to
    three times; an error of the function is raised here. ``workers`` limits the number of processors used.

    Raises :class:`MissingDependencyError` without the extra ``ray``, and :class:`DataError` if the cluster cannot be reached.
    """
    ray = require("ray", extra="ray", purpose="the engine 'ray'")
    with _connected(ray, workers):
        number = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        stored, remote = ray.put(function), ray.remote(max_retries=_RETRIES)(_apply)
        folder = _directory()
        pending: deque[Any] = deque()
        try:
            for item in items:
                pending.append(remote.remote(stored, item, folder))
                if len(pending) >= 2 * number:
                    yield _result(ray, pending.popleft())
            while pending:
                yield _result(ray, pending.popleft())
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)


def _directory() -> str:
    """The working directory; an empty name if it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - a name to send
    except OSError:
        return ""


def _apply(function: Callable[[Any], Any], item: Any, folder: str) -> Any:
    """Call the function in the directory ``folder``, and go back: the process may be one that others' functions use, too."""
    with ExitStack() as stack:
        try:
            stack.enter_context(chdir(folder))
        except OSError:
            stack.enter_context(chdir(stack.enter_context(TemporaryDirectory())))
        return function(item)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # the error of the function, which says what is wrong with the data
    except ray.exceptions.RayError as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError("workers that stay alive", f"{type(error).__name__}: {reason}", "look at memory and nodes") from None


@contextmanager
def _connected(ray: Any, workers: int | None) -> Iterator[None]:
    """Use an existing connection, or make one and end it; without ``RAY_ADDRESS`` this starts a node on this machine."""
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    _check_listening(address)
    local: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        with _on_loopback(ray, address):
            ray.init(
                address=address or "local", log_to_driver=False, logging_level="error", job_config=_without_cwd(ray), **local
            )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError("a Ray cluster that can be reached", f"{address or 'a local node'}: {reason}", "check it") from None
    try:
        if not address:
            _check_loopback(ray)
        yield
    finally:
        ray.shutdown()


@contextmanager
def _on_loopback(ray: Any, address: str | None) -> Iterator[None]:
    """Let the processes of a new node listen on 127.0.0.1 alone; a setting of the user's own, and a named cluster, stay.

    The server of the dashboard is left out. Without a dashboard it does one thing: it collects usage statistics, and asks the
    metadata services of cloud providers where it runs, even where statistics are off.
    """
    if address or _EVERY_ADDRESS in os.environ:
        yield
        return
    node = ray._private.node.Node
    server = node.start_api_server
    node.start_api_server = lambda *_, **__: None
    constants = ray._private.ray_constants  # has read the environment when Ray was imported
    before = constants.ENABLE_RAY_CLUSTER
    os.environ[_EVERY_ADDRESS], constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        del os.environ[_EVERY_ADDRESS]
        constants.ENABLE_RAY_CLUSTER, node.start_api_server = before, server


def _check_loopback(ray: Any) -> None:
    """Raise :class:`DataError` if a node of our own is bound to an address that others can reach."""
    place = str(ray.util.get_node_ip_address())
    if _EVERY_ADDRESS not in os.environ and not ip_address(place).is_loopback:
        remedy = "leave out --engine, or start a cluster yourself and name it in RAY_ADDRESS"
        raise DataError("a Ray node that listens on this machine alone", f"one that listens on {place}", remedy)


def _without_cwd(ray: Any) -> Any:
    """The configuration of a job whose workers do not look for modules in the working directory, where the data may lie."""

    class Kept(list[str]):
        """A list of folders that Ray extends by the working directory."""

        def extend(self, folders: Iterable[str]) -> None:
            super().extend(folder for folder in folders if Path(folder).absolute() != Path.cwd())

    return ray.job_config.JobConfig(_py_driver_sys_path=Kept(["/"]))


def _check_listening(address: str | None) -> None:
    """Raise :class:`DataError` if nothing listens at ``address``; Ray itself would wait for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise DataError("a Ray cluster that can be reached", f"{address}: {error}", "check RAY_ADDRESS") from None
