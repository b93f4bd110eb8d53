from __future__ import annotations

import numpy as np
import pytest
import torch

import tare
from tare.input_spec.fields import PerSample
from tare.input_spec.spec import InputSpec
from tare.watching.values.window import Cut, cuts

CT = InputSpec.of((-1350.0,), (1500.0,), scale=1.0, channels="L", layout="NCHW", raw_dtype="int16", clip=[(-1350.0, 150.0)])


def watched(spec: InputSpec, fed: torch.Tensor) -> tuple[bool | None, list[str], str]:
    network = torch.nn.Conv2d(1, 2, 3).eval()
    handle = tare.watch(network, spec)
    with torch.inference_mode(), pytest.warns() if fed.abs().max() > 1.5 else torch.inference_mode():
        for start in range(0, len(fed), 8):
            network(fed[start : start + 8])
    report = handle.report().to_json()
    handle.remove()
    return report["clean"], [each["code"] for each in report["findings"]], " ".join(report["unjudged"])


def slices() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(-600, 500, (24, 1, 16, 16)).round()).float()


def test_values_that_were_cut_to_the_window_are_clean() -> None:
    assert watched(CT, CT.apply(slices().to(torch.int16)))[:2] == (True, [])


def test_values_that_nobody_cut_are_told_with_the_window() -> None:
    for fed in (slices(), (slices() + 1350) / 1500 * 2):
        clean, codes, _ = watched(CT, fed)
        assert (clean, codes) == (False, ["TARE004"])


def test_values_inside_of_the_window_are_not_called_clean_unless_some_were_cut() -> None:
    clean, codes, unjudged = watched(CT, torch.rand(24, 1, 16, 16) * 0.5)
    assert (clean, codes) == (None, [])
    assert "not at both ends, which would show that they were cut" in unjudged


def test_percentiles_of_each_sample_are_judged_by_their_ends() -> None:
    each = PerSample("percentile", "channel", 1e-9, 1.0, 99.0)
    stated = {"channels": "L", "layout": "NCHW", "raw_dtype": "float32", "clip": [(0.0, 1.0)], "per_sample": each}
    spec = InputSpec.of((0.0,), (1.0,), scale=1.0, **stated)  # type: ignore[arg-type]
    assert watched(spec, spec.apply(slices()))[:2] == (True, [])
    assert watched(spec, slices())[:2] == (False, ["TARE004"])


def test_a_window_open_at_an_end_or_for_other_channels_is_none() -> None:
    moments = [np.zeros((4, 2, 1))]
    assert cuts(CT, moments) == (Cut(0.0, 1.0, 0.0, 0.0),)
    assert cuts(CT, [np.zeros((4, 2, 3))]) == ()
    open_ended = InputSpec.of((0.0,), (1.0,), scale=1.0, channels="L", raw_dtype="float32", clip=[(0.0, None)])
    assert cuts(open_ended, moments) == ()
    assert cuts(InputSpec(), moments) == ()
