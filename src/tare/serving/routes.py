"""What is answered where: the page, the metrics and the verdict of a monitor, whatever server asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address

from tare.errors import TareError
from tare.monitoring.monitor import Monitor
from tare.reporting.monitor import monitor_page
from tare.serving.prometheus import exposition

_TEXT = "text/plain; charset=utf-8"
_HEADERS = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    # The page has its style and its plotting library inside, and asks nothing of anyone.
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data:",
    ),
    ("referrer-policy", "no-referrer"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    kind: str
    content: bytes

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers, the length of the content among them."""
        return (("content-type", self.kind), ("content-length", str(len(self.content))), *_HEADERS)


def page(monitor: Monitor, refresh: int) -> Answer:
    """The live page; a browser loads it again after ``refresh`` seconds."""
    return Answer(200, "text/html; charset=utf-8", monitor_page(monitor, refresh=refresh).encode())


def metrics(monitor: Monitor) -> Answer:
    """Prometheus metrics; 501 with the reason where prometheus_client is not installed."""
    try:
        kind, content = exposition(monitor)
    except TareError as error:
        return refused(501, str(error))
    return Answer(200, kind, content)


def verdict(monitor: Monitor) -> Answer:
    """The verdict as JSON."""
    return Answer(200, "application/json", json.dumps(monitor.verdict().to_json(), allow_nan=False).encode())


def refused(status: int, reason: str) -> Answer:
    """An answer that says why there is none."""
    return Answer(status, _TEXT, f"{reason}\n".encode())


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def names_this_machine(host: str) -> bool:
    """Whether a Host header names this machine, so that no other site's name leads here (DNS rebinding)."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    return name in ("localhost", "") or is_loopback(name.strip("[]"))
