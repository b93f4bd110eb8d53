from __future__ import annotations

import html
import http.client
import json
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tare.errors import OutputError
from tare.monitoring.monitor import Monitor, merged
from tare.serving.page_server import PageServer, show
from tests.monitoring.made import changed, photographs, reference


@pytest.fixture
def monitor() -> Monitor:
    made = Monitor(reference(300))
    for place in range(12):
        made.update(changed(photographs(8, place), 0.6))
    return made


@pytest.fixture
def server(monitor: Monitor) -> Iterator[PageServer]:
    with PageServer(lambda: monitor) as running:
        yield running


def test_a_server_that_never_answered_is_closed_at_once(monitor: Monitor) -> None:
    closed = threading.Thread(target=PageServer(lambda: monitor).close, daemon=True)
    closed.start()
    closed.join(60)
    assert not closed.is_alive()


def asked(server: PageServer, path: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2].strip("/")), timeout=60)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


def test_the_page_says_the_verdict_and_loads_nothing_from_elsewhere(server: PageServer, monitor: Monitor) -> None:
    status, headers, text = asked(server, "/")
    assert status == 200
    verdict = monitor.verdict()
    assert verdict.alarm
    assert html.escape(verdict.reason[1:]) in text  # its first letter is a capital there
    assert all(html.escape(cure.removesuffix(".")) in text for cure in verdict.cure)
    assert '<meta http-equiv="refresh" content="10">' in text
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert json.loads(asked(server, "/verdict.json")[2])["sentence"] == str(monitor.verdict())


def test_metrics_or_the_reason_why_there_are_none(server: PageServer) -> None:
    status, _, text = asked(server, "/metrics")
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        assert status == 501
        assert "pip install 'tare[serve]'" in text
    else:
        assert status == 200
        assert "tare_monitor_batches_total 12.0" in text


def test_other_paths_and_other_names_are_refused(server: PageServer) -> None:
    assert asked(server, "/../etc/passwd")[0] == 404
    assert asked(server, "/", host="evil.example")[0] == 403
    assert asked(server, "/verdict.json", host="localhost:1")[0] == 200
    assert asked(server, "/verdict.json", host="[::1]:1")[0] == 200


def test_clients_that_leave_or_never_ask_are_no_failure(monitor: Monitor, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tare.serving.page_server._PATIENCE", 0.2)
        with PageServer(lambda: monitor) as server:
            address = ("127.0.0.1", int(server.url.rpartition(":")[2].strip("/")))
            slow = socket.create_connection(address, timeout=10)
            for asked_for in (b"GET / HTTP/1.1\r\n\r\n", b"GET / HT"):
                gone = socket.create_connection(address, timeout=10)
                gone.sendall(asked_for)
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection
                gone.close()
            assert asked(server, "/verdict.json")[0] == 200
            slow.sendall(b"GET / HT")
            assert slow.recv(1) == b""  # the server does not wait for ever
            slow.close()
    assert capfd.readouterr().err == ""


def test_it_listens_on_the_loopback_address_alone(server: PageServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    port = int(server.url.rpartition(":")[2].strip("/"))
    with pytest.raises(OSError), socket.create_connection((socket.gethostbyname("127.0.1.1"), port), timeout=2):  # noqa: PT011
        pass


def test_a_port_that_is_taken_is_refused_in_one_line(server: PageServer, monitor: Monitor) -> None:
    with pytest.raises(OutputError, match="expected a free port on this machine"):
        show(monitor, int(server.url.rpartition(":")[2].strip("/")))


def test_a_damaged_file_is_an_answer_and_no_crash(tmp_path: Path, monitor: Monitor) -> None:
    path = tmp_path / "state.json"
    monitor.save(path)
    with PageServer(lambda: merged([path])) as running:
        assert asked(running, "/verdict.json")[0] == 200
        path.write_text("{")
        status, _, text = asked(running, "/verdict.json")
        assert status == 503
        assert "expected a readable monitor file" in text
        monitor.save(path)
        assert asked(running, "/verdict.json")[0] == 200


def test_the_command_serves_a_file_that_is_renewed(tmp_path: Path, monitor: Monitor) -> None:
    path = tmp_path / "state.json"
    monitor.save(path)
    command = [sys.executable, "-m", "tare", "monitor", str(path), "--serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:  # noqa: S603
        try:
            assert program.stderr is not None
            url = program.stderr.readline().split()[0]
            with urllib.request.urlopen(url + "verdict.json", timeout=60) as answer:  # noqa: S310
                assert json.load(answer)["batches"] == 12
            monitor.update(photographs(8, 99))
            monitor.save(path)
            with urllib.request.urlopen(url + "verdict.json", timeout=60) as answer:  # noqa: S310
                assert json.load(answer)["batches"] == 13
        finally:
            program.terminate()
