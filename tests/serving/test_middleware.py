from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.monitoring.monitor import Monitor
from tare.serving.middleware import MonitorMiddleware
from tests.monitoring.made import photographs, reference


async def _app(_: Any, receive: Any, send: Any) -> None:
    """An application that answers with the length of the body, or 400 for an empty one."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200 if body else 400, "headers": []})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


def asked(
    app: Any,
    path: str,
    parts: tuple[bytes, ...] = (),
    client: str = "127.0.0.1",
    method: str = "",
    host: str = "localhost:8000",
    *,
    root: str = "",
) -> tuple[int, bytes]:
    """One request to an ASGI application, its body in parts."""
    waiting = [{"type": "http.request", "body": part, "more_body": place + 1 < len(parts)} for place, part in enumerate(parts)]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    method = method or ("POST" if parts else "GET")
    scope = {"type": "http", "path": path, "method": method, "client": (client, 1), "headers": [(b"host", host.encode())]}
    scope |= {"root_path": root} if root else {}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def decode(body: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(body, np.uint8).reshape(-1, 12, 12, 3)


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(reference(200))


def test_bodies_are_counted_and_answers_are_those_of_the_application(monitor: Monitor) -> None:
    app, body = MonitorMiddleware(_app, monitor, decode=decode), photographs(8, 1).tobytes()
    assert asked(app, "/predict", (body[:100], body[100:500], body[500:])) == asked(_app, "/predict", (body,))
    assert monitor.state.samples == 8
    direct = Monitor(monitor.reference)
    direct.update(photographs(8, 1))
    assert (direct.state.ladder[0].counts == monitor.state.ladder[0].counts).all()


def test_what_is_no_batch_is_left_out_and_logged(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    app = MonitorMiddleware(_app, monitor, decode=decode)
    assert asked(app, "/predict", (b"no pictures",)) == (200, b"11")
    assert (monitor.state.samples, app.unread) == (0, 1)
    assert "a request was not counted: ValueError" in caplog.text


def test_failed_requests_and_other_paths_are_not_counted(monitor: Monitor) -> None:
    app = MonitorMiddleware(_app, monitor, decode=decode)
    assert asked(app, "/predict", (b"",))[0] == 400
    assert asked(app, "/other", (photographs(1, 0).tobytes(),))[0] == 200
    assert monitor.state.samples == 0


def test_without_decode_the_application_counts_itself(monitor: Monitor) -> None:
    app = MonitorMiddleware(_app, monitor)
    asked(app, "/predict", (photographs(1, 0).tobytes(),))
    assert monitor.state.samples == 0


def test_the_monitor_is_shown_to_its_own_machine_alone(monitor: Monitor) -> None:
    app = MonitorMiddleware(_app, monitor)
    monitor.update(photographs(8, 1))
    assert asked(app, "/monitor")[0] == 200
    assert json.loads(asked(app, "/monitor/verdict.json", client="::1")[1])["samples"] == 8
    assert asked(app, "/monitor", client="192.0.2.7")[0] == 403
    assert asked(app, "/monitor", host="evil.example")[0] == 403  # a page elsewhere whose name was made to lead here
    assert asked(MonitorMiddleware(_app, monitor, open_to_all=True), "/monitor", client="192.0.2.7")[0] == 200
    assert asked(app, "/monitor/verdict.json", method="HEAD") == (200, b"")


def test_what_is_no_request_passes_through(monitor: Monitor) -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    wrapped: Any = MonitorMiddleware(app, monitor)
    asyncio.run(wrapped({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("prefix", "page"), [("/monitor/", "/monitor"), ("monitor", "/monitor"), ("/a/b/", "/a/b"), ("/", "/"), ("", "/")]
)
def test_a_prefix_means_the_same_with_and_without_slashes(monitor: Monitor, prefix: str, page: str) -> None:
    app = MonitorMiddleware(_app, monitor, prefix=prefix)
    assert b"<html" in asked(app, page)[1]
    metrics = f"{page.rstrip('/')}/metrics"
    assert b"tare" in asked(app, metrics)[1]  # the figures, or which package they need
    assert asked(app, "/other")[0] == 400  # the application's own answer


@pytest.mark.parametrize("path", ["/predict/", "predict", "/predict"])
def test_a_path_means_the_same_with_and_without_slashes(monitor: Monitor, path: str) -> None:
    app, body = MonitorMiddleware(_app, monitor, path=path, decode=decode), photographs(4, 1).tobytes()
    asked(app, "/predict", (body,))
    asked(app, "/predict/", (body,))
    assert (monitor.state.samples, app.unread) == (8, 0)


def test_a_prefix_that_is_no_text_is_refused(monitor: Monitor) -> None:
    with pytest.raises(SpecError, match="expected a path such as '/monitor' for prefix, found None"):
        MonitorMiddleware(_app, monitor, prefix=None)  # type: ignore[arg-type]


def test_a_body_that_the_application_did_not_read_is_not_counted_as_an_empty_batch(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    async def deaf(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"deaf"})

    app = MonitorMiddleware(deaf, monitor, decode=decode)
    assert asked(app, "/predict", (photographs(4, 1).tobytes(),)) == (200, b"deaf")
    assert (monitor.state.samples, app.unread) == (0, 1)
    assert "the application did not read its body" in caplog.text


@pytest.mark.parametrize("stated", ["/predict", "/api/predict"])
def test_an_application_that_is_mounted_below_a_path_is_counted_and_shown(monitor: Monitor, stated: str) -> None:
    app = MonitorMiddleware(_app, monitor, decode=decode, path=stated)
    assert asked(app, "/api/predict", (photographs(8, 1).tobytes(),), root="/api")[0] == 200
    assert asked(app, "/apipredict", (photographs(8, 1).tobytes(),), root="/api")[0] == 200
    assert monitor.state.samples == 8
    assert asked(app, "/api/monitor/verdict.json", root="/api")[0] == 200


def test_a_body_that_is_too_large_to_keep_is_told(
    monitor: Monitor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tare.serving.middleware._MOST_BYTES", 100)
    app = MonitorMiddleware(_app, monitor, decode=decode)
    assert asked(app, "/predict", (photographs(8, 1).tobytes(),))[0] == 200
    assert (monitor.state.samples, app.unread) == (0, 1)
    assert "more than 100 bytes" in caplog.text
