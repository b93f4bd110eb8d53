"""nnU-Net's ``plans.json`` and ``dataset_fingerprint.json``: one normalisation scheme per channel of a scan.

Schemes and formulas: ``nnunetv2/preprocessing/normalization/default_normalization_schemes.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import UNSTATED, Field, Known, PerSample, Unknown, finite
from tare.input_spec.spec import InputSpec, read_json

#: What ``channel_names`` of ``dataset.json`` stand for; any other name is z-scored.
_BY_NAME = {"CT": "CTNormalization", "noNorm": "NoNormalization", "rescale_0_1": "RescaleTo01Normalization",
            "rgb_to_0_1": "RGBTo01Normalization"}  # fmt: skip
#: Schemes that normalise each channel of an image by its own values. nnU-Net divides by at least 1e-8.
_BY_IMAGE = {
    "ZScoreNormalization": PerSample("zscore", "channel", 1e-8),
    "RescaleTo01Normalization": PerSample("minmax", "channel", 1e-8),
}
_WORDS = {
    "ZScoreNormalization": "z-scores each image by its own mean and std",
    "RescaleTo01Normalization": "rescales each image by its own minimum and maximum",
}
_PROPERTIES = ("foreground_intensity_properties_per_channel", "foreground_intensity_properties_by_modality")
#: Files of a directory that state its normalisation, the first that is there decides.
PLANS = ("plans.json", "nnUNetPlans.json", "dataset_fingerprint.json")
_PREFERRED = ("3d_fullres", "2d", "3d_lowres")
_MOST_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel: ``(x - mean) / std`` after clipping to ``window``, or the reason why the channel has no such map."""

    mean: float = 0.0
    std: float = 1.0
    window: tuple[float, float] | None = None
    reason: str = ""


def is_plans(document: Any) -> bool:
    """Whether a JSON document is nnU-Net's plans or fingerprint."""
    return isinstance(document, Mapping) and ({"configurations", "plans_name"} <= set(document) or _PROPERTIES[0] in document)


def read_nnunet(name: str) -> InputSpec:
    """Read ``PATH[#CONFIGURATION]``: plans, a fingerprint (beside its ``dataset.json``), or a directory that has one of them.

    Raises :class:`SpecError` if it is not there or malformed.
    """
    text, _, configuration = name.partition("#")
    path = Path(text)
    candidates = [path / file for file in PLANS]
    path = next((candidate for candidate in candidates if candidate.is_file()), path)
    document = read_json(path)
    if isinstance(document, Mapping) and "configurations" in document:
        return read_plans_document(document, str(path), configuration)
    beside = path.parent / "dataset.json"
    names = read_json(beside).get("channel_names") if beside.is_file() else None
    return read_fingerprint_document(document, str(path), names)


def read_plans_document(document: Mapping[str, Any], source: str, configuration: str = "") -> InputSpec:
    """Read a ``plans.json``; the configuration is ``3d_fullres``, else ``2d``, unless one is named."""
    configurations = document.get("configurations")
    if not isinstance(configurations, Mapping):
        raise SpecError(f"an object 'configurations' in {source}", short_repr(configurations), "name nnU-Net's plans")
    named = configuration or next((name for name in _PREFERRED if name in configurations), "")
    chosen = configurations.get(named)
    schemes = chosen.get("normalization_schemes") if isinstance(chosen, Mapping) else None
    if not isinstance(schemes, list) or not 1 <= len(schemes) <= _MOST_CHANNELS:
        known = ", ".join(str(key)[:40] for key in list(configurations)[:6])
        found = f"{short_repr(schemes)}; configurations: {known or 'none'}"
        raise SpecError(f"normalization_schemes of {named!r} in {source}", found, "name one as PATH#CONFIGURATION")
    layout: Field[str] = Unknown("batches of volumes (N, C, D, H, W)")
    if named == "2d":
        layout = Known("NCHW", f"{source}, configuration {named!r}")
    return _spec([str(scheme) for scheme in schemes], document, f"{source}, {named}", layout)


def read_fingerprint_document(document: Any, source: str, names: Any = None) -> InputSpec:
    """Read a ``dataset_fingerprint.json``; ``names`` are the ``channel_names`` of ``dataset.json``, which choose the schemes."""
    if not isinstance(document, Mapping) or not isinstance(document.get(_PROPERTIES[0]), Mapping):
        raise SpecError(f"nnU-Net's fingerprint or plans in {source}", short_repr(document), "name one of the two")
    if not isinstance(names, Mapping) or not 1 <= len(names) <= _MOST_CHANNELS:
        reason = Unknown(f"{source} states intensities and not what is done with them; that is in the plans")
        fields = dict.fromkeys(("channels", "scale", "mean", "std", "layout", "dtype", "raw_dtype"), reason)
        return InputSpec(**fields)  # type: ignore[arg-type]
    schemes = [_BY_NAME.get(str(name), "ZScoreNormalization") for name in names.values()]
    return _spec(schemes, document, f"{source} and its dataset.json", Unknown("the plans choose between slices and volumes"))


def _spec(schemes: Sequence[str], document: Mapping[str, Any], source: str, layout: Field[str]) -> InputSpec:
    alone = len(set(schemes)) == 1
    channels = [_channel(scheme, str(index), document, source, alone=alone) for index, scheme in enumerate(schemes)]
    origin = f"{source}, normalization_schemes {', '.join(dict.fromkeys(schemes))}"
    names = ",".join(f"c{index}" for index in range(len(schemes)))
    reason = next((channel.reason for channel in channels if channel.reason), "")
    is_rgb = set(schemes) == {"RGBTo01Normalization"}
    windows = [channel.window for channel in channels]
    mean: Field[Any] = Unknown(reason) if reason else Known(tuple(channel.mean for channel in channels), origin)
    std: Field[Any] = Unknown(reason) if reason else Known(tuple(1.0 if is_rgb else c.std for c in channels), origin)
    clip: Field[Any] = UNSTATED
    if any(windows):
        clip = Known(tuple(window or (-math.inf, math.inf) for window in windows), origin)
    each = _BY_IMAGE.get(schemes[0]) if alone else None
    return InputSpec(
        channels=Known("RGB" if is_rgb and len(schemes) == 3 else names, origin),
        scale=Known(1 / 255 if is_rgb else 1.0, origin),
        mean=mean,
        std=std,
        layout=layout,
        dtype=Known("float32", "nnU-Net casts images to float32"),
        raw_dtype=Known("uint8", origin) if is_rgb else Known("float32", "nnU-Net casts images to float32"),
        clip=clip,
        per_sample=UNSTATED if each is None else Known(each, origin),
    )


def _channel(scheme: str, index: str, document: Mapping[str, Any], source: str, *, alone: bool) -> _Channel:
    if scheme in _BY_IMAGE:
        return (
            _Channel()
            if alone
            else _Channel(reason=f"{source}, channel {index}: {scheme} {_WORDS[scheme]}, other channels do not")
        )
    if scheme == "NoNormalization":
        return _Channel()
    if scheme == "RGBTo01Normalization":
        return _Channel(std=255.0)
    if scheme != "CTNormalization":
        return _Channel(reason=f"{source}, channel {index}: what {scheme[:60]!r} does is not known")
    properties: Mapping[str, Any] = next((document[key] for key in _PROPERTIES if isinstance(document.get(key), Mapping)), {})
    stated = properties.get(index)
    if not isinstance(stated, Mapping):
        raise SpecError(f"intensity properties of channel {index} in {source}", short_repr(stated), "repair the plans")
    mean, std, low, high = (_number(stated, key, source) for key in ("mean", "std", "percentile_00_5", "percentile_99_5"))
    if low > high or std < 0:
        raise SpecError(f"a window and a std in {source}", f"{low:g} to {high:g}, std {std:g}", "repair the plans")
    return _Channel(mean, max(std, 1e-8), (low, high))


def _number(stated: Mapping[str, Any], key: str, source: str) -> float:
    try:
        return finite(stated.get(key))
    except ValueError as error:
        raise SpecError(f"a number {key!r} in {source}", f"{short_repr(stated.get(key))} ({error})", "repair the plans") from None
