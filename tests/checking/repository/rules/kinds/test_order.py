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
