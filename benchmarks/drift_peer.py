"""Profile two tables with a drift library, in an interpreter of its own: ``python drift_peer.py whylogs|evidently A B``.

Prints JSON: seconds of the profiles (imports and reading the files left out) and the means found in A, by column.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any


def main() -> None:
    """Once to warm up, then timed."""
    warnings.simplefilter("ignore")
    import pandas as pd

    library, *paths = sys.argv[1:]
    frames = [pd.read_parquet(path) for path in paths]
    run = {"whylogs": _whylogs, "evidently": _evidently}[library]
    run([frame.head(1000) for frame in frames])
    begun = time.perf_counter()
    means = run(frames)
    print(json.dumps({"seconds": time.perf_counter() - begun, "means": means}))


def _whylogs(frames: list[Any]) -> dict[str, float]:
    import whylogs

    views = [whylogs.log(frame).view() for frame in frames]
    return {name: column.get_metric("distribution").mean.value for name, column in views[0].get_columns().items()}


def _evidently(frames: list[Any]) -> dict[str, float]:
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(frames[1], frames[0]).dict()
    return {name: float(frames[0][name].mean()) for name in frames[0].columns}


if __name__ == "__main__":
    main()
