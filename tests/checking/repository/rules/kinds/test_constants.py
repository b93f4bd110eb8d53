"""Squares of a published std where the std is meant."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

WRONG = {
    "as numbers": "T.Normalize(MEAN, [0.052441, 0.050176, 0.050625])",
    "rounded": "T.Normalize(MEAN, [0.052, 0.050, 0.051])",
    "as squares": "T.Normalize(MEAN, [0.229**2, 0.224**2, 0.225**2])",
    "of a list": "T.Normalize(MEAN, [each**2 for each in STD])",
    "in a pipeline": "t = T.Compose([T.ToTensor(), T.Normalize(mean=MEAN, std=(0.052441, 0.050176, 0.050625))])",
    "version 2": "from torchvision.transforms import v2\nt = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, [0.052441, 0.050176, 0.050625])])",
    "albumentations": "import albumentations as A\nt = A.Normalize(mean=MEAN, std=(0.052441, 0.050176, 0.050625))",
    "functional": "y = torchvision.transforms.functional.normalize(x, MEAN, [0.052441, 0.050176, 0.050625])",
    "arithmetic": "y = (x / 255 - M) / np.array([0.052441, 0.050176, 0.050625])",
    "of 0..255": "T.Normalize([123.675, 116.28, 103.53], [3409.976, 3262.694, 3291.891])",
    "CIFAR-10": "T.Normalize([0.4914, 0.4822, 0.4465], [0.061009, 0.059292, 0.068435])",
    "grey": "T.Normalize((0.1307,), (0.3081**2,))",
}
RIGHT = {
    "the std": "T.Normalize(MEAN, STD)",
    "another mean": "T.Normalize([0.41, 0.38, 0.36], [0.052441, 0.050176, 0.050625])",
    "a small std of one's own": "T.Normalize(MEAN, [0.055, 0.048, 0.053])",
    "one number": "T.Normalize([0.5] * 3, [0.25] * 3)",
    "one number, grey": "T.Normalize((0.5,), (0.25,))",
    "the same for all channels": "T.Normalize(MEAN, [0.05] * 3)",
    "a unit std": "T.Normalize([0.0] * 3, [1.0] * 3)",
    "undone": "T.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])",
    "rooted": "y = (x / 255 - M) / np.sqrt(np.array([0.052441, 0.050176, 0.050625]))",
    "rooted, with a list": "VAR = [0.052441, 0.050176, 0.050625]\nT.Normalize(MEAN, [v**0.5 for v in VAR])",
    "variances that nothing takes as a std": "T.Normalize(MEAN, STD)\nvariances = [0.052441, 0.050176, 0.050625]",
    "a batch norm": "def bn(x, mean, var):\n    return (x - mean) / torch.sqrt(var)\ny = bn(x, TM, torch.tensor([0.052441, 0.050176, 0.050625]))",
}


@pytest.mark.parametrize("case", WRONG)
def test_squares_beside_the_mean_are_variances(case: str) -> None:
    assert codes(WRONG[case]) == ["TARE044"]


@pytest.mark.parametrize("case", RIGHT)
def test_other_numbers_are_no_squares(case: str) -> None:
    assert "TARE044" not in codes(RIGHT[case])
