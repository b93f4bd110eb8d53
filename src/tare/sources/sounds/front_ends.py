"""Waveforms as a network's own front end hands them on: the extractor of transformers, with its normalisation left out."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import Facts, Sample
from tare.samples.sound.front_end import FrontEnd
from tare.system.optional import require

#: What turns off the normalisation of each extractor, which comes after the values that are measured.
_PLAIN = {"ASTFeatureExtractor": "do_normalize", "Wav2Vec2FeatureExtractor": "do_normalize"}


def heard(path: str, waveform: NDArray[Any], rate: int, front: FrontEnd, label: str | None = None) -> Sample:
    """A recording ``(T, C)`` of ``rate`` Hz as ``front`` hands it on: ``(frames, bins, 1)``, or ``(T, 1)`` for a waveform.

    Channels are averaged, and another sampling rate is converted (polyphase, as in SciPy): both are noted. Raises
    :class:`UndecodableError` for a recording that the extractor refuses, such as one shorter than a frame.
    """
    most = None if front.seconds is None else math.ceil(front.seconds * rate)
    mono, notes = _mono(waveform[:most], rate, front)
    size = front.size
    values = mono[:, None] if size is None else _spectrogram(mono, front, size)
    facts: Facts = (("units", front.units), ("front end", computed_by(front)))
    return Sample(path, values, label, notes, facts)


def computed_by(front: FrontEnd) -> str:
    """The library that computes it, with its version; AST's extractor computes by torchaudio where that is installed."""
    transformers = require("transformers", extra="hf", purpose=f"the front end {front.name}")
    by = f"transformers {transformers.__version__}"
    if front.name != "ASTFeatureExtractor":
        return by
    from transformers.utils import is_speech_available  # type: ignore[attr-defined]

    return f"{by} {'with' if is_speech_available() else 'without'} torchaudio"


def _mono(waveform: NDArray[Any], rate: int, front: FrontEnd) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if waveform.shape[1] > 1:
        notes = (f"{waveform.shape[1]} channels averaged",)
    mono = np.asarray(waveform, np.float64).mean(axis=1) if waveform.shape[1] > 1 else waveform[:, 0]
    if rate != front.rate:
        mono, notes = _resampled(mono, rate, front.rate), (*notes, f"resampled from {rate} to {front.rate} Hz")
    if front.full is not None and len(mono) < front.full:
        notes = (*notes, "shorter than the network's input: padded, which counts here as it does for the network")
    return np.ascontiguousarray(mono, np.float32), notes


def _resampled(mono: NDArray[Any], before: int, after: int) -> NDArray[Any]:
    if not 1000 <= before <= 768_000:
        raise UndecodableError(f"a sampling rate of {before} Hz")
    require("scipy", extra="torch", purpose="recordings of another sampling rate than the network's")
    from scipy.signal import resample_poly

    common = math.gcd(before, after)
    return np.asarray(resample_poly(mono, after // common, before // common))


def _spectrogram(mono: NDArray[np.float32], front: FrontEnd, size: tuple[int, int]) -> NDArray[np.float32]:
    try:
        found = _extractor(front)(mono, sampling_rate=front.rate, return_tensors="np")
    except (ValueError, IndexError, RuntimeError) as error:  # the library's own checks, and frames longer than the recording
        raise UndecodableError(f"{front.name} refuses {len(mono)} values: {reason_of(error)[:120]}") from None
    values = np.asarray(next(iter(found.values())), np.float32)[0]
    if front.name == "WhisperFeatureExtractor":
        values = values.T
    if values.shape != size:
        raise UndecodableError(f"{front.name} made {values.shape} of it instead of {size}")
    return np.ascontiguousarray(values[..., None])


@lru_cache(maxsize=4)
def _extractor(front: FrontEnd) -> Any:
    transformers = require("transformers", extra="hf", purpose=f"the front end {front.name}")
    options = {key: (value if key == "dither" else int(value)) for key, value in front.settings}
    if front.name in _PLAIN:
        options[_PLAIN[front.name]] = False
    return getattr(transformers, front.name)(**options)  # one of the names that FrontEnd knows, never one of a file
