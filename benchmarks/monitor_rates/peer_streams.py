"""Serve the streams of monitor_rates to other monitors with their defaults, in an interpreter of its own.

``python peer_streams.py NAME VALUES.npz SERVICES BATCHES [AFTER]``: NAME is ``river-adwin``, ``river-page-hinkley``,
``river-kswin``, ``evidently-column`` or ``evidently-dataset``. The file has ``values`` ``(N, F)``, the figures of real samples.
Each service draws a reference of 1,000 samples and batches of 8 by the same random numbers as
:mod:`benchmarks.monitor_rates.rates`. Prints JSON: services, those with any alarm, and versions. With AFTER the file also has
``changed`` ``(N, F)``, which all batches after that many are drawn from; then it prints the batches until an alarm after the
change, 600 for none, and services with one before. It needs NumPy and the library, and nothing of tare.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

_REFERENCE, _BATCH, _WINDOW = 1000, 8, 1000
_DELAYED = 5


def main() -> None:
    """Serve, and print the counts."""
    warnings.simplefilter("ignore")
    name, path, services, batches = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    values = np.nan_to_num(np.load(path)["values"])
    values = values[:, values.std(axis=0) > 0]
    if len(sys.argv) > _DELAYED:
        print(json.dumps(_delays(name, path, services, batches, int(sys.argv[_DELAYED]))))
        return
    alarms = 0
    for seed in range(services):
        chance = np.random.default_rng([seed, _REFERENCE])
        reference = values[chance.integers(0, len(values), _REFERENCE)]
        served = values[chance.integers(0, len(values), (batches, _BATCH)).ravel()]
        alarms += _MONITORS[name](reference, served)
    library = name.partition("-")[0]
    document = {"monitor": name, "services": services, "alarms": alarms, "batches": batches, "version": version(library)}
    print(json.dumps({**document, "numpy": version("numpy")}))


def _delays(name: str, path: str, services: int, batches: int, after: int) -> dict[str, Any]:
    """How soon a detector of River finds a change; one detector a figure, as without a change."""
    stored = np.load(path)
    values, changed = (np.nan_to_num(stored[part]) for part in ("values", "changed"))
    kept = values.std(axis=0) > 0
    both = np.concatenate([values[:, kept], changed[:, kept]])
    found, early = [], 0
    for seed in range(services):
        chance = np.random.default_rng([seed, _REFERENCE, after])
        reference = both[chance.integers(0, len(values), _REFERENCE)]
        before, behind = (after, _BATCH), (batches, _BATCH)
        drawn = np.concatenate([chance.integers(0, len(values), before), chance.integers(len(values), len(both), behind)])
        places = [place // _BATCH for place in _detections(_DETECTORS[name], reference, both[drawn.ravel()])]
        found.append(min((place - after + 1 for place in places if place >= after), default=batches))
        early += any(place < after for place in places)
    return {"monitor": name, "services": services, "after": after, "delays": found, "early": early, "version": version("river")}


def _detections(make: Callable[[], Any], reference: Any, served: Any) -> Iterator[int]:
    """The samples at which the detector of any figure says that something changed."""
    for column in range(served.shape[1]):
        detector = make()
        for value in reference[:, column].tolist():
            detector.update(value)
        for place, value in enumerate(served[:, column].tolist()):
            detector.update(value)
            if detector.drift_detected:
                yield place


def _river(make: Callable[[], Any]) -> Callable[[Any, Any], bool]:
    """One detector a figure, as River's documentation uses them, fed with the reference first."""

    def any_alarm(reference: Any, served: Any) -> bool:
        for column in range(served.shape[1]):
            detector = make()
            for value in reference[:, column].tolist():
                detector.update(value)
            for value in served[:, column].tolist():
                detector.update(value)
                if detector.drift_detected:
                    return True
        return False

    return any_alarm


def _adwin() -> Any:
    from river.drift import ADWIN

    return ADWIN()


def _page_hinkley() -> Any:
    from river.drift import PageHinkley

    return PageHinkley()


def _kswin() -> Any:
    from river.drift import KSWIN

    return KSWIN(seed=0)


def _evidently(least: float) -> Callable[[Any, Any], bool]:
    """The preset for drift: whether it ever says that more than ``least`` of the columns drifted."""
    return lambda reference, served: any(share > least for share in _drifted(reference, served))


def _drifted(reference: Any, served: Any) -> Iterator[float]:
    """The share of drifted columns in each window of 1,000 samples."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    names = [f"f{place}" for place in range(reference.shape[1])]
    known = pd.DataFrame(reference, columns=names)
    for start in range(0, len(served) - _WINDOW + 1, _WINDOW):
        now = pd.DataFrame(served[start : start + _WINDOW], columns=names)
        found = Report([DataDriftPreset()]).run(now, known).dict()
        yield next(each["value"]["share"] for each in found["metrics"] if "DriftedColumnsCount" in each["metric_name"])


_DETECTORS = {"river-adwin": _adwin, "river-page-hinkley": _page_hinkley, "river-kswin": _kswin}
_MONITORS: dict[str, Callable[[Any, Any], bool]] = {
    "river-adwin": _river(_adwin),
    "river-page-hinkley": _river(_page_hinkley),
    "river-kswin": _river(_kswin),
    "evidently-column": _evidently(0.0),
    "evidently-dataset": _evidently(0.4999),  # its own threshold is a share of 0.5
}

if __name__ == "__main__":
    main()
