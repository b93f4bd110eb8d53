"""TFRecord files, written here by the rules of the format, against NumPy."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tare
from tare.errors import DataError
from tare.sources.containers.example_message import features_of
from tare.sources.opening import open_source
from tests.sources.reading import samples

crc = pytest.importorskip("google_crc32c", reason="checks TFRecord files (pip install 'tare[science]')")
RNG = np.random.default_rng(16)


def varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def example(**features: Any) -> bytes:
    """A message with lists of bytes, floats or whole numbers, in the form that TensorFlow writes."""
    entries = b""
    for name, values in features.items():
        if isinstance(values[0], bytes):
            feature = field(1, b"".join(field(1, value) for value in values))
        elif isinstance(values[0], float):
            feature = field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
        else:
            feature = field(3, field(1, b"".join(map(varint, values))))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def masked(data: bytes) -> bytes:
    value = crc.value(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def png(image: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


IMAGES = [RNG.integers(0, 255, (5, 6 + k, 3)).astype("uint8") for k in range(7)]


def test_images_and_labels_are_those_of_the_records(tmp_path: Path) -> None:
    examples = [example(image=[png(image)], label=[k], size=[1.5]) for k, image in enumerate(IMAGES)]
    data = b"".join(map(record, examples))
    (tmp_path / "a.tfrecord-00000-of-00002").write_bytes(data[: len(data)])
    (tmp_path / "b.tfrecord.gz").write_bytes(gzip.compress(data))
    read = samples(open_source(tmp_path / "a.tfrecord-00000-of-00002"))
    assert [sample.label for sample in read] == [str(k) for k in range(7)]
    for sample, image in zip(read, IMAGES, strict=True):
        np.testing.assert_array_equal(sample.values, image)
    expected = np.concatenate([image.reshape(-1, 3) for image in IMAGES]).mean(axis=0) / 255
    np.testing.assert_allclose(tare.measure(tmp_path).mean, expected, rtol=1e-12)
    assert tare.measure(tmp_path).samples == 14


def test_the_steps_of_an_episode_are_images_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.tfrecord").write_bytes(
        record(example(**{"steps/image": [png(image) for image in IMAGES], "steps/reward": [1.0]}))
    )
    stats = tare.measure(tmp_path / "a.tfrecord", cluster=r"\[\d+\](#\d+)")
    assert stats.samples == 7
    with pytest.raises(DataError, match="one of the features steps/image"):
        tare.measure(tmp_path / "a.tfrecord", columns=["other"])


def test_records_without_an_image_are_named_with_their_features(tmp_path: Path) -> None:
    (tmp_path / "a.tfrecord").write_bytes(record(example(action=[1.0, 2.0], step=[3])))
    with pytest.raises(DataError, match=r"action \(floats\), step \(integers\)"):
        tare.measure(tmp_path / "a.tfrecord")


@pytest.mark.parametrize("kind", ["cut short", "a flipped bit", "claims 2**62 bytes", "words", "no bytes", "another message"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    data = bytearray(b"".join(record(example(image=[png(image)])) for image in IMAGES))
    if kind == "a flipped bit":
        data[300] ^= 4
    if kind == "claims 2**62 bytes":
        length = struct.pack("<Q", 1 << 62)
        data[:12] = length + masked(length)
    contents = {"cut short": data[:-9], "words": b"words " * 9, "no bytes": b"", "another message": record(b"\xff" * 30)}
    (tmp_path / "a.tfrecord").write_bytes(bytes(contents.get(kind, data)))
    with pytest.raises(DataError) as raised:
        tare.measure(tmp_path / "a.tfrecord")
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_features_or_a_value_error(data: bytes) -> None:
    try:
        features_of(data)
    except ValueError:
        return


@pytest.mark.parametrize("number", [0, 7, -1, -(1 << 63), (1 << 63) - 1])
def test_whole_numbers_have_their_sign(number: int) -> None:
    packed = example(label=[number % (1 << 64)])
    single = field(1, field(1, field(1, b"label") + field(2, field(3, varint(1 << 3) + varint(number % (1 << 64))))))
    assert features_of(packed)["label"].integers == features_of(single)["label"].integers == (number,)


@pytest.mark.parametrize(
    ("other", "taken"), [("annotation", "image"), ("annotation", "image/encoded"), ("depth", "rgb"), ("image/mask", "rgb")]
)
def test_of_several_features_of_images_the_one_of_a_usual_name_is_measured_and_said(
    tmp_path: Path, other: str, taken: str
) -> None:
    place = tmp_path / "a.tfrecord"
    place.write_bytes(record(example(**{other: [png(IMAGES[0] // 50)], taken: [png(IMAGES[0])]})))
    first, second = (taken, other) if taken.startswith("image") else (other, taken)
    stats = tare.measure(place)
    assert stats.extra["remarks"] == [
        f"of several features of images, {first!r} is measured; --columns measures others: {second!r}"
    ]
    assert stats.mean == tare.measure(place, columns=[first]).mean != tare.measure(place, columns=[second]).mean
    assert "remarks" not in tare.measure(place, columns=[first]).extra


@pytest.mark.parametrize("lacking", [b"", None])
def test_an_image_that_the_first_record_lacks_is_the_feature_of_the_file(tmp_path: Path, lacking: bytes | None) -> None:
    others = [example(image=[png(image)], mask=[png(image // 50)]) for image in IMAGES]
    first = example(mask=[png(IMAGES[0])], **({} if lacking is None else {"image": [lacking]}))
    (tmp_path / "a.tfrecord").write_bytes(b"".join(map(record, [first, b"\xff" * 30, *others])))
    stats = tare.measure(tmp_path / "a.tfrecord", max_skipped=0.5)
    assert stats.samples == len(IMAGES)
    np.testing.assert_allclose(stats.mean, np.concatenate([image.reshape(-1, 3) for image in IMAGES]).mean(axis=0) / 255)


def test_the_frames_of_a_sequence_are_images_beside_those_of_its_whole(tmp_path: Path) -> None:
    place, steps = tmp_path / "a.tfrecord", [field(1, field(1, field(1, png(image)))) for image in IMAGES[:3]]
    lists = field(2, field(1, field(1, b"frames") + field(2, b"".join(steps))))
    place.write_bytes(record(example(label=[4]) + lists))
    read = samples(open_source(place))
    assert [sample.label for sample in read] == ["4"] * 3
    for sample, image in zip(read, IMAGES, strict=False):
        np.testing.assert_array_equal(sample.values, image)
    place.write_bytes(record(example(thumbnail=[png(IMAGES[0])]) + lists))
    assert "'thumbnail'" in tare.measure(place).extra["remarks"][0]
    place.write_bytes(record(example(frames=[png(IMAGES[0])]) + lists))
    with pytest.raises(DataError, match="the feature 'frames' both of the whole and of its steps"):
        tare.measure(place)
