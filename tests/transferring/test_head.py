from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tare.errors import ModelError
from tare.transferring.api import transfer

_NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.other = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8)), nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, x):
        f = self.body(x)
        return {}

def net():
    return Net()
"""


def tuned(folder: Path, returned: str, **options: Any) -> torch.Tensor:
    """Fine-tune on rows of two classes; returns the running mean of the batch norm after no epoch of the body."""
    (folder / "nets.py").write_text(_NETWORK.replace("{}", returned))
    rows = (f"{k},{k % 7},{k % 5},{'ab'[k % 2]}" for k in range(60))
    (folder / "x.csv").write_text("\n".join(["a,b,c,label", *rows]))
    stated: dict[str, Any] = {"mean": [30.0, 3.0, 2.0], "std": [17.0, 2.0, 1.4], "weights": "none", "epochs": 1, "workers": 0}
    run = transfer(f"{folder / 'nets.py'}:net", folder / "x.csv", out=folder / "run", device="cpu", **{**stated, **options})
    state: dict[str, torch.Tensor] = torch.load(run.out / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state["network.body.1.running_mean"]


def test_a_last_layer_without_a_part_in_the_answer_is_refused_where_it_is_trained_alone(tmp_path: Path) -> None:
    message = "a network whose last layer is its head, which is trained alone at first, found 'other', which its answer does not"
    for options in ({}, {"freeze": "body"}, {"head_epochs": 2}):
        with pytest.raises(ModelError, match=message):
            tuned(tmp_path, "self.head(f)", **options)
    tuned(tmp_path, "self.head(f)", head_epochs=0)


def test_a_network_that_gives_several_tensors_as_it_trains_alone_is_refused(tmp_path: Path) -> None:
    for several, kind in (("(self.other(f), self.head(f))", "tuple"), ("{'out': self.other(f), 'aux': self.head(f)}", "dict")):
        with pytest.raises(ModelError, match=f"one tensor, as it trains and as it is used, found {kind} in training mode"):
            tuned(tmp_path, f"{several} if self.training else self.other(f)")


def test_the_check_changes_no_buffer_and_what_it_cannot_tell_is_trained(tmp_path: Path) -> None:
    frozen = tuned(tmp_path, "self.other(f)", batchnorm="frozen")
    assert (frozen == 0).all()
    refused = "self.other(f) if len(x) > 2 or not self.training else undefined"
    tuned(tmp_path, refused, overwrite=True)
