"""What weights cannot hold is refused with the reason; what two specs state alike stays in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tare.errors import SpecError
from tare.folding.api import fold, respec
from tare.input_spec.spec import InputSpec

MODEL = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1)).double().eval()
SHAPE = (2, 8, 9)
STATED: dict[str, Any] = {"scale": 1.0, "raw_dtype": "int16", "units": "HU"}
WINDOW = ((-160.0, 240.0),)
ZSCORE = {"kind": "zscore", "over": "channel", "eps": 1e-6}


def of(mean: float = 40.0, std: float = 100.0, **others: Any) -> InputSpec:
    return InputSpec.of((mean, mean + 1), (std, std * 2), **{**STATED, **others})


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (of(clip=WINDOW), r"values are clipped to \[-160, 240\]"),
        (of(value_map="log1p"), "values pass through log1p"),
        (of(per_sample=ZSCORE), r"each sample is normalised by its own values \(zscore\)"),
    ],
)
def test_a_fold_says_what_it_cannot_hold(spec: InputSpec, found: str) -> None:
    message = f"expected a shift and a scale per channel, which weights can hold, found {found}; keep the normalisation in front"
    with pytest.raises(SpecError, match=message):
        fold(MODEL, spec, shape=SHAPE)


def test_a_clip_that_no_raw_value_reaches_folds() -> None:
    mean, std = (0.5, 0.4), (0.2, 0.3)
    spec = InputSpec.of(mean, std, raw_dtype="uint8", clip=((0.0, 255.0),))
    unit = torch.rand(2, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scaled = torch.stack([(unit[:, c] - mean[c]) / std[c] for c in range(2)], dim=1)
    with torch.no_grad():
        assert torch.allclose(fold(MODEL, spec, shape=SHAPE)(unit), MODEL(scaled), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "others", [{"clip": WINDOW}, {"clip": WINDOW, "value_map": "identity"}, {"clip": ((-9.0, 9.0), (0.0, 50.0))}]
)
def test_the_same_clip_in_both_specs_stays_in_front(others: Any) -> None:
    before, after = of(**others), of(0.0, 400.0, **others)
    network = respec(MODEL, before, after, shape=SHAPE)
    raw = np.random.default_rng(0).integers(-1000, 1000, (2, *SHAPE)).astype(np.float64)

    def fed(spec: InputSpec) -> torch.Tensor:  # the reference: one channel at a time
        windows = others["clip"] * (2 if len(others["clip"]) == 1 else 1)
        mean, std = spec.require("mean"), spec.require("std")
        return torch.from_numpy(np.stack([(np.clip(raw[:, c], *windows[c]) - mean[c]) / std[c] for c in range(2)], axis=1))

    with torch.no_grad():
        assert torch.allclose(network(fed(after)), MODEL(fed(before)), rtol=0, atol=1e-12)


def test_the_same_normalisation_of_each_sample_stays_in_front() -> None:
    network = respec(MODEL, of(per_sample=ZSCORE), of(0.0, 1.0, per_sample=ZSCORE), shape=SHAPE)
    own = torch.randn(2, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fed = [
        torch.stack([(own[:, c] - m) / s for c, (m, s) in enumerate(both)], 1)
        for both in (((40, 100), (41, 200)), ((0, 1), (1, 2)))
    ]
    with torch.no_grad():
        assert torch.allclose(network(fed[1]), MODEL(fed[0]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (of(clip=WINDOW), of(clip=((-100.0, 240.0),)), r"clipped to \[-160, 240\] and values are clipped to \[-100, 240\]"),
        (of(clip=WINDOW), of(clip=(*WINDOW, (-160.0, 1.0))), r"clipped to \[-160, 240\] and .* \[-160, 240\], \[-160, 1\]"),
        (of(clip=WINDOW), of(), r"clipped to \[-160, 240\] and nothing of the kind"),
        (of(value_map="log1p"), of(value_map="sqrt"), "values pass through log1p and values pass through sqrt"),
        (of(per_sample=ZSCORE), of(), r"by its own values \(zscore\) and nothing of the kind"),
    ],
)
def test_different_ones_are_refused(before: InputSpec, after: InputSpec, found: str) -> None:
    with pytest.raises(SpecError, match=f"the same clip, map and normalisation of each sample in both specs, found .*{found}"):
        respec(MODEL, before, after, shape=SHAPE)


def test_raw_values_of_two_kinds_are_no_two_normalisations() -> None:
    with pytest.raises(SpecError, match="raw values of one type in both specs, found int16 and uint16"):
        respec(MODEL, of(), of(raw_dtype="uint16"), shape=SHAPE)
    with pytest.raises(SpecError, match="raw values of one unit in both specs, found HU and DN"):
        respec(MODEL, of(), of(units="DN"), shape=SHAPE)


def test_two_orders_of_the_same_named_channels_are_refused() -> None:
    with pytest.raises(SpecError, match="the same channels in one order in both, found B02,B08 and B08,B02"):
        respec(MODEL, of(channels="B02,B08"), of(channels="B08,B02"), shape=SHAPE)
