"""Classifiers of sound of transformers, from their directories to runs that transformers loads again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile

import tare
from tare.errors import DataError, ModelError, SpecError
from tare.networks.building.sound import own_constants
from tare.networks.loading import load_network
from tare.networks.stored.folded import fold_to
from tare.networks.stored.inputs import FoldRequest
from tare.readers.table import read_spec
from tare.transferring.result import TransferRun
from tests.sound_networks import BINS, FRAMES, MEAN, STD, ast, low_and_high, tone, wav2vec2

transformers = pytest.importorskip("transformers", reason="builds the networks (pip install 'tare[hf]')")
PLAIN: dict[str, Any] = {"protocol": "probe", "workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return low_and_high(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ast(tmp_path_factory.mktemp("ast"))


@pytest.fixture(scope="module")
def run(network: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    return tare.transfer(f"hf:{network}", data, out=tmp_path_factory.mktemp("runs") / "run", strategy="target", **PLAIN)


@pytest.fixture(scope="module")
def waves(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    folder = wav2vec2(tmp_path_factory.mktemp("wav2vec2"))
    return tare.transfer(f"hf:{folder}", data, out=tmp_path_factory.mktemp("runs") / "run", length=4000, **PLAIN)


def answers(folder: Path, paths: list[Path], length: int | None = None) -> list[list[float]]:
    """Probabilities by transformers' automatic classes alone."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModelForAudioClassification.from_pretrained(folder, local_files_only=True).eval()
    found = []
    for path in paths:
        wave = wavfile.read(path)[1] / np.float32(32768)
        fed = extractor(wave[:length], sampling_rate=16000, return_tensors="pt")
        with torch.inference_mode():
            found.append(model(**fed).logits.softmax(dim=1)[0].tolist())
    return found


def test_it_answers_half_a_z_score_as_transformers_does(network: Path) -> None:
    loaded = load_network(f"hf:{network}")
    own = transformers.AutoModelForAudioClassification.from_pretrained(network, local_files_only=True).eval()
    values = torch.randn(2, FRAMES, BINS)
    with torch.inference_mode():
        assert torch.equal(loaded.module(values[:, None]), own(input_values=values / 2).logits)
    assert (loaded.spec.require("mean"), loaded.spec.require("std")) == ((MEAN,), (STD,))
    assert (loaded.kind, loaded.channels) == ("sound", 1)


def test_a_specification_read_for_transformers_is_taken_for_what_it_means_here(network: Path) -> None:
    front = load_network(f"hf:{network}").front
    stated = read_spec(network)
    assert front is not None
    assert stated.require("std") == (2 * STD,)
    assert own_constants(stated, front).require("std") == (STD,)
    assert own_constants(own_constants(stated, front), front).require("std") == (STD,)


def test_the_target_strategy_gives_the_extractor_what_measuring_as_heard_prints(run: TransferRun) -> None:
    stated = json.loads((run.out / "model" / "preprocessor_config.json").read_text())
    (mean,), (std,) = run.normalisation.mean, run.normalisation.std
    assert (stated["mean"], stated["std"]) == (mean, std)
    assert run.target_stats.mean == (mean,)
    assert run.kind == "sound"


@pytest.mark.parametrize("strategy", ["source", "target"])
def test_a_run_is_a_directory_whose_automatic_classes_give_the_answers_of_predict(
    network: Path, data: Path, tmp_path: Path, strategy: Any
) -> None:
    made = tare.transfer(f"hf:{network}", data, out=tmp_path / "run", strategy=strategy, **PLAIN)
    paths = sorted((data / "low").iterdir())[:3]
    ours = [dict(found.ranks) for found in tare.predict(made.out, paths, top=2)]
    for mine, theirs in zip(ours, answers(made.out / "model", paths), strict=True):
        assert list(mine.values()) == pytest.approx([theirs[made.load().classes.index(name)] for name in mine], abs=1e-5)


def test_a_network_of_waveforms_keeps_to_its_extractors_own_moments(waves: TransferRun, tmp_path: Path) -> None:
    assert waves.normalisation.strategy == "sample"
    assert any("normalises each recording by its own mean and std" in note for note in waves.notes)
    path = tmp_path / "a.wav"
    wavfile.write(path, 16000, np.int16(tone(7, 300, seconds=4000 / 16000) * 32767))
    mine = dict(tare.predict(waves.out, [path], top=2)[0].ranks)
    (theirs,) = answers(waves.out / "model", [path])
    assert list(mine.values()) == pytest.approx([theirs[waves.load().classes.index(name)] for name in mine], abs=1e-4)


@pytest.mark.parametrize("name", ["run", "waves"])
def test_exports_hold_what_the_network_takes(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made: TransferRun = request.getfixturevalue(name)
    folder = tare.export(made.out, "hf", tmp_path / "hf")
    assert folder.parity is not None
    assert folder.parity.logits == pytest.approx(0, abs=1e-4)
    assert "AutoFeatureExtractor" in (tmp_path / "hf" / "README.md").read_text()
    graph = tare.export(made.out, "torchscript", tmp_path / "net.pt")
    assert graph.layout == {"run": "NTF", "waves": "NTC"}[name]


def test_quiet_recordings_are_exported_and_what_the_extractor_adds_to_their_variance_is_told(tmp_path: Path) -> None:
    for label, pitch in (("low", 300.0), ("high", 2500.0)):
        (tmp_path / "quiet" / label).mkdir(parents=True)
        for index in range(5):
            values = tone(index, pitch) * 0.01
            wavfile.write(tmp_path / "quiet" / label / f"{index}.wav", 16000, np.int16(values * 32767))
    net = wav2vec2(tmp_path / "net")
    made = tare.transfer(f"hf:{net}", tmp_path / "quiet", out=tmp_path / "run", length=4000, **PLAIN)
    exported = tare.export(made.out, "hf", tmp_path / "hf")
    assert any("the extractor adds 1e-07 to the variance" in note for note in exported.notes)


def test_constants_that_the_extractor_has_no_key_for_are_refused_by_its_format(
    waves: TransferRun, tmp_path: Path, data: Path
) -> None:
    network = str(waves.settings["model"])
    made = tare.transfer(network, data, out=tmp_path / "run", length=4000, strategy="target", **PLAIN)
    with pytest.raises(ModelError, match="a normalisation that Wav2Vec2FeatureExtractor can state"):
        tare.export(made.out, "hf", tmp_path / "hf")


def test_a_fold_takes_the_normalisation_and_the_half_in(run: TransferRun, data: Path, tmp_path: Path) -> None:
    fold_to(FoldRequest(source=str(run.out), out=tmp_path / "fold"))
    paths = sorted((data / "high").iterdir())[:2]
    for one, other in zip(tare.predict(run.out, paths), tare.predict(tmp_path / "fold", paths), strict=True):
        assert dict(one.ranks) == pytest.approx(dict(other.ranks), abs=1e-5)
    assert tare.export(tmp_path / "fold", "hf", tmp_path / "hf").parity is not None


def test_advice_and_explanation_take_recordings(run: TransferRun, data: Path) -> None:
    advice = tare.advise(str(run.out), data, workers=1)
    assert advice.strategy in ("source", "target", "match", "blend", "sample", "none")
    assert tare.explain(str(run.out)).shape == (1, FRAMES, BINS)


def test_labels_in_paths_and_other_rates_are_taken(network: Path, tmp_path: Path) -> None:
    data = low_and_high(tmp_path / "data", each=6, rate=8000)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in data.rglob("*.wav"):
        path.rename(flat / f"{path.parent.name}_{path.name}")
    options: dict[str, Any] = {**PLAIN, "label_pattern": "(low|high)_", "strategy": "target"}
    made = tare.transfer(f"hf:{network}", flat, out=tmp_path / "run", **options)
    assert made.load().classes == ("high", "low")
    assert made.load().takes.front.rate == 16000  # type: ignore[union-attr]


def test_what_is_no_network_for_training_is_refused(tmp_path: Path, network: Path, data: Path) -> None:
    bare = tmp_path / "bare"
    transformers.AutoModelForAudioClassification.from_pretrained(network).save_pretrained(bare)
    with pytest.raises(ModelError, match=r"a preprocessor_config\.json of ASTFeatureExtractor or Wav2Vec2FeatureExtractor"):
        load_network(f"hf:{bare}")
    transformers.WhisperFeatureExtractor().save_pretrained(bare)
    with pytest.raises(ModelError, match="found WhisperFeatureExtractor of"):
        load_network(f"hf:{bare}")
    with pytest.raises(SpecError, match="options that fit recordings, found --size 64"):
        tare.transfer(f"hf:{network}", data, out=tmp_path / "run", size=64, **PLAIN)


def test_images_and_arrays_are_no_recordings(network: Path, run: TransferRun, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((8, FRAMES, BINS), np.float32), y=np.arange(8) % 2)
    with pytest.raises(DataError, match="recordings"):
        tare.transfer(f"hf:{network}", tmp_path / "a.npz", out=tmp_path / "run", **PLAIN)
    np.save(tmp_path / "a.npy", np.zeros((2, 4000), np.float32))
    assert "no recording" in str(tare.predict(run.out, [tmp_path / "a.npy"])[0].error)


def test_a_run_with_a_front_end_that_is_none_is_refused(run: TransferRun, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.out / "model", tmp_path / "model")
    document = json.loads((tmp_path / "model" / "tare.json").read_text())
    document["geometry"]["front"]["max_length"] = 10**12
    (tmp_path / "model" / "tare.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match=r"a complete tare\.json"):
        tare.load_model(tmp_path / "model")
