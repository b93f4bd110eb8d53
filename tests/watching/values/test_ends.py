"""Values that were cut off, or bent, after Normalize; and what lies at the ends of right images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import tare
from tare.input_spec.spec import InputSpec
from tests.watched import SPEC, blurred, codes, normalised, raw_images, unit

HALF = ((0.5,) * 3, (0.5,) * 3)
HALF_SPEC = InputSpec.of(*HALF, raw_dtype="uint8")
CUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "clamp(0, 1)": lambda x: x.clamp(0, 1),
    "clamp(-1, 1)": lambda x: x.clamp(-1, 1),
    "clamp(-2, 2)": lambda x: x.clamp(-2, 2),
    "clamp(-0.37, 0.81)": lambda x: x.clamp(-0.37, 0.81),
    "clamp(-0.1, 0.1)": lambda x: x.clamp(-0.1, 0.1),
    "relu": torch.relu,
    "clamp(max=1)": lambda x: x.clamp(max=1),
    "relu6 of the shifted": lambda x: (x + 1).clamp(0, 6) - 1,
}
SQUASHED: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softsign": nn.functional.softsign,
    "atan": torch.atan,
    "sqrt of the size": lambda x: x.sign() * x.abs().sqrt(),
}


def contrasted(count: int = 24) -> Tensor:
    """Units of 8-bit images of high contrast: each has black and white, as photographs with deep shadows and a sky do."""
    return ((unit(raw_images(count)) - 0.5) * 2 + 0.5).clamp(0, 1).mul(255).round() / 255


def watched(values: Tensor, spec: InputSpec = SPEC, size: int = 8) -> tuple[bool | None, list[str], str]:
    """``clean``, the codes and the whole report."""
    model = nn.Identity().eval()
    with tare.watch(model, spec, on_finding=lambda _: None) as watch:
        for batch in torch.split(values, size):
            model(batch)
    report = watch.report()
    return report.clean, [each.code for each in report.findings if each.fails], str(report)


@pytest.mark.parametrize("size", [2, 8])
@pytest.mark.parametrize("name", CUTS)
def test_values_that_were_cut_off_after_the_normalisation_are_found(name: str, size: int) -> None:
    clean, found, report = watched(CUTS[name](normalised(contrasted())), size=size)
    assert (clean, found) == (False, ["TARE023"]), report
    assert "cut off after the normalisation" in report


# The others change nothing between -1 and 1.
@pytest.mark.parametrize("name", ["clamp(0, 1)", "clamp(-0.37, 0.81)", "clamp(-0.1, 0.1)", "relu"])
def test_of_equal_constants_the_grid_shows_what_was_cut_off(name: str) -> None:
    clean, found, report = watched(CUTS[name](normalised(contrasted(), *HALF)), HALF_SPEC)
    assert clean is not True, report
    assert set(found) <= {"TARE023"}, report


@pytest.mark.parametrize("bounds", [(-0.6, 0.6), (0.0, 0.3), (-0.37, 0.81)])
def test_floats_that_were_cut_off_after_the_normalisation_are_never_called_clean(bounds: tuple[float, float]) -> None:
    fed = normalised(blurred(contrasted()).clamp(0, 1)).clamp(*bounds)
    clean, found, report = watched(fed)
    assert (clean, found) == (False, ["TARE023"]), report
    assert "warning" in report


# The size of values that lie evenly around 0 is on their own grid, as bright images are.
@pytest.mark.parametrize(
    ("name", "spec"), [(name, spec) for name in SQUASHED for spec in (SPEC, HALF_SPEC) if (name, spec) != ("abs", HALF_SPEC)]
)
def test_bent_values_are_found_or_not_judged(name: str, spec: InputSpec) -> None:
    constants = HALF if spec is HALF_SPEC else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    clean, found, report = watched(SQUASHED[name](normalised(contrasted(), *constants)), spec)
    assert clean is not True, report
    assert found or "not judged" in report


def test_a_floor_that_may_be_the_raw_images_own_is_not_judged() -> None:
    spec = InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8")
    clean, found, report = watched(contrasted().clamp(0.2, 0.8), spec)
    assert (clean, found) == (None, [])
    assert "whether the raw images end there" in report


def bordered(units: Tensor) -> Tensor:
    """Black bars on two sides."""
    out = units.clone()
    out[..., :6], out[..., -6:] = 0, 0
    return out


RIGHT: dict[str, Tensor] = {
    "black borders": bordered(unit(raw_images(24))),
    "saturated skies": (unit(raw_images(24)) * 1.6 * 255).round().clamp(0, 255) / 255,
    "deep shadows": (unit(raw_images(24)) * 400 - 145).clamp(0, 255).round() / 255,
    "both": bordered(contrasted()),
    "a few levels": (unit(raw_images(24)) * 5).round() / 5,
    "low contrast": (unit(raw_images(24)) * 100 + torch.linspace(20, 120, 24)[:, None, None, None]).round() / 255,
    "black and white": unit(raw_images(24)).round(),
}


@pytest.mark.parametrize("size", [1, 8, 24])
@pytest.mark.parametrize("name", RIGHT)
def test_piles_at_the_ends_of_the_raw_range_are_right(name: str, size: int) -> None:
    for spec, constants in ((SPEC, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))), (HALF_SPEC, HALF)):
        values = normalised(RIGHT[name], *constants)
        clean, found, report = watched(values, spec, size)
        assert (clean, found) == (True, []), report


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("make", [blurred, Tensor.half, Tensor.bfloat16, lambda x: x.flip(0) * 0.4 + x * 0.6])
def test_piles_of_right_floats_are_no_finding(name: str, make: Callable[[Tensor], Tensor]) -> None:
    assert codes(make(normalised(RIGHT[name]))) == []


def test_boxes_and_padding_of_a_constant_are_no_clamp() -> None:
    bright = (unit(raw_images(24)) * 60 + 180).round() / 255
    values = normalised(bright)
    values[..., :8, :8] = 0
    clean, found, report = watched(values)
    assert found == [], report
    assert clean is not False


def test_columns_that_all_end_at_one_value_are_not_judged() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, std = torch.tensor([5.0, 100.0, -3.0]), torch.tensor([2.0, 10.0, 0.5])
    spec = InputSpec.of(mean.tolist(), std.tolist(), scale=1.0, raw_dtype="float64")
    rows = (torch.randn(256, 3, generator=generator) * std + mean - mean) / std
    model = nn.Linear(3, 2)
    reports = []
    for fed in (rows, rows.clamp(-1, 1)):
        with tare.watch(model, spec, on_finding=lambda _: None) as watch:
            for batch in torch.split(fed, 32):
                model(batch)
        reports.append(watch.report())
    assert [each.clean for each in reports] == [True, None]
    assert "cut off" in str(reports[1])
