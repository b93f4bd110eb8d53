"""A mean and a std of two scales in one pipeline."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

LEVELS = "[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]"


@pytest.mark.parametrize(
    "text",
    [
        f"t = T.Compose([T.ToTensor(), T.Normalize(MEAN, {LEVELS[1]})])",
        f"t = T.Compose([T.ToTensor(), T.Normalize({LEVELS[0]}, STD)])",
        f"import albumentations as A\nt = A.Compose([A.Normalize(mean=MEAN, std={LEVELS[1]})])",
        f"t = T.Compose([T.ToTensor(), T.Lambda(mine), T.Normalize({LEVELS[0]}, STD)])",
    ],
)
def test_a_mean_and_a_std_of_two_scales_are_found(text: str) -> None:
    assert codes(text) == ["TARE016"]


@pytest.mark.parametrize(
    "text",
    [
        "t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])",
        f"t = T.Compose([T.PILToTensor(), T.ConvertImageDtype(torch.float32), T.Lambda(lambda x: x * 255), T.Normalize({', '.join(LEVELS)})])",
        f"t = T.Compose([T.ToTensor(), T.Normalize({LEVELS[0]}, STD), T.Lambda(lambda x: x / 255)])",
        f"t = T.Compose([T.ToTensor(), T.Normalize({LEVELS[0]}, STD), T.Lambda(mine)])",
        "t = T.Compose([T.ToTensor(), T.Normalize([0.0] * 3, [1 / 255] * 3), T.Normalize(MEAN, STD)])",
    ],
)
def test_those_of_one_scale_and_what_is_scaled_afterwards_are_right(text: str) -> None:
    assert "TARE016" not in codes(text)


@pytest.mark.parametrize(
    "between",
    [
        "T.Normalize(MEAN, [1, 1, 1]), T.Normalize([0, 0, 0], STD)",
        "T.Normalize([0, 0, 0], STD), T.Normalize([m / d for m, d in zip(MEAN, STD)], [1, 1, 1])",
        "T.Normalize([.5] * 3, [.5] * 3), T.Lambda(lambda x: x * 0.5 + 0.5), T.Normalize(MEAN, STD)",
        "T.Normalize([.5] * 3, [.5] * 3), T.Normalize([(m - .5) / .5 for m in MEAN], [d / .5 for d in STD])",
    ],
)
def test_a_normalisation_in_several_steps_is_one(between: str) -> None:
    assert codes(f"t = T.Compose([T.ToTensor(), {between}])") == []


@pytest.mark.parametrize(
    "between",
    [
        "T.Normalize(MEAN, STD), T.Normalize([.5] * 3, [.5] * 3)",
        "T.Normalize([.5] * 3, [.5] * 3), T.Normalize(MEAN, STD)",
        "T.Normalize([.5] * 3, [.5] * 3), T.Lambda(lambda x: x.repeat(1, 1, 1)), T.Normalize(MEAN, STD)",
        "T.Normalize([.5] * 3, [.5] * 3), T.RandomErasing(), T.Normalize(MEAN, STD)",
    ],
)
def test_two_normalisations_are_found(between: str) -> None:
    assert codes(f"t = T.Compose([T.ToTensor(), {between}])") == ["TARE003"]
