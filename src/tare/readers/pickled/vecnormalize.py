"""The statistics of stable-baselines3's ``VecNormalize``, from the pickle that it saves, without unpickling it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError, reason_of
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.pickled.inert import Call, array_of, inert
from tare.system.local.opened import whole

_MOST_BYTES = 64 << 20
_REMEDY = "name the file that VecNormalize.save wrote"


def read_vecnormalize(path: str, key: str = "") -> InputSpec:
    """Read ``PATH[#KEY]``: ``(x - mean) / sqrt(var + epsilon)``, clipped to ``clip_obs``; KEY names one of several observations.

    Source: stable_baselines3/common/vec_env/vec_normalize.py, ``_normalize_obs``. Raises :class:`SpecError` if the file holds
    no such statistics, or the statistics of several observations of which none is named.
    """
    path = str(path)  # a path is told as its text
    state = _state(path)
    found = _statistics(state.get("obs_rms"), key, path)
    try:
        mean, variance = (array_of(found.get(each)).astype(np.float64) for each in ("mean", "var"))
        epsilon, clip = (float(array_of(state.get(each))) for each in ("epsilon", "clip_obs"))
    except (ValueError, TypeError) as error:
        raise SpecError("mean, var, epsilon and clip_obs of VecNormalize", f"{path!r}: {reason_of(error)}", _REMEDY) from None
    if (
        mean.shape != variance.shape
        or mean.ndim > 1
        or not mean.size
        or not np.isfinite([*mean.ravel(), *variance.ravel()]).all()
        or (variance < 0).any()
    ):
        raise SpecError("finite mean and var of one vector", f"shapes {mean.shape} and {variance.shape} in {path!r}", _REMEDY)
    if not (0 < clip < math.inf and 0 < epsilon < math.inf) or state.get("norm_obs") is False:
        what = f"norm_obs {state.get('norm_obs')}, clip_obs {clip:g}, epsilon {epsilon:g} in {path!r}"
        raise SpecError("a VecNormalize that normalises observations", what, _REMEDY)
    std = np.sqrt(variance.ravel() + epsilon)
    return _spec(mean.ravel(), std, clip, f"{path}, obs_rms{f'[{key}]' if key else ''}")


def _spec(mean: NDArray[np.float64], std: NDArray[np.float64], clip: float, origin: str) -> InputSpec:
    """A clip of what is normalised is one of raw values: mean - clip std to mean + clip std."""
    said = f"{origin}: a vector of {mean.size}"
    nothing = Unknown("a vector has no size")
    ends = tuple(zip((mean - clip * std).tolist(), (mean + clip * std).tolist(), strict=True))
    return InputSpec(
        mean=Known(tuple(mean.tolist()), f"{origin}, key 'mean'"),
        std=Known(tuple(std.tolist()), f"{origin}, sqrt(var + epsilon)"),
        clip=Known(ends, f"{origin}, clip_obs {clip:g}"),
        channels=Known(",".join(f"c{index}" for index in range(mean.size)), said),
        scale=Known(1.0, said),
        layout=Known("NC", said),
        size=nothing,
        interpolation=nothing,
        antialias=nothing,
        crop=nothing,
    )


def _state(path: str) -> dict[str, Any]:
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise ValueError(f"{Path(path).stat().st_size} bytes")
        value = inert(whole(path))
    except (OSError, ValueError) as error:
        raise SpecError("the pickle of a VecNormalize", f"{path!r}: {reason_of(error)}", _REMEDY) from None
    state = value.state if isinstance(value, Call) else None
    if not isinstance(state, dict) or "obs_rms" not in state:
        raise SpecError("the pickle of a VecNormalize", f"another object in {path!r}, which is not unpickled", _REMEDY)
    return state


def _statistics(value: Any, key: str, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        names = ", ".join(map(str, value))
        if key not in value:
            raise SpecError(f"one of the observations {names}", repr(key) if key else f"several in {path!r}", f"write {path}#KEY")
        value = value[key]
    state = value.state if isinstance(value, Call) else None
    if not isinstance(state, dict):
        raise SpecError("statistics of observations", f"none in {path!r}", "save it with norm_obs=True")
    return state
