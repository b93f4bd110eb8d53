from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.input_map import InputMap
from tare.input_spec.spec import InputSpec, PerSample
from tare.parts.normaliser import Normaliser

#: NumPy's functions, written out apart from the module's table.
REFERENCE: dict[str, Any] = {
    "sqrt": np.sqrt,
    "log": np.log,
    "log1p": lambda v: np.log(1 + v),
    "log2": lambda v: np.log(v) / np.log(2),
    "log10": lambda v: np.log(v) / np.log(10),
    "dB": lambda v: 10 * np.log(v) / np.log(10),
}
numbers = st.floats(-50, 50)
windows = st.tuples(numbers, st.floats(0.5, 100)).map(lambda ends: (ends[0], ends[0] + ends[1]))
affines = st.builds(lambda a, b: Affine((0,), (a,), (b,)), st.floats(0.01, 10), st.floats(-5, 5))


def made(clip: tuple[float, float] | None = None, name: str = "identity", a: float = 2.0, b: float = -1.0) -> InputMap:
    return InputMap(Affine((0,), (a,), (b,)), name, None if clip is None else (clip,))


@pytest.mark.parametrize("name", REFERENCE)
def test_a_named_map_comes_before_clip_and_constants(name: str) -> None:
    raw = np.random.default_rng(0).uniform(0.1, 900, (40, 1))
    expected = 2 * np.clip(REFERENCE[name](raw), 0.5, 2.5) - 1
    np.testing.assert_allclose(made((0.5, 2.5), name).apply(raw), expected, rtol=1e-12)


@given(affines, affines, st.one_of(st.none(), windows), st.one_of(st.none(), windows))
def test_the_distance_is_the_largest_difference_over_the_range(
    first: Affine, second: Affine, one: tuple[float, float] | None, two: tuple[float, float] | None
) -> None:
    mine, theirs = (InputMap(a, clip=None if c is None else (c,)) for a, c in ((first, one), (second, two)))
    values = np.linspace(-60, 160, 4001)[:, None]
    seen = float(np.abs(mine.apply(values) - theirs.apply(values)).max())
    found = mine.distance(theirs, (-60.0, 160.0))
    assert found >= seen - 1e-9
    assert found <= seen + 12 * 220 / 4000  # the slopes are at most 10, and a grid point is never farther than its spacing
    assert mine.distance(theirs, (-60.0, 160.0)) == theirs.distance(mine, (-60.0, 160.0))
    assert mine.distance(mine, (-60.0, 160.0)) == 0


def test_after_the_same_map_the_ends_decide_and_another_map_has_no_distance() -> None:
    assert made(name="log10").distance(made(name="log10", b=0.0), (0.0, 3.0)) == pytest.approx(1.0)
    assert made(name="log10").distance(made(name="log10", a=3.0), (0.0, 3.0)) == pytest.approx(3.0)
    assert made(name="log10").distance(made(), (0.0, 3.0)) == math.inf
    each = InputMap(made().affine, per_sample=PerSample("zscore"))
    assert each.distance(made(), (0.0, 1.0)) == math.inf
    assert each.distance(each, (0.0, 1.0)) == 0


def test_a_clip_that_never_binds_leaves_an_affine_map() -> None:
    assert made((0, 255)).as_affine(0, 255) == made().affine
    assert made((0, 254)).as_affine(0, 255) is None
    assert made((0, 255)).as_affine() is None
    assert made(name="sqrt").as_affine(0, 255) is None


def ct(**others: Any) -> InputSpec:
    return InputSpec.of([-100.0], [250.0], scale=1.0, raw_dtype="int16", units="HU", channels="L", **others)


def test_a_window_of_a_ct_is_applied_described_and_kept() -> None:
    spec = ct(clip=(-160.0, 240.0))
    got = spec.apply(torch.tensor([[[[-1000, -160, 0, 240, 3000]]]], dtype=torch.int16))
    np.testing.assert_allclose(got.flatten().numpy(), np.array([-60, -60, 100, 340, 340]) / 250, rtol=1e-6)
    assert "raw       int16, HU" in spec.describe()
    assert "(clip(raw, -160, 240) - mean) / std" in spec.describe()
    assert "raw -160 reaches the network as -0.2400, raw 240 reaches the network as 1.3600" in spec.describe()
    assert InputSpec.from_json(spec.to_json()) == spec
    with pytest.raises(SpecError, match=r"a shift and a scale per channel, found values are clipped to \[-160, 240\]"):
        spec.affine()
    assert not spec.equivalent(ct())
    assert not spec.equivalent(ct(clip=(-150.0, 240.0)))
    assert spec.equivalent(ct(clip=(-160.0, 240.0)))


@pytest.mark.parametrize("over", ["sample", "channel"])
@pytest.mark.parametrize("kind", ["zscore", "minmax", "percentile"])
@pytest.mark.parametrize("batched", [True, False])
def test_a_sample_is_normalised_by_its_own_values(over: str, kind: str, batched: bool) -> None:
    each = {"kind": kind, "over": over, "eps": 0.5} | ({"low": 1.0, "high": 99.0} if kind == "percentile" else {})
    spec = InputSpec.of([0.0] * 3, [1.0] * 3, scale=1.0, raw_dtype="float32", per_sample=each)
    raw = np.random.default_rng(1).normal(50, 20, (2, 3, 7, 5)) * np.array([1, 2, 3])[:, None, None]
    axes = (1, 2, 3) if over == "sample" else (2, 3)
    if kind == "zscore":
        expected = (raw - raw.mean(axes, keepdims=True)) / (raw.std(axes, keepdims=True) + 0.5)
    else:
        ends = (0, 100) if kind == "minmax" else (1, 99)
        low, high = (np.percentile(raw, end, axis=axes, keepdims=True) for end in ends)
        expected = (raw - low) / (high - low + 0.5)
    given_values = torch.from_numpy(raw if batched else raw[0])
    np.testing.assert_allclose(spec.apply(given_values).numpy(), expected if batched else expected[0], rtol=1e-9)
    assert InputSpec.from_json(spec.to_json()) == spec
    with pytest.raises(SpecError, match="each sample is normalised by its own values"):
        spec.affine()


@pytest.mark.parametrize("kind", ["uint16", "float32", "float64", "int64"])
@pytest.mark.parametrize("over", ["sample", "channel"])
def test_a_constant_sample_becomes_zeros_as_in_the_layer_of_a_run(kind: str, over: str) -> None:
    spec = InputSpec.of([0.0], [1.0], scale=1.0, raw_dtype=kind, layout="NCHW", per_sample={"kind": "zscore", "over": over})
    raw = np.stack([np.full((1, 17, 19), level) for level in (0, 4095)] + [np.arange(17 * 19).reshape(1, 17, 19)]).astype(kind)
    fed = spec.apply(torch.from_numpy(raw))
    assert (fed[:2] == 0).all()
    assert fed[2].std(correction=0).item() == pytest.approx(1)
    assert (Normaliser.from_spec(spec)(torch.from_numpy(raw))[:2] == 0).all()


@pytest.mark.parametrize("kind", ["zscore", "minmax"])
def test_one_value_per_channel_has_no_moments_of_its_own(kind: str) -> None:
    each = {"kind": kind, "over": "channel"}
    spec = InputSpec.of([0.0] * 2, [1.0] * 2, scale=1.0, raw_dtype="float32", channels="a,b", per_sample=each)
    with pytest.raises(SpecError, match="several values per channel"):
        spec.apply(torch.zeros(4, 2), "NC")


@pytest.mark.parametrize(
    ("layout", "shape"), [("NCDHW", (2, 2, 3, 4, 5)), ("NTCHW", (2, 3, 2, 4, 5)), ("NC", (2, 2)), ("NTC", (2, 9, 2))]
)
def test_channels_are_where_the_layout_says(layout: str, shape: tuple[int, ...]) -> None:
    spec = InputSpec.of([1.0, 10.0], [2.0, 5.0], scale=1.0, raw_dtype="float32", channels="a,b")
    raw = np.random.default_rng(2).normal(size=shape)
    moved = np.moveaxis(raw, layout.index("C"), -1)
    expected = np.moveaxis((moved - [1, 10]) / [2, 5], -1, layout.index("C"))
    np.testing.assert_allclose(spec.apply(torch.from_numpy(raw), layout).numpy(), expected, rtol=1e-12)


def test_long_names_and_open_windows_are_described() -> None:
    names = ("end-effector", "gripper")
    spec = InputSpec.of(
        (0.0, 0.0),
        (1.0, 1.0),
        scale=1.0,
        channels=",".join(names),
        raw_dtype="float32",
        clip=((-1.0, 1.0), (-math.inf, math.inf)),
    )
    words = spec.describe()
    assert "  end-effector mean 0, std 1: raw -1 reaches" in words
    assert "inf reaches" not in words
