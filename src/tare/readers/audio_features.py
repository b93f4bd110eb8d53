"""Audio feature extractors of transformers: the constants that log-mel spectrograms are normalised with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, PerSample, Unknown, finite
from tare.input_spec.foreign import flag_of, known_field
from tare.input_spec.spec import InputSpec

#: Extractors whose normalisation depends on the sample: what they do, and the switch that turns it off.
_BY_SAMPLE = {
    "Wav2Vec2FeatureExtractor": ("z-scores each recording by its own mean and std", "do_normalize"),
    "SeamlessM4TFeatureExtractor": ("z-scores each mel bin of a recording by its own mean and std", None),
    "Speech2TextFeatureExtractor": ("z-scores each mel bin of a recording by its own mean and std", "do_ceptral_normalize"),
    "WhisperFeatureExtractor": ("raises each spectrogram to at least 8 below its own maximum", None),
}
_NAMES = ("ASTFeatureExtractor", *_BY_SAMPLE)


def is_audio(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document configures a feature extractor that is read here."""
    return document.get("feature_extractor_type") in _NAMES


def read_audio_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a ``preprocessor_config.json``; AST computes ``(x - mean) / (2 std)`` of log-mel values, so that half becomes 1.

    Raises :class:`SpecError` for a value of the wrong type.
    """
    name = str(document.get("feature_extractor_type"))
    if name in _BY_SAMPLE:
        what, switch = _BY_SAMPLE[name]
        off = switch is not None and not flag_of(document, switch, True, source)
        unknown = _unknown(f"{source}: {switch} is off, and nothing else is stated" if off else f"{source}: {name} {what}")
        each = Known(PerSample("zscore", "channel"), f"{source}: {name} {what}")
        return replace(unknown, per_sample=each) if name == "Wav2Vec2FeatureExtractor" and not off else unknown
    said = f"{source}, {name}"
    mean: Field[Any] = Known((0.0,), f"{said}: do_normalize is off")
    std: Field[Any] = Known((1.0,), f"{said}: do_normalize is off")
    if flag_of(document, "do_normalize", True, source):
        mean = known_field("mean", [_number(document, "mean", source)], f"{said}, key 'mean'")
        std = known_field("std", [2 * _number(document, "std", source)], f"{said}, twice the key 'std'")
    return InputSpec(
        channels=Known("logmel", said),
        scale=Known(1.0, f"{said}: log-mel values as they are"),
        mean=mean,
        std=std,
        size=_size(document, source),
        layout=Unknown(f"{said}: (N, frames, mel bins), one mean and std for all of them"),
        dtype=Known("float32", said),
        raw_dtype=Known("float32", f"{said}: log-mel values"),
    )


def _size(document: Mapping[str, Any], source: str) -> Field[Any]:
    """Frames and mel bins."""
    frames, bins = document.get("max_length"), document.get("num_mel_bins")
    if frames is None or bins is None:
        return Unknown(f"{source} does not state max_length and num_mel_bins")
    return known_field("size", [frames, bins], f"{source}, keys 'max_length' and 'num_mel_bins'")


def _number(document: Mapping[str, Any], key: str, source: str) -> float:
    try:
        return finite(document.get(key))
    except ValueError as error:
        found = f"{short_repr(document.get(key))} ({error})"
        raise SpecError(f"a number {key!r} in {source}", found, "correct the configuration") from None


def _unknown(reason: str) -> InputSpec:
    names = ("channels", "scale", "mean", "std", "size", "interpolation", "antialias", "crop", "layout", "dtype", "raw_dtype")
    return InputSpec(**dict.fromkeys(names, Unknown(reason)))  # type: ignore[arg-type]
