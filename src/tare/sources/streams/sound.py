"""Recordings through soundfile (libsndfile): FLAC, Ogg, Opus, MP3, AIFF, AU, CAF and large WAV files, decoded as a stream."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tare.samples.decode import UndecodableError
from tare.samples.records import Facts, Part, Record, Sample
from tare.samples.sound.coded import check_whole, open_sound, read_values
from tare.samples.sound.front_end import FrontEnd
from tare.samples.sound.wav import is_wav, rate_in
from tare.sources.files.each import EachFile
from tare.sources.options import Options
from tare.system.local.opened import opened
from tare.system.local.plain import plain_name
from tare.system.optional import require

#: Values that are held at once; a longer recording is read in parts.
_MOST_VALUES = 4 << 20
#: Bytes of a WAV file that hold its format chunk, beside which there are few others before the values.
_HEAD = 1 << 16


def open_sounds(name: str, files: tuple[str, ...], options: Options) -> EachFile:
    """Open recordings. Raises :class:`tare.errors.MissingDependencyError` without soundfile."""
    require("soundfile", extra="audio", purpose="FLAC, Ogg, MP3 and AIFF recordings, and WAV files of more than 64 MiB")
    return EachFile(name, files, options, read_sound)


def read_sound(place: str, options: Options) -> Iterator[Record]:
    """Read one recording ``(T, C)``, integers divided by half their range, which gives [-1, 1).

    Float32, or float64 for 32-bit integers and 64-bit floats, as for WAV files. Raises :class:`UndecodableError` if it is
    damaged, cut short or empty. With ``options.front`` it is what that front end makes of the recording.
    """
    with plain_name(place) as plain:
        file = open_sound(plain)
    with file:
        yield from _blocks(file, place) if options.front is None else _heard(file, place, options.front)


def rate_of(place: str) -> int | None:
    """The sampling rate in Hz that a recording states in its header; None if that cannot be read."""
    with opened(place) as stored:
        head = stored.read(_HEAD)
    if is_wav(head) and (rate := rate_in(head)) is not None:
        return rate
    require("soundfile", extra="audio", purpose="recordings other than WAV")
    import soundfile

    try:
        with plain_name(place) as plain:
            return int(soundfile.info(plain).samplerate)
    except (soundfile.SoundFileError, TypeError):
        return None


def _blocks(file: Any, place: str) -> Iterator[Record]:
    facts: Facts = (("units", "shares of full scale"), ("sampling rate", f"{file.samplerate} Hz"))
    step = max(1, _MOST_VALUES // file.channels)
    read = 0
    first = read_values(file, step)
    if len(first) < step:
        check_whole(file, partial(opened, place), len(first))
        yield Sample(place, first, None, (), facts)
        return
    block = first
    while len(block):
        yield Part(place, tuple(np.ascontiguousarray(block[:, c]) for c in range(file.channels)), (), facts)
        read += len(block)
        block = read_values(file, step)
    check_whole(file, partial(opened, place), read)


def _heard(file: Any, place: str, front: FrontEnd) -> Iterator[Record]:
    """What a front end makes of a recording, of which no more is decoded than it takes."""
    from tare.sources.sounds.front_ends import heard

    most = max(1, _MOST_VALUES // file.channels)
    wanted = most + 1 if front.seconds is None else min(most, math.ceil(front.seconds * file.samplerate))
    values = read_values(file, wanted)
    if len(values) > most:
        raise UndecodableError("a recording of more than four million values: cut it into clips")
    if len(values) < wanted:
        check_whole(file, partial(opened, place), len(values))
    yield heard(place, values, file.samplerate, front)
