"""nnU-Net's ``plans.json`` and ``dataset_fingerprint.json``: one normalisation scheme per channel of a scan.

Schemes and formulas: ``nnunetv2/preprocessing/normalization/default_normalization_schemes.py``. Every version crops an image to
the box of its nonzero voxels before it normalises it (``preprocessors/default_preprocessor.py``), so that a scheme by an image's
own values is a map of the whole image only where that cuts nothing.
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

#: What ``channel_names`` of ``dataset.json`` stand for in every version; any other name is z-scored.
_BY_NAME = {"CT": "CTNormalization", "noNorm": "NoNormalization", "zscore": "ZScoreNormalization",
            "rgb_to_0_1": "RGBTo01Normalization"}  # fmt: skip
#: Names that are a scheme in some versions and z-scored in others (``map_channel_name_to_normalization.py`` of 2.0 to 2.8): 2.2
#: renamed rescale_0_1, and 2.4 takes names in any case.
_BY_VERSION = frozenset({"ct", "nonorm", "rgb_to_0_1", "rescale_0_1", "rescale_to_0_1"})
#: Schemes that normalise each channel of an image by its own values. nnU-Net divides by at least 1e-8.
_BY_IMAGE = {
    "ZScoreNormalization": PerSample("zscore", "channel", 1e-8),
    "RescaleTo01Normalization": PerSample("minmax", "channel", 1e-8),
}
_WORDS = {
    "ZScoreNormalization": "z-scores each image by its own mean and std",
    "RescaleTo01Normalization": "rescales each image by its own minimum and maximum",
}
_ZSCORE = "ZScoreNormalization"
_CUTS = "median_relative_size_after_cropping"
#: Below this part of an image left by the crop, the planner has images z-scored inside the mask of their nonzero voxels.
_MASKED_BELOW = 0.75
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
        return read_plans_document({**_beside(path, PLANS[-1], _CUTS), **document}, str(path), configuration)
    described = _beside(path, "dataset.json", "channel_names", "modality")
    return read_fingerprint_document(document, str(path), described.get("channel_names", described.get("modality")))


def _beside(path: Path, name: str, *keys: str) -> dict[str, Any]:
    """What the file ``name`` in the folder of ``path`` states under ``keys``; nothing where there is none."""
    beside = path.parent / name
    document = read_json(beside) if beside.is_file() else None
    return {key: document[key] for key in keys if key in document} if isinstance(document, Mapping) else {}


def read_plans_document(document: Mapping[str, Any], source: str, configuration: str = "") -> InputSpec:
    """Read a ``plans.json``; the configuration is ``3d_fullres``, else ``2d``, unless one is named."""
    configurations = document.get("configurations")
    if not isinstance(configurations, Mapping):
        raise SpecError(f"an object 'configurations' in {source}", short_repr(configurations), "name nnU-Net's plans")
    named = configuration or next((name for name in _PREFERRED if name in configurations), "")
    chosen = configurations.get(named)
    schemes = chosen.get("normalization_schemes") if isinstance(chosen, Mapping) else None
    if not isinstance(chosen, Mapping) or not isinstance(schemes, list) or not 1 <= len(schemes) <= _MOST_CHANNELS:
        known = ", ".join(str(key)[:40] for key in list(configurations)[:6])
        found = f"{short_repr(schemes)}; configurations: {known or 'none'}"
        raise SpecError(f"normalization_schemes of {named!r} in {source}", found, "name one as PATH#CONFIGURATION")
    layout: Field[str] = Unknown("batches of volumes (N, C, D, H, W)")
    if named == "2d":
        layout = Known("NCHW", f"{source}, configuration {named!r}")
    origin = f"{source}, {named}"
    masks = chosen.get("use_mask_for_norm")
    own = [_why_not_whole(str(scheme), _item(masks, index), document, origin) for index, scheme in enumerate(schemes)]
    preprocessor = chosen.get("preprocessor_name", "DefaultPreprocessor")
    strange = "" if preprocessor == "DefaultPreprocessor" else f"{origin}: what {str(preprocessor)[:60]!r} does is not known"
    return _spec([str(scheme) for scheme in schemes], document, origin, layout, [strange or reason for reason in own])


def read_fingerprint_document(document: Any, source: str, names: Any = None) -> InputSpec:
    """Read a ``dataset_fingerprint.json``; ``names`` are the ``channel_names`` of ``dataset.json``, which choose the schemes."""
    if not isinstance(document, Mapping) or not isinstance(document.get(_PROPERTIES[0]), Mapping):
        raise SpecError(f"nnU-Net's fingerprint or plans in {source}", short_repr(document), "name one of the two")
    if not isinstance(names, Mapping) or not 1 <= len(names) <= _MOST_CHANNELS:
        reason = Unknown(f"{source} states intensities and not what is done with them; that is in the plans")
        fields = dict.fromkeys(("channels", "scale", "mean", "std", "layout", "dtype", "raw_dtype"), reason)
        return InputSpec(**fields)  # type: ignore[arg-type]
    origin = f"{source} and its dataset.json"
    part = _part_left(document)
    masked = part is not None and part < _MASKED_BELOW
    given = [str(name) for name in names.values()]
    schemes = [_BY_NAME.get(name, name if name.casefold() in _BY_VERSION else _ZSCORE) for name in given]
    reasons = [_why_not_whole(scheme, masked, document, origin) for scheme in schemes]
    return _spec(schemes, document, origin, Unknown("the plans choose between slices and volumes"), reasons)


def _item(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None


def _part_left(document: Mapping[str, Any]) -> float | None:
    """The part of an image that the crop to its nonzero voxels leaves, at the median of a dataset; None where nothing says it."""
    try:
        return finite(document.get(_CUTS))
    except ValueError:
        return None


def _why_not_whole(scheme: str, masked: Any, document: Mapping[str, Any], source: str) -> str:
    """Why a scheme by an image's own values takes other ones than all of the image; nothing where it takes all, or none."""
    if scheme not in _BY_IMAGE:
        return ""
    if scheme == _ZSCORE and masked is True:
        return f"{source}: mean and std are those of a mask of the nonzero voxels, and the others stay 0 (use_mask_for_norm)"
    if scheme == _ZSCORE and masked is not False:
        return f"{source}: whether mean and std are those of a mask is not stated (use_mask_for_norm)"
    part = _part_left(document)
    if part is not None and part >= 1:
        return ""
    what = f"{source}: {scheme} takes the values of the box of the nonzero voxels, to which nnU-Net crops an image first"
    return f"{what}; {_CUTS} of {PLANS[-1]} " + ("would say what that cuts" if part is None else f"is {part:.3g}")


def _spec(
    schemes: Sequence[str], document: Mapping[str, Any], source: str, layout: Field[str], reasons: Sequence[str]
) -> InputSpec:
    """The specification of all channels; ``reasons`` say of each why its scheme is no map of the image, or nothing."""
    alone = len(set(schemes)) == 1
    channels = [_channel(scheme, str(index), document, source, alone=alone) for index, scheme in enumerate(schemes)]
    origin = f"{source}, normalization_schemes {', '.join(dict.fromkeys(schemes))}"
    names = ",".join(f"c{index}" for index in range(len(schemes)))
    reason = next((said for said in (*(channel.reason for channel in channels), *reasons) if said), "")
    is_rgb = set(schemes) == {"RGBTo01Normalization"}
    windows = [channel.window for channel in channels]
    mean: Field[Any] = Unknown(reason) if reason else Known(tuple(channel.mean for channel in channels), origin)
    std: Field[Any] = Unknown(reason) if reason else Known(tuple(1.0 if is_rgb else c.std for c in channels), origin)
    clip: Field[Any] = UNSTATED
    if any(windows):
        clip = Known(tuple(window or (-math.inf, math.inf) for window in windows), origin)
    each = _BY_IMAGE.get(schemes[0]) if alone else None
    per_sample: Field[Any] = UNSTATED if each is None else Known(each, origin)
    return InputSpec(
        channels=Known("RGB" if is_rgb and len(schemes) == 3 else names, origin),
        scale=Unknown(reason) if reason else Known(1 / 255 if is_rgb else 1.0, origin),
        mean=mean,
        std=std,
        layout=layout,
        dtype=Known("float32", "nnU-Net casts images to float32"),
        raw_dtype=Known("uint8", origin) if is_rgb else Known("float32", "nnU-Net casts images to float32"),
        clip=clip,
        per_sample=Unknown(reason) if reason else per_sample,
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
    if scheme.casefold() in _BY_VERSION:
        what = f"what the channel name {scheme[:60]!r} stands for depends on the version of nnU-Net, and its plans state it"
        return _Channel(reason=f"{source}, channel {index}: {what}")
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
