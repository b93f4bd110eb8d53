"""Recordings through soundfile (libsndfile): FLAC, Ogg, Opus, MP3, AIFF, AU, CAF, and WAV of any encoding."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.decode import UndecodableError
from tare.samples.sound.stated_end import mp3_header, ogg_cut
from tare.system.optional import require

#: Endings of recordings; a WAV file of plain numbers needs no further library.
SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".caf"))
#: How files of these kinds begin; a stream of MP3 begins with a tag or a frame of MPEG layer III.
_BEGINNING = re.compile(rb"fLaC|OggS|FORM....AIF[FC]|\.snd|caff|ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", re.DOTALL)
#: Encodings whose values float32 cannot hold.
_WIDE = frozenset(("PCM_32", "DOUBLE"))
#: Values of a recording that are held at once where it cannot be read in parts.
_MOST_HELD, _BLOCK = 1 << 27, 1 << 20
#: How errors of libsndfile begin: with the name that it was given.
_PLACE = re.compile(r"^Error opening .*?: (?=[^:]*$)", re.DOTALL)
#: What libsndfile notes on a chunk that is longer than the file; it reads the rest without an error.
_SHORTER = re.compile(r": (\d+) \(should be (\d+)\)")

#: Opens the bytes of a recording once more.
Again = Callable[[], AbstractContextManager[BinaryIO]]


def is_coded(head: bytes) -> bool:
    """Whether the first 16 bytes announce one of these recordings, WAV apart."""
    return _BEGINNING.match(head) is not None


def decode_coded(data: bytes) -> tuple[NDArray[Any], int]:
    """Decode a whole recording to ``(T, C)`` and its sampling rate in Hz: integers are divided by half their range.

    Float32, or float64 for 32-bit integers and 64-bit floats. Raises :class:`UndecodableError` if it is damaged, cut short, empty
    or too long, and :class:`tare.errors.MissingDependencyError` without soundfile.
    """
    require("soundfile", extra="audio", purpose="FLAC, Ogg, MP3 and AIFF recordings, and encoded WAV files")
    with open_sound(io.BytesIO(data)) as file:
        blocks = [read_values(file, _BLOCK)]
        while len(blocks[-1]):  # what a header claims is not believed
            if len(blocks) * _BLOCK * file.channels > _MOST_HELD:
                raise UndecodableError("a recording of more than 134 million values: as a file of its own it is read in parts")
            blocks.append(read_values(file, _BLOCK))
        values = np.concatenate(blocks)
        check_whole(file, lambda: io.BytesIO(data), len(values))
        return values, int(file.samplerate)


def open_sound(place: str | BinaryIO) -> Any:
    """A soundfile.SoundFile. Raises :class:`UndecodableError` for what libsndfile does not read."""
    import soundfile

    try:
        return soundfile.SoundFile(place)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a headerless format by the file's name
        raise UndecodableError(f"not a recording that libsndfile reads: {_reason(error)}") from None


def read_values(file: Any, most: int) -> NDArray[Any]:
    """The next values ``(T, C)``."""
    import soundfile

    try:
        values: NDArray[Any] = file.read(most, dtype="float64" if file.subtype in _WIDE else "float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise UndecodableError(f"damaged: {_reason(error)}") from None
    return values


def check_whole(file: Any, again: Again, read: int) -> None:
    """Raise :class:`UndecodableError` if there are fewer values a channel than the file claims, or none."""
    if read == 0:
        raise UndecodableError("a recording without a value")
    if file.format == "OGG":
        with again() as stored:
            if ogg_cut(stored):
                raise UndecodableError(f"cut short: its stream has no last page, and {read} values a channel are there")
    elif read < file.frames and (file.format != "MP3" or _cut_mp3(file, again, read)):
        raise UndecodableError(f"cut short: the header claims {file.frames} values a channel, and {read} are there")
    for claimed, there in _SHORTER.findall(file.extra_info):
        if int(claimed) > int(there):
            raise UndecodableError(f"cut short: the header claims {claimed} bytes, and {there} are there")


def _cut_mp3(file: Any, again: Again, read: int) -> bool:
    """Whether an MP3 file ends early; without a header that counts its frames, ``frames`` is an estimate by its bit rate."""
    with again() as stored:
        stated = mp3_header(stored)
    return stated is not None and stated.cut(read, file.frames)


def _reason(error: Exception) -> str:
    return reason_of(_PLACE.sub("", str(error))) or type(error).__name__
