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


OF_LEVELS = f"T.Normalize({', '.join(LEVELS)})"
ARRAY = "x = t(np.asarray(Image.open(p).convert('RGB'){}))\n"


@pytest.mark.parametrize(
    "text",
    [
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\n",
        f"t = T.Compose([T.Resize(9), T.ToTensor(), {OF_LEVELS}])\ny = y.astype(np.float32)\n",
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\nd = torchvision.datasets.ImageFolder('d', t)\ny = y.astype(np.float32)\n",
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\n{ARRAY.format('')}y = y.astype(np.float32)\n",
        f"t = T.Compose([T.PILToTensor(), T.ConvertImageDtype(torch.float), {OF_LEVELS}])\n",
    ],
)
def test_constants_of_levels_after_a_step_that_divides_bytes(text: str) -> None:
    assert codes(text) == ["TARE016"]


@pytest.mark.parametrize(
    "text",
    [
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\n{ARRAY.format(', dtype=np.float32')}",
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\ndef f(p):\n    x = cv2.imread(p).astype(np.float32)\n    return t(x)\n",
        f"t = T.Compose([T.ToTensor(), {OF_LEVELS}])\nd = Mine(np.load('x.npy').astype('float32'), t)\n",
        f"from torchvision.transforms import v2\nt = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), {OF_LEVELS}])\n",
    ],
)
def test_constants_of_levels_on_what_no_step_divides(text: str) -> None:
    assert "TARE016" not in codes(text)


ALBUMENTATIONS = "import albumentations as A\nt = A.Compose([{}])\n"


@pytest.mark.parametrize("first", ["A.ToFloat(max_value=255.0)", "A.ToFloat()", "A.ToFloat(255), A.Resize(9, 9)"])
def test_to_float_and_a_normalize_that_divides_too(first: str) -> None:
    assert codes(ALBUMENTATIONS.format(f"{first}, A.Normalize(MEAN, STD)")) == ["TARE002"]


@pytest.mark.parametrize(
    "steps",
    [
        "A.ToFloat(max_value=255.0), A.Normalize(MEAN, STD, max_pixel_value=1.0)",
        "A.ToFloat(max_value=1.0), A.Normalize(MEAN, STD)",
        "A.ToFloat(max_value=255.0), A.FromFloat(), A.Normalize(MEAN, STD)",
        "A.ToFloat(max_value=255.0, p=0.5), A.Normalize(MEAN, STD)",
        "A.ToFloat(max_value=top), A.Normalize(MEAN, STD)",
    ],
)
def test_to_float_and_a_normalize_of_its_values(steps: str) -> None:
    assert codes(ALBUMENTATIONS.format(steps)) == []


@pytest.mark.parametrize("constants", ["MEAN, STD", "[0.5] * 3, [0.5] * 3"])
def test_grey_after_normalize_cuts_nothing_off(constants: str) -> None:
    assert codes(f"t = T.Compose([T.ToTensor(), T.Normalize({constants}), T.RandomGrayscale(p=0.1)])\n") == []
