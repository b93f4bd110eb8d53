"""``python -m benchmarks.monitor_rates.regained [--write docs/monitor.md]``: accuracy that the verdict's constants give back.

MobileNetV1-0.25 gets a head for ants and bees on the photographs of hymenoptera. Its validation photographs then arrive changed,
in random order and eight at a time. The gain and offset that the verdict names are put into the weights as its command does, and
both networks are asked about the changed photographs. The data lie under the folder that TARE_DATA names.
"""

from __future__ import annotations

import argparse
import os
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.monitoring.monitor import Monitor
from tare.monitoring.result import Verdict
from tare.networks.stored.folded import respec_to
from tare.networks.stored.inputs import RespecRequest

_NETWORK = "mobilenet_v1_025"
#: Gain and offset of all channels, in unit values.
CHANGES = ((0.5, 0.0), (0.2, 0.0), (0.6, 0.3), (0.2, 0.6))
_BATCHES, _BATCH = 120, 8
_BEGIN, _END = "<!-- regained -->\n", "<!-- /regained -->"


@dataclass(frozen=True)
class Regained:
    """One change: what the verdict found, and the accuracy before it, with it, and with the constants in the weights."""

    gain: float
    offset: float
    kind: str
    gains: tuple[float, ...]
    offsets: tuple[float, ...]
    held: int
    before: float
    changed: float
    mended: float


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    root = Path(os.environ["TARE_DATA"].partition(os.pathsep)[0])
    with tempfile.TemporaryDirectory() as scratch:
        text = table(measured(root, Path(scratch)))
    print(text)
    if given.write is not None:
        before, mark, rest = given.write.read_text(encoding="utf-8").partition(_BEGIN)
        _, end, after = rest.partition(_END)
        given.write.write_text(f"{before}{mark}\n{text}\n\n{end}{after}", encoding="utf-8")


def measured(root: Path, scratch: Path) -> list[Regained]:
    """All changes on one run."""
    data = scratch / "hymenoptera"
    with tarfile.open(root / "hymenoptera.tar") as archive:
        archive.extractall(data, filter="data")
    factory = f"{root / f'{_NETWORK}.py'}:{_NETWORK}"
    weights = str(root / f"{_NETWORK}_imagenet.safetensors")
    tare.transfer(
        data=data, model=factory, weights=weights, mean=[0.5], std=[0.5], protocol="probe", workers=0, device="cpu",
        out=scratch / "run",
    )  # fmt: skip
    files = sorted((data / "val").rglob("*.jpg"))
    before = _accuracy(scratch / "run", factory, data / "val")
    return [_change(scratch, factory, files, before, gain, offset) for gain, offset in CHANGES]


def _change(scratch: Path, factory: str, files: list[Path], before: float, gain: float, offset: float) -> Regained:
    served = scratch / f"{gain:g}-{offset:g}"
    images = [_saved(file, served / file.parent.name / f"{file.stem}.png", gain, offset) for file in files]
    verdict = _verdict(scratch / "run", images)
    gains, offsets = (tuple(getattr(each, name).estimate for each in verdict.maps) for name in ("gain", "offset"))
    changed, mended = _accuracy(scratch / "run", factory, served), float("nan")
    if verdict.command:
        out = scratch / f"{served.name}-mended"
        respec_to(RespecRequest(source=str(scratch / "run"), out=out, factory=factory, gain=gains, offset=offsets))
        mended = _accuracy(out, factory, served)
    held = sum(
        interval.low <= true <= interval.high
        for each in verdict.maps
        for interval, true in ((each.gain, gain), (each.offset, offset))
    )
    return Regained(gain, offset, verdict.kind, gains, offsets, held, before, changed, mended)


def _saved(file: Path, out: Path, gain: float, offset: float) -> NDArray[np.uint8]:
    out.parent.mkdir(parents=True, exist_ok=True)
    unit = np.asarray(Image.open(file).convert("RGB")) / 255
    image = np.round(255 * np.clip(gain * unit + offset, 0, 1)).astype(np.uint8)
    Image.fromarray(image).save(out, compress_level=1)
    return image


def _verdict(run: Path, images: list[NDArray[np.uint8]]) -> Verdict:
    monitor, chance = Monitor(run), np.random.default_rng(0)
    for _ in range(_BATCHES):
        monitor.update([images[place] for place in chance.choice(len(images), _BATCH)])
    return monitor.verdict()


def _accuracy(run: Path, factory: str, folder: Path) -> float:
    answers: list[Any] = tare.predict(run, [str(folder)], factory=factory, workers=1)
    return float(np.mean([answer.label == Path(answer.path).parent.name for answer in answers]))


def table(rows: list[Regained]) -> str:
    """The table as Markdown."""
    lines = [
        f"**Accuracy regained.** MobileNetV1-0.25 on 153 validation photographs of hymenoptera, which arrive changed: {_BATCHES} "
        f"batches of {_BATCH}, drawn from them with replacement, against a reference of 245 training photographs. The verdict's "
        "gain and offset are put into the weights by `tare respec`.\n",
        "| change | kind | gains found | offsets found | accuracy before | with the change | with the constants |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = (", ".join(f"{value:.3f}" for value in values) for values in (row.gains, row.offsets))
        mended = "" if np.isnan(row.mended) else f"{row.mended:.1%}"
        change = f"{row.gain:g} x + {row.offset:g}"
        lines.append(f"| {change} | {row.kind} | {' | '.join(found)} | {row.before:.1%} | {row.changed:.1%} | {mended} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
