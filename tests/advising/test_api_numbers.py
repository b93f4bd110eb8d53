from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.advising.evidence.passes import passed
from tare.advising.explaining.api import explain
from tare.advising.fed_network import fed_network
from tare.advising.subject import Reading, subject_of
from tare.datasets.options import LabelOptions
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import open_split
from tare.errors import DataError, ModelError, SpecError
from tare.input_spec.geometry import SignalGeometry
from tare.networks.inputs import NetworkOptions
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import normalisation
from tare.system.progress import SILENT
from tare.transferring.result import TransferRun
from tests.signals import save_table, tones

PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu"}
SCRATCH: dict[str, Any] = {"protocol": "scratch", "strategy": "target", "epochs": 6, "lr": 0.02, "batch_size": 8, **PLAIN}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones, the same tones at a tenth of the level, and runs of networks for signals and for rows."""
    root = tmp_path_factory.mktemp("numbers")
    tones(root / "loud")
    tones(root / "quiet", level=0.03)
    return root


@pytest.fixture(scope="module")
def signals(folder: Path) -> TransferRun:
    return tare.transfer("tare:cnn1d", folder / "loud", out=folder / "run", **SCRATCH)


@pytest.fixture(scope="module")
def rows(folder: Path) -> TransferRun:
    return tare.transfer("tare:mlp", save_table(folder / "rows.csv"), out=folder / "rows", **SCRATCH)


def test_recordings_get_advice_as_images_do(signals: TransferRun, folder: Path) -> None:
    found = tare.advise(str(signals.out), folder / "quiet", workers=1)
    assert found.labelled
    assert found.samples == 16
    assert found.comparison is not None
    assert found.comparison.kind in ("gain", "units")  # a tenth, which is a factor between units
    assert set(found.normalisations) == {"source", "blend", "target", "match", "sample", "quantile", "sample-percentile"}
    assert any(note.startswith("signals of 85 steps (as in the source's run); the data have 50 to 120") for note in found.notes)
    json.dumps(found.to_json(), allow_nan=False)


def test_the_classes_that_a_run_learnt_are_asked_what_they_tell(signals: TransferRun, rows: TransferRun, folder: Path) -> None:
    for run, data in ((signals, folder / "quiet"), (rows, save_table(folder / "heavier.csv", offset=0.005))):
        found = tare.advise(str(run.out), data, workers=1)
        assert "the same by the network's old classes, target" in {item.name for item in found.evidence}


def test_what_lies_outside_a_signal_is_zero_as_when_it_is_trained(signals: TransferRun, folder: Path) -> None:
    labelled = LabelOptions(folder / "quiet")
    fed = fed_network(NetworkOptions(str(signals.out)), 0, labelled)
    subject, _ = subject_of(fed, labelled, Reading(), SILENT)
    names: tuple[Strategy, ...] = ("source", "target", "sample")
    for name in names:
        chosen = normalisation(name, 1, source=subject.constants, target=subject.target)
        found = passed(subject.module, subject.head, subject.samples, chosen, ((0.0,), (1.0,)))
        pad = None if chosen.zero is None else tuple(chosen.zero)
        plain = SignalBatches(open_split(labelled, 0, "signal").train, SignalGeometry(85, pad))
        caught: list[torch.Tensor] = []
        handle = subject.module.get_submodule(subject.head).register_forward_pre_hook(lambda _m, x: caught.append(x[0]))  # noqa: B023
        with torch.no_grad():
            subject.module(torch.stack([InputLayer(chosen)(plain[index][0][None])[0] for index in range(len(plain))]))
        handle.remove()
        wanted, given = (np.sort(values, axis=0) for values in (caught[0].numpy(), found.features))  # drawn in another order
        np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_the_values_of_a_signal_alone_count_in_the_inputs_moments(signals: TransferRun, folder: Path) -> None:
    found = tare.advise(str(signals.out), folder / "loud", labels=False, workers=1)
    gaps = {item.name: item.value for item in found.evidence if item.name.startswith("distance")}
    assert found.samples == 24  # without labels, those of both parts
    assert gaps["distance of the input from source's, target"] < 0.1


@pytest.mark.parametrize("made", ["pattern", "npy", "npz", "array"])
def test_signals_without_labels_are_taken_from_whatever_holds_them(signals: TransferRun, folder: Path, made: str) -> None:
    values = np.random.default_rng(0).normal(0, 0.02, (12, 90)).astype(np.float32)
    np.save(folder / "plain.npy", values)
    np.savez(folder / "named.npz", first=values, note=np.zeros(3))
    data = {"pattern": str(folder / "quiet" / "val" / "*" / "*.wav"), "npy": folder / "plain.npy", "npz": folder / "named.npz"}
    found = tare.advise(str(signals.out), data.get(made, values), labels=False, workers=1)
    assert (found.samples, found.labelled) == (8 if made == "pattern" else 12, False)


def test_auto_follows_the_advice_on_signals(signals: TransferRun, folder: Path, tmp_path: Path) -> None:
    run = tare.transfer(str(signals.out), folder / "quiet", out=tmp_path / "run", protocol="probe", strategy="auto", **PLAIN)
    advice = tare.advise(str(signals.out), folder / "quiet", workers=1)
    assert run.normalisation.strategy == advice.strategy
    assert any(note.startswith(f"strategy auto: {advice.strategy}") and advice.rule in note for note in run.notes)


def test_rows_get_advice_column_by_column(rows: TransferRun, folder: Path) -> None:
    table = save_table(folder / "heavy.csv", offset=0.05, seed=1)
    found = tare.advise(str(rows.out), table, workers=1)
    assert found.labelled
    assert "sample" in found.refused
    shifts = {item.name: item.value for item in found.evidence if item.name.startswith("shift")}
    assert abs(shifts["shift of the mean, size"]) < 1 < shifts["shift of the mean, weight"]
    # The network's columns are found among others without labels being needed.
    plain = tare.advise("tare:mlp", table, weights=str(rows.out), labels=False, workers=1)
    assert (plain.samples, plain.labelled) == (40, False)


def test_a_constant_column_is_named_and_leaves_source_alone(rows: TransferRun, folder: Path) -> None:
    lines = (folder / "rows.csv").read_text().splitlines()
    flat = folder / "flat.csv"
    flat.write_text("\n".join([lines[0], *(f"7.0,{line.split(',', 1)[1]}" for line in lines[1:])]) + "\n")
    found = tare.advise(str(rows.out), flat, workers=1)
    assert (found.strategy, found.basis) == ("source", "nothing else")
    assert any(text.startswith("Constant in dataset1: size.") for text in found.because)
    assert [channel.name for channel in found.comparison.channels] == ["weight"]  # type: ignore[union-attr]
    with pytest.raises(DataError, match="channels with some spread, found the constant channel 'size'"):
        explain(str(rows.out), flat, workers=1)


def test_what_does_not_fit_is_one_clear_line(signals: TransferRun, rows: TransferRun, folder: Path) -> None:
    lines = [line.split(",") for line in (folder / "rows.csv").read_text().splitlines()]
    turned = folder / "turned.csv"
    turned.write_text("\n".join(",".join(reversed(line)) for line in lines) + "\n")
    with pytest.raises(DataError, match=r"columns in the order .* found 'weight' where 'size' was"):
        tare.advise(str(rows.out), turned, workers=1)
    partly = folder / "partly.csv"
    partly.write_text("\n".join(",".join(line) for line in lines).replace("weight", "width", 1) + "\n")
    with pytest.raises(DataError, match=r"found 'width' where 'weight' was; .* or name 'width' 'weight' if they are the same"):
        tare.advise(str(rows.out), partly, workers=1)
    wide = folder / "wide.csv"
    wide.write_text("a,b,c\n" + "\n".join(f"{n},{n % 3},{n % 5}" for n in range(9)) + "\n")
    with pytest.raises(DataError, match="2 columns, as tare:mlp takes, found 3"):
        tare.advise(str(rows.out), wide, workers=1)
    with pytest.raises(SpecError, match="options that fit signals, found --size 32"):
        tare.advise(str(signals.out), folder / "quiet", size=32)
    np.savez(folder / "images.npz", x=np.zeros((6, 8, 8, 3), np.uint8), y=np.arange(6) % 2)
    with pytest.raises(DataError, match="labelled signals, found an image per sample"):
        tare.advise(str(signals.out), folder / "images.npz", workers=1)
    with pytest.raises(ModelError, match="data for tare:cnn1d, which is built for their channels"):
        explain("tare:cnn1d", weights="none", mean=[0.0], std=[1.0])


def test_an_explanation_of_signals_and_rows(signals: TransferRun, rows: TransferRun, folder: Path) -> None:
    found = explain(str(signals.out), folder / "quiet", workers=1)
    assert (found.example, found.shape) == ("", (1, 85))
    assert found.shares[0].train < found.shares[0].eval
    assert found.border is not None
    assert found.border.border > found.border.interior
    example = explain(str(rows.out))
    assert "32 random rows" in example.example
    assert example.channels[0].scale == pytest.approx(2.0)
    assert not any("border" in text for text in example.sentences)
    assert [channel.channel for channel in example.channels] == ["size", "weight"]


def test_an_explanation_calls_the_columns_of_a_table_by_their_names(tmp_path: Path) -> None:
    path = save_table(tmp_path / "two.csv")
    lines = [f"{line},{number % 7 if number else 'third'}" for number, line in enumerate(path.read_text().splitlines())]
    path.write_text("\n".join(lines) + "\n")
    run = tare.transfer("tare:mlp", path, out=tmp_path / "run", **{**SCRATCH, "epochs": 1})
    for found in (explain(str(run.out), path, workers=1), explain(str(run.out))):
        assert [channel.channel for channel in found.channels] == ["size", "weight", "third"]
