"""Volumes and clips from folders through training to predictions, exports and folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tare
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.errors import DataError, SpecError
from tare.networks.stored.folded import fold_to
from tare.networks.stored.inputs import FoldRequest
from tare.transferring.result import TransferRun

nibabel = pytest.importorskip("nibabel", reason="reads NIfTI (pip install 'tare[medical]')")

NETWORK = """
from torch import nn
def volumes():
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
def clips():
    return nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
"""
PLAIN: dict[str, Any] = {"weights": "none", "protocol": "probe", "strategy": "target", "workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volumes")
    (folder / "net.py").write_text(NETWORK)
    return folder


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    generator = np.random.default_rng(0)
    for label, name in enumerate(("air", "bone")):
        (place / "data" / name).mkdir(parents=True)
        for index in range(5):
            values = generator.normal(400 * label, 60, (8, 9 + index, 7)).astype(np.int16)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), place / "data" / name / f"{index}.nii.gz")
    return place / "data"


@pytest.fixture(scope="module")
def run(place: Path, data: Path) -> TransferRun:
    return tare.transfer(f"{place}/net.py:volumes", data, out=place / "run", **PLAIN)


def _trained_on(data: Path) -> list[str]:
    return [file.path for file in open_split(LabelOptions(data), 0, "volume").train]


def test_volumes_are_trained_on_at_their_median_size_and_measured_whole(run: TransferRun, data: Path, place: Path) -> None:
    model = tare.load_model(run.out / "model", f"{place}/net.py:volumes")
    middle = int(np.median([int(Path(path).name[0]) + 9 for path in _trained_on(data)]))
    assert (run.kind, model.takes.shape) == ("volume", (8, middle, 7))
    assert any("the median of the training split" in note for note in run.notes)
    assert run.target_stats.mean == pytest.approx((200,), abs=60)
    spec = model.spec()
    assert (spec.require("layout"), spec.require("raw_dtype"), spec.extra["depth"]) == ("NCDHW", "int16", 8)


def test_a_folder_of_volumes_is_answered_as_the_network_answers(run: TransferRun, data: Path, place: Path) -> None:
    found = tare.predict(run.out, data / "bone", factory=f"{place}/net.py:volumes")
    assert [item.error for item in found] == [None] * 5
    model = tare.load_model(run.out / "model", f"{place}/net.py:volumes")
    whole = np.asarray(nibabel.load(data / "bone" / "4.nii.gz").dataobj, np.float32)
    first = (13 - model.takes.shape[1]) // 2
    values = torch.from_numpy(whole[:, first : first + model.takes.shape[1]].copy())[None, None]
    mine = model.logits(values).softmax(dim=1)[0].tolist()
    assert found[4].probability == pytest.approx(max(mine), abs=1e-5)


def test_exports_and_folds_of_volumes_answer_alike(run: TransferRun, place: Path, data: Path, tmp_path: Path) -> None:
    factory = f"{place}/net.py:volumes"
    graph = tare.export(run.out, "torchscript", tmp_path / "net.pt", factory=factory)
    assert (graph.layout, graph.parity is not None) == ("NDHWC", True)
    fold_to(FoldRequest(source=str(run.out), out=tmp_path / "fold", factory=factory))
    one, other = (tare.predict(folder, data / "air", factory=factory)[2] for folder in (run.out, tmp_path / "fold"))
    assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_a_later_run_keeps_the_size_and_advice_takes_volumes(run: TransferRun, place: Path, data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {**PLAIN, "weights": str(run.out), "strategy": "source"}
    later = tare.transfer(f"{place}/net.py:volumes", data, out=tmp_path / "run", **options)
    assert (
        tare.load_model(later.out / "model", f"{place}/net.py:volumes").takes
        == tare.load_model(run.out / "model", f"{place}/net.py:volumes").takes
    )
    advice = tare.advise(f"{place}/net.py:volumes", data, weights=str(run.out), workers=1)
    assert advice.strategy in ("source", "target", "match", "blend", "sample", "none")


def test_a_size_is_stated_for_all_axes_and_padding_is_zero_at_the_input(place: Path, data: Path, tmp_path: Path) -> None:
    made = tare.transfer(f"{place}/net.py:volumes", data, out=tmp_path / "run", **{**PLAIN, "size": 10, "strategy": "sample"})
    model = tare.load_model(made.out / "model", f"{place}/net.py:volumes")
    assert model.takes.shape == (10, 10, 10)
    caught: list[torch.Tensor] = []
    model.network.module.register_forward_pre_hook(lambda _m, inputs: caught.append(inputs[0]))
    assert tare.predict(made.out, data / "air" / "0.nii.gz", factory=f"{place}/net.py:volumes")[0].error is None


def test_options_of_others_are_refused(place: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="options that fit volumes, found --frames 4"):
        tare.transfer(f"{place}/net.py:volumes", data, out=tmp_path / "run", **PLAIN, frames=4)
    with pytest.raises(DataError, match=r"name a network whose first layer is 3-D"):
        tare.transfer("timm:test_resnet", data, out=tmp_path / "run", **PLAIN)


def test_clips_take_the_frames_that_are_stated(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="reads videos (pip install 'tare[video]')")
    from tests.sources.streams.test_clips import video

    for name, frames in (("long", 20), ("short", 12)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(4):
            video(tmp_path / "data" / name / f"{index}.mp4", frames)
    options: dict[str, Any] = {**PLAIN, "frames": 4, "stride": 2, "size": 16}
    made = tare.transfer(f"{place}/net.py:clips", tmp_path / "data", out=tmp_path / "run", **options)
    model = tare.load_model(made.out / "model", f"{place}/net.py:clips")
    assert (made.kind, model.takes.shape, model.spec().extra) == ("clip", (4, 16, 16), {"frames": 4, "stride": 2})
    assert isinstance(model.network.module, nn.Sequential)
    found = tare.predict(made.out, tmp_path / "data" / "long", factory=f"{place}/net.py:clips")
    assert [item.error for item in found] == [None] * 4
    assert tare.export(made.out, "torchscript", tmp_path / "net.pt", factory=f"{place}/net.py:clips").layout == "NTHWC"


def lying(root: Path, affine: Any) -> Path:
    """Volumes with this affine, in two classes."""
    for label in ("air", "bone"):
        (root / label).mkdir(parents=True)
        for index in range(4):
            values = np.random.default_rng((len(label), len(root.name), index)).normal(200, 200, (8, 9, 7)).astype(np.int16)
            nibabel.save(nibabel.Nifti1Image(values, affine), root / label / f"{index}.nii.gz")
    return root


def of_axes(notes: Sequence[str]) -> list[str]:
    return [note.removeprefix("test: ") for note in notes if "differ: " in note and "nothing is" in note]


def test_volumes_that_lie_otherwise_than_those_of_training_are_said_to_be_neither_resampled_nor_turned(
    run: TransferRun, data: Path, place: Path, tmp_path: Path
) -> None:
    from tare.networks.stored.trained import open_trained
    from tare.predicting.samples import inputs_of

    factory = f"{place}/net.py:volumes"
    trained = open_trained(run.model_dir, factory)
    assert trained.model.takes.axes == (("orientation", "RAS"), ("spacing", "1 x 1 x 1 unknown units"))  # type: ignore[union-attr]
    spacing = "spacings differ: 1 x 1 x 1 unknown units in training, 2 x 1 x 1 unknown units in the data"
    axes = "axes differ: RAS in training, LAS in the data"
    for name, first, wanted in (("same", 1.0, ""), ("wide", 2.0, spacing), ("turned", -1.0, axes)):
        root = lying(tmp_path / name, np.diag([first, 1.0, 1.0, 1.0]))
        again = {**PLAIN, "weights": str(run.out)}
        for notes in (
            inputs_of(trained, [root]).remarks,
            tare.transfer(factory, data, out=tmp_path / f"tested {name}", test=root, **PLAIN).notes,
            tare.transfer(factory, root, out=tmp_path / f"again {name}", **again).notes,
            tare.advise(factory, root, weights=str(run.out), workers=1).notes,
            tare.explain(factory, root, weights=str(run.out), workers=1).notes,
        ):
            assert [note[: len(wanted)] for note in of_axes(notes)] == [wanted] * bool(wanted)


def test_a_run_of_volumes_of_several_spacings_or_axes_says_so(place: Path, tmp_path: Path) -> None:
    root = lying(tmp_path / "mixed", np.eye(4))
    for path in sorted(root.rglob("*.nii.gz"))[::2]:
        values = np.asanyarray(nibabel.load(path).dataobj)
        nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, 1.0, 2.0, 1.0])), path)
    notes = tare.transfer(f"{place}/net.py:volumes", root, out=tmp_path / "run", **PLAIN).notes
    for words in (
        "2 spacings in the samples, such as 1 x 1 x 1 unknown",
        "2 axes in the samples, such as LAS and RAS: nothing is turned",
    ):
        assert any(note.startswith(words) for note in notes)
