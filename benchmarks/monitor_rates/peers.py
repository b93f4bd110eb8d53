"""``python -m benchmarks.monitor_rates.peers [--delays] [--write docs/monitor.md]``: other monitors on the same streams.

The environment variable TARE_BENCH_DRIFT_PYTHON names an interpreter that has river and evidently; without it nothing is
measured, and the table is made of ``peers.json`` beside this file. The samples lie under the folder that TARE_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.monitor_rates.pools import FAULTS, digits, real

_STORED = Path(__file__).with_name("peers.json")
_DELAYS = Path(__file__).with_name("peer_delays.json")
_PEER = Path(__file__).with_name("peer_streams.py")
#: Services of each monitor: those of Evidently take minutes each.
SERVICES = {"river-adwin": 40, "river-page-hinkley": 40, "river-kswin": 20, "evidently-column": 10, "evidently-dataset": 3}
_NAMES = {
    "river-adwin": "River, ADWIN on each figure",
    "river-page-hinkley": "River, Page-Hinkley on each figure",
    "river-kswin": "River, KSWIN on each figure",
    "evidently-column": "Evidently, drift preset on windows of 1,000 samples: any column",
    "evidently-dataset": "Evidently, the same: half of the columns",
}
_BATCHES = 10_000
#: Services of each monitor whose delay is measured, after so many batches without a change, within so many with it. KSWIN and
#: Evidently's preset raise alarms without a change, so theirs would be chance.
DELAYED = {"river-adwin": 10, "river-page-hinkley": 10}
_AFTER, _MOST = 1000, 600
_BEGIN, _END = "<!-- peers -->\n", "<!-- /peers -->"


def main() -> None:
    """Measure where an interpreter is named, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--delays", action="store_true", help="measure delays alone, which need River but not Evidently")
    given = parser.parse_args()
    python = os.environ.get("TARE_BENCH_DRIFT_PYTHON")
    if python and not given.delays:
        _kept(_STORED, measured(python))
    if python:
        _kept(_DELAYS, delayed(python))
    text = table(json.loads(_STORED.read_text(encoding="utf-8")))
    if _DELAYS.exists():
        text += f"\n\n{delay_table(json.loads(_DELAYS.read_text(encoding='utf-8')))}"
    print(text)
    if given.write is not None:
        before, mark, rest = given.write.read_text(encoding="utf-8").partition(_BEGIN)
        _, end, after = rest.partition(_END)
        given.write.write_text(f"{before}{mark}\n{text}\n\n{end}{after}", encoding="utf-8")


def _kept(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    path.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")


def measured(python: str) -> Iterator[dict[str, Any]]:
    """Every monitor on the figures of digits and of photographs."""
    root = Path(os.environ["TARE_DATA"].partition(os.pathsep)[0])
    with tempfile.TemporaryDirectory() as scratch:
        for samples in (digits(), next(real(root))):
            path = Path(scratch) / f"{samples.name}.npz"
            np.savez(path, values=samples.pool().values)
            for monitor, services in SERVICES.items():
                command = [python, str(_PEER), monitor, str(path), str(services), str(_BATCHES)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
                yield {"samples": samples.name, **json.loads(done.stdout.splitlines()[-1])}


def delayed(python: str) -> Iterator[dict[str, Any]]:
    """How soon detectors of River find the changes of photographs, after 1,000 batches without one."""
    root = Path(os.environ["TARE_DATA"].partition(os.pathsep)[0])
    samples = next(real(root))
    with tempfile.TemporaryDirectory() as scratch:
        for fault in ("gain 0.9", "offset 0.05", "channels swapped", "dead channel"):
            path = Path(scratch) / "changed.npz"
            np.savez(path, values=samples.pool().values, changed=samples.figures(FAULTS[fault]))
            for monitor, services in DELAYED.items():
                command = [python, str(_PEER), monitor, str(path), str(services), "600", str(_AFTER)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
                yield {"samples": samples.name, "fault": fault, **json.loads(done.stdout.splitlines()[-1])}


def delay_table(rows: list[dict[str, Any]]) -> str:
    """The table of delays as Markdown."""
    lines = [
        f"**How soon others find a change** of photographs that comes after {_AFTER:,} batches of 8, with their defaults, one "
        "detector a figure. Those that raised an alarm before the change may owe the later one to chance.\n",
        "| monitor | change | services | alarm before it | batches until an alarm after it: median | slowest |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        slowest = "none in 600" if max(row["delays"]) >= _MOST else str(max(row["delays"]))
        told = f"{row['services']} | {row['early']} | {np.median(row['delays']):g} | {slowest}"
        lines.append(f"| {_NAMES[row['monitor']]} | {row['fault']} | {told} |")
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    lines = [
        f"**Other monitors with their defaults** on the same figures and streams, in which nothing changes: services of "
        f"{_BATCHES:,} batches of 8, each with a reference of 1,000 samples. Detectors of River look after every sample.\n",
        "| monitor | version | samples | services | with any alarm | 95% interval of their share |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = stats.binomtest(row["alarms"], row["services"]).proportion_ci(method="exact")
        told = f"{row['services']} | {row['alarms']} | {share.low:.1%} to {share.high:.1%}"
        lines.append(f"| {_NAMES[row['monitor']]} | {row['version']} | {row['samples']} | {told} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
