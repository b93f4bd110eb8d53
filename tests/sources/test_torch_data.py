from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, TensorDataset, default_collate

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import assert_moments, samples, state_of

IMAGES = np.random.default_rng(0).integers(0, 256, (130, 6, 7, 3), dtype=np.uint8)
PIXELS = IMAGES.reshape(-1, 3)


class Items(Dataset[Any]):
    def __init__(self, make: Any, bad: int = -1) -> None:
        self.make, self.bad = make, bad

    def __len__(self) -> int:
        return len(IMAGES)

    def __getitem__(self, index: int) -> Any:
        if index == self.bad:
            raise OSError("disk on fire")
        return self.make(index)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        yield from IMAGES


def as_tensor(index: int) -> torch.Tensor:
    return torch.from_numpy(IMAGES[index]).permute(2, 0, 1)


MAKERS = {
    "pillow and label": lambda i: (Image.fromarray(IMAGES[i]), i % 2),
    "tensor and label": lambda i: (as_tensor(i), torch.tensor(i % 2)),
    "dictionary": lambda i: {"image": IMAGES[i], "label": i % 2},
}


@pytest.mark.parametrize("name", MAKERS)
def test_items_of_every_kind_agree_with_numpy(name: str) -> None:
    source = open_source(Items(MAKERS[name]))
    state = state_of(source)
    assert_moments(state, PIXELS)
    assert [sample.label for sample in samples_of(source)] == ["0", "1"] * 65


def samples_of(source: Any) -> list[Any]:
    return [record for chunk in source.chunks() for record in source.read(chunk)]


def test_an_iterable_dataset_and_a_bare_tensor() -> None:
    assert_moments(state_of(open_source(Stream())), PIXELS)
    assert len(samples(open_source(Stream()))) == 130


def test_an_item_that_raises_is_skipped_with_its_reason() -> None:
    stats = tare.measure(Items(MAKERS["dictionary"], bad=3))
    assert stats.samples == 129
    assert [(item.path, item.reason) for item in stats.skipped] == [("Items[3]", "OSError: disk on fire")]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_is_read_batch_by_batch(workers: int) -> None:
    data = TensorDataset(torch.from_numpy(IMAGES).permute(0, 3, 1, 2).contiguous(), torch.arange(130))
    assert_moments(state_of(open_source(DataLoader(data, batch_size=32, num_workers=workers))), PIXELS)


def test_the_key_and_the_layout_can_be_stated() -> None:
    signals = np.random.default_rng(0).normal(size=(130, 20, 30))
    data = Items(lambda i: {"signal": signals[i], "noise": 0})
    with pytest.raises(DataError, match="--columns"):
        tare.measure(data)
    assert_moments(state_of(open_source(data, Options(columns=("signal",), layout="TC"))), signals.reshape(-1, 30))


def test_anything_else_is_refused() -> None:
    for data in (3, None, {}, object()):
        with pytest.raises(DataError, match="a path, URL, array, table or dataset"):
            open_source(data)


class _Pairs(Dataset[Any]):
    """Images ``(3, 8, 8)`` behind their numbers; the last of ``(8, 8, 3)`` where ``turned``."""

    def __init__(self, *, number_first: bool = False, turned: bool = False) -> None:
        self.number_first, self.turned = number_first, turned

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        image = torch.rand(8, 8, 3) if self.turned and index == 5 else torch.rand(3, 8, 8)
        return (index, image) if self.number_first else (image, index)


def test_a_label_before_its_image_is_not_measured() -> None:
    with pytest.raises(DataError, match="first entry is the input, found int first"):
        tare.measure(_Pairs(number_first=True))


def test_items_of_two_layouts_are_not_pooled() -> None:
    assert tare.measure(_Pairs()).extra["facts"] == {"layout": "CHW"}
    with pytest.raises(DataError, match="samples with one layout"):
        tare.measure(_Pairs(turned=True))


def test_what_a_loader_leaves_out_or_draws_twice_is_said() -> None:
    rows = TensorDataset(torch.arange(40.0).reshape(10, 4))

    def said(**options: Any) -> list[str]:
        return list(tare.measure(DataLoader(rows, batch_size=4, **options)).extra.get("remarks", []))

    assert said() == said(shuffle=True) == []
    assert said(drop_last=True) == ["left out 2 of 10 samples: the loader has drop_last=True"]
    weighted = torch.utils.data.WeightedRandomSampler([1.0] * 10, 10)
    some = torch.utils.data.RandomSampler(rows, num_samples=3)
    for sampler in (weighted, some):
        assert said(sampler=sampler) == [
            f"the samples are those that {type(sampler).__name__} draws, which need not be all, or each once"
        ]


@pytest.mark.parametrize("values", [torch.arange(600.0).reshape(200, 3), torch.randn(60, 2, 50), torch.from_numpy(IMAGES)])
def test_batches_of_a_sampler_are_batches(values: torch.Tensor) -> None:
    rows = TensorDataset(values)
    sampler = BatchSampler(SequentialSampler(rows), 32, drop_last=False)
    stats = tare.measure(DataLoader(rows, batch_sampler=sampler))
    assert stats == tare.measure(DataLoader(rows, batch_size=32))
    assert "remarks" not in stats.extra
    some = [[0, 1, 2], [3, 4]]
    drawn = tare.measure(DataLoader(rows, batch_sampler=some))
    assert drawn.samples == 5
    assert drawn.mean == pytest.approx(tare.measure(DataLoader(TensorDataset(values[:5]), batch_size=5)).mean)
    assert drawn.extra["remarks"] == ["the samples are those that list draws, which need not be all, or each once"]


@pytest.mark.parametrize("options", [{"channels": "grey"}, {"alpha": "composite", "background": "000000"}, {"as_seen": 4}])
def test_pillow_images_are_converted_as_those_of_a_list_are(options: dict[str, Any]) -> None:
    pictures = [Image.fromarray(np.dstack([image, image[..., :1]])) for image in IMAGES]
    stats = tare.measure(Items(lambda index: (pictures[index], 1)), **options)
    listed = tare.measure(pictures, **options)
    assert stats.channels == listed.channels
    assert stats.extra["notes"] == listed.extra["notes"]


def test_names_of_keys_that_no_item_has_are_refused() -> None:
    views = Items(lambda index: {"rgb": IMAGES[index], "nir": IMAGES[index, ..., :1]})
    assert len(tare.measure(views, columns="nir").channels) == 1
    with pytest.raises(DataError, match="one key that holds the input of an item, found rgb, nir; name one"):
        tare.measure(views, columns=["rgb", "nir"])
    with pytest.raises(DataError, match="where --columns names a key, found items of type tuple, and 'nir'; leave it out"):
        tare.measure(Items(lambda index: (IMAGES[index], 1)), columns="nir")


def test_a_batch_whose_first_entry_is_no_input_is_refused() -> None:
    labelled = Items(lambda index: (index % 5, as_tensor(index)))
    with pytest.raises(
        DataError, match=r"batches whose first entry is the input, found one of numbers .* 4 axes behind it, in Da"
    ):
        tare.measure(DataLoader(labelled, batch_size=10))
    for make in (as_tensor, lambda index: torch.arange(5.0) + index):
        for size in (8, 1, 500):
            with pytest.raises(
                DataError, match=r"batches in one array, samples first, found a list of .* or pass the dataset itself"
            ):
                tare.measure(DataLoader(Items(make), batch_size=size, collate_fn=list))
    with pytest.raises(DataError, match="batches in one array, samples first"):
        tare.measure(DataLoader(Items(as_tensor), batch_sampler=[[0, 1], [2]], collate_fn=list))
    tables = TensorDataset(torch.randn(10, 3), torch.randn(10, 3))  # as many arrays as a batch has samples
    stacked = tare.measure(DataLoader(tables, batch_size=2, collate_fn=partial(default_collate)))
    assert stacked.channels == tare.measure(DataLoader(tables, batch_size=2)).channels
    pairs = Items(lambda index: (as_tensor(index), as_tensor(index)))
    plain = tare.measure(DataLoader(Items(as_tensor), batch_size=2))
    for own in (None, lambda items: [torch.stack(each) for each in zip(*items, strict=True)]):
        assert tare.measure(DataLoader(pairs, batch_size=2, collate_fn=own)).channels == plain.channels


class _Frames(IterableDataset[Any]):
    """Frames of one value each, all in one array; the length is that of a stream."""

    def __init__(self, form: str) -> None:
        self.form, self.buffer = form, np.empty((8, 9, 3), np.uint8)

    def __len__(self) -> int:
        return 200

    def at(self, number: int) -> Any:
        self.buffer[:] = number
        tensor = torch.from_numpy(self.buffer)
        return {"array": self.buffer, "tensor": tensor, "pair": (tensor, 1), "dictionary": {"image": self.buffer}}[self.form]

    def __iter__(self) -> Iterator[Any]:
        return map(self.at, range(200))


@pytest.mark.parametrize("form", ["array", "tensor", "pair", "dictionary"])
@pytest.mark.parametrize("workers", [1, 2])
def test_items_that_share_one_array_are_measured_as_they_were_given(form: str, workers: int) -> None:
    frames = _Frames(form)
    numbered = Items(frames.at)
    given: list[tuple[Any, int]] = [(frames, 200), (numbered, len(IMAGES)), (DataLoader(frames, batch_size=None), 200)]
    for data, number in given:
        stats = tare.measure(data, workers=workers)
        assert stats.samples == number
        assert stats.mean == pytest.approx((np.arange(number).mean() / 255,) * 3)


class _Stream(torch.utils.data.IterableDataset[torch.Tensor]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from torch.arange(40.0).reshape(10, 4)


def test_a_stream_that_several_processes_repeat_is_said() -> None:
    loader = DataLoader(_Stream(), batch_size=4, num_workers=2)
    stats = tare.measure(loader)
    assert stats.samples == 20  # torch's own behaviour
    assert stats.extra["remarks"] == ["a stream that 2 processes read: unless it divides itself, each sample comes 2 times"]
    assert "remarks" not in tare.measure(DataLoader(_Stream(), batch_size=4)).extra


class _Views(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor, int]]):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        return torch.rand(3, 8, 8), torch.rand(3, 8, 8), index


def test_further_images_of_an_item_are_said() -> None:
    assert tare.measure(_Views()).extra["notes"] == {"1 more of its arrays left out: the first is measured": 6}


@pytest.mark.parametrize("kind", ["csr_matrix", "coo_array"])
def test_a_sparse_matrix_is_refused(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=f"found .*{kind}|that tells its length, found TypeError"):  # an old SciPy has no items
        tare.measure(getattr(sparse, kind)(np.eye(4)))


@pytest.mark.parametrize("data", [bytearray(b"abcd"), memoryview(b"abcd"), array("B", b"abcd"), torch.zeros(4).untyped_storage()])
def test_memory_without_a_type_and_axes_is_no_dataset(data: Any) -> None:
    with pytest.raises(DataError, match="a path, URL, array, table or dataset"):
        tare.measure(data)
