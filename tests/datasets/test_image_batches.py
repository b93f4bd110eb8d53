from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data.transforms_factory import create_transform
from torch.utils.data import Dataset

from tare.datasets import image_batches
from tare.datasets.augmentation import training_transform
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import EpochSampler, ImageBatches, as_taken, evaluation_transform, loader, loader_errors
from tare.datasets.options import Augmenting
from tare.errors import DataError, ResourceError
from tare.input_spec.geometry import Geometry
from tests.images import random_rgb, save_png

BASIC = Augmenting(augmentation="basic")


@pytest.fixture
def files(tmp_path: Path) -> list[LabelledFile]:
    for index in range(5):
        save_png(tmp_path / f"{index}.png", random_rgb(index, 40 + index, 50))
    return [LabelledFile(str(tmp_path / f"{index}.png"), index % 2) for index in range(5)]


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_evaluation_is_timms_own_transform_bit_for_bit(mode: str, interpolation: str) -> None:
    image = Image.fromarray(random_rgb(1, 61, 83))
    mean = (0.2, 0.4, 0.6)  # 51, 102 and 153: a border of the mean is zero at the network's input
    ours = evaluation_transform(Geometry((32, 32), interpolation, 0.9, mode), mean)(image)
    timms = create_transform((3, 32, 32), interpolation=interpolation, crop_pct=0.9, crop_mode=mode, mean=mean, std=(1.0,) * 3)
    assert ours.dtype == torch.uint8
    torch.testing.assert_close(ours.float() / 255 - torch.tensor(mean)[:, None, None], timms(image), rtol=0, atol=1e-6)


def test_a_border_has_the_colour_asked_for_in_bytes_and_in_unit_values_and_is_else_zero() -> None:
    wide = Geometry((20, 20), "bilinear", 1.0, "border")
    grey = Image.fromarray(np.full((10, 20), 100, dtype=np.uint8))
    assert evaluation_transform(wide, [0.2])(grey)[0, :, 3].tolist() == [51] * 5 + [100] * 10 + [51] * 5
    assert evaluation_transform(wide)(grey)[0, 0, 0] == 0
    deep = torch.full((3, 10, 20), 0.5)
    bordered = evaluation_transform(wide, [0.1, 0.2, 0.3])(deep)
    torch.testing.assert_close(bordered[:, 0, 0], torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(bordered[:, 10, 10], torch.full((3,), 0.5))


FILTERS = {name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")}


def of_each_band(values: NDArray[Any], size: int, interpolation: str) -> NDArray[Any]:
    """Pillow's resize of each band by itself, ``(C, H, W)``."""
    return np.stack(
        [
            np.asarray(Image.fromarray(band).resize((size, size), FILTERS[interpolation]))
            for band in np.ascontiguousarray(np.moveaxis(values, -1, 0))
        ]
    )


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5, 13])
def test_each_band_is_resized_by_itself_at_every_depth_and_by_every_filter(bands: int, interpolation: str) -> None:
    """A dark last band took two and four bands with it: Pillow reads them as colours with transparency."""
    values = np.random.default_rng(bands).integers(0, 256, (45, 45, bands)).astype(np.uint8)
    values[..., -1] //= 9
    see = evaluation_transform(Geometry((32, 32), interpolation, 1.0, "squash"))
    assert np.array_equal(see(as_taken(values)).numpy(), of_each_band(values, 32, interpolation))
    deep, unit = values.astype(np.uint16) * 257, values.astype(np.float32) / 255
    for stored in (deep, unit):
        np.testing.assert_allclose(see(as_taken(stored)).numpy(), of_each_band(unit, 32, interpolation), atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_each_band_is_augmented_by_the_same_crop_and_flip(dtype: str) -> None:
    values = (np.random.default_rng(0).integers(0, 256, (45, 50, 4))).astype(dtype)
    values[..., -1] //= 9
    vary = training_transform((16, 16), "bilinear", BASIC)
    for seed in range(6):
        torch.manual_seed(seed)
        together = vary(as_taken(values))
        for band in range(4):
            torch.manual_seed(seed)
            assert torch.equal(together[band : band + 1], vary(as_taken(values[..., band : band + 1])))


@pytest.mark.parametrize("resize", [None, (20, 20)])
def test_the_border_of_many_bands_has_the_value_of_each(resize: tuple[int, ...] | None) -> None:
    see = evaluation_transform(Geometry((20, 20), "bilinear", 1.0, "border", resize=resize), [0.2, 0.4, 0.6, 0.8])
    assert see(as_taken(np.full((10, 20, 4), 9, np.uint8)))[:, 0, 0].tolist() == [51, 102, 153, 204]
    torch.testing.assert_close(see(as_taken(np.full((10, 20, 4), 9.0)))[:, 0, 0], torch.tensor([0.2, 0.4, 0.6, 0.8]))


def test_the_order_of_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    first, again, later = (list(EpochSampler(10, 3, epoch)) for epoch in (0, 0, 1))
    assert first == again
    assert sorted(later) == list(range(10, 20))
    assert [index % 10 for index in later] != first
    assert list(EpochSampler(10, 4, 0)) != first


def test_augmentation_depends_on_seed_epoch_and_position_alone(files: list[LabelledFile]) -> None:
    images = ImageBatches(files, Geometry((16, 16)), "rgb", BASIC, seed=1)
    torch.manual_seed(0)
    first = images[2][0]
    torch.manual_seed(1)
    assert torch.equal(images[2][0], first)
    assert not torch.equal(images[2 + len(files)][0], first)
    assert not torch.equal(ImageBatches(files, Geometry((16, 16)), "rgb", BASIC, seed=2)[2][0], first)


def test_the_number_of_workers_changes_nothing(files: list[LabelledFile]) -> None:
    images = ImageBatches(files, Geometry((16, 16)), "rgb", BASIC, seed=1)
    alone, helped = (list(loader(images, 2, workers, EpochSampler(5, 0, 3))) for workers in (0, 2))
    for (left, left_labels), (right, right_labels) in zip(alone, helped, strict=True):
        assert torch.equal(left, right)
        assert torch.equal(left_labels, right_labels)


def test_deep_images_keep_their_values_as_unit_floats(tmp_path: Path) -> None:
    deep = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    save_png(tmp_path / "deep.png", deep)
    geometry = Geometry((64, 64), "bilinear", 1.0)
    values, _ = ImageBatches([LabelledFile(str(tmp_path / "deep.png"), 0)], geometry, "grey", None, 0)[0]
    assert values.dtype == torch.float32
    assert np.allclose(values[0].numpy(), deep / 65535, atol=1e-6)


def test_bytes_beside_deep_images_become_unit_values(tmp_path: Path) -> None:
    save_png(tmp_path / "byte.png", np.full((16, 16), 51, dtype=np.uint8))
    save_png(tmp_path / "deep.png", np.full((16, 16), 13107, dtype=np.uint16))
    files = [LabelledFile(str(tmp_path / f"{name}.png"), 0) for name in ("byte", "deep")]
    ((images, _),) = loader(ImageBatches(files, Geometry((16, 16)), "grey", None, 0), 2, 0)
    assert torch.allclose(images, torch.full_like(images, 0.2), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 50, 3), (50, 1, 3), (1, 1, 3)])
def test_a_colour_image_one_pixel_high_keeps_its_colours(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    save_png(tmp_path / "line.png", np.broadcast_to(np.array([10, 20, 30], dtype=np.uint8), shape))
    values, _ = ImageBatches([LabelledFile(str(tmp_path / "line.png"), 0)], Geometry((8, 8)), "rgb", None, 0)[0]
    assert values.shape == (3, 8, 8)
    assert values[:, 4, 4].tolist() == [10, 20, 30]


def test_a_file_that_vanishes_during_training_is_named(files: list[LabelledFile]) -> None:
    images = ImageBatches(files, Geometry((16, 16)), "rgb", None, 0)
    Path(files[1].path).unlink()
    with pytest.raises(DataError, match="images that stay readable during training"):
        images[1]


class Zeros(Dataset[tuple[torch.Tensor, int]]):
    """Four black images."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.zeros(3, 2, 2), 0


class Dying(Zeros):
    """Its third sample is the end of whoever reads it."""

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


def test_a_loader_that_was_ended_from_outside_is_one_line() -> None:
    message = r"^expected loader processes that stay alive, found one that was ended from outside; use fewer --workers"
    with pytest.raises(DataError, match=message), loader_errors():
        list(loader(Dying(), batch_size=1, workers=1))


def test_an_interrupt_while_processes_are_forked_is_raised() -> None:
    """Another module's hook of os.fork would lose it."""
    asked = [True]

    def hook() -> None:
        if asked and asked.pop():
            signal.raise_signal(signal.SIGINT)

    os.register_at_fork(after_in_parent=hook)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(loader(Zeros(), batch_size=1, workers=2))
    assert not asked
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_all_processes_does_not_end_those_of_a_loader(number: signal.Signals) -> None:
    reading: Any = iter(loader(Zeros(), batch_size=1, workers=2))
    first = [next(reading), next(reading)]  # one of each process: both have begun
    for worker in reading._workers:
        os.kill(worker.pid, number)
    assert len([*first, *reading]) == 4


def test_a_loader_process_that_its_command_does_not_end_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_batches, "_SECONDS_LEFT", 1)
    reading: Any = iter(loader(Zeros(), batch_size=1, workers=1))
    next(reading)
    (worker,) = reading._workers
    os.kill(worker.pid, signal.SIGTERM)
    for _ in range(2):
        with contextlib.suppress(RuntimeError):  # torch tells of the end wherever the signal finds this process
            worker.join(30)
    assert worker.exitcode == -signal.SIGALRM


@pytest.mark.parametrize(("error", "told"), [(BrokenPipeError(32, "gone"), False), (ValueError("mine"), True)])
def test_a_loader_process_whose_command_has_ended_says_nothing(
    error: Exception, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thread of multiprocessing gives a batch away, and prints what it meets by the process's hook."""
    image_batches._told_by_command(type(error), error, None)
    assert ("mine" in capsys.readouterr().err) is told


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), FileNotFoundError(2, "gone"), EOFError()])
def test_a_loader_that_was_ended_while_a_batch_was_on_its_way_is_the_same_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: bytes) -> None:
        raise error

    monkeypatch.setattr("multiprocessing.queues._ForkingPickler.loads", lost)
    with pytest.raises(DataError, match="found one that was ended from outside"), loader_errors():
        list(loader(Zeros(), batch_size=1, workers=1))


def test_a_connection_that_the_data_lose_is_their_own_matter() -> None:
    class Remote(Zeros):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            raise ConnectionResetError(104, "reset")

    with pytest.raises(ConnectionResetError), loader_errors():
        list(loader(Remote(), batch_size=1, workers=0))


def test_a_loader_process_without_room_in_shared_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [(torch.zeros(3, 8, 8, dtype=torch.uint8), 0)] * 4
    monkeypatch.setattr(image_batches, "get_worker_info", lambda: SimpleNamespace(num_workers=2))
    assert len(image_batches.stacked(samples)[0]) == 4
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(image_batches, "_SHARED", Path("/"))
    with pytest.raises(ResourceError, match=r"room in shared memory .* found 0.001 MB; give --workers 0") as raised:
        image_batches.stacked(samples)
    text = f"Caught ResourceError in DataLoader worker process 0.\ntare.errors.{type(raised.value).__name__}: {raised.value}"
    with pytest.raises(ResourceError, match="--shm-size"), image_batches.loader_errors():
        raise RuntimeError(text)  # as torch passes it on
    monkeypatch.setattr(image_batches, "get_worker_info", lambda: None)
    assert len(image_batches.stacked(samples)[0]) == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_the_resize_would_make_gigabytes_of_is_named(tmp_path: Path, workers: int) -> None:
    save_png(tmp_path / "thin.png", np.zeros((20_000, 1, 3), np.uint8))
    dataset = ImageBatches([LabelledFile(str(tmp_path / "thin.png"), 0)], Geometry((224, 224)), "rgb", None, 0)
    wanted = r"images that can be resized, found '.*thin.png': 20000 x 1 pixels, which the network's resize makes 5,120,000 x 256"
    with pytest.raises(DataError, match=wanted), loader_errors():
        next(iter(loader(dataset, 1, workers)))
