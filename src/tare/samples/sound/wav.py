"""WAV recordings: signals of shape ``(T, C)``; integers are divided by half their range, which gives [-1, 1).

The format is RIFF with a ``fmt`` and a ``data`` chunk. The standard library is not used, since it refuses floats.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.decode import UndecodableError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def is_wav(data: bytes) -> bool:
    """Whether the bytes announce a WAV file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def is_plain(data: bytes) -> bool:
    """Whether a WAV file holds numbers as they are: else a library has to decode them. True for a file that does not say."""
    at = _format_at(data)
    return at is None or struct.unpack_from("<H", data, at)[0] in (_PCM, _FLOAT, _EXTENSIBLE)


def decode_wav(data: bytes) -> NDArray[Any]:
    """Decode to ``(T, C)``: float32, or float64 for 32-bit integers and 64-bit floats, whose values float32 cannot hold.

    int16 becomes v / 32768, uint8 becomes (v - 128) / 128. Raises :class:`UndecodableError` if the recording is damaged,
    cut short, empty or compressed.
    """
    chunks = _chunks(data)
    if "fmt " not in chunks or len(chunks["fmt "]) < 16:
        raise UndecodableError("damaged WAV: no format chunk")
    if "data" not in chunks:
        raise UndecodableError("damaged WAV: no data chunk")
    code, channels, _, _, block, bits = struct.unpack("<HHIIHH", chunks["fmt "][:16])
    if code == _EXTENSIBLE and len(chunks["fmt "]) >= 26:
        code = struct.unpack("<H", chunks["fmt "][24:26])[0]
    raw = chunks["data"]
    if channels == 0 or block == 0 or block != channels * bits // 8 or not raw or len(raw) % block:
        raise UndecodableError(f"damaged WAV: {len(raw)} bytes in blocks of {block} for {channels} channels of {bits} bits")
    return _values(code, bits, raw).reshape(-1, channels)


def sampling_rate(data: bytes) -> int:
    """The sampling rate in Hz that the format chunk states, for bytes that :func:`decode_wav` has decoded."""
    rate = rate_in(data)
    if rate is None:
        raise UndecodableError("damaged WAV: no format chunk")
    return rate


def rate_in(head: bytes) -> int | None:
    """The sampling rate in Hz that the beginning of a WAV file states; None where its format chunk is not in it."""
    at = _format_at(head)
    return None if at is None else int(struct.unpack_from("<I", head, at + 4)[0])


def _format_at(head: bytes) -> int | None:
    """Where the content of the format chunk begins; None if it is not in these bytes."""
    position = 12
    while position + 16 <= len(head):
        if head[position : position + 4] == b"fmt ":
            return position + 8
        size = struct.unpack("<I", head[position + 4 : position + 8])[0]
        position += 8 + size + size % 2
    return None


def _values(code: int, bits: int, raw: bytes) -> NDArray[Any]:
    if code == _FLOAT and bits in (32, 64):
        return np.frombuffer(raw, f"<f{bits // 8}").astype(f"f{bits // 8}")
    if code != _PCM or bits not in (8, 16, 24, 32):
        raise UndecodableError(f"a WAV of format {code} with {bits} bits, which is not supported")
    if bits == 8:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    if bits == 16:
        return np.frombuffer(raw, "<i2").astype(np.float32) / 32768
    if bits == 24:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return (wide.view("<i4")[:, 0] / 2**31).astype(np.float32)
    return np.frombuffer(raw, "<i4") / 2**31


def _chunks(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        name = data[position : position + 4].decode("latin-1")
        size = struct.unpack("<I", data[position + 4 : position + 8])[0]
        body = data[position + 8 : position + 8 + size]
        if len(body) < size:
            raise UndecodableError(f"cut short: chunk {name.strip()!r} claims {size} bytes and has {len(body)}")
        found.setdefault(name, body)
        position += 8 + size + size % 2
    return found
