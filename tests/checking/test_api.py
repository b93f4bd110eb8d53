"""``tare.check``: pipelines in every form, stages, data and configurations, right ones clean and wrong ones not."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as v1
from benchmarks.check_rates import correct
from benchmarks.check_rates.case import Case, run
from benchmarks.check_rates.mutants import mutants, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from tare.checking.api import check
from tare.checking.inputs import CheckRequest
from tare.checking.subject import corrected_spec
from tare.errors import PipelineError, SpecError
from tare.input_spec.spec import Crop, InputSpec, Unknown
from tare.measuring.api import measure
from tests.images import save_png
from tests.made_stats import stated_stats

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SPEC = InputSpec.of(MEAN, STD, size=(64, 64), crop=Crop("center", 0.875), interpolation="bilinear", raw_dtype="uint8")
RIGHT = v1.Compose([v1.Resize(73), v1.CenterCrop(64), v1.ToTensor(), v1.Normalize(MEAN, STD)])
PLAIN = v1.Compose([v1.Resize(73), v1.CenterCrop(64), v1.ToTensor()])
TRAIN = v1.Compose([v1.RandomResizedCrop(64), v1.RandomHorizontalFlip(), v1.ToTensor(), v1.Normalize(MEAN, STD)])


def codes(pipeline: Any, model: Any = SPEC, **options: Any) -> set[str]:
    return {finding.code for finding in check(pipeline, model, **options).findings}


@st.composite
def specs(draw: st.DrawFn) -> InputSpec:
    mean = tuple(draw(st.floats(0, 1)) for _ in range(3))
    std = tuple(draw(st.floats(0.05, 1.5)) for _ in range(3))
    return InputSpec.of(
        mean,
        std,
        channels=draw(st.sampled_from(["RGB", "BGR"])),
        size=(draw(st.integers(24, 64)), draw(st.integers(24, 64))),
        crop=Crop(draw(st.sampled_from(["center", "squash"])), draw(st.floats(0.7, 1))),
        interpolation=draw(st.sampled_from(["bilinear", "bicubic"])),
        raw_dtype="uint8",
    )


@settings(max_examples=15)
@given(spec=specs(), train=st.booleans())
def test_the_transform_of_any_spec_is_clean_for_it(spec: InputSpec, train: bool) -> None:
    assert codes(spec.transform(train=train), spec, stage="train" if train else "eval") == set()


@settings(max_examples=15)
@given(spec=specs(), shift=st.floats(0.1, 0.5))
def test_another_mean_is_never_clean(spec: InputSpec, shift: float) -> None:
    other = InputSpec.of(
        [m + shift * s for m, s in zip(spec.require("mean"), spec.require("std"), strict=True)],
        spec.require("std"),
        raw_dtype="uint8",
    )
    wrong = v2.Compose(
        [
            v2.Resize(80),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(other.require("mean"), other.require("std")),
        ]
    )
    assert not check(wrong, spec).clean


class Photos(Dataset[Any]):
    """Loads nothing; the transform alone is looked at."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        raise IndexError(index)


def call_plain(image: Any) -> Any:
    return PLAIN(image)


def factory() -> Any:
    return PLAIN


@pytest.mark.parametrize(
    "pipeline",
    [
        PLAIN,
        factory,
        call_plain,
        Photos(PLAIN),
        DataLoader(Photos(PLAIN)),
        list(PLAIN.transforms),
        {"val": PLAIN},
    ],
)
def test_a_pipeline_is_found_in_whatever_holds_it(pipeline: Any) -> None:
    assert "TARE004" in codes(pipeline)


def test_both_stages_are_looked_at_and_compared() -> None:
    report = check({"train": TRAIN, "val": PLAIN}, SPEC)
    assert report.stages == ("train", "eval")
    assert {finding.code: finding.where for finding in report.findings if finding.fails} == {"TARE004": "eval", "TARE050": "eval"}
    assert check({"train": TRAIN, "val": RIGHT}, SPEC).clean


def test_a_training_pipeline_is_right_for_training_only() -> None:
    assert codes(TRAIN, stage="train") == set()
    assert codes(TRAIN) == {"TARE024"}


def test_the_report_is_json_with_its_schema() -> None:
    document = check(PLAIN, SPEC).to_json()
    assert document["schema"] == "tare.check/1"
    assert document["clean"] is False
    assert InputSpec.from_json(document["spec"]).equivalent(SPEC)
    json.dumps(document, allow_nan=False)


def test_mean_std_and_size_complete_the_spec() -> None:
    assert "TARE080" in codes(PLAIN, InputSpec())
    assert codes(RIGHT, InputSpec(), mean=MEAN, std=STD, size=(64, 64)) == set()
    assert codes(RIGHT, SPEC, size=(32, 32)) == {"TARE070"}
    with pytest.raises(SpecError, match="both --mean and --std, or neither"):
        check(RIGHT, SPEC, mean=MEAN)


def test_a_size_of_one_number_is_that_of_a_square() -> None:
    assert codes(RIGHT, SPEC, size=32) == codes(RIGHT, SPEC, size=[32, 32]) == {"TARE070"}
    assert check(RIGHT, SPEC, size=64).spec.require("size") == (64, 64)
    for size in (0, (64, 0), (64,), (64, 64.5), "64"):
        with pytest.raises(SpecError, match="--size"):
            check(RIGHT, SPEC, size=size)  # type: ignore[arg-type]


def test_mean_and_std_alone_state_the_network() -> None:
    report = check(PLAIN, mean=MEAN, std=STD)
    assert report.spec == InputSpec.of(MEAN, STD, raw_dtype="uint8")
    assert {finding.code for finding in report.findings if finding.fails} == {"TARE004"}
    assert check(RIGHT, mean=MEAN, std=STD).clean


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        ([0.5], [0.25], ((0.5,) * 3, (0.25,) * 3)),
        ([0.5], STD, ((0.5,) * 3, STD)),
        ([0.1, 0.2, 0.3, 0.4], [0.25], ((0.1, 0.2, 0.3, 0.4), (0.25,) * 4)),
    ],
)
def test_one_value_stands_for_every_channel(mean: Any, std: Any, expected: tuple[Any, Any]) -> None:
    spec = corrected_spec(InputSpec(), CheckRequest(None, mean=mean, std=std), channels=3)
    assert (spec.require("mean"), spec.require("std")) == expected


def test_the_network_is_stated_once(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC.to_json()))
    assert check(RIGHT, spec=path).clean
    assert check(RIGHT, spec=SPEC).network == "InputSpec"
    with pytest.raises(SpecError, match="one of --model and --spec, or --mean and --std, found neither"):
        check(RIGHT)
    with pytest.raises(SpecError, match="one of --model and --spec, or --mean and --std, found both"):
        check(RIGHT, SPEC, spec=path)
    with pytest.raises(SpecError, match="both --mean and --std, or neither, found only one"):
        check(RIGHT, mean=MEAN)
    with pytest.raises(SpecError, match="both --mean and --std, or neither, found only one"):
        check(RIGHT, std=STD)


def test_a_keyword_that_is_none_is_refused_with_the_closest_one() -> None:
    with pytest.raises(TypeError, match="did you mean stage"):
        check(RIGHT, SPEC, stages="train")  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two splits whose images differ in brightness from one another, and more between the splits."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for split, count, light in (("train", 240, 0), ("val", 160, 30)):
        for index in range(count):
            pixels = random.normal(random.uniform(70, 150) + light + np.array([12, 0, -9]), random.uniform(10, 60), (12, 12, 3))
            save_png(folder / split / "ab"[index % 2] / f"{index}.png", pixels.clip(0, 255).astype(np.uint8))
    return folder


def pixels_of(*folders: Path) -> np.ndarray:
    """Unit values of all images, ``(images, pixels, 3)``."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*.png"))]
    return np.stack([np.asarray(Image.open(path), np.float64).reshape(-1, 3) / 255 for path in paths])


def normalising(mean: Any, std: Any) -> Any:
    return v1.Compose(
        [v1.Resize(73), v1.CenterCrop(64), v1.ToTensor(), v1.Normalize([round(m, 4) for m in mean], [round(s, 4) for s in std])]
    )


def test_statistics_of_the_training_split_are_no_mistake(photos: Path) -> None:
    train = pixels_of(photos / "train")
    pipeline = normalising(train.mean((0, 1)), train.std((0, 1)))
    assert codes(pipeline) == {"TARE010"}
    assert codes(pipeline, data=photos) == set()


def test_statistics_of_all_or_of_held_out_data_are_said(photos: Path) -> None:
    for pixels in (pixels_of(photos), pixels_of(photos / "val")):
        assert codes(normalising(pixels.mean((0, 1)), pixels.std((0, 1))), data=photos) == {"TARE060"}


def test_the_mean_of_per_image_stds_is_said(photos: Path) -> None:
    train = pixels_of(photos / "train")
    assert codes(normalising(train.mean((0, 1)), train.std(1).mean(0)), data=photos) == {"TARE009"}


def made_values(channels: int = 3, dtype: str = "float32") -> np.ndarray:
    """Images of which each has a level of its own."""
    chance = np.random.default_rng(0)
    level = chance.normal([[[[90, 120, 150, 60, 80][:channels]]]], 25, (200, 1, 1, channels))
    return (level + chance.normal(0, 30, (200, 8, 8, channels))).clip(0, 255).astype(dtype)


def test_statistics_of_floats_from_0_to_255_are_those_of_their_levels(tmp_path: Path) -> None:
    values = made_values()
    stats = measure(values)
    stats.save(tmp_path / "levels.json")
    unit = values.reshape(-1, 3).astype(np.float64) / 255
    right = normalising(unit.mean(0), unit.std(0))
    for data in (stats, tmp_path / "levels.json", measure(values.astype(np.uint8)), measure((values / 255).astype(np.float32))):
        report = check(right, SPEC, data=data)
        assert (report.findings, report.not_judged) == ((), ())
    found = check(normalising(unit.mean(0) * 255, unit.std(0) * 255), SPEC, data=stats).findings
    assert {finding.code for finding in found} == {"TARE016"}
    assert f"{unit.mean(0)[0]:.4g}" in found[0].remedy


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (made_values() - 500, "floats from -500 to "),
        (made_values(5), "5 channels in .*, and the network takes 3"),
        (np.zeros((30, 8, 8, 3), np.uint8), "the std of red is 0 in"),
    ],
    ids=["of other values", "of other channels", "constant"],
)
def test_statistics_that_no_constants_of_the_network_can_be_are_not_judged(values: np.ndarray, why: str) -> None:
    report = check(RIGHT, SPEC, data=measure(values, layout="NHWC"))
    assert not report.clean
    assert re.search("statistics of the data: " + why, report.not_judged[0])


def test_statistics_of_few_images_are_said_with_their_error(photos: Path) -> None:
    few = photos / "val" / "a"
    pixels = pixels_of(few)
    assert "TARE062" in codes(normalising(pixels.mean((0, 1)), pixels.std((0, 1))), data=few)


@pytest.mark.parametrize("applied", [True, False])
def test_a_processor_configuration_that_states_constants_and_does_not_apply_them(tmp_path: Path, applied: bool) -> None:
    config = {"image_processor_type": "ViTImageProcessor", "do_normalize": applied, "do_rescale": True, "do_resize": True}
    config |= {"image_mean": list(MEAN), "image_std": list(STD), "size": {"height": 64, "width": 64}, "resample": 2}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    spec = InputSpec.of(MEAN, STD, size=(64, 64), crop=Crop("squash", 1.0), interpolation="bilinear", raw_dtype="uint8")
    for path in (tmp_path, tmp_path / "preprocessor_config.json"):
        assert codes(str(path), spec) == (set() if applied else {"TARE004", "TARE061"})
    # A network that does take plain values has constants in its configuration, too.
    assert codes(str(tmp_path), str(tmp_path)) == set()


def test_a_transferred_model_may_be_fed_the_statistics_that_it_states(tmp_path: Path) -> None:
    target = stated_stats((0.41, 0.38, 0.36), (0.31, 0.30, 0.29), 5000)
    spec = InputSpec.of(target.mean, target.std, size=(64, 64), raw_dtype="uint8")
    document = {"schema": "tare.model/1", "spec": spec.to_json(), "target_stats": target.to_json()}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tare.json").write_text(json.dumps(document))
    assert codes(str(tmp_path), SPEC) == set()
    assert codes(str(tmp_path / "model" / "tare.json"), SPEC) == set()
    (tmp_path / "model" / "tare.json").write_text(json.dumps({**document, "target_stats": None}))
    assert codes(str(tmp_path), SPEC) == {"TARE010"}


def test_the_arguments_of_a_timm_run(tmp_path: Path) -> None:
    path = tmp_path / "args.yaml"
    path.write_text("model: resnet50\nmean: null\nstd: null\nimg_size: 64\n")
    assert codes(str(tmp_path), SPEC) == codes(str(path), SPEC) == set()
    path.write_text("model: resnet50\nmean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0.5]\nimg_size: 32\n")
    assert codes(str(tmp_path), SPEC) == {"TARE005", "TARE070"}


@pytest.mark.parametrize(
    ("pipeline", "error", "message"),
    [
        ("no_such_file.py:x", PipelineError, "does not exist"),
        ("no_such_config.json", SpecError, "no_such_config.json"),
        ("train.py", SpecError, "write train.py:NAME"),
        ("nothing", SpecError, "FILE.py:NAME, package.module:NAME or a configuration"),
        (lambda _: None, PipelineError, "it returned an object of type NoneType, not an image"),
        (lambda _: "text", PipelineError, "it returned an object of type str"),
        (lambda _: [[1, 2], [3]], PipelineError, "it returned an object of type int"),
        (lambda x: x.nothing, PipelineError, "AttributeError"),
        (3, SpecError, "a pipeline that can be called with an image, found int"),
        ({"a": RIGHT}, PipelineError, "a mapping with the keys train and eval"),
        ({}, PipelineError, "a mapping with the keys train and eval"),
        (lambda: 1 / 0, PipelineError, "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_checked_is_one_line(pipeline: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        check(pipeline, SPEC)
    assert "\n" not in str(raised.value)


def test_a_model_that_states_nothing_is_a_finding_and_one_that_is_nothing_an_error() -> None:
    assert "TARE080" in codes(RIGHT, InputSpec())
    with pytest.raises(SpecError, match="something that states a network's input, found a int"):
        check(RIGHT, 3)


@pytest.mark.parametrize("seed", range(6))
def test_a_normalize_that_chance_decides_about_says_nothing_of_the_values(seed: int) -> None:
    sometimes = v2.Compose([v2.Resize(73), v2.CenterCrop(64), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    random_normalize = v2.RandomApply([v2.Normalize(MEAN, STD)], p=0.5)
    report = check(v2.Compose([*sometimes.transforms, random_normalize]), SPEC, seed=seed)
    assert {finding.code for finding in report.findings} - {"TARE032"} == {"TARE024", "TARE061"}  # RGBA is only sometimes refused

    def unread(image: Any) -> Any:
        values = sometimes(image)
        return (values - 0.5) / 0.25 if random.random() < 0.5 else values

    report = check(unread, SPEC, seed=seed)
    assert not {finding.code for finding in report.findings} & {"TARE004", "TARE010", "TARE014"}
    assert not report.judged


def quick_cases() -> Iterator[Case]:
    """The right recipe and every mistake, for one network, in each library that is installed."""
    chosen = networks()[:1]
    yield from chain(correct.recipes(chosen), mutants(chosen, every=True))


@pytest.mark.long
def test_right_pipelines_are_clean_and_every_mistake_is_named() -> None:
    pytest.importorskip("albumentations", reason="albumentations is not installed")
    with np.errstate(all="ignore"):
        wrong = [
            (result.case.group, result.case.name, sorted(result.codes), result.failure)
            for result in map(run, quick_cases())
            if not result.exact
        ]
    assert wrong == []


def test_what_was_fed_is_said_where_nobody_states_the_raw_values() -> None:
    nobody = replace(SPEC, raw_dtype=Unknown("nobody stated it"))
    assert any("8-bit images were fed" in note for note in check(RIGHT, nobody).notes)
    assert check(RIGHT, SPEC).notes == ()
