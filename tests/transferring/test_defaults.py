from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.transferring.api import transfer
from tare.transferring.defaults import settled
from tare.transferring.inputs import TransferRequest


def request(model: str, **options: Any) -> TransferRequest:
    return TransferRequest(model, "data", out="out", **options)


@pytest.mark.parametrize(
    ("model", "options", "protocol", "strategy", "notes"),
    [
        ("tare:mlp", {}, "scratch", "target", 1),
        ("tare:cnn1d-layer", {"weights": "none"}, "scratch", "target", 1),
        ("tare:mlp", {"strategy": "auto"}, "scratch", "target", 1),
        ("tare:mlp", {"strategy": "source"}, "scratch", "source", 1),
        ("tare:mlp", {"mean": [0.5], "std": [0.5]}, "scratch", "source", 1),
        ("tare:mlp", {"protocol": "scratch", "strategy": "target"}, "scratch", "target", 0),
        ("tare:mlp", {"protocol": "probe", "strategy": "target"}, "probe", "target", 0),
        ("tare:mlp", {"weights": "an/earlier/run"}, "finetune", "source", 0),
        ("timm:resnet18", {}, "finetune", "source", 0),
        ("timm:resnet18", {"strategy": "auto"}, "finetune", "auto", 0),
        ("net.py:factory", {"weights": "none"}, "finetune", "source", 0),
    ],
)
def test_defaults_follow_the_network_and_statements_stay(
    model: str, options: dict[str, Any], protocol: str, strategy: str, notes: int
) -> None:
    made, said = settled(request(model, **options))
    assert (made.protocol, made.strategy, len(said)) == (protocol, strategy, notes)


def test_a_table_is_learnt_with_the_options_of_the_readme_and_source_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal([0, 50], [1, 10], (60, 2))
    rows = np.column_stack([np.arange(60), values, values[:, 0] > 0])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="id,acid,sugar,quality", comments="", fmt="%.6g")
    run = transfer("tare:mlp", tmp_path / "t.csv", label="quality", out=tmp_path / "run", epochs=1, workers=0, device="cpu")
    assert run.notes[0] == (
        "tare:mlp has no pretrained weights: it is trained from scratch (--protocol scratch), "
        "and the mean and std are those of your training split (--strategy target)"
    )
    assert "left out as columns that count rows or time: id; they are taken where columns are named" in run.notes
    assert run.normalisation.mean == pytest.approx(values.mean(axis=0), abs=5)
    with pytest.raises(SpecError, match=r"mean and std for the strategy 'source', found neither .*use --strategy target"):
        transfer("tare:mlp", tmp_path / "t.csv", label="quality", strategy="source", out=tmp_path / "other")
