"""Variances that are called std, and those of which the root is taken."""

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

SUMS = (
    "def stats(loader):\n    mean, sq, n = 0.0, 0.0, 0\n    for x, _ in loader:\n        mean += x.mean([0, 2, 3])\n"
    "        sq += (x ** 2).mean([0, 2, 3])\n        n += 1\n    mean /= n\n    std = sq / n - mean ** 2\n    {}\n"
)
ROOTS = [
    "return mean, std ** 0.5",
    "return mean, std.sqrt()",
    "std.pow_(0.5)\n    return mean, std",
    "std **= 0.5\n    return mean, std",
    "std = std.clamp(0).rsqrt().reciprocal()\n    return mean, std",
    "std = [math.sqrt(s) for s in std]\n    return mean, std",
    "std = list(map(math.sqrt, std))\n    return mean, std",
    "std = np.power(std, 0.5)\n    return mean, std",
    "v = std\n    return mean, v.sqrt()",
    "return mean, torch.exp(0.5 * torch.log(std))",
]


def test_the_variance_is_found() -> None:
    assert codes(SUMS.format("return mean, std")) == ["TARE044"]
    assert codes("def spread(x):\n    std = x.var(axis=0)\n    return std\n") == ["TARE044"]


@pytest.mark.parametrize("end", ROOTS)
def test_a_root_in_any_spelling_is_one(end: str) -> None:
    assert codes(SUMS.format(end)) == []


@pytest.mark.parametrize("line", ["std_var = stds.var()", "std_var += stds.var()", "std_err = x.var()", "var_of_std = s.var()"])
def test_a_name_that_says_variance_or_error_is_no_std(line: str) -> None:
    assert codes(f"def spread(x, stds, s):\n    {line}\n    return 1\n") == []
