"""Encoded images in TFRecord files of ``tf.train.Example``, plain or ``.gz``, with their checksums verified."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tare.errors import DataError
from tare.samples.decode import image_format
from tare.samples.records import Record, Skipped
from tare.samples.sound.coded import is_coded
from tare.samples.sound.wav import is_wav
from tare.sources.base import ItemSource
from tare.sources.containers.example_message import Feature, features_of
from tare.sources.encoded import sample_of
from tare.sources.options import Options
from tare.sources.places import open_binary
from tare.system.optional import require

_LARGEST = 1 << 30
_MASK = 0xA282EAD8
_LABELS = ("image/class/label", "label", "image/class/text", "class")
#: So many records tell the features of a file.
_FIRST = 16
#: Usual names of the feature that a network takes; a map of features has no order of its own.
_IMAGES = ("image", "image/encoded")


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded image with its name and label, or the reason why there is none."""

    name: str
    data: bytes
    label: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class TfRecords(ItemSource[Encoded]):
    """The images of a file, in its order; ``feature`` names the feature that holds them."""

    name: str
    feature: str
    options: Options
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    unindexed = "which is a stream"

    def items(self) -> Iterator[Encoded]:
        """The images, still encoded."""
        for index, data in enumerate(_records(self.name)):
            yield from _images(f"{self.name}[{index}]", data, self.feature)

    def read_item(self, item: Encoded) -> Record:
        """Decode one image."""
        if item.reason is not None:
            return Skipped(item.name, item.reason)
        return sample_of(item.name, item.data, self.options, item.label, claimed=True)

    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The features that hold one text, and those that hold one whole number, by the first records."""
        found = _features(self.name)
        texts = (name for name, each in found.items() if len(each.values) == 1 and not _has_image(each))
        return tuple(sorted(texts)), tuple(sorted(name for name, each in found.items() if len(each.integers) == 1))

    def column(self, name: str) -> list[str]:
        """The text or number of a feature in each record, empty where there is none."""
        every = map(features_of, _records(self.name))
        return [_label(features[name]) or "" if name in features else "" for features in every]

    def indexed(self) -> None:
        """Not by index: records have different lengths, and no list of them."""


def open_tfrecord(place: str, options: Options) -> TfRecords:
    """Open a file; ``options.columns`` names the feature of images, else it is that of a usual name, else the first with one.

    Raises :class:`DataError` if the file is damaged, holds other messages, or no feature is an image.
    """
    require("google_crc32c", extra="science", purpose="the checksums of TFRecord files")
    feature, *others = _chosen(_features(place), options, place)
    said = f"of several features of images, {feature!r} is measured; --columns measures others: {', '.join(map(repr, others))}"
    return TfRecords(place, feature, options, remarks=(said,) if others else ())


def _features(place: str) -> dict[str, Feature]:
    """The features of the first records, each from the first that has an image in it: a record may lack its value."""
    found: dict[str, Feature] = {}
    number = -1
    for number, data in enumerate(islice(_records(place), _FIRST)):
        try:
            new = features_of(data)
        except ValueError as error:
            if number:
                continue
            raise DataError("records of tf.train.Example", f"{error} in {place!r}", "write it as such") from None
        found = new | {name: each for name, each in found.items() if name not in new or _has_image(each)}
    if number < 0:
        raise DataError("a TFRecord file with a record", f"none in {place!r}", "check the file")
    return found


def _chosen(features: dict[str, Feature], options: Options, place: str) -> list[str]:
    """The feature to measure, and behind it the others that could be meant."""
    named = options.columns
    images = [name for name, feature in sorted(features.items()) if _has_image(feature)]
    images.sort(key=lambda name: name not in _IMAGES)
    if named is not None and (len(named) != 1 or named[0] not in features):
        raise DataError(f"one of the features {_listed(features)}", f"{', '.join(named)} for {place!r}", "choose with --columns")
    if named is None and not images:
        found = f"{_listed(features)} in {place!r}"
        raise DataError("a feature that holds an encoded image or recording", found, "convert numbers to .npy or Parquet")
    return [*named] if named else images


def _has_image(feature: Feature) -> bool:
    return any(map(_is_sample, feature.values[:1]))


def _is_sample(data: bytes) -> bool:
    return image_format(data[:16]) is not None or is_wav(data) or is_coded(data[:16])


def _listed(features: dict[str, Feature]) -> str:
    shown = [f"{name} ({feature.kind})" for name, feature in sorted(features.items())]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "") or "(none)"


def _images(name: str, data: bytes, feature: str) -> Iterator[Encoded]:
    """The images of one record: one, or those of all steps of an episode."""
    try:
        features = features_of(data)
    except ValueError as error:
        yield Encoded(name, b"", None, f"no tf.train.Example: {error}")
        return
    values = features[feature].values if feature in features else ()
    if not values:
        yield Encoded(name, b"", None, f"no feature {feature!r}")
    label = next((_label(features[each]) for each in _LABELS if each in features), None)
    for step, value in enumerate(values):
        yield Encoded(name if len(values) == 1 else f"{name}#{step}", value, label)


def _label(feature: Feature) -> str | None:
    if len(feature.integers) == 1:
        return str(feature.integers[0])
    return feature.values[0].decode("utf-8", "backslashreplace") if len(feature.values) == 1 else None


def _records(place: str) -> Iterator[bytes]:
    """The bytes of each record: length, its checksum, data, their checksum. Raises :class:`DataError` if one does not hold."""
    index = 0
    with open_binary(place) as file:
        while head := file.read(12):
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
            if len(head) < 12 or struct.unpack("<I", head[8:])[0] != _checksum(head[:8]):
                raise _damaged(place, index, "no length with its checksum")
            if length > _LARGEST:
                raise _damaged(place, index, f"a claim of {length} bytes")
            body = file.read(length + 4)
            if len(body) < length + 4:
                raise _damaged(place, index, "the file ends inside it")
            if struct.unpack("<I", body[length:])[0] != _checksum(body[:length]):
                raise _damaged(place, index, "its checksum does not hold")
            yield body[:length]
            index += 1


def _damaged(place: str, index: int, why: str) -> DataError:
    return DataError("a whole TFRecord file", f"record {index} of {place!r}: {why}", "fetch it again")


def _checksum(data: bytes) -> int:
    """CRC-32C, rotated and offset as TFRecord masks it."""
    import google_crc32c

    value = int(google_crc32c.value(data))
    return (((value >> 15) | (value << 17)) + _MASK) & 0xFFFFFFFF
