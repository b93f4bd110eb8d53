from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tare.errors import DataError
from tare.exporting.probe_images import ProbeImages, probe_images, split_of
from tare.input_spec.geometry import Geometry
from tare.networks.stored.trained import open_trained
from tests.tiny_run import save_photo, tiny_run


def test_the_runs_own_validation_images_come_first(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path))
    probes = probe_images(trained, split_of(trained))
    assert probes.real
    assert probes.origin == "3 validation images of the run"
    assert np.array_equal(probes.images[0], np.asarray(Image.open(tmp_path / "data" / "val" / "ant" / "1.png")))


def test_named_images_replace_them(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path))
    (tmp_path / "bad.png").write_bytes(b"no image")
    save_photo(tmp_path / "mine.png", 3)
    probes = probe_images(trained, split_of(trained), [str(tmp_path / "bad.png"), str(tmp_path / "mine.png")])
    assert probes.origin == "1 images that were named"
    with pytest.raises(DataError, match="uint8 images among --images, as in training, found none"):
        probe_images(trained, None, [str(tmp_path / "bad.png")])


def test_without_data_images_are_made_and_that_is_said(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path, with_data=False))
    assert split_of(trained) is None
    probes = probe_images(trained, None)
    assert not probes.real
    assert "made images" in probes.origin
    assert len({image.shape for image in probes.images}) > 1
    for first, second in zip(probe_images(trained, None).images, probes.images, strict=True):
        assert np.array_equal(first, second)


def test_data_with_other_classes_are_not_the_runs_own(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path))
    for part in ("train", "val"):
        save_photo(tmp_path / "data" / part / "dog" / "1.png", 5)
    assert split_of(trained) is None


def test_deeper_images_that_a_resize_overshoots_end_at_the_ends_of_their_type(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path, geometry=Geometry((32, 32), "bicubic", 1.0, raw_dtype="uint16"), with_data=False))
    edge = np.zeros((20, 20, 3), np.uint16)
    edge[:, 10:] = 65535
    sized = ProbeImages((edge,), "made", real=False).sized(trained).numpy()
    assert (sized[..., :12] < 100).all()
    assert (sized[..., 20:] > 65400).all()
