"""Decode the bytes of a file (from an archive, a table cell or a list) to a sample."""

from __future__ import annotations

import os

from tare.samples.decode import SUFFIXES, Decoded, UndecodableError, decode_noted, image_format
from tare.samples.records import Facts, Sample, Skipped, Stack
from tare.samples.sound.coded import SUFFIXES as SOUNDS
from tare.samples.sound.coded import decode_coded, is_coded
from tare.samples.sound.front_end import FrontEnd
from tare.samples.sound.wav import decode_wav, is_plain, is_wav, sampling_rate
from tare.sources.options import Options

#: Name endings of files that claim to be samples.
SAMPLE_SUFFIXES = SUFFIXES | SOUNDS


def claims_sample(path: str) -> bool:
    """Whether a file's name says that it is an image or a recording."""
    return os.path.splitext(path)[1].lower() in SAMPLE_SUFFIXES


def sample_of(path: str, data: bytes, options: Options, label: str | None, *, claimed: bool) -> Sample | Stack | Skipped:
    """Decode an image or a recording by its content, or give the reason why it is unreadable.

    A file of another kind is skipped as foreign unless its name ``claimed`` a sample; foreign files do not count as unreadable.
    Raises :class:`tare.errors.MissingDependencyError` for recordings other than WAV without soundfile.
    """
    try:
        if is_wav(data) or is_coded(data[:16]):
            return _recording(path, data, options.front, label)
        if options.front is not None:
            return Skipped(path, "no recording, by its first bytes", not claimed, label)
        if data and not claimed and image_format(data[:16]) is None:
            return Skipped(path, "no image or recording by name or content", foreign=True)
        decoded = decode_noted(data, options.channels, turned=options.turned, background=options.background, pages=options.pages)
    except UndecodableError as error:
        return Skipped(path, str(error), label=label)
    return of_decoded(path, decoded, label)


def _recording(path: str, data: bytes, front: FrontEnd | None, label: str | None) -> Sample:
    plain = is_wav(data) and is_plain(data)
    values, rate = (decode_wav(data), sampling_rate(data)) if plain else decode_coded(data)
    if front is None:
        units: Facts = () if is_wav(data) else (("units", "shares of full scale"),)
        return Sample(path, values, label, facts=(*units, ("sampling rate", f"{rate} Hz")))
    from tare.sources.sounds.front_ends import heard

    return heard(path, values, rate, front, label)


def of_decoded(path: str, decoded: Decoded, label: str | None) -> Sample | Stack:
    """The record of a decoded file: one sample, or its pages as many."""
    if not decoded.several:
        return Sample(path, decoded.values, label, decoded.notes)
    return Stack(path, decoded.values, None if label is None else (label,) * len(decoded.values))
