"""Classifiers of videos of transformers, from a directory through training to predictions and every export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.errors import ModelError, SpecError
from tare.networks.building.hub.modules import ClipClassifier, as_called
from tare.networks.loading import load_network
from tare.transferring.result import TransferRun
from tests.sources.streams.test_clips import every, video

transformers = pytest.importorskip("transformers")
pytest.importorskip("av", reason="reads videos (pip install 'tare[video]')")

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
_SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "num_frames": 4,
    "num_labels": 3,
}


def _videomae() -> Any:
    return transformers.VideoMAEForVideoClassification(transformers.VideoMAEConfig(**_SMALL, patch_size=8, tubelet_size=2))


def _timesformer() -> Any:
    return transformers.TimesformerForVideoClassification(transformers.TimesformerConfig(**_SMALL, patch_size=8))


KINDS = {"videomae": _videomae, "timesformer": _timesformer}


def directory(folder: Path, kind: str = "videomae") -> Path:
    torch.manual_seed(0)
    KINDS[kind]().eval().save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.VideoMAEImageProcessor(**sizes, image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, frames in (("long", 20), ("short", 12)):
        (folder / name).mkdir()
        for index in range(4):
            video(folder / name / f"{index}.mp4", frames)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> TransferRun:
    place = tmp_path_factory.mktemp("run")
    options: dict[str, Any] = {"epochs": 1, "head_epochs": 1, "workers": 0, "device": "cpu"}
    return tare.transfer(f"hf:{directory(place / 'net')}", data, out=place / "run", **options)


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_transformers_does_and_states_its_frames(tmp_path: Path, kind: str) -> None:
    network = load_network(f"hf:{directory(tmp_path / kind, kind)}")
    own = transformers.AutoModelForVideoClassification.from_pretrained(tmp_path / kind, local_files_only=True).eval()
    clips = torch.randn(2, 3, 4, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network.module(clips), own(pixel_values=clips.transpose(1, 2)).logits)
    assert (network.kind, network.spec.extra["frames"], network.classifier.out_features) == ("clip", 4, 3)
    assert (network.spec.require("mean"), network.spec.require("std")) == (tuple(MEAN), tuple(STD))
    assert network.head_trained


def test_a_run_is_a_directory_of_transformers_that_gives_the_answers_of_predict(run: TransferRun, data: Path) -> None:
    folder = run.out / "model"
    processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModelForVideoClassification.from_pretrained(folder, local_files_only=True).eval()
    frames = every(data / "long" / "0.mp4")
    takes: Any = run.load().takes
    chosen = [*takes.frames.of(len(frames))]
    fed = processor([*frames[chosen]], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        shares = model(pixel_values=fed).logits.softmax(dim=1)[0]
    answer = tare.predict(run.out, data / "long" / "0.mp4")[0]
    assert model.config.id2label[int(shares.argmax())] == answer.label
    assert float(shares.max()) == pytest.approx(answer.probability, abs=1e-5)
    assert json.loads((folder / "preprocessor_config.json").read_text())["image_processor_type"] == "VideoMAEImageProcessor"


@pytest.mark.parametrize("kind", ["hf", "torchscript"])
def test_exports_answer_alike(run: TransferRun, tmp_path: Path, kind: Any) -> None:
    made = tare.export(run.out, kind, tmp_path / "out")
    assert made.parity is not None
    assert made.parity.logits == pytest.approx(0, abs=1e-5)


def test_other_frames_and_sizes_than_the_network_has_positions_for_are_refused(tmp_path: Path, data: Path) -> None:
    place = f"hf:{directory(tmp_path / 'net')}"
    with pytest.raises(SpecError, match=r"expected 4 frames, for which .* found --frames 8; leave --frames out"):
        tare.transfer(place, data, out=tmp_path / "run", frames=8)
    with pytest.raises(ModelError, match=r"clips of 4 x 64 x 64.*choose another --size"):
        tare.transfer(place, data, out=tmp_path / "run", size=64)
    assert not (tmp_path / "run").exists()


def test_values_of_their_own_sample_have_no_processor(tmp_path: Path, data: Path) -> None:
    options: dict[str, Any] = {"protocol": "probe", "strategy": "sample", "workers": 0, "device": "cpu"}
    made = tare.transfer(f"hf:{directory(tmp_path / 'net')}", data, out=tmp_path / "run", **options)
    with pytest.raises(ModelError, match=r"that a processor can state, found strategy 'sample'.*use --format onnx"):
        tare.export(made.out, "hf", tmp_path / "hf")


def test_a_network_that_a_function_makes_is_called_with_time_first() -> None:
    called = as_called(_videomae())
    assert isinstance(called, ClipClassifier)
    assert called(torch.from_numpy(np.zeros((1, 3, 4, 32, 32), np.float32))).shape == (1, 3)
