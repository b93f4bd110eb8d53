"""Code, notebooks and configurations that are broken or hostile: what writes each, by name. None of it may run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.hostile.bad_sources import Writer

_DEEP = 10_000
_BAIT = 'open("tare-was-here", "w").close()\n'
_NORMALIZE = (
    "from torchvision import transforms\nt = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])\n"
)


def bad_code() -> dict[str, Writer]:
    """Files that no reader of code expects."""
    files: dict[str, str | bytes] = {
        "runs.py": _BAIT + "import os\nos.system('touch tare-was-here')\n" + _NORMALIZE,
        "twelve-megabytes.py": "x = 1\n" * 2_000_000,
        "long-line.py": "x = [" + "0.485, " * 250_000 + "]\n",
        "deep-brackets.py": "x = " + "(" * _DEEP + ")" * _DEEP,
        "deep-signs.py": "x = " + "-" * _DEEP + "1",
        "long-sum.py": "x = 1" + " + 1" * _DEEP,
        "long-chain.py": "x = a" + ".b" * _DEEP,
        "many-branches.py": "if a: pass\n" + "elif a: pass\n" * _DEEP,
        "long-number.py": "MEAN = " + "9" * 100_000,
        "huge-power.py": _NORMALIZE.replace("MEAN", "[9**9**9**9]").replace("STD", "[1 << 10**12]"),
        "huge-list.py": _NORMALIZE.replace("MEAN", "[0.5] * 10**12").replace("STD", "'x' * 10**12"),
        "endless.py": "while True:\n    MEAN = [0.5]\n\n\ndef f(x):\n    return f(f(x))\n\n\nf(f)\n" + _NORMALIZE,
        "itself.py": "from itself import *\nimport itself\n" + _NORMALIZE,
        "syntax.py": "def f(:\n",
        "python-2.py": "print 'mean'\nexcept E, e:\n",
        "null.py": b"x = 1\0\n",
        "compiled.py": b"\xa7\x0d\x0d\x0a\0\0\0\0\xe3\0\0\0",
        "latin.py": b"# \xe9\nx = '\xe9'\n",
        "unknown-encoding.py": b"# coding: klingon\nx = 1\n",
        "no-text-encoding.py": b"# coding: hex\n78203d2031\n",
        "utf-16.py": "x = 1\n".encode("utf-16"),
        "line\n::error::break.py": _NORMALIZE.replace("MEAN", "[0.485, 0.456, 0.406]").replace("STD", "[0.229, 0.224, 0.255]"),
        "bell-\x1b[31m.py": _NORMALIZE.replace("MEAN", "['\x1b]0;x\x07']").replace("STD", "[0.229]"),
        "no-json.ipynb": "no json",
        "cut.ipynb": '{"cells": [{"cell_type": "code", "source": ["x = 1',
        "deep.ipynb": "[" * 100_000,
        "no-cells.ipynb": "{}",
        "numbers.ipynb": json.dumps({"cells": [1, None, {"cell_type": "code", "source": {"a": 1}}]}),
        "runs.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": [_BAIT, "!touch tare-was-here\n"]}]}),
        "many-shell-lines.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": "!ls\n" * 100_000}]}),
        "laughs-norm.yaml": _laughs(),
        "merges-norm.yaml": _merges(),
        "python-tag-norm.yaml": "mean: !!python/object/apply:os.system ['touch tare-was-here']\nstd: [1]\n",
        "deep-norm.json": '{"image_mean":' * _DEEP + "1" + "}" * _DEEP,
        "deep-norm.toml": "mean = " + "[" * _DEEP + "]" * _DEEP,
    }
    return {**{name: _writer(data) for name, data in files.items()}, "fifo.py": _fifo}


def _laughs() -> str:
    bomb = "mean: &a [0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    return bomb + "std: *i\n"


def _merges() -> str:
    steps = (f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}], x{level}: *a{level - 1}}}\n" for level in range(1, 60))
    return "a0: &a0 {mean: [0.5], std: [0.5]}\n" + "".join(steps)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _writer(data: str | bytes) -> Writer:
    def write(path: Path) -> None:
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    return write
