"""A network whose forward changes its input in place gets the same answers as the same function out of place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from tare.cli.main import app
from tare.errors import ModelError
from tare.folding.api import fold
from tare.input_spec.spec import InputSpec
from tare.networks.absorption import absorbed
from tests.advising.test_api import textured

NETWORKS = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way = way
        self.first, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.second, self.other, self.head = nn.Conv2d(6, 6, 3), nn.BatchNorm2d(6), nn.Linear(6, 2)

    def forward(self, x):
        if self.way == "out":
            x = x * 2 - 1
        else:
            x.mul_(2).sub_(1)
        return self.head(self.other(self.second(self.norm(self.first(x)).relu())).relu().mean((2, 3)))

def make(way):
    torch.manual_seed(0)
    network = Network(way).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(32, 3, 32, 32))
    return network.eval()

def out():
    return make("out")

def within():
    return make("within")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("networks")
    (root / "nets.py").write_text(NETWORKS, encoding="utf-8")
    namespace: dict[str, Any] = {}
    exec(NETWORKS, namespace)  # noqa: S102
    save_file(namespace["out"]().state_dict(), root / "weights.safetensors")
    textured(root / "photos")
    return root


CONSTANTS = ("--mean", "0.5", "--std", "0.25", "--size", "32", "--weights", "weights.safetensors")


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "photos", *CONSTANTS),
        ("explain", *CONSTANTS),
        ("advise", "photos", *CONSTANTS, "--workers", "1"),
        ("identify", "photos", "--checkpoint", "weights.safetensors", "--size", "32"),
    ],
    ids=["explain", "explain an example", "advise", "identify"],
)
def test_the_figures_are_those_of_the_same_function_out_of_place(
    folder: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    answers = []
    for name in ("out", "within"):
        result = CliRunner().invoke(app, [*words, "--model", f"nets.py:{name}", "--json"], catch_exceptions=False)
        assert result.exit_code in (0, 1), result.output  # 1: the candidates cannot be told apart
        answers.append(result.stdout.replace(f"nets.py:{name}", "NET"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["out", "within"])
def test_neither_form_is_folded(folder: Path, name: str) -> None:
    namespace: dict[str, Any] = {}
    exec((folder / "nets.py").read_text(encoding="utf-8"), namespace)  # noqa: S102
    spec = InputSpec.of((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8")
    with pytest.raises(ModelError, match="reaches a convolution"):
        fold(namespace[name](), spec, shape=(3, 32, 32))


class _InPlaceNorm(nn.Module):
    """A normalisation layer that overwrites its input."""

    def __init__(self, within: bool) -> None:
        super().__init__()
        self.within, self.weight = within, nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mul_(self.weight).div_(3) if self.within else x * self.weight / 3


def test_what_enters_a_layer_is_noted_before_it_runs() -> None:
    first = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    second = 2 * first + 1
    kept = first.clone()
    torch.manual_seed(0)
    front = nn.Conv2d(3, 4, 3)
    shares = [absorbed(nn.Sequential(front, _InPlaceNorm(within)), first, second) for within in (False, True)]
    assert [(one.entering, one.train, one.eval) for one in shares[0]] == [
        (one.entering, one.train, one.eval) for one in shares[1]
    ]
    assert torch.equal(first, kept)
