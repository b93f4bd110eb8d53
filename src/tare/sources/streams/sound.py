"""Recordings through soundfile (libsndfile): FLAC, Ogg, Opus, MP3, AIFF, AU, CAF and large WAV files, decoded as a stream."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tare.errors import reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import Facts, Part, Record, Sample
from tare.samples.sound.front_end import FrontEnd
from tare.samples.sound.wav import is_wav, rate_in
from tare.sources.files.each import EachFile
from tare.sources.options import Options
from tare.sources.streams.stated_end import mp3_header, ogg_cut
from tare.system.local.opened import opened
from tare.system.local.plain import plain_name
from tare.system.optional import require

#: Endings of recordings; a WAV file needs no further library.
SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".caf"))
#: Values that are held at once; a longer recording is read in parts.
_MOST_VALUES = 4 << 20
#: Encodings whose values float32 cannot hold.
_WIDE = frozenset(("PCM_32", "DOUBLE"))
#: How its errors begin: with the name that it was given.
#: Bytes of a WAV file that hold its format chunk, beside which there are few others before the values.
_HEAD = 1 << 16
_PLACE = re.compile(r"^Error opening .*?: (?=[^:]*$)", re.DOTALL)
#: What libsndfile notes on a chunk that is longer than the file; it reads the rest without an error.
_SHORTER = re.compile(r": (\d+) \(should be (\d+)\)")


def open_sounds(name: str, files: tuple[str, ...], options: Options) -> EachFile:
    """Open recordings. Raises :class:`tare.errors.MissingDependencyError` without soundfile."""
    require("soundfile", extra="audio", purpose="FLAC, Ogg, MP3 and AIFF recordings, and WAV files of more than 64 MiB")
    return EachFile(name, files, options, read_sound)


def read_sound(place: str, options: Options) -> Iterator[Record]:
    """Read one recording ``(T, C)``, integers divided by half their range, which gives [-1, 1).

    Float32, or float64 for 32-bit integers and 64-bit floats, as for WAV files. Raises :class:`UndecodableError` if it is
    damaged, cut short or empty. With ``options.front`` it is what that front end makes of the recording.
    """
    import soundfile

    try:
        with plain_name(place) as plain:
            file = soundfile.SoundFile(plain)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a headerless format by the file's name
        raise UndecodableError(f"not a recording that libsndfile reads: {_reason(error)}") from None
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
    dtype = "float64" if file.subtype in _WIDE else "float32"
    facts: Facts = (("units", "shares of full scale"), ("sampling rate", f"{file.samplerate} Hz"))
    step = max(1, _MOST_VALUES // file.channels)
    read = 0
    first = _read(file, step, dtype)
    if len(first) < step:
        _check_whole(file, place, len(first))
        yield Sample(place, first, None, (), facts)
        return
    block = first
    while len(block):
        yield Part(place, tuple(np.ascontiguousarray(block[:, c]) for c in range(file.channels)), (), facts)
        read += len(block)
        block = _read(file, step, dtype)
    _check_whole(file, place, read)


def _heard(file: Any, place: str, front: FrontEnd) -> Iterator[Record]:
    """What a front end makes of a recording, of which no more is decoded than it takes."""
    from tare.sources.sounds.front_ends import heard

    most = max(1, _MOST_VALUES // file.channels)
    wanted = most + 1 if front.seconds is None else min(most, math.ceil(front.seconds * file.samplerate))
    values = _read(file, wanted, "float64" if file.subtype in _WIDE else "float32")
    if len(values) > most:
        raise UndecodableError("a recording of more than four million values: cut it into clips")
    if len(values) < wanted:
        _check_whole(file, place, len(values))
    yield heard(place, values, file.samplerate, front)


def _read(file: Any, step: int, dtype: str) -> Any:
    import soundfile

    try:
        return file.read(step, dtype=dtype, always_2d=True)
    except soundfile.SoundFileError as error:
        raise UndecodableError(f"damaged: {_reason(error)}") from None


def _check_whole(file: Any, place: str, read: int) -> None:
    if read == 0:
        raise UndecodableError("a recording without a value")
    if file.format == "OGG":
        with opened(place) as stored:
            if ogg_cut(stored):
                raise UndecodableError(f"cut short: its stream has no last page, and {read} values a channel are there")
    elif read < file.frames and (file.format != "MP3" or _cut_mp3(file, place, read)):
        raise UndecodableError(f"cut short: the header claims {file.frames} values a channel, and {read} are there")
    for claimed, there in _SHORTER.findall(file.extra_info):
        if int(claimed) > int(there):
            raise UndecodableError(f"cut short: the header claims {claimed} bytes, and {there} are there")


def _cut_mp3(file: Any, place: str, read: int) -> bool:
    """Whether an MP3 file ends early; without a header that counts its frames, ``frames`` is an estimate by its bit rate."""
    with opened(place) as stored:
        stated = mp3_header(stored)
    return stated is not None and stated.cut(read, file.frames)


def _reason(error: Exception) -> str:
    return reason_of(_PLACE.sub("", str(error))) or type(error).__name__
