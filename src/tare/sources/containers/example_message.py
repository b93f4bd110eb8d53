"""The features of a ``tf.train.Example``, read from its bytes by the rules of protocol buffers, without TensorFlow.

``Example {1: Features}``, ``Features {1: map<string, Feature>}``, ``Feature {1: bytes, 2: float, 3: int64 list}``, each list
``{1: values}``. A ``SequenceExample`` has ``{2: FeatureLists}`` beside, ``FeatureLists {1: map<string, FeatureList>}`` and
``FeatureList {1: the Feature of each step}``. Source: protobuf.dev, "Encoding"; tensorflow/core/example/feature.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_LISTS = {1: "bytes", 2: "floats", 3: "integers"}


@dataclass(frozen=True)
class Feature:
    """One feature: its kind, the values of a list of bytes, and the whole numbers of a list of integers."""

    kind: str
    values: tuple[bytes, ...] = ()
    integers: tuple[int, ...] = ()


def features_of(data: bytes) -> dict[str, Feature]:
    """The features by name, those of the steps of a sequence as one. Raises ValueError for bytes that are no such message."""
    found: dict[int, dict[str, Feature]] = {1: {}, 2: {}}
    for number, body in _fields(data):
        if number in found and isinstance(body, bytes):
            kind = _feature if number == 1 else _steps
            entries = (_entry(entry) for place, entry in _fields(body) if place == 1 and isinstance(entry, bytes))
            found[number].update({name: kind(value) for name, value in entries})
    if twice := sorted({*found[1]} & {*found[2]}):
        raise ValueError(f"the feature {twice[0]!r} both of the whole and of its steps")
    return found[1] | found[2]


def _entry(data: bytes) -> tuple[str, bytes]:
    parts = dict(_fields(data))
    name, value = parts.get(1), parts.get(2, b"")
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise ValueError("a feature without a name")
    return name.decode("utf-8", "replace"), value


def _steps(data: bytes) -> Feature:
    """The features of all steps, one after the other, as one."""
    each = [_feature(body) for place, body in _fields(data) if place == 1 and isinstance(body, bytes)]
    values, integers = (value for one in each for value in one.values), (value for one in each for value in one.integers)
    return Feature(each[0].kind if each else "nothing", tuple(values), tuple(integers))


def _feature(data: bytes) -> Feature:
    for number, body in _fields(data):
        if number in _LISTS and isinstance(body, bytes):
            values = [value for place, value in _fields(body) if place == 1]
            plain = tuple(value for value in values if isinstance(value, bytes))
            if number == 3:
                return Feature(_LISTS[number], (), tuple(_integers(values)))
            return Feature(_LISTS[number], plain if number == 1 else ())
    return Feature("nothing")


def _integers(values: list[bytes | int]) -> Iterator[int]:
    """Whole numbers of 64 bits with a sign, one by one or packed; a negative one is written as its two's complement."""
    for value in values:
        if isinstance(value, int):
            yield _signed(value)
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            yield _signed(number)


def _signed(number: int) -> int:
    number &= (1 << 64) - 1  # as protocol buffers do with the bits of a longer one
    return number - (1 << 64) if number >> 63 else number


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field: an integer of variable length, or bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if place + length > len(data):
            raise ValueError(f"a field of {length} bytes where {len(data) - place} are left")
        yield key >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number that does not end")
