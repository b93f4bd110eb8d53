from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

import tare
from tare.advising import Advice
from tare.advising.explaining.api import explain
from tare.advising.fed_network import fed_network
from tare.advising.result import NO_MATTER
from tare.errors import DataError, ModelError, SpecError
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import load_network
from tare.networks.stored.directory import load_model
from tests.images import save_png
from tests.labelled_images import dark_and_light
from tests.tiny_run import tiny_run

NET = {"model": "timm:test_resnet", "weights": "none", "mean": [0.45], "std": [0.25], "size": 32, "workers": 1}


def textured(folder: Path, count: int = 12, gain: float = 1.0, classes: int = 2) -> Path:
    """Classes that differ in the direction of their stripes, under a gain."""
    rng = np.random.default_rng(0)
    for label in range(classes):
        for index in range(count):
            wave = np.sin(np.arange(40) / 3 + rng.uniform(0, 6))
            stripes = np.tile(wave, (40, 1)) if label else np.tile(wave[:, None], (1, 40))
            pixels = 115 + 50 * stripes[..., None] + rng.normal(0, 25, (40, 40, 3))
            save_png(folder / f"class{label}" / f"{index}.png", np.clip(np.rint(gain * pixels), 0, 255).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return textured(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def advice(photos: Path) -> Advice:
    return tare.advise(data=photos, **NET)  # type: ignore[arg-type]


def test_the_json_has_the_fields_that_others_read(advice: Advice) -> None:
    document = json.loads(json.dumps(advice.to_json(), allow_nan=False))
    assert document["schema"] == "tare.advice/1"
    assert document["recommendation"] in ("source", "target", "match", "blend", "sample", NO_MATTER)
    assert document["confidence"] in ("high", "moderate", "low")
    assert document["because"]
    assert document["would_change"]
    assert all(set(item) == {"name", "value", "interval", "unit"} for item in document["evidence"])
    names = {item["name"] for item in document["evidence"]}
    assert {"samples", "cross-validated accuracy, source", "accuracy minus source's, target", "shift of the mean, red"} <= names


def test_a_trained_classifier_is_asked_what_its_classes_tell_and_a_random_one_is_not(
    photos: Path, advice: Advice, tmp_path: Path
) -> None:
    told = "the same by the network's old classes, target"
    assert told not in {item.name for item in advice.evidence}
    assert not any("old classes" in said for said in advice.because)
    save_file(load_network("timm:test_resnet", "none").module.state_dict(), tmp_path / "all.safetensors")
    trained = tare.advise(data=photos, **{**NET, "weights": str(tmp_path / "all.safetensors")})  # type: ignore[arg-type]
    assert told in {item.name for item in trained.evidence}
    assert any("by the network's old classes: " in said for said in trained.because)


def test_the_training_split_alone_takes_part(advice: Advice) -> None:
    assert advice.labelled
    assert advice.samples == 20  # of 24, a fifth of each class is held out as tare.transfer holds it out
    assert any("training split" in note for note in advice.notes)


def test_the_same_seed_gives_the_same_advice(photos: Path, advice: Advice) -> None:
    assert tare.advise(data=photos, **{**NET, "workers": 2}).to_json() == advice.to_json()  # type: ignore[arg-type]


def test_without_labels_it_says_so(photos: Path) -> None:
    found = tare.advise(data=photos, labels=False, **NET)  # type: ignore[arg-type]
    assert not found.labelled
    assert found.samples == 24
    assert "No labels were used: accuracies were not compared." in found.because
    assert "labels are ignored: accuracies cannot be compared, all evidence is without labels" in found.notes
    assert any(text.startswith("labels:") for text in found.would_change)


@pytest.mark.parametrize("labels", [None, False])
def test_samples_that_cannot_be_read_are_said(tmp_path: Path, *, labels: bool | None) -> None:
    data = textured(tmp_path / "data")
    for place in range(12):
        (data / "class0" / f"{place}.png").write_bytes(b"\x89PNG\r\n\x1a\n, cut")
    (data / "class0" / "read_me.txt").write_text("a note")
    found = tare.advise(data=data, labels=labels, max_skipped=0.6, **NET)  # type: ignore[arg-type]
    told = [note for note in found.notes if "unreadable images" in note]
    assert len(told) == 1
    assert "class0" in told[0]
    assert f"left out {12 if labels is False else 10} unreadable" in told[0]
    assert sum("read_me.txt" in note for note in found.notes) == 1


def test_an_explanation_says_what_could_not_be_read(tmp_path: Path) -> None:
    data = textured(tmp_path / "data")
    (data / "class0" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n, cut")
    notes = explain(data=data, max_skipped=0.5, **NET).notes  # type: ignore[arg-type]
    assert sum("left out 1 unreadable images" in note and "0.png" in note for note in notes) == 1


def test_labels_that_cannot_be_used_are_said_to_be_why(tmp_path: Path) -> None:
    lone = textured(tmp_path / "lone", 6)
    for path in sorted((lone / "class1").iterdir())[1:]:
        path.unlink()
    found = tare.advise(data=lone, **NET)  # type: ignore[arg-type]
    assert not found.labelled
    assert any(note.startswith("no labels (expected ") and "class1" in note for note in found.notes)
    few = tare.advise(data=textured(tmp_path / "few", 2), **NET)  # type: ignore[arg-type]
    assert any("too few to compare accuracies" in said for said in few.because)
    assert any(said.startswith("more labelled samples: ") for said in few.would_change)


def test_arrays_and_flat_folders_without_labels_are_taken(photos: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 40, 40, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    for data, count in ((tmp_path / "images.npy", 10), (photos / "class1", 12)):
        found = tare.advise(data=data, **NET)  # type: ignore[arg-type]
        assert (found.samples, found.labelled) == (count, False)


def test_constants_that_are_the_targets_own_leave_nothing_to_choose(photos: Path) -> None:
    stats = tare.measure(photos / "class0", workers=1)
    chosen = {**NET, "mean": stats.mean, "std": stats.std, "source_stats": stats, "labels": False}
    found = tare.advise(data=photos / "class0", **chosen)  # type: ignore[arg-type]
    gaps = {item.name: item.value for item in found.evidence if item.name.startswith("distance")}
    assert gaps["distance of the input from source's, target"] < 1e-6


def test_another_gain_is_named_against_measured_statistics(photos: Path, tmp_path: Path) -> None:
    dark = textured(tmp_path / "dark", gain=0.4)
    found = tare.advise(data=dark, source_stats=tare.measure(photos, workers=1), labels=False, **NET)  # type: ignore[arg-type]
    assert found.comparison is not None
    assert found.comparison.kind == "gain"
    assert "match" in found.normalisations


def test_values_of_another_unit_are_no_case_for_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "raw.npz"
    np.savez(path, x=rng.uniform(0, 4000, (16, 32, 32, 3)).astype(np.float32), y=np.arange(16) % 2)
    found = tare.advise(data=path, **NET)  # type: ignore[arg-type]
    assert (found.strategy, found.basis, found.confidence) == ("target", "source impossible", "high")
    assert "inputs would reach" in found.because[-1]


def test_what_cannot_be_used_is_one_clear_line(photos: Path, tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text("import timm\ndef make():\n    m = timm.create_model('test_resnet')\n    m.pretrained_cfg = 0\n    return m\n")
    with pytest.raises(SpecError, match="the mean and std that the network was trained with, found nobody stated them"):
        tare.advise(f"{net}:make", photos, weights="none", size=32)
    with pytest.raises(DataError):
        tare.advise(data=tmp_path / "nothing", **NET)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="images in one folder per class"):
        tare.advise(data=photos / "class0", labels=True, **NET)  # type: ignore[arg-type]
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(DataError, match=r"samples of 3 channels \(rgb\), found 2 in"):
        tare.advise(data=tmp_path / "rows.csv", **NET)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="weights for tare:cnn1d, found 'pretrained', but it has no pretrained weights"):
        tare.advise("tare:cnn1d", photos)
    with pytest.raises(DataError, match="statistics of dataset0 with 3 channels"):
        tare.advise(data=photos, source_stats="mnist", **NET)  # type: ignore[arg-type]


def test_an_explanation_without_data_says_that_it_is_an_example() -> None:
    found = explain(**NET)  # type: ignore[arg-type]
    assert found.example.startswith("no data given: 32 random images")
    (red, *_) = found.channels
    assert (red.a, red.b) == pytest.approx((4.0, -1.8))
    assert (red.scale, red.offset) == pytest.approx((2.0, (0.45 - 0.325) / 0.125))
    assert found.first_norm.startswith("BatchNorm")
    assert found.shares[0].train < found.shares[0].eval
    assert "input 3 x 32 x 32" in found.diagram()
    json.dumps(found.to_json(), allow_nan=False)


def test_an_explanation_of_data_has_their_numbers(photos: Path) -> None:
    found = explain(data=photos, **NET)  # type: ignore[arg-type]
    stats = tare.measure(photos, workers=1)
    assert found.example == ""
    assert [row.u1 for row in found.channels] == pytest.approx(stats.mean)
    assert [row.s1 for row in found.channels] == pytest.approx(stats.std)


def test_parts_that_are_counted_as_one_are_told(tmp_path: Path) -> None:
    data = dark_and_light(tmp_path / "data")
    for found in (explain(data=data, **NET), tare.advise(data=data, labels=False, **NET)):  # type: ignore[arg-type]
        assert any("train and val are counted as one; a network is trained with those of train alone" in x for x in found.notes)
    assert not any("counted as one" in note for note in explain(data=data / "train", **NET).notes)  # type: ignore[arg-type]


def test_a_network_without_batch_norm_is_told_so() -> None:
    found = explain(**{**NET, "model": "timm:test_vit", "size": 160})  # type: ignore[arg-type]
    assert any("freezing one changes nothing" in text for text in found.sentences)


def test_how_a_convolution_pads_is_said(tmp_path: Path) -> None:
    source = (
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode='reflect'), "
    )
    source += "nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))\n"
    (tmp_path / "net.py").write_text(source)
    found = explain(**{**NET, "model": f"{tmp_path / 'net.py'}:net"})  # type: ignore[arg-type]
    assert "padding 1 (reflect)" in found.diagram()
    assert not any("zeros" in text for text in found.sentences)


@pytest.mark.parametrize("strategy", ["percentile", "log1p"])
def test_a_convention_of_more_than_a_mean_and_std_is_fed_whole_and_not_explained(tmp_path: Path, strategy: str) -> None:
    run = tiny_run(tmp_path, strategy)
    fed = fed_network(NetworkOptions(str(run)), 0)
    trained = load_model(run / "model").normalisation.input_map()
    assert fed.constants.convention().input_map().distance(trained, (0.0, 6.0)) < 1e-6
    _, said = fed.of_data(tare.measure(tmp_path / "data"), compares=False)
    assert not any("TARE091" in line for line in said)
    with pytest.raises(SpecError, match="a shift and a scale of each channel, to explain, found timm:test_resnet: values "):
        explain(str(run))
