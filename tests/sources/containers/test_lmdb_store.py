"""Images in LMDB against NumPy, and values that must not be unpickled."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tests.sources.reading import assert_same_by_index

lmdb = pytest.importorskip("lmdb", reason="reads LMDB (pip install 'tare[science]')")
RNG = np.random.default_rng(15)


def database(place: Path, values: dict[bytes, bytes], **options: Any) -> Path:
    with lmdb.open(str(place), map_size=1 << 24, **options) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    return place


def encoded(image: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def test_images_by_key_are_samples_and_other_values_are_listed(tmp_path: Path) -> None:
    images = [RNG.integers(0, 255, (5, 6 + k, 3)).astype("uint8") for k in range(5)]
    values = {b"%08d" % k: encoded(image) for k, image in enumerate(images)}
    place = database(tmp_path / "a", {**values, b"num-samples": b"5", b"meta": pickle.dumps({"a": 1})})
    stats = tare.measure(place)
    assert stats.samples == 5
    assert len(stats.skipped) == 2
    assert stats.unreadable == ()
    np.testing.assert_allclose(stats.mean, np.concatenate([i.reshape(-1, 3) for i in images]).mean(axis=0) / 255, rtol=1e-12)
    only = database(tmp_path / "only", values)
    assert_same_by_index(open_source(only))
    single = database(tmp_path / "one.mdb", values, subdir=False)
    assert tare.measure(single).channels == stats.channels


@pytest.mark.parametrize("kind", ["cut short", "words", "no bytes", "only pickles"])
def test_damaged_databases_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    values = {b"%d" % k: pickle.dumps(k) if kind == "only pickles" else encoded(np.zeros((90, 90), "uint8")) for k in range(300)}
    place = database(tmp_path / "one.mdb", values, subdir=False)
    data = place.read_bytes()
    place.write_bytes({"cut short": data[:8192], "words": b"words " * 3000, "no bytes": b""}.get(kind, data))
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)
