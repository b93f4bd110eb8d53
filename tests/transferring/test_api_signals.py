from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.datasets.files import read_recording
from tare.datasets.options import LabelOptions
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import open_split
from tare.errors import DataError, InputError, ModelError, OutputError, SpecError, StrategyError
from tare.measuring.api import measure
from tare.networks.stored.directory import load_model
from tare.networks.stored.folded import fold_to
from tare.networks.stored.inputs import FoldRequest
from tare.normalisation.names import BASIC, Strategy
from tare.predicting.api import predict
from tare.reporting.transfer.report import print_run, write_run
from tare.samples.records import Skipped
from tare.training.module import TransferModule
from tare.transferring.api import transfer
from tare.transferring.result import TransferRun
from tests.signals import RATES, save_table, save_wav, tone, tones

PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu"}
SCRATCH: dict[str, Any] = {"protocol": "scratch", "strategy": "target", "epochs": 6, "lr": 0.02, "batch_size": 8, **PLAIN}
PROBE: dict[str, Any] = {"protocol": "probe", "weights": "none", **PLAIN}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tones from a sensor with a tenth of the gain."""
    return tones(tmp_path_factory.mktemp("quiet"), level=0.03)


@pytest.fixture(scope="module")
def source(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    return transfer("tare:cnn1d", data, out=tmp_path_factory.mktemp("source") / "run", **SCRATCH)


def weights(run: TransferRun) -> dict[str, torch.Tensor]:
    return run.load().network.module.state_dict()


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_a_network_for_signals_is_built_for_the_data_trained_and_loaded_back(source: TransferRun, data: Path) -> None:
    assert source.val_accuracy == 1.0
    assert source.kind == "signal"
    model = source.load()
    assert (model.network.reference, model.network.channels, model.takes.shape) == ("tare:cnn1d", 1, (85,))
    assert source.normalisation.mean == pytest.approx(measure(data / "train").mean)
    notes = " ".join(source.notes)
    assert "signals of 85 steps (the median of the training split; change it with --length)" in notes
    assert "those of the training split have 50 to 120" in notes
    assert "are longer and cut: at random in training, to their middle in validation" in notes
    assert "padded with the mean that normalisation subtracts: zero at the network's input" in notes


def test_what_is_padded_is_zero_at_the_networks_input(source: TransferRun, data: Path) -> None:
    model = source.load()
    files = open_split(LabelOptions(data), 0, "signal").val
    shortest = next(file for file in files if file.path.endswith("0.wav"))
    caught: list[torch.Tensor] = []
    model.network.module.register_forward_pre_hook(lambda _m, inputs: caught.append(inputs[0]))
    model.logits(SignalBatches([shortest], model.takes)[0][0][None])  # type: ignore[arg-type]
    fed = caught[0][0, 0]
    torch.testing.assert_close(fed[:17], torch.zeros(17), atol=1e-6, rtol=0)
    torch.testing.assert_close(fed[-18:], torch.zeros(18), atol=1e-6, rtol=0)
    assert fed[17:-18].std() > 0.5


@pytest.mark.parametrize("strategy", BASIC)
def test_every_strategy_feeds_the_target_as_it_says(source: TransferRun, quiet: Path, tmp_path: Path, strategy: Strategy) -> None:
    run = transfer("tare:cnn1d", quiet, out=tmp_path / "run", **{**PROBE, "weights": str(source.out), "strategy": strategy})
    stats = measure(quiet / "train")
    assert run.load().normalisation == run.normalisation
    (mean,), (std,) = run.normalisation.moments_fed(stats)
    # A tenth of the gain: under the source's statistics, and as it is, the network is fed a tenth of what it knows.
    least, most = {"source": (0.05, 0.2), "none": (0.01, 0.05), "blend": (0.9, 1.1)}.get(strategy, (0.999, 1.001))
    assert least < std < most
    assert abs(mean) < 0.1
    if strategy == "match":
        assert any("dataset0's own moments: the run's own training split" in note for note in run.notes)
    if strategy == "source":
        assert run.normalisation.mean == source.normalisation.mean


def test_an_earlier_run_gives_its_weights_its_constants_and_its_length(source: TransferRun, quiet: Path, tmp_path: Path) -> None:
    as_weights = transfer("tare:cnn1d", quiet, out=tmp_path / "a", **{**PROBE, "weights": str(source.out)})
    as_model = transfer(str(source.out), quiet, out=tmp_path / "b", **{**PROBE, "weights": "pretrained"})
    assert equal(weights(as_weights), weights(as_model))
    assert as_weights.load().takes == as_model.load().takes == source.load().takes
    body = [key for key in weights(source) if not key.startswith("head.")]
    assert all(torch.equal(weights(source)[key], weights(as_weights)[key]) for key in body)
    longer = transfer(str(source.out), quiet, out=tmp_path / "c", length=96, **{**PROBE, "weights": "pretrained"})
    assert longer.load().takes.shape == (96,)
    tuned = transfer(str(source.out), quiet, out=tmp_path / "d", epochs=1, **PLAIN)
    last = load_model(tuned.out / "model-last").network.module.state_dict()
    assert not torch.equal(last["blocks.0.0.weight"], weights(source)["blocks.0.0.weight"])


def test_batch_norms_are_re_estimated_on_signals(source: TransferRun, quiet: Path, tmp_path: Path) -> None:
    options = {**PROBE, "weights": "pretrained", "strategy": "target"}
    run = transfer(str(source.out), quiet, out=tmp_path / "a", batchnorm="reestimate", **options)
    assert any("4 batch norms re-estimated on 16 signals" in note for note in run.notes)
    plain = transfer("tare:cnn1d-none", quiet, out=tmp_path / "b", batchnorm="reestimate", **{**options, "weights": "none"})
    assert any("tare:cnn1d-none has no batch norm" in note for note in plain.notes)


class KilledError(Exception):
    pass


def test_an_interrupted_run_resumes_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = transfer("tare:cnn1d", data, out=tmp_path / "whole", **SCRATCH)
    with monkeypatch.context() as patch:
        step = TransferModule.training_step

        def killed(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
            if self.current_epoch == 3 and index == 1:
                raise KilledError
            return step(self, batch, index)

        patch.setattr(TransferModule, "training_step", killed)
        with pytest.raises(KilledError):
            transfer("tare:cnn1d", data, out=tmp_path / "part", **SCRATCH)
    with pytest.raises(OutputError, match=r"geometry: .*85.* then, .*64.* now"):
        transfer("tare:cnn1d", data, out=tmp_path / "part", resume=True, length=64, **SCRATCH)
    resumed = transfer("tare:cnn1d", data, out=tmp_path / "part", resume=True, **{**SCRATCH, "workers": 1})
    assert equal(weights(whole), weights(resumed))
    assert (resumed.out / "metrics.csv").read_text() == (whole.out / "metrics.csv").read_text()


def test_validation_and_prediction_give_the_same_answers(source: TransferRun, data: Path) -> None:
    answers = predict(source.out, data / "val", workers=1)
    assert [Path(answer.path).parent.name for answer in answers] == [answer.label for answer in answers]
    assert len(answers) == source.evaluation.samples == 8


def test_recordings_are_chosen_and_labelled_by_their_names(tmp_path: Path) -> None:
    for label, rate in RATES.items():
        for speaker in ("ann", "bob"):
            for index in range(5):
                save_wav(tmp_path / "all" / f"{label}_{speaker}_{index}.wav", tone(rate, 50, index))
    run = transfer(
        "tare:cnn1d", tmp_path / "all", out=tmp_path / "run", label_pattern="(high|low)_ann", **{**PROBE, "strategy": "target"}
    )
    assert run.target_stats.samples + run.evaluation.samples == 10
    assert run.task is not None
    assert run.task.names == ("high", "low")
    listed = "\n".join(["path,label", *(f"all/{label}_bob_{index}.wav,{label}" for label in RATES for index in range(5))])
    (tmp_path / "bob.csv").write_text(listed + "\n")
    other = transfer("tare:cnn1d", tmp_path / "bob.csv", out=tmp_path / "other", **{**PROBE, "strategy": "target"})
    assert other.target_stats.samples + other.evaluation.samples == 10


def test_rows_of_a_table_are_normalised_by_column(tmp_path: Path) -> None:
    path = save_table(tmp_path / "a.csv")
    run = transfer("tare:mlp", path, out=tmp_path / "run", **{**SCRATCH, "epochs": 20})
    assert (run.kind, run.val_accuracy) == ("vector", 1.0)
    assert [channel.name for channel in run.target_stats.channels] == ["size", "weight"]
    assert run.normalisation.mean == pytest.approx((1000, 0.015), rel=0.05)
    assert all(channel.mean_se > 0 for channel in run.target_stats.channels)
    other = save_table(tmp_path / "b.csv", offset=0.5, seed=1)
    fed = {}
    with pytest.raises(InputError, match=r"TARE094 far-away: .* the network would see mean 98\.\d and std 0\.9.*--allow TARE094"):
        transfer(str(run.out), other, out=tmp_path / "source", protocol="probe", **PLAIN)
    assert not (tmp_path / "source").exists()
    for strategy in ("source", "target", "match", "blend"):
        out, allow = tmp_path / strategy, ["far-away"] if strategy == "source" else []
        moved = transfer(str(run.out), other, out=out, strategy=strategy, protocol="probe", allow=allow, **PLAIN)
        gate = json.loads((moved.model_dir / "tare.json").read_text())["gate"]
        assert (gate["allowed"], len(gate["findings"])) == ((["TARE094"], 1) if allow else ([], 0))
        fed[strategy] = moved.normalisation.moments_fed(moved.target_stats)[0][1]
    assert fed["source"] > 50
    assert fed["target"] == pytest.approx(0, abs=1e-6)
    assert fed["match"] == pytest.approx(0, abs=1e-6)
    assert abs(fed["blend"]) < 0.1


def test_columns_in_another_order_than_the_sources_are_refused(tmp_path: Path) -> None:
    path = save_table(tmp_path / "a.csv")
    run = transfer("tare:mlp", path, out=tmp_path / "run", **{**PROBE, "strategy": "target"})
    turned = tmp_path / "turned.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    turned.write_text("\n".join(",".join(reversed(line)) for line in lines) + "\n")
    for model, weights in ((str(run.out), "pretrained"), ("tare:mlp", str(run.out))):
        with pytest.raises(DataError, match=r"columns in the order .* found '\w+' where '\w+' was"):
            transfer(model, turned, out=tmp_path / "moved", protocol="probe", weights=weights, **PLAIN)
    assert not (tmp_path / "moved").exists()


def test_arrays_are_signals_or_rows_as_the_network_takes_them(tmp_path: Path) -> None:
    values = np.stack([tone(RATES["high" if index % 2 else "low"], 48, index) for index in range(40)])
    np.savez(tmp_path / "a.npz", x=values, y=np.arange(40) % 2)
    assert transfer("tare:cnn1d", tmp_path / "a.npz", out=tmp_path / "a", **SCRATCH).val_accuracy == 1.0
    rows = transfer("tare:mlp", tmp_path / "a.npz", out=tmp_path / "b", **{**PROBE, "strategy": "target"})
    assert (rows.kind, len(rows.normalisation.mean)) == ("vector", 48)
    np.savez(tmp_path / "c.npz", x=values.reshape(40, 24, 2), y=np.arange(40) % 2)
    two = transfer("tare:cnn1d", tmp_path / "c.npz", out=tmp_path / "c", **{**PROBE, "strategy": "target"})
    assert (two.load().network.channels, two.load().takes.shape) == (2, (24,))


def test_a_network_of_ones_own_for_signals(tmp_path: Path, data: Path) -> None:
    layers = "nn.Conv1d(1, 4, 5), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(16, 9)"
    (tmp_path / "nets.py").write_text(f"from torch import nn\n\n\ndef net():\n    return nn.Sequential({layers})\n")
    model = f"{tmp_path / 'nets.py'}:net"
    run = transfer(model, data, out=tmp_path / "run", **{**PROBE, "mean": [0.0], "std": [0.2]})
    assert run.load(model).takes.shape == (85,)
    with pytest.raises(
        ModelError, match=r"a network that takes signals of 4 steps in 1 channels, found .* choose another --length"
    ):
        transfer(model, data, out=tmp_path / "short", length=4, **{**PROBE, "mean": [0.0], "std": [0.2]})


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("tare:cnn2d", {}, r"one of tare:cnn1d, .*, found 'tare:cnn2d'; did you mean tare:cnn1d\?"),
        ("tare:cnn1d", {"weights": "pretrained"}, r"weights for tare:cnn1d, found 'pretrained'.*with --weights RUN"),
        ("tare:cnn1d", {"strategy": "source"}, "the source's mean and std for the strategy 'source'.*use --strategy target"),
        ("tare:cnn1d", {"size": 32}, "options that fit signals, found --size 32"),
        ("tare:cnn1d", {"crop": 0.5}, "options that fit signals, found --crop 0.5"),
        ("tare:cnn1d", {"length": 0}, "--length above zero, found 0"),
        ("tare:cnn1d", {"mixup": 0.2, "protocol": "finetune"}, "--augmentation basic or none for signals, .* found --mixup 0.2"),
        ("tare:cnn1d", {"cutmix": 1.0, "protocol": "finetune"}, "found --cutmix 1.0"),
        ("tare:cnn1d", {"erasing": 0.1, "protocol": "finetune"}, "found --erasing 0.1"),
        ("tare:cnn1d", {"augmentation": "randaugment"}, "found --augmentation randaugment; use basic .cut at a random place"),
        ("timm:test_resnet", {"length": 32}, "options that fit images, found --length 32"),
        ("timm:test_resnet", {"label_pattern": "(high|low)"}, r"labelled images, found a signal per sample .*--model tare:cnn1d"),
        ("tare:mlp", {"label_pattern": "(high|low)", "strategy": "sample"}, "images or signals for the strategy 'sample'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    data: Path, tmp_path: Path, model: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((SpecError, ModelError, DataError, StrategyError), match=message):
        transfer(model, data, out=tmp_path / "run", **{**PROBE, **options})
    assert not (tmp_path / "run").exists()


def test_other_channels_than_the_sources_are_refused(source: TransferRun, tmp_path: Path) -> None:
    for label, rate in RATES.items():
        for index in range(4):
            save_wav(tmp_path / "two" / label / f"{index}.wav", np.stack([tone(rate, 60, index)] * 2, axis=1))
    with pytest.raises(DataError, match=r"1 channels, as .* takes, found 2"):
        transfer(str(source.out), tmp_path / "two", out=tmp_path / "run", protocol="probe", **PLAIN)
    with pytest.raises(ModelError, match=r"data with as many channels as the run that the weights come from, found 2, but 1"):
        transfer("tare:cnn1d", tmp_path / "two", out=tmp_path / "run", protocol="probe", weights=str(source.out), **PLAIN)


def test_rows_with_missing_values_are_left_out_and_said(tmp_path: Path) -> None:
    path = save_table(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "1000,a,", "1000,b,NaN"]) + "\n")
    with pytest.raises(tare.TareError, match="unreadable"):
        transfer("tare:mlp", path, out=tmp_path / "run", **{**PROBE, "strategy": "target"})
    run = transfer("tare:mlp", path, out=tmp_path / "run", max_skipped=0.1, **{**PROBE, "strategy": "target"})
    assert any(
        "left out 2 unreadable rows" in note and "1 of 2 values are missing, NaN or infinite" in note for note in run.notes
    )


def test_the_page_speaks_of_signals_and_shows_no_pictures(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = transfer("tare:cnn1d", data, out=tmp_path / "run", **{**SCRATCH, "epochs": 1, "lr": 1e-6})
    assert run.evaluation.to_json()["mistakes"]
    write_run(run, tmp_path / "page.html")
    print_run(run, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "8 validation signals" in page
    assert "before signals are cut or padded" in page
    assert "image/jpeg" not in page
    assert "image" not in capsys.readouterr().out
    assert json.loads((run.out / "run.json").read_text())["settings"]["training signals"].startswith("16 with mean")


def test_a_folded_network_answers_alike_also_where_a_signal_is_padded(source: TransferRun, data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="uint8 data for --input uint8, found float32 data"):
        fold_to(FoldRequest(str(source.out), tmp_path / "bytes", takes="uint8"))
    fold_to(FoldRequest(str(source.out), tmp_path / "folded"))
    ours, theirs = (predict(run, data / "val", workers=1) for run in (tmp_path / "folded", source.out))
    assert load_model(tmp_path / "folded").normalisation.mean == (0.0,)
    assert [answer.probability for answer in ours] == pytest.approx([answer.probability for answer in theirs], abs=1e-5)
    assert [answer.label for answer in ours] == [answer.label for answer in theirs]


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_recordings_in_an_archive_are_those_of_its_folders(data: Path, tmp_path: Path, suffix: str) -> None:
    with tarfile.open(tmp_path / f"a.{suffix}", "w:gz" if suffix.endswith("gz") else "w") as archive:
        for path in sorted((data / "train").rglob("*.wav")):
            archive.add(path, str(path.relative_to(data / "train")))
    split = open_split(LabelOptions(tmp_path / f"a.{suffix}"), 0, "signal")
    assert (split.classes, len(split.train), len(split.val)) == (("high", "low"), 12, 4)
    for file in split.train:
        name = "high" if file.label == 0 else "low"
        values = file.read("stored")
        assert not isinstance(values, Skipped)
        assert any(np.array_equal(values, read_recording(str(path))) for path in (data / "train" / name).iterdir())  # type: ignore[arg-type]
