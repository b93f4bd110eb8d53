"""Networks of a Python file of the user's that do what no network should: one line, and output that is still a document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NETWORKS = """
import sys
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).relu().mean((2, 3)))

class Own(BaseException):
    pass

def raises():
    raise Own("of mine")

def exits():
    sys.exit(1)

def closes():
    sys.stdout.close()
    return Net()

def prints():
    class Printing(Net):
        def forward(self, x):
            print("forward")
            return super().forward(x)
    print("factory")
    return Printing()

def dtype():
    torch.set_default_dtype(torch.float64)
    return Net().float()

def device():
    torch.set_default_device("meta")
    return Net()

def no_eval():
    class Stubborn(Net):
        def eval(self):
            raise RuntimeError("no eval\\nat all")
    return Stubborn()

def raises_in_forward():
    class Raising(Net):
        def forward(self, x):
            raise Own("of mine")
    return Raising()

def empty():
    class Empty(Net):
        def forward(self, x):
            return super().forward(x) * float("nan")
    return Empty()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("networks")
    (root / "nets.py").write_text(NETWORKS, encoding="utf-8")
    return root


def explained(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    words = [
        "explain",
        "--model",
        f"nets.py:{name}",
        "--weights",
        "none",
        "--mean",
        "0.5",
        "--std",
        "0.25",
        "--size",
        "16",
        "--json",
    ]
    return subprocess.run([sys.executable, "-m", "tare", *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("raises", "to build a network, found Own: of mine"),
        ("exits", "to build a network, found SystemExit: 1"),
        ("no_eval", "with an eval mode, found RuntimeError: no eval at all; repair its eval()"),
        ("device", "device meta"),
        ("raises_in_forward", "to raise an Exception, found Own: of mine"),
    ],
)
def test_what_a_network_cannot_is_one_line_and_exit_code_two(folder: Path, name: str, found: str) -> None:
    done = explained(folder, name)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert found in done.stderr


@pytest.mark.parametrize("name", ["prints", "closes", "dtype"])
def test_output_is_json_whatever_a_network_prints_closes_or_sets(folder: Path, name: str) -> None:
    done = explained(folder, name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == "tare.explanation/1"
    if name == "prints":
        assert done.stderr.splitlines()[:2] == ["factory", "forward"]


def test_a_network_that_answers_nan_is_said_to(folder: Path) -> None:
    assert json.loads(explained(folder, "empty").stdout)["notes"][-1].startswith("the network's whole answer to a sample is NaN")
    assert all("NaN" not in note for note in json.loads(explained(folder, "closes").stdout)["notes"])
