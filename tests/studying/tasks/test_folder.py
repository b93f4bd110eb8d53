from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tare.datasets.options import LabelOptions
from tare.errors import DataError, InputError, SpecError
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.networks.network import Network
from tare.studying.execution import running
from tare.studying.execution.running import run_study
from tare.studying.plan import StudyPlan, plan_of
from tare.studying.result import StudyRun
from tare.studying.tasks import folder
from tare.studying.tasks.folder import default_sizes, folder_task
from tare.studying.tasks.samples import Samples
from tests.images import save_png
from tests.tiny_run import tiny_run

NETWORK = """
import torch
from torch import nn

def small():
    layers = nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 7)
    net = nn.Sequential(*layers)
    net.pretrained_cfg = {"input_size": (3, 16, 16), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.3), "crop_pct": 1.0,
                          "interpolation": "bilinear"}
    return net

def large():
    net = small()
    net.pretrained_cfg = {**net.pretrained_cfg, "input_size": (3, 24, 24)}
    return net
"""

CONFIGURED = """
import json
from pathlib import Path

def configured():
    stated, net = json.loads(Path(__file__).with_suffix(".json").read_text()), small()
    net.pretrained_cfg = {**net.pretrained_cfg, "mean": stated["mean"]}
    net[2] = nn.LeakyReLU(stated["slope"])
    net.register_buffer("kept", torch.tensor(stated["kept"]), persistent=False)
    return net
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label, level in (("ants", 60), ("bees", 160)):
        for index in range(20):
            image = np.clip(rng.normal(level, 40, (20, 18, 3)), 0, 255).astype(np.uint8)
            save_png(tmp_path / "photos" / label / f"{index}.png", image)
    (tmp_path / "net.py").write_text(NETWORK)
    return tmp_path / "photos"


def test_a_folder_is_studied_with_a_network_of_ones_own(photos: Path, tmp_path: Path) -> None:
    net = f"{photos.parent / 'net.py'}:small"
    plan = plan_of(
        {
            "study": "folder",
            "data": str(photos),
            "networks": [net],
            "weights": "none",
            "seeds": 3,
            "batchnorm": ["eval", "reestimate"],
        }
    )
    assert plan.sizes == (2, 6, 20)
    assert plan.strategies == ("source", "target", "blend", "none")
    run = run_study(plan, tmp_path / "out", workers=1)
    assert run.failed == 0
    assert len(run.rows) == 2 * 2 * 3 * 4 * 3
    assert max(row["accuracy"] for row in run.rows) > 0.9
    assert {view.images.shape for view in run.views} == {(2, 3, 16, 16)}
    kept = len(list((tmp_path / "out" / "features").iterdir()))
    assert kept == 2 * 2  # source and none under two shifts, shared by sizes and seeds


def test_a_network_that_is_trained_from_scratch_begins_anew_each_seed(photos: Path) -> None:
    name = f"{photos.parent / 'net.py'}:small"
    build = folder_task(LabelOptions(str(photos)), (name,), "none").build

    def drawn(seed: int) -> bytes:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return next(build(name, 3, 2).parameters()).detach().numpy().tobytes()

    assert drawn(0) == drawn(0) != drawn(1)


@pytest.mark.parametrize("changed", ["labels", "code"])
def test_a_process_that_reads_other_data_or_code_than_the_study_began_with_measures_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    """Each worker reads by itself, and while it starts the data may be replaced."""
    net = photos.parent / "net.py"
    asked = {"study": "folder", "data": str(photos), "networks": [f"{net}:small"], "weights": "none", "seeds": 2}
    plan = plan_of({**asked, "sizes": [6], "strategies": ["source", "target"]})
    measure = running.measure_unit

    def in_another_process(unit: Any) -> Any:
        if changed == "labels":
            (photos / "ants" / "0.png").rename(photos / "bees" / "moved.png")
        else:
            net.write_text(NETWORK.replace("nn.ReLU()", "nn.GELU()"))
        folder_task.cache_clear()
        return measure(unit)

    monkeypatch.setattr(running, "measure_unit", in_another_process)
    with pytest.raises(
        DataError, match=r"^expected data, constants, weights and code that stay what they were, found others, of .*net"
    ):
        run_study(plan, tmp_path / "out", workers=1)
    assert not list((tmp_path / "out" / "cells").iterdir())


@pytest.mark.parametrize("change", [{"mean": [0.1, 0.4, 0.3]}, {"slope": 0.5}, {"kept": 2.0}])
def test_cells_of_a_network_that_states_or_computes_something_else_are_measured_again(
    photos: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    stated = {"mean": [0.5, 0.4, 0.3], "slope": 0.0, "kept": 1.0}
    (tmp_path / "net.py").write_text(NETWORK + CONFIGURED)
    keys = {"study": "folder", "data": str(photos), "networks": [f"{tmp_path / 'net.py'}:configured"], "weights": "none"}

    def run(out: str) -> StudyRun:
        plan = {**keys, "seeds": 2, "sizes": [6], "shifts": "content", "strategies": ["source", "target"]}
        return run_study(plan_of(plan), tmp_path / out, workers=1)

    (tmp_path / "net.json").write_text(json.dumps(stated))
    run("out")
    assert run("out").measured == 0
    (tmp_path / "net.json").write_text(json.dumps({**stated, **change}))
    again = run("out")
    assert (again.measured, again.rows) == (4, run("fresh").rows)


def test_data_that_changed_are_read_again_in_one_session(photos: Path, tmp_path: Path) -> None:
    net = f"{photos.parent / 'net.py'}:small"
    keys = {"study": "folder", "data": str(photos), "networks": [net], "weights": "none", "seeds": 2, "sizes": [20]}
    learned = run_study(plan_of(keys), tmp_path / "out", workers=1)
    assert run_study(plan_of(keys), tmp_path / "out", workers=1).measured == 0
    for index in range(0, 20, 2):  # half of the labels are wrong now
        other = tmp_path / "other.png"
        ants, bees = (photos / label / f"{index}.png" for label in ("ants", "bees"))
        ants.rename(other), bees.rename(ants), other.rename(bees)
    mixed = run_study(plan_of(keys), tmp_path / "out", workers=1)
    assert mixed.measured == mixed.plan.number
    best = [max(row["accuracy"] for row in run.rows) for run in (learned, mixed)]
    assert best[0] > 0.9 > best[1]


def test_cells_of_a_network_whose_file_was_edited_are_measured_again(photos: Path, tmp_path: Path) -> None:
    file = photos.parent / "net.py"
    keys = {"study": "folder", "data": str(photos), "networks": [f"{file}:small"], "weights": "none", "seeds": 2, "sizes": [6]}

    def measured() -> int:
        return run_study(plan_of(keys), tmp_path / "out", workers=1).measured

    cells = measured()
    assert cells == plan_of(keys).number
    file.write_text("# a remark\n" + NETWORK)
    assert measured() == 0
    file.write_text(NETWORK.replace("ReLU", "Tanh"))  # its weights are the same
    assert measured() == cells


def test_networks_of_two_sizes_are_refused(photos: Path) -> None:
    nets = (f"{photos.parent / 'net.py'}:small", f"{photos.parent / 'net.py'}:large")
    with pytest.raises(SpecError, match=r"networks that take the same images, found 24 x 24 .* 16 x 16 .*; one study for each"):
        folder_task(LabelOptions(str(photos)), nets, "none")


def test_a_folder_that_is_not_there_is_refused(photos: Path) -> None:
    task = folder_task(LabelOptions(str(photos / "nothing")), (f"{photos.parent / 'net.py'}:small",), "none")
    with pytest.raises(DataError, match=r"an existing folder of images, found .*nothing' does not exist"):
        task.target()


def test_default_sizes_are_a_factor_of_three_apart_and_hold_every_class(photos: Path) -> None:
    task = folder_task(LabelOptions(str(photos)), (f"{photos.parent / 'net.py'}:small",), "none")
    assert default_sizes(task.target()) == (2, 6, 20)


def test_the_labels_may_be_an_array_of_an_npz_file_and_what_is_studied_is_the_same(photos: Path, tmp_path: Path) -> None:
    files = sorted(photos.glob("*/*.png"))
    images = np.stack([np.asarray(Image.open(file)) for file in files])
    np.savez(tmp_path / "photos.npz", pixels=images, insect=np.array([file.parent.name for file in files]))
    net = (f"{photos.parent / 'net.py'}:small",)
    from_files = folder_task(LabelOptions(str(photos)), net, "none").target()
    from_array = folder_task(LabelOptions(str(tmp_path / "photos.npz"), label="insect", array="pixels"), net, "none").target()
    np.testing.assert_array_equal(np.sort(from_array.values.sum((1, 2, 3))), np.sort(from_files.values.sum((1, 2, 3))))
    np.testing.assert_array_equal(from_array.labels, from_files.labels)
    keys = {"data": str(tmp_path / "photos.npz"), "label": "insect", "array": "pixels", "networks": list(net), "weights": "none"}
    assert plan_of({"study": "folder", **keys}).sizes == (2, 6, 20)


def test_labels_beside_a_built_in_study_are_refused() -> None:
    with pytest.raises(SpecError, match="label only for the study 'folder', found label beside the study 'digits'"):
        plan_of({"study": "digits", "label": "y"})


def deep(folder: Path, dtype: str) -> Path:
    """Grey images of 12 bits, or of Hounsfield units, of two classes that differ in level, as arrays."""
    labels = np.arange(40) % 2
    low, high = (400, 1600) if dtype == "uint16" else (-900, -300)
    level = np.where(labels, high, low)[:, None, None, None]
    values = np.random.default_rng(0).normal(level, 100, (40, 16, 16, 3))
    np.savez(folder / f"{dtype}.npz", x=values.clip(-1024, 4000).astype(dtype), y=labels)
    return folder / f"{dtype}.npz"


@pytest.mark.parametrize(
    ("dtype", "mean", "std", "window"), [("uint16", 0.02, 0.01, (200, 2000)), ("int16", -600, 400, (-1350, 150))]
)
def test_images_of_more_bits_are_studied_as_they_are_stored(
    photos: Path, tmp_path: Path, dtype: str, mean: float, std: float, window: tuple[int, int]
) -> None:
    keys = {"study": "folder", "data": str(deep(tmp_path, dtype)), "networks": [f"{photos.parent / 'net.py'}:small"]}
    strategies = ["source", "percentile", "window", "sample-percentile"]
    sure = {"mean": [mean] * 3, "std": [std] * 3, "window": list(window), "weights": "none", "seeds": 2, "sizes": [8]}
    plan = plan_of({**keys, **sure, "strategies": strategies, "shifts": ["content"]})
    target = plan.task.target()
    assert target.values.dtype == dtype
    np.testing.assert_array_equal(np.sort(target.values.ravel()), np.sort(np.load(str(keys["data"]))["x"].ravel()))
    run = run_study(plan, tmp_path / "out", workers=1)
    assert run.failed == 0
    fed = {row["strategy"]: row["fed_mean"] for row in run.rows}
    assert fed["window"] == pytest.approx((target.values.mean() - window[0]) / (window[1] - window[0]), abs=0.05)
    assert fed["sample-percentile"] is None  # no statistics of all samples tell it
    assert StudyPlan.of_json(plan.to_json()) == plan


def test_constants_of_photographs_on_deeper_images_are_refused_with_what_to_state(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, network = photos.parent / "net.py", folder._network
    file.write_text(f"{NETWORK}\ndeeper = small\n")
    fitting = InputSpec.of([0.02] * 3, [0.01] * 3, raw_dtype="uint16")
    fields = {name: getattr(fitting, name) for name in ("mean", "std", "scale", "raw_dtype")}

    def stated(name: str, *rest: Any) -> Network:
        found = network(name, *rest)
        return replace(found, spec=replace(found.spec, **fields)) if name.endswith("deeper") else found

    monkeypatch.setattr(folder, "_network", stated)

    def target(*names: str) -> Samples:
        networks = tuple(f"{file}:{name}" for name in names)
        return folder_task(LabelOptions(str(deep(tmp_path, "uint16"))), networks, "none").target()

    assert target("deeper").values.dtype == np.uint16
    for names in ("small",), ("deeper", "small"):  # whichever of the networks states them
        with pytest.raises(InputError, match=r"TARE09\d .*; state --mean and --std in unit values of uint16, or --spec"):
            target(*names)


def test_a_window_is_for_its_strategy_and_for_data_of_ones_own(photos: Path) -> None:
    keys = {"study": "folder", "data": str(photos), "networks": [f"{photos.parent / 'net.py'}:small"], "weights": "none"}
    with pytest.raises(SpecError, match="a --window for --strategy window, found none"):
        plan_of({**keys, "strategies": ["source", "window"]})
    with pytest.raises(SpecError, match="a --window for --strategy window alone"):
        plan_of({**keys, "window": [0, 1]})
    with pytest.raises(SpecError, match="a window in a study of your own data"):
        plan_of({"study": "digits", "strategies": ["source", "window"], "window": [0, 1]})


def test_images_of_another_number_of_channels_are_refused(photos: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "four.npz", x=np.ones((8, 16, 16, 4), np.uint16), y=np.arange(8) % 2)
    task = folder_task(LabelOptions(str(tmp_path / "four.npz")), (f"{photos.parent / 'net.py'}:small",), "none")
    with pytest.raises(DataError, match=r"images of 3 channels, found 4 channels in .*; write the bands that the network takes"):
        task.target()


VOLUMES = """
from torch import nn

def volumes():
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
"""


def test_volumes_are_studied_at_their_median_size_padded_with_what_becomes_zero(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI (pip install 'tare[medical]')")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("air", "bone")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(10):
            values = rng.normal(400 * label, 60, (8, 7 + index % 3, 6)).astype(np.int16)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "data" / name / f"{index}.nii.gz")
    (tmp_path / "net.py").write_text(VOLUMES)
    keys = {"study": "folder", "data": str(tmp_path / "data"), "networks": [f"{tmp_path / 'net.py'}:volumes"]}
    sure = {"mean": [100.0], "std": [250.0], "weights": "none", "seeds": 2, "sizes": [8], "shifts": ["content"]}
    plan = plan_of({**keys, **sure, "strategies": ["source", "target"], "protocols": ["probe", "finetune"]})
    target = plan.task.target()
    assert target.values.shape == (20, 8, 8, 6, 1)
    assert target.values.dtype == np.int16
    np.testing.assert_array_equal(target.values[0, :, -1], 100)  # the first volume has one row less
    stats, kept = target.measure(), target.values.astype(float)
    np.testing.assert_allclose([stats.mean[0], stats.std[0]], [kept.mean(), kept.std()], rtol=1e-12)
    run = run_study(plan, tmp_path / "out", workers=1)
    assert [row["error"] for row in run.rows if row["error"]] == []
    assert max(row["accuracy"] for row in run.rows if row["protocol"] == "finetune") > 0.9


SIGNALS = """
from torch import nn

def signals():
    return nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2))
"""


def recordings(folder: Path, kinds: tuple[str, ...]) -> LabelOptions:
    rng = np.random.default_rng(0)
    for label in ("hum", "hiss"):
        (folder / label).mkdir(parents=True)
        for index in range(8):
            kind = kinds[index % len(kinds)]
            values = rng.normal(0, 0.2, (30, 1)) * (32768 if kind == "int16" else 1)
            np.save(folder / label / f"{index}.npy", values.astype(kind))
    return LabelOptions(str(folder), layout="TC")


def test_signals_that_are_far_from_what_the_network_takes_are_told_and_those_of_two_types_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SIGNALS)
    network = f"{tmp_path / 'net.py'}:signals"

    def remarks(name: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
        labelled = recordings(tmp_path / name, kinds)
        return folder_task(labelled, (network,), "none", mean=(0.0,), std=(0.2,)).target().remarks

    assert remarks("sound", ("float32",)) == ()
    (told,) = remarks("device", ("int16",))
    assert told.startswith("TARE094 (warning): the data are int16")
    with pytest.raises(
        InputError, match=r"signals of one type in a study, found TARE090 raw-kind: .* holds float32 and the first"
    ):
        remarks("mixed", ("int16", "float32"))


def test_the_bands_that_a_network_takes_are_chosen_by_name(photos: Path, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio", reason="reads bands by name (pip install 'tare[geo]')")
    rng = np.random.default_rng(0)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    for label, name in enumerate(("field", "lake")):
        (tmp_path / "tiles" / name).mkdir(parents=True)
        for index in range(6):
            path = tmp_path / "tiles" / name / f"{index}.tif"
            with rasterio.open(path, "w", driver="GTiff", count=4, height=16, width=16, dtype="uint16", **place) as file:
                file.write(rng.integers(1000 * label, 3000, (4, 16, 16)).astype(np.uint16))
                file.descriptions = ("B02", "B03", "B04", "B08")
    net = f"{photos.parent / 'net.py'}:small"
    sure = {"mean": [0.02] * 3, "std": [0.02] * 3, "weights": "none", "sizes": [4], "strategies": ["source", "target"]}
    plan = plan_of(
        {"study": "folder", "data": str(tmp_path / "tiles"), "networks": [net], "bands": ["B04", "B03", "B02"], **sure}
    )
    values = plan.task.target().values
    assert values.shape == (12, 16, 16, 3)
    assert values.dtype == np.uint16
    with rasterio.open(tmp_path / "tiles/field/0.tif") as file:
        np.testing.assert_array_equal(values[0], np.moveaxis(file.read([3, 2, 1]), 0, -1))
    assert StudyPlan.of_json(plan.to_json()) == plan
    takes = Geometry((16, 16), "bilinear", 1.0, raw_dtype="uint16", bands=("B04", "B03", "B02"))
    runs = [
        str(tiny_run(tmp_path / name, geometry=replace(takes, bands=order), with_data=False))
        for name, order in (("a", takes.bands), ("b", ("B02", "B03", "B04")))
    ]
    known = {**sure, "weights": "pretrained", "networks": runs[:1]}
    of_run = plan_of({"study": "folder", "data": str(tmp_path / "tiles"), **known}).task.target().values
    np.testing.assert_array_equal(of_run, values)
    with pytest.raises(SpecError, match=r"networks that take the same bands, found B04, B03, B02 for .*; B02, B03, B04 for"):
        plan_of({"study": "folder", "data": str(tmp_path / "tiles"), **known, "networks": runs})
    spec = InputSpec.of((0.1,) * 3, (0.1,) * 3, channels="B02,B03,B04", scale=1 / 65535, raw_dtype="uint16")
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    stated = {
        "study": "folder",
        "data": str(tmp_path / "tiles"),
        "bands": ["B04", "B03", "B02"],
        "spec": str(tmp_path / "spec.json"),
    }
    with pytest.raises(DataError, match="bands in the order that the network was trained on, found 'B04' where 'B02' was"):
        plan_of({**stated, "networks": [net], "weights": "none", "sizes": [4], "strategies": ["source", "target"]})
    with pytest.raises(SpecError, match="bands only for the study 'folder', found bands beside the study 'digits'"):
        plan_of({"study": "digits", "bands": ["B04"]})


def test_what_is_left_out_of_a_folder_is_in_the_result_and_the_samples_that_cannot_be_read_too(
    photos: Path, tmp_path: Path
) -> None:
    (photos / "ants" / "readme.txt").write_text("none")
    (photos / "bees" / "0.png").rename(photos / "bees" / "0")
    (tmp_path / "net.py").write_text(NETWORK)
    target = folder_task(LabelOptions(str(photos)), (f"{tmp_path / 'net.py'}:small",), "none").target()
    assert target.remarks == (
        "1 of 40 files have no suffix of images and are read by how they begin",
        f"left out 1 file of {str(photos)!r} that are no samples here: ants/readme.txt",
    )


def test_columns_in_another_order_than_the_networks_are_refused(tmp_path: Path) -> None:
    import tare

    rows = [(row % 7, row % 5, row % 2) for row in range(40)]
    for name, order in (("a", (0, 1, 2)), ("b", (1, 0, 2))):
        lines = [("u", "v", "label"), *rows]
        (tmp_path / f"{name}.csv").write_text("".join(",".join(str(line[place]) for place in order) + "\n" for line in lines))
    tare.transfer(data=tmp_path / "a.csv", model="tare:mlp", weights="none", strategy="target", epochs=1, out=tmp_path / "run")
    stated = {"study": "folder", "networks": [str(tmp_path / "run")], "sizes": [4], "strategies": ["source", "target"]}
    assert plan_of({**stated, "data": str(tmp_path / "a.csv")}).task.target().values.shape == (40, 2)
    with pytest.raises(DataError, match="columns in the order that the network was trained on, found 'v' where 'u' was"):
        plan_of({**stated, "data": str(tmp_path / "b.csv")}).task.target()
