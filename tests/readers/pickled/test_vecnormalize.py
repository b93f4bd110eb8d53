"""VecNormalize's statistics against its own formula, from pickles that this process never loads."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.errors import SpecError
from tare.input_spec.fields import Known
from tare.readers.pickled.inert import Call, array_of, inert

RNG = np.random.default_rng(1)
MEAN, VAR = RNG.normal(size=4), RNG.uniform(0.1, 9, 4)


def saved(path: Path, protocol: int, obs_rms: Any, monkeypatch: pytest.MonkeyPatch, **state: Any) -> Path:
    """What ``VecNormalize.save`` writes: an instance of a class of the library, with a dictionary as its state."""
    modules: dict[str, list[str]] = {
        "stable_baselines3": [],
        "stable_baselines3.common": [],
        "stable_baselines3.common.vec_env": [],
        "stable_baselines3.common.vec_env.vec_normalize": ["VecNormalize"],
        "stable_baselines3.common.running_mean_std": ["RunningMeanStd"],
    }
    for name, classes in modules.items():
        module = ModuleType(name)
        for each in classes:
            setattr(module, each, type(each, (), {"__module__": name}))
        monkeypatch.setitem(sys.modules, name, module)

    def statistics(mean: Any, var: Any) -> Any:
        made = sys.modules["stable_baselines3.common.running_mean_std"].RunningMeanStd()
        made.mean, made.var, made.count = mean, var, np.float64(100.0001)
        return made

    made = sys.modules["stable_baselines3.common.vec_env.vec_normalize"].VecNormalize()
    several = isinstance(obs_rms, dict)
    made.obs_rms = {key: statistics(*each) for key, each in obs_rms.items()} if several else statistics(*obs_rms)
    defaults = {
        "clip_obs": 5.0,
        "epsilon": 1e-6,
        "norm_obs": True,
        "ret_rms": statistics(np.float64(0), np.float64(1)),
        "training": False,
    }
    made.__dict__.update({**defaults, **state})
    path.write_bytes(pickle.dumps(made, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_observations_become_what_the_library_computes(
    tmp_path: Path, protocol: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mean, var = MEAN.astype(dtype), VAR.astype(dtype)
    spec = tare.spec(saved(tmp_path / "vecnormalize.pkl", protocol, (mean, var), monkeypatch))
    assert isinstance(spec.mean, Known)
    assert isinstance(spec.std, Known)
    assert isinstance(spec.clip, Known)
    raw = RNG.normal(0, 20, (50, 4))
    expected = np.clip((raw - mean) / np.sqrt(var.astype(float) + 1e-6), -5, 5)
    low, high = np.array(spec.clip.value).T
    np.testing.assert_allclose((np.clip(raw, low, high) - spec.mean.value) / np.array(spec.std.value), expected, rtol=1e-9)
    assert "obs_rms" in spec.mean.origin


def test_one_of_several_observations_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = saved(tmp_path / "a.pkl", 4, {"arm": (MEAN, VAR), "hand": (MEAN[:2], VAR[:2])}, monkeypatch)
    with pytest.raises(SpecError, match="one of the observations arm, hand"):
        tare.spec(place)
    spec = tare.spec(f"{place}#hand")
    assert isinstance(spec.mean, Known)
    assert len(spec.mean.value) == 2


class Evil:
    """Touches a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_another_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Evil(tmp_path / "ran"), protocol=protocol))
    with pytest.raises(SpecError, match="VecNormalize"):
        tare.spec(tmp_path / "a.pkl")
    place = saved(tmp_path / "b.pkl", 4, (MEAN, VAR), monkeypatch, venv=Evil(tmp_path / "ran"))
    tare.spec(place)  # the statistics are read beside it
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"norm_obs": False},
        {"clip_obs": -1.0},
        {"epsilon": 0.0},
        {"clip_obs": "ten"},
        {"clip_obs": None},
        {"epsilon": float("nan")},
    ],
)
def test_what_does_not_normalise_is_refused(tmp_path: Path, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError):
        tare.spec(saved(tmp_path / "a.pkl", 4, (MEAN, VAR), monkeypatch, **change))


@pytest.mark.parametrize("data", [b"", b"words", b"\x80\x04", b"\x80\x04.", b"\x80\x04(((((", b"\x80\x04}\x94\x86\x86\x86."])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(data)
    with pytest.raises(SpecError) as raised:
        tare.spec(tmp_path / "a.pkl")
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=120))
def test_any_bytes_are_inert_values_or_a_value_error(data: bytes) -> None:
    try:
        inert(b"\x80\x04" + data)
    except ValueError:
        return


@given(st.lists(st.floats(allow_nan=False, width=64), max_size=20), st.sampled_from([2, 3, 4, 5]), st.booleans())
def test_arrays_are_what_numpy_pickled(numbers: list[float], protocol: int, single: bool) -> None:
    values = np.array(numbers, np.float32 if single else np.float64).reshape(-1, 1)
    with np.errstate(over="ignore"):
        value = inert(pickle.dumps(values, protocol=protocol))
    assert isinstance(value, Call)
    np.testing.assert_array_equal(array_of(value), values)
