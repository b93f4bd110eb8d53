"""A pure ASGI middleware: it counts what a service is asked, and shows the monitor; no framework is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tare.errors import SpecError
from tare.monitoring.monitor import Monitor
from tare.serving import routes

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
#: Makes a batch of the body of a request.
Decode = Callable[[bytes], Any]
Page = Callable[[Monitor], routes.Answer]

_LOG = logging.getLogger("tare.serving")
_MOST_BYTES = 1 << 26


class MonitorMiddleware:
    """Put a monitor around an ASGI application: ``app = MonitorMiddleware(app, monitor)``.

    ``/monitor`` is the live page, ``/monitor/metrics`` has Prometheus metrics and ``/monitor/verdict.json`` the verdict;
    ``prefix`` changes the first part, and a slash at its end means nothing. They are shown to this machine alone, under its own
    name (127.0.0.1 or localhost), unless ``open_to_all``. Behind a proxy on the same machine that changes the name every client
    looks like this machine: let the proxy refuse these paths.

    With ``decode`` the bodies of successful POST requests to ``path`` are counted, too: ``decode(body)`` returns a batch as
    ``Monitor.update`` takes it. It runs in a thread after the answer was sent. What it cannot read is logged and left out; an
    answer is never changed or delayed by the monitor. Bodies above 64 MiB are not kept, which is logged. In an application
    that is mounted below a path both paths may be stated with it or without.
    """

    def __init__(
        self,
        app: App,
        monitor: Monitor,
        *,
        prefix: str = "/monitor",
        path: str = "/predict",
        decode: Decode | None = None,
        refresh: int = 10,
        open_to_all: bool = False,
    ) -> None:
        self._app, self._monitor, self._decode, self._open = app, monitor, decode, open_to_all
        prefix, self._path = _place("prefix", prefix), _place("path", path)
        self._pages: dict[str, Page] = {
            prefix: lambda monitor: routes.page(monitor, refresh),
            f"{prefix}/metrics": routes.metrics,
            f"{prefix}/verdict.json": routes.verdict,
        }
        #: Requests whose body was no batch.
        self.unread = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer the monitor's own paths; pass on everything else unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (page := next(filter(None, map(self._pages.get, _paths(scope))), None)) and scope["method"] in ("GET", "HEAD"):
            await self._show(page, scope, send)
        elif self._decode is not None and scope["method"] == "POST" and self._path in _paths(scope):
            await self._counted(scope, receive, send, self._decode)
        else:
            await self._app(scope, receive, send)

    async def _show(self, page: Page, scope: MutableMapping[str, Any], send: Send) -> None:
        client = (scope.get("client") or ("",))[0]
        named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if not self._open and not (routes.is_loopback(client) and routes.names_this_machine(named)):
            answer = routes.refused(403, "the monitor is shown to its own machine alone, under 127.0.0.1 or localhost")
        else:
            answer = await asyncio.to_thread(page, self._monitor)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.content})

    async def _counted(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, decode: Decode) -> None:
        body, status, whole = bytearray(), 0, False

        async def received() -> Message:
            nonlocal whole
            message = await receive()
            whole = whole or (message["type"] == "http.request" and not message.get("more_body", False))
            if message["type"] == "http.request" and len(body) <= _MOST_BYTES:
                body.extend(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._app(scope, received, sent)
        if 200 <= status < 300 and not whole:
            self.unread += 1
            _LOG.warning("a request was not counted: the application did not read its body")
        elif 200 <= status < 300 and len(body) > _MOST_BYTES:
            self.unread += 1
            _LOG.warning("a request was not counted: its body has more than %d bytes", _MOST_BYTES)
        elif 200 <= status < 300:
            await asyncio.to_thread(self._count, decode, bytes(body))

    def _count(self, decode: Decode, body: bytes) -> None:
        try:
            self._monitor.update(decode(body))
        except Exception as error:  # whatever a user's function raises: a monitor never fails the service that it watches
            self.unread += 1
            _LOG.warning("a request was not counted: %s: %s", type(error).__name__, " ".join(str(error).split())[:300])


def _paths(scope: MutableMapping[str, Any]) -> tuple[str, str]:
    """The path of a request as it came, and without that below which the application is mounted, which ASGI calls root_path."""
    path, root = scope["path"].rstrip("/"), scope.get("root_path", "").rstrip("/")
    return path, path[len(root) :] if path == root or path.startswith(f"{root}/") else path


def _place(name: str, given: str) -> str:
    """A path with a slash before it and none after it; that of the root is empty. Raises :class:`SpecError` for no text."""
    if not isinstance(given, str):
        raise SpecError(f"a path such as '/monitor' for {name}", repr(given), "name one")
    return f"/{given.strip('/')}".rstrip("/")
