from __future__ import annotations

import math

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
