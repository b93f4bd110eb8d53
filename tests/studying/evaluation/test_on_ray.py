"""Trials of the user's own function on a local Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare

HERE = Path(__file__).with_name("own.py")


@pytest.fixture(scope="module")
def node() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="the ray extra is not installed")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.mark.long
@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("name", ["distance", "chance", "sometimes"])
def test_trials_on_ray_give_the_rows_of_this_machine(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(3, 2, (60, 2)))
    stated: dict[str, Any] = {"mean": [0.0], "std": [1.0], "seeds": 4, "sizes": [10, 30], "data": str(tmp_path / "rows.npy")}
    runs = {
        engine: tare.study(evaluate=f"{HERE}:{name}", out=tmp_path / engine, engine=engine, workers=2, **stated)
        for engine in ("local", "ray")
    }
    assert runs["ray"].rows == runs["local"].rows
    assert runs["ray"].failed == runs["local"].failed == {"distance": 0, "chance": 0, "sometimes": 12}[name]
    assert runs["ray"].measured == 16
    again = tare.study(evaluate=f"{HERE}:{name}", out=tmp_path / "ray", engine="ray", workers=2, **stated)
    assert again.measured == runs["ray"].failed
