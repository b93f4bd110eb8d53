from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tare.studying.execution.estimate import estimated_seconds
from tare.studying.plan import plan_of


def test_more_cells_take_longer_and_none_takes_none() -> None:
    plan = plan_of(
        {"study": "signals", "networks": "mlp-none", "sizes": [10, 20], "strategies": ["source", "target"], "seeds": 2}
    )
    found = estimated_seconds(plan, workers=1)
    assert math.isfinite(found)
    assert found > 0
    assert estimated_seconds(plan, workers=1, missing=0) == 0


@pytest.mark.parametrize(("protocol", "batchnorm"), [("probe", "eval"), ("probe", "reestimate"), ("finetune", "eval")])
def test_nothing_of_a_given_network_is_measured_for_an_estimate(
    protocol: str, batchnorm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    for index in range(24):
        path = tmp_path / "photos" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(path)
    asked = {"study": "folder", "data": str(tmp_path / "photos"), "networks": "timm:test_resnet", "weights": "none"}
    stated = {"mean": [0.5], "std": [0.5], "protocols": protocol, "batchnorm": batchnorm, "seeds": 2, "sizes": [4, 8]}
    plan = plan_of({**asked, **stated})

    def never(*_: object) -> None:
        raise AssertionError("a cell was measured")

    monkeypatch.setattr("tare.studying.execution.estimate.measure_cells", never)
    monkeypatch.setattr("tare.studying.cells.cell.train", never)
    once = estimated_seconds(plan, workers=1)
    assert math.isfinite(once)
    assert once > 0
