"""An image classifier behind FastAPI and onnxruntime, watched by tare: raw bytes in, answer and monitor state out.

    tare export RUN --format onnx --out model.onnx
    MODEL=model.onnx STATE=state.json uvicorn --app-dir examples/service app:app

POST the bytes of uint8 images (N, height, width, 3) of the network's size to /predict. /monitor is the live page and
/monitor/metrics has Prometheus metrics; both are shown to this machine alone. Every worker needs a state file of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

import tare
from tare.serving import MonitorMiddleware

MODEL, STATE = os.environ["MODEL"], os.environ["STATE"]
# A service that is killed loses at most the last EVERY batches of its monitor.
EVERY = int(os.environ.get("EVERY", "100"))

session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
taken = session.get_inputs()[0]
labels = json.loads(session.get_modelmeta().custom_metadata_map["tare.labels"])
monitor = tare.Monitor.open(STATE, MODEL, every=EVERY)


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Write the monitor's file once more when the service ends."""
    yield
    monitor.close()


service = FastAPI(lifespan=lifespan)


@service.post("/predict")
async def predict(request: Request) -> dict[str, Any]:
    """Classify a batch of raw images."""
    body = await request.body()
    shape = (-1, *taken.shape[1:])
    if not body or len(body) % int(np.prod(shape[1:])):
        raise HTTPException(400, f"expected uint8 images of {shape[1:]}, found {len(body)} bytes")
    return await run_in_threadpool(answer, np.frombuffer(body, np.uint8).reshape(shape))


def answer(images: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Any]:
    """The classes of a batch, which is counted before it is answered."""
    probabilities = session.run(None, {taken.name: images})[0]
    alarm = monitor.update(images)
    chosen = probabilities.argmax(axis=1)
    state = monitor.state
    return {
        "classes": [labels[place] for place in chosen],
        "probabilities": [float(row[place]) for row, place in zip(probabilities, chosen, strict=True)],
        "monitor": {"alarm": alarm, "batches": state.batches, "samples": state.samples},
    }


app = MonitorMiddleware(service, monitor)
