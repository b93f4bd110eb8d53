"""The example service on this machine: answers, the page, metrics, and ten sudden ends under load."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tests.monitoring.made import changed, photographs
from tests.tiny_run import CLASSES, tiny_run

for _module in ("fastapi", "uvicorn", "onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(_module)
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
_EVERY = 10


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service")
    run = tiny_run(folder)
    Reference.of(photographs(400, 0, size=32), workers=1).save(run / "model" / "reference.json")
    tare.export(run, format="onnx", out=folder / "model.onnx")
    return folder / "model.onnx"


class Service:
    """The example in a process of its own."""

    def __init__(self, model: Path, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.state = state
        variables = {**os.environ, "MODEL": str(model), "STATE": str(state), "EVERY": str(_EVERY)}
        command = [sys.executable, "-m", "uvicorn", "--app-dir", "examples/service", "app:app", "--port", str(self.port)]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=ROOT, env=variables, **quiet)  # noqa: S603
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            if self.process.poll() is not None:
                assert self.process.stderr is not None
                pytest.fail(self.process.stderr.read().decode()[-2000:])
            try:
                self.ask("GET", "/monitor/verdict.json")
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail("the service did not begin within a minute")

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def predict(self, images: np.ndarray[Any, Any]) -> dict[str, Any]:
        status, content = self.ask("POST", "/predict", images.tobytes())
        assert status == 200, content
        answer: dict[str, Any] = json.loads(content)
        return answer

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(60)
        assert self.process.stderr is not None
        self.process.stderr.close()


@contextmanager
def served(model: Path, state: Path) -> Iterator[Service]:
    service = Service(model, state)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGKILL)


def test_answers_are_those_of_the_graph_and_the_monitor_tells_a_change(model: Path, tmp_path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    with served(model, tmp_path / "state.json") as service:
        images = photographs(8, 1, size=32)
        probabilities = session.run(None, {session.get_inputs()[0].name: images})[0]
        answer = service.predict(images)
        assert answer["classes"] == [CLASSES[place] for place in probabilities.argmax(axis=1)]
        assert answer["monitor"] == {"alarm": False, "batches": 1, "samples": 8}
        for place in range(40):
            answer = service.predict(changed(photographs(8, 10 + place, size=32), 0.6))
        assert answer["monitor"]["alarm"]
        assert json.loads(service.ask("GET", "/monitor/verdict.json")[1])["kind"] == "gain"
        status, page = service.ask("GET", "/monitor")
        assert status == 200
        assert re.search(rb"Changed since batch \d+( \(between \d+ and \d+\))?: gain[ .]", page)
        assert service.ask("GET", "/monitor/metrics")[0] in (200, 501)  # 501 says that prometheus_client is missing
        assert service.ask("POST", "/predict", b"123")[0] == 400
        service.end(signal.SIGTERM)
    assert Monitor.load(tmp_path / "state.json").state.batches == 41


def test_a_second_service_on_the_same_state_is_refused(model: Path, tmp_path: Path) -> None:
    with served(model, tmp_path / "state.json") as first:
        first.predict(photographs(8, 1, size=32))
        variables = {**os.environ, "MODEL": str(model), "STATE": str(tmp_path / "state.json")}
        command = [sys.executable, "-c", "import sys; sys.path.insert(0, 'examples/service'); import app"]
        how: dict[str, Any] = {"cwd": ROOT, "env": variables, "capture_output": True, "text": True}
        second = subprocess.run(command, check=False, **how)  # noqa: S603
        assert second.returncode == 1
        assert "expected one process at a time on an output" in second.stderr
        assert first.predict(photographs(8, 2, size=32))["monitor"]["batches"] == 2


def test_ten_kills_under_load_lose_at_most_the_last_batches_and_the_counts_add_up(model: Path, tmp_path: Path) -> None:
    state, clients, kept = tmp_path / "state.json", 3, 0
    for kill in range(10):
        with served(model, state) as service:
            begun = json.loads(service.ask("GET", "/monitor/verdict.json")[1])
            assert begun["batches"] == kept
            answered, largest = _load(service, clients, 25 + 7 * kill)
        after = Monitor.load(state).state
        # Each answered batch was counted, and a batch on its way when the service died may have been, too.
        assert begun["batches"] + answered <= largest + clients
        assert largest - _EVERY <= after.batches <= largest + clients
        assert after.samples == 8 * after.batches
        assert sum(int(stretch.counts[0].sum()) for stretch in after.ladder) == after.samples << 20
        kept = after.batches
    assert kept >= 10 * 25 - 10 * _EVERY
    with Monitor.open(state) as monitor:
        assert not monitor.alarm
        assert not list(tmp_path.glob(".*.part"))


def _load(service: Service, clients: int, enough: int) -> tuple[int, int]:
    """Ask from several threads, kill the service when ``enough`` answers came, and count the answers and the largest count."""
    seen: list[int] = []
    lock = threading.Lock()

    def client(seed: int) -> None:
        place = 0
        while True:
            try:
                answer = service.predict(photographs(8, 10_000 * seed + place, size=32))
            except (OSError, http.client.HTTPException):
                return
            place += 1
            with lock:
                seen.append(answer["monitor"]["batches"])

    threads = [threading.Thread(target=client, args=(seed + service.port,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    while len(seen) < enough and service.process.poll() is None:
        time.sleep(0.005)
    service.end(signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    return len(seen), max(seen)
