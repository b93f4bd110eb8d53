"""A page and metrics of a monitor on this machine's own address, for services that have no web framework."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tare.errors import OutputError, TareError
from tare.monitoring.monitor import Monitor
from tare.serving import routes

_ADDRESS = "127.0.0.1"
#: So many seconds a client may take to ask and to read its answer.
_PATIENCE = 10


class PageServer:
    """A server on the loopback address alone: the page at ``/``, ``/metrics`` and ``/verdict.json``; also a context manager.

    ``look`` gives the monitor at each request. ``port`` 0 chooses a free one. Raises :class:`OutputError` if the port is taken.
    """

    def __init__(self, look: Callable[[], Monitor], port: int = 0, *, refresh: int = 10) -> None:
        try:
            self._server = _Server((_ADDRESS, port), _handler(look, refresh))
        except (OSError, OverflowError) as error:
            found = f"{getattr(error, 'strerror', None) or error} for port {port}"
            raise OutputError("a free port on this machine", found, "name another, or 0 for any") from None
        self._serving = False

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{_ADDRESS}:{self._server.server_address[1]}/"

    def serve(self) -> None:
        """Answer until :meth:`close`, or an interrupt."""
        self._serving = True
        self._server.serve_forever()

    def start(self) -> PageServer:
        """Answer in a thread of its own, which does not keep the program alive."""
        self._serving = True
        threading.Thread(target=self.serve, name="tare-page", daemon=True).start()
        return self

    def close(self) -> None:
        """Answer no more."""
        if self._serving:  # else it would wait for ever for the end of what never began
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> PageServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away; anything else is told, as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(*_)


def show(monitor: Monitor, port: int = 9464, *, refresh: int = 10) -> PageServer:
    """Show a monitor's page and metrics on this machine, at ``http://127.0.0.1:PORT/``, while the program runs."""
    return PageServer(lambda: monitor, port, refresh=refresh).start()


def _handler(look: Callable[[], Monitor], refresh: int) -> type[BaseHTTPRequestHandler]:
    pages: dict[str, Callable[[Monitor], routes.Answer]] = {
        "/": lambda monitor: routes.page(monitor, refresh),
        "/metrics": routes.metrics,
        "/verdict.json": routes.verdict,
    }

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            answer = _answer(pages, self.path.partition("?")[0], self.headers.get("host", ""), look)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Say nothing of requests."""

    return Handler


def _answer(
    pages: dict[str, Callable[[Monitor], routes.Answer]], path: str, host: str, look: Callable[[], Monitor]
) -> routes.Answer:
    if not routes.names_this_machine(host):
        return routes.refused(403, "open the page under 127.0.0.1 or localhost")
    if path not in pages:
        return routes.refused(404, f"there is only {', '.join(pages)}")
    try:
        return pages[path](look())
    except TareError as error:
        return routes.refused(503, str(error))
