"""What works without PyTorch, compiler and data frames, and what is said of the rest, in a Python that cannot import them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_ABSENT = """
import sys

ABSENT = {"torch", "torchvision", "timm", "lightning", "sklearn", "scipy", "numba", "polars", "pyarrow", "altair", "vl_convert"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def tare(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"{_ABSENT}\nfrom tare.system.engines import loops\nloops._installed = lambda: False\n"
    code += "from tare.cli.start import main\nmain()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("base")
    rng = np.random.default_rng(0)
    for name, shift in (("a", 0.0), ("b", 3.0)):
        rows = rng.normal(shift, 1, (60, 2))
        lines = ["x,y", *(f"{x!r},{y!r}" for x, y in rows.tolist())]
        (place / f"{name}.csv").write_text("\n".join(lines) + "\n")
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(place / "a.png")
    (place / "data.py").write_text(
        "from torchvision.transforms import v2\nv2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.255))\n"
    )
    return place


@pytest.mark.parametrize(
    ("command", "said", "code"),
    [
        ("measure a.png", "mean = (", 0),
        ("measure a.csv", "mean = (", 0),
        ("compare a.csv b.csv", "shift in source stds", 1),
        ("drift a.csv b.csv", "", 1),
        ("spec timm:resnet50", "since timm is not installed", 0),
        ("spec torchvision:resnet18", "since torchvision is not installed", 0),
        ("check data.py", "0.255", 1),
    ],
)
def test_what_needs_no_network_works_without_pytorch(folder: Path, command: str, said: str, code: int) -> None:
    verb, *rest = command.split()
    done = tare(verb, *(str(folder / each) if each.endswith((".csv", ".png", ".py")) else each for each in rest))
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    "command",
    [
        "advise --model timm:resnet18 .",
        "demo --out out",
        "explain --model timm:resnet18",
        "respec timm:resnet18 --to catalog:imagenet --out out",
        "study digits --out out",
        "transfer --model timm:resnet18 . --out out",
    ],
)
def test_a_command_that_needs_pytorch_names_the_extra_in_one_line(command: str) -> None:
    done = tare(*command.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "pip install 'tare[torch]'" in done.stderr


def test_functions_name_the_extra_too() -> None:
    code = f"{_ABSENT}\nimport tare\ntare.transfer(model='timm:resnet18', data='.', out='out')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert done.stderr.splitlines()[-1].endswith("run: pip install 'tare[torch]'")
