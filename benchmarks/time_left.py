"""How true the time left of long commands is: ``python -m benchmarks.time_left --write docs/benchmarks.md``.

Each command runs in a process of its own, whose output is no terminal. The time left that a line would state is asked five times
a second and compared with the time that the work then took. Nothing is stated before a tenth of the work is done.

Needs ``$TARE_DATA``, the folder of the archives. Times that are at most a second off count as right.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.marks import insert

_EVERY = 0.2
_FACTOR = 1.5
_SLACK = 1.0
_NET = "--model {net}:mobilenet_v1_025 --weights {weights} --mean 0.5 --std 0.5"
_DRAWN = "--weights none --mean 0.5 --std 0.5 --device cpu"
#: Commands by what they do; words in braces are places.
_COMMANDS = {
    "measure 10,000 images": "measure {cifar}",
    "transfer, a linear head": f"transfer {{bees}} --model timm:resnet18 {_DRAWN} --protocol probe --out {{out}}/probe",
    "transfer, 3 epochs": f"transfer {{bees}} --model timm:resnet10t {_DRAWN} --size 96 --epochs 3 --out {{out}}/tuned",
    "advise": f"advise {{bees}} {_NET}",
    "study of digits": "study digits --out {out}/study",
}


def _told(words: list[str]) -> dict[str, Any]:
    """Run a command here; every time left that would have been stated, with the time that was left indeed."""
    from tare.cli.main import app
    from tare.system.pacing import logged

    logged.EVERY = _EVERY
    stated: list[tuple[int, float, float]] = []
    ends: dict[int, float] = {}

    def tell(self: Any) -> None:
        now = self._clock()
        left = self._pace.left(now)
        if left is not None:
            stated.append((id(self), now, left))

    def end(self: Any) -> None:
        ends[id(self)] = self._clock()
        kept.append(self)  # so that no later work gets its id

    kept: list[Any] = []
    logged.Logged.tell, logged.Logged.end = tell, end  # type: ignore[method-assign]
    begun = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app(words, standalone_mode=False)
    took = time.monotonic() - begun
    return {"seconds": took, "pairs": [(left, ends[who] - now) for who, now, left in stated if who in ends]}


@contextlib.contextmanager
def _places() -> Iterator[dict[str, str]]:
    data = Path(os.environ["TARE_DATA"].split(os.pathsep)[0])
    with TemporaryDirectory() as made:
        for name, archive in (("cifar", "cifar10-test.tar.gz"), ("bees", "hymenoptera.tar")):
            with tarfile.open(data / archive) as files:
                files.extractall(Path(made) / name, filter="data")
            inner = [path for path in (Path(made) / name).iterdir() if path.is_dir()]
            if len(inner) == 1:
                inner[0].rename(Path(made) / "one")
                (Path(made) / name).rmdir()
                (Path(made) / "one").rename(Path(made) / name)
        net, weights = data / "mobilenet_v1_025.py", data / "mobilenet_v1_025_imagenet.safetensors"
        yield {"cifar": f"{made}/cifar", "bees": f"{made}/bees", "out": made, "net": str(net), "weights": str(weights)}


def _row(name: str, words: list[str]) -> str:
    asked = [sys.executable, "-m", "benchmarks.time_left", "--told", json.dumps(words)]
    run = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - this module
    if run.returncode:
        raise SystemExit(f"{name}: {run.stderr[-2000:]}")
    found = json.loads(run.stdout.splitlines()[-1])
    pairs = np.array(found["pairs"]).reshape(-1, 2)
    if not len(pairs):
        return f"| {name} | {found['seconds']:.0f} s | 0 | | |"
    stated, true = pairs[:, 0], np.maximum(pairs[:, 1], 1e-3)
    factor = np.where(np.abs(stated - true) <= _SLACK, 1.0, np.maximum(stated / true, true / np.maximum(stated, 1e-3)))
    right = (factor <= _FACTOR).mean()
    return f"| {name} | {found['seconds']:.0f} s | {len(pairs)} | {right:.0%} | {factor.max():.1f} |"


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=tuple(_COMMANDS))
    parser.add_argument("--told", help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its marks in this page")
    options = parser.parse_args()
    if options.told is not None:
        print(json.dumps(_told(json.loads(options.told))))
        return
    lines = [f"| command | took | times stated | within a factor of {_FACTOR} | worst factor |\n|---|--:|--:|--:|--:|"]
    print(lines[0])
    with _places() as places:
        for name, words in _COMMANDS.items():
            if options.only in (None, name):
                lines.append(_row(name, [word.format(**places) for word in words.split()]))
                print(lines[-1], flush=True)
    if options.write is not None:
        insert(options.write, "time left", "\n".join(lines))


if __name__ == "__main__":
    main()
