"""Remedies cure: each change that a finding offers is made, the pipeline is checked again, and the finding is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as v1
from benchmarks.check_rates.case import Case
from benchmarks.check_rates.mutants import MISTAKES, RAW, STAGES, mutants, networks
from PIL import Image

from tare.checking.api import check
from tare.checking.inputs import Stage
from tare.checking.result import CheckReport
from tare.checking.rules.finding import Fix
from tare.errors import TareError
from tare.input_spec.spec import InputSpec
from tests.images import save_png

MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
SPEC = InputSpec.of(MEAN, STD, raw_dtype="uint8")
#: Findings that a person has to decide on: what to leave out, what to draw, which size.
BY_HAND = {"TARE012", "TARE014", "TARE020", "TARE021", "TARE022", "TARE024", "TARE030", "TARE031", "TARE032", "TARE035"}
BY_HAND |= {"TARE040", "TARE041", "TARE050", "TARE061", "TARE062", "TARE070", "TARE071", "TARE072", "TARE073"}


def raw_floats(image: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)


def of_raw(mean: Any, std: Any) -> v1.Compose:
    return v1.Compose([raw_floats, v1.Normalize(list(mean), list(std))])


def of_unit(mean: Any, std: Any) -> v1.Compose:
    return v1.Compose([v1.ToTensor(), v1.Normalize(list(map(float, mean)), list(map(float, std)))])


def times(values: Any, factor: float) -> list[float]:
    return [factor * value for value in values]


def with_changes(pipeline: v1.Compose, changes: tuple[Fix, ...]) -> v1.Compose:
    """The same pipeline with other constants in its Normalize, or its values scaled before it."""
    steps = list(pipeline.transforms)
    for change in changes:
        if change.action == "scale_values":
            steps.insert(len(steps) - 1, v1.Lambda(lambda x, factor=change.factor: x * factor))
        else:
            assert change.action == "set_constants"
            steps[-1] = v1.Normalize(list(change.mean), list(change.std))
    return v1.Compose(steps)


def codes(report: CheckReport) -> set[str]:
    return {finding.code for finding in report.findings}


def assert_cured(report: CheckReport, again: Callable[[tuple[Fix, ...]], CheckReport]) -> int:
    """Make the changes of each finding by itself; return how many offered some."""
    offered = [finding for finding in report.findings if finding.fix]
    for finding in offered:
        after = again(finding.fix)
        assert finding.code not in codes(after), str(finding)
        assert {f.code for f in after.findings if f.severity == "error"} <= codes(report), str(finding)
    assert {finding.code for finding in report.findings if not finding.fix} <= BY_HAND
    return len(offered)


def one_case_a_mistake(start: int) -> Iterator[Case]:
    """Each mistake in one library, for one network."""
    yield from mutants(networks()[start : start + 1])


@pytest.mark.long
@pytest.mark.parametrize("network", [0, 2, 7])
def test_every_change_that_is_offered_cures(network: int) -> None:
    pytest.importorskip("albumentations", reason="albumentations is not installed")
    offered = 0
    with np.errstate(all="ignore"):
        for case in one_case_a_mistake(network):
            try:
                report = check(case.pipeline, case.model, stage=case.stage)
            except TareError:
                continue
            repaired, model, stage = case.repaired, case.model, case.stage
            assert repaired is not None

            def again(fix: tuple[Fix, ...], repaired: Any = repaired, model: Any = model, stage: Stage = stage) -> CheckReport:
                return check(repaired(fix), model, stage=stage)

            offered += assert_cured(report, again)
    assert offered > (len(MISTAKES) + len(RAW) + len(STAGES)) / 2


WRONG: dict[str, tuple[v1.Compose, str, str]] = {
    "0..255 constants of another network, nothing divided by the std": (
        of_raw((114.77, 107.74, 99.48), (1, 1, 1)),
        "TARE042",
        "the means (114.8, 107.7, 99.48), which are not the network's, are subtracted from values of 0..255, and nothing is",
    ),
    "the network's own 0..255 constants, nothing divided by the std": (
        of_raw(times(MEAN, 255), (1, 1, 1)),
        "TARE042",
        "nothing is divided by the std",
    ),
    "0..255 constants on unit values": (
        of_unit(times(MEAN, 255), times(STD, 255)),
        "TARE016",
        "the constants are of values of 0..255, and are applied to values in [0, 1]",
    ),
    "0..255 constants of another network on unit values": (
        of_unit((114.77, 107.74, 99.48), (58.0, 57.0, 55.0)),
        "TARE016",
        "of values of 0..255 (they are not the network's either), and are applied to values in [0, 1]",
    ),
    "the mean of 0..255 and the std of unit values": (
        of_raw(times(MEAN, 255), STD),
        "TARE016",
        "the mean is of values of 0..255 and the std of values in [0, 1]",
    ),
    "a std of 0..255 and a mean of unit values": (of_raw(MEAN, times(STD, 255)), "TARE016", "the mean is of values in [0, 1]"),
    "unit constants on 0..255": (of_raw(MEAN, STD), "TARE001", "values of 0..255 are normalised"),
    "unit constants of nobody on 0..255": (
        of_raw((0.31, 0.36, 0.29), (0.33, 0.31, 0.36)),
        "TARE001",
        "constants that are not the network's",
    ),
    "reversed": (of_unit(MEAN[::-1], STD[::-1]), "TARE015", "the network's own in reversed order"),
    "reversed, 0..255": (of_raw(times(MEAN[::-1], 255), times(STD[::-1], 255)), "TARE015", "in reversed order"),
    "reversed constants of another network": (
        of_unit((0.406, 0.456, 0.485), (0.225, 0.224, 0.229)),
        "TARE015",
        "those of 'imagenet' in reversed order",
    ),
    "std halved": (of_unit(MEAN, times(STD, 0.5)), "TARE043", "2 times too small"),
    "std doubled, 0..255": (of_raw(times(MEAN, 255), times(STD, 510)), "TARE043", "2 times too large"),
    "a negative mean": (of_unit((-0.2, 0.3, 0.3), (0.2, 0.2, 0.2)), "TARE017", "the mean of values in [0, 1] is not -0.2"),
    "a std that is too large": (of_unit((0.3, 0.36, 0.29), (0.7, 0.6, 0.6)), "TARE017", "the std is at most 0.4583"),
    "precedence": (
        of_unit([m / s for m, s in zip(MEAN, STD, strict=True)], (1, 1, 1)),
        "TARE046",
        "the formula is x - mean / std",
    ),
    "precedence, the other way": (
        of_unit([m * s for m, s in zip(MEAN, STD, strict=True)], STD),
        "TARE046",
        "the formula is x / std - mean",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_named_and_its_remedy_cures(name: str) -> None:
    pipeline, code, said = WRONG[name]
    report = check(pipeline, SPEC)
    assert codes(report) == {code}
    (finding,) = report.findings
    assert said in finding.message
    assert finding.severity == "error"
    assert assert_cured(report, lambda fix: check(with_changes(pipeline, fix), SPEC)) == 1
    assert codes(check(with_changes(pipeline, finding.fix), SPEC)) == set()


def test_a_remedy_for_raw_values_states_constants_of_raw_values() -> None:
    (finding,) = check(of_raw((114.77, 107.74, 99.48), (1, 1, 1)), SPEC).findings
    assert finding.fix[0].mean == pytest.approx(times(MEAN, 255), rel=1e-6)
    assert finding.fix[0].std == pytest.approx(times(STD, 255), rel=1e-6)
    assert finding.fix[0].top == 255
    assert "std (58.15, 56.47, 55.33) on values of 0..255" in finding.remedy
    assert finding.to_json()["fix"] == [
        {
            "action": "set_constants",
            "mean": list(finding.fix[0].mean),
            "std": list(finding.fix[0].std),
            "top": 255.0,
            "where": "torchvision Compose, step 2",
        }
    ]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "photos"
    random = np.random.default_rng(7)
    for split, count in (("train", 40), ("val", 12)):
        for index in range(count):
            level = random.uniform(40, 190, 3)
            image = np.clip(level + random.normal(0, 38, (24, 24, 3)), 0, 255).astype(np.uint8)
            (folder / split / f"c{index % 2}").mkdir(parents=True, exist_ok=True)
            save_png(folder / split / f"c{index % 2}" / f"{index}.png", image)
    return folder


def own_slips(photos: Path) -> dict[str, tuple[v1.Compose, str | None, str]]:
    images = [np.asarray(Image.open(path), float) / 255 for path in sorted((photos / "train").rglob("*.png"))]
    values = np.concatenate([image.reshape(-1, 3) for image in images])
    mean, std = values.mean(0), values.std(0)
    return {
        "right": (of_unit(mean, std), None, ""),
        "std of means": (of_unit(mean, np.std([i.mean((0, 1)) for i in images], axis=0)), "TARE045", "means of single images"),
        "variance": (of_unit(mean, std**2), "TARE044", "the variance (std squared)"),
        "a fortieth": (of_unit(mean, std / 40), "TARE043", "40 times too small"),
        "a half": (of_unit(mean, std / 2), "TARE043", "2 times too small"),
        "divided by the number of images": (of_unit(mean, std / len(images) * 3), "TARE043", "13.33 times too small"),
        "0..255": (of_unit(mean * 255, std * 255), "TARE016", "the constants are of values of 0..255"),
        "0..255 values": (of_raw(mean, std), "TARE001", "divide"),
        "no std": (of_unit(mean, np.ones(3)), "TARE042", "nothing is divided by the std"),
        "exchanged": (of_unit(std, mean), "TARE006", "mean and std are exchanged"),
        "reversed": (of_unit(mean[::-1], std[::-1]), "TARE015", "your data's in reversed order"),
        "precedence": (of_unit(mean / std, np.ones(3)), "TARE046", "x - mean / std"),
        "mean of stds": (of_unit(mean, np.mean([i.std((0, 1)) for i in images], axis=0)), "TARE009", "single images"),
    }


SLIPS = (
    "right", "std of means", "variance", "a fortieth", "a half", "divided by the number of images", "0..255", "0..255 values",
    "no std", "exchanged", "reversed", "precedence", "mean of stds",
)  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_in_statistics_of_your_own_data_is_named_and_its_remedy_cures(name: str, photos: Path) -> None:
    pipeline, code, said = own_slips(photos)[name]
    report = check(pipeline, "catalog:imagenet", data=photos)
    assert codes(report) - {"TARE062"} == ({code} if code else set())
    for finding in report.findings:
        assert "--data" not in finding.remedy
        assert said in finding.message + finding.remedy or finding.code == "TARE062"
    assert_cured(report, lambda fix: check(with_changes(pipeline, fix), "catalog:imagenet", data=photos))


def test_data_that_were_given_are_not_asked_for(photos: Path) -> None:
    (finding,) = check(of_unit((0.31, 0.36, 0.29), (0.33, 0.31, 0.36)), "catalog:imagenet", data=photos).findings
    assert finding.code == "TARE010"
    assert "the statistics of your data are mean (0." in finding.remedy
    assert "--data" not in finding.remedy


@pytest.mark.parametrize("constants", ["behind", "exchanged"])
def test_channels_whose_constants_fit_are_reversed_behind_the_normalisation(constants: str) -> None:
    flip = v1.Lambda(lambda x: x.flip(0))
    steps = [v1.Normalize(MEAN, STD), flip] if constants == "behind" else [flip, v1.Normalize(MEAN[::-1], STD[::-1])]
    (found,) = [one for one in check(v1.Compose([v1.ToTensor(), *steps]), spec=SPEC).findings if one.severity == "error"]
    assert found.code == "TARE008"
    assert found.remedy.startswith("reverse the channels behind the normalisation")
    cured = check(v1.Compose([v1.ToTensor(), *steps, flip]), spec=SPEC)
    assert not [one for one in cured.findings if one.severity == "error"]
