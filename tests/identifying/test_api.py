from __future__ import annotations

import json
import math
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from torch.utils.data import IterableDataset

import tare
from tare.checking.api import check
from tare.errors import DataError, ModelError
from tare.identifying.probes import class_indices, read_probes
from tare.identifying.ranking import write_spec
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.normalisation.catalog import named
from tare.statistics.intervals import Interval
from tests.images import random_rgb, save_png

FACTORY = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4))

def signal():
    return nn.Sequential(nn.Conv1d(3, 8, 5), nn.BatchNorm1d(8), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 4))

def plain():
    return nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4))
"""  # noqa: E501


def scenes(count: int, seed: int) -> np.ndarray:
    """Smooth coloured images ``(N, 16, 16, 3)``, warm on average, with contrast and colour of their own."""
    generator = torch.Generator().manual_seed(seed)
    luma = functional.interpolate(torch.randn(count, 1, 6, 6, generator=generator), size=16, mode="bicubic")
    chroma = functional.interpolate(torch.randn(count, 3, 3, 3, generator=generator), size=16, mode="bilinear")
    contrast = 0.12 + 0.12 * torch.rand(count, 1, 1, 1, generator=generator)
    level = 0.45 + 0.12 * torch.randn(count, 1, 1, 1, generator=generator) + torch.tensor([0.06, 0.0, -0.08]).reshape(1, 3, 1, 1)
    return ((level + contrast * luma + 0.06 * chroma).clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).numpy()


def checkpoint(folder: Path, spec: InputSpec) -> Path:
    """Random filters, and batch norm that has seen 600 scenes under ``spec``."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24, momentum=None)
    fed = spec.apply(torch.from_numpy(scenes(600, 1)), "NHWC").permute(0, 3, 1, 2)
    with torch.no_grad():
        norm.train()(conv(fed))
    layers = nn.Sequential(conv, norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4))
    save_file(layers.state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for place, image in enumerate(scenes(80, 2)):
        Image.fromarray(image).save(folder / f"{place:03}.png")
    return folder


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(FACTORY)
    return tmp_path


def of(name: str) -> InputSpec:
    entry = named(name)
    return InputSpec.of(entry.mean, entry.std, scale=entry.scale, channels=entry.channels, raw_dtype="uint8")


@pytest.mark.parametrize("name", ["imagenet", "caffe", "inception"])
def test_what_a_network_was_fed_is_found_again(nets: Path, images: Path, name: str) -> None:
    found = tare.identify(
        model=f"{nets}/nets.py:net", checkpoint=checkpoint(nets, of(name)), data=images, in_domain=True, samples=64
    )
    assert found.identifiable
    assert name in found.ambiguity
    assert str(found.best.candidate.family) == {
        "imagenet": "0..1 z-scored, RGB", "caffe": "0..255 mean subtracted, BGR", "inception": "0..1 -1..1, RGB",
    }[name]  # fmt: skip
    assert found.estimated is not None
    affine = of(name).affine()
    truth = [(-shift / (255 * scale), 1 / (255 * scale)) for scale, shift in zip(affine.scale, affine.shift, strict=True)]
    for mean, std, (expected_mean, expected_std) in zip(found.estimated.mean, found.estimated.std, truth, strict=True):
        assert mean.low <= expected_mean <= mean.high
        assert std.low <= expected_std <= std.high


@pytest.mark.parametrize(("mean", "std"), [((0.5,) * 3, (0.6,) * 3), ((0.52, 0.5, 0.48), (0.62, 0.6, 0.58))])
def test_unpublished_constants_are_covered_and_not_taken_for_published_ones_with_mixup(
    nets: Path, images: Path, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    spec = InputSpec.of(mean, std, raw_dtype="uint8")
    found = tare.identify(model=f"{nets}/nets.py:net", checkpoint=checkpoint(nets, spec), data=images, in_domain=True, samples=80)
    assert not found.identifiable
    assert isinstance(found.spec().mean, Unknown)
    assert isinstance(found.spec().std, Unknown)
    assert found.estimated is not None
    for intervals, truth in ((found.estimated.mean, mean), (found.estimated.std, std)):
        for interval, value in zip(intervals, truth, strict=True):
            assert interval.low <= value <= interval.high
    if "with mixup" in found.reason:
        assert "constants that nobody published explain the moments as well" in " ".join(found.notes)


def standardised(images: np.ndarray) -> torch.Tensor:
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return (values - values.mean(dim=(1, 2, 3), keepdim=True)) / values.std(dim=(1, 2, 3), keepdim=True)


def squared(images: np.ndarray) -> torch.Tensor:
    return 4 * (torch.from_numpy(images).permute(0, 3, 1, 2) / 255) ** 3 - 1


def fed_by(folder: Path, fed: torch.Tensor) -> Path:
    """As :func:`checkpoint`, of any input; one-channel input gives a one-channel network."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(fed.shape[1], 24, 3, padding=1), nn.BatchNorm2d(24, momentum=None)
    with torch.no_grad():
        norm.train()(conv(fed))
    layers = nn.Sequential(conv, norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4))
    save_file(layers.state_dict(), folder / "weights.safetensors")
    (folder / "nets.py").write_text(FACTORY.replace("nn.Conv2d(3, 24", f"nn.Conv2d({fed.shape[1]}, 24"))
    return folder / "weights.safetensors"


@pytest.mark.parametrize("samples", [32, 80])
def test_images_standardised_by_themselves_are_found(nets: Path, images: Path, samples: int) -> None:
    weights = fed_by(nets, standardised(scenes(600, 1)))
    found = tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images, in_domain=True, samples=samples)
    assert found.best.name == "each image by its own mean and std"
    assert found.estimated is None
    per_sample = found.spec().per_sample
    assert isinstance(per_sample, Known)
    assert (per_sample.value.kind, per_sample.value.over) == ("zscore", "sample")
    assert found.headline.startswith("(x - each image's own mean) / each image's own std, RGB")


def test_a_grey_network_fed_minus_one_to_one_is_found(nets: Path, images: Path) -> None:
    grey = torch.from_numpy(scenes(600, 1)).float().mean(dim=-1)[:, None] / 127.5 - 1
    found = tare.identify(model=f"{nets}/nets.py:net", checkpoint=fed_by(nets, grey), data=images, in_domain=True, samples=64)
    assert "inception" in found.ambiguity
    assert found.best.divergence is not None
    assert found.headline.startswith("x / 127.5 - 1")


@pytest.mark.parametrize("samples", [32, 80])
def test_a_list_without_the_truth_is_not_called_complete(nets: Path, images: Path, samples: int) -> None:
    weights = fed_by(nets, squared(scenes(600, 1)))
    found = tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images, in_domain=True, samples=samples)
    assert found.explained is False
    assert not found.identifiable
    assert found.reason.startswith("none of the candidates explains the network: the best, ")
    assert isinstance(found.spec().mean, Unknown)
    other = tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images, samples=samples)
    assert other.explained is None
    assert not other.identifiable
    assert isinstance(other.spec().mean, Unknown)
    assert "images of the training data (--in-domain) would tell" in other.reason


def test_small_images_are_said_to_be_enlarged_and_leave_open_whether_the_list_holds_the_truth(
    tmp_path: Path, images: Path
) -> None:
    torch.manual_seed(0)
    network = timm.create_model("test_resnet").train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        network(squared(scenes(200, 1)))
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    asked: dict[str, Any] = {"model": "timm:test_resnet", "checkpoint": tmp_path / "weights.safetensors", "data": images}
    found = tare.identify(**asked, in_domain=True, samples=16)
    note = (
        "images whose shorter edge has at most 16 px are enlarged to the network's 160 x 160 px; --size 16 if it was trained on"
    )
    assert note in found.notes[-1]
    assert found.explained is None
    assert note in found.reason
    stated = tare.identify(**asked, in_domain=True, samples=16, size=16)
    assert stated.explained is False
    assert "enlarged" not in " ".join((*stated.notes, stated.reason))


POOLED = """
from torch import nn

def net():
    body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return body.append(nn.BatchNorm1d(32, momentum=None)).append(nn.Linear(32, 4))
"""

STANDARDISING = """
from torch import nn

def net():
    body = nn.Sequential(nn.InstanceNorm2d(3), nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24, momentum=None))
    return body.append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten()).append(nn.Linear(24, 4))
"""


def fed(place: Path, code: str, convention: str) -> None:
    """Write the file of a network, and beside it weights whose batch norms saw scenes under a convention."""
    torch.manual_seed(0)
    place.write_text(code)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - our own code
    network = made["net"]().train()
    with torch.no_grad():
        network(of(convention).apply(torch.from_numpy(scenes(600, 1)), "NHWC").permute(0, 3, 1, 2))
    save_file(network.state_dict(), place.with_name("weights.safetensors"))


@pytest.mark.parametrize("samples", [16, 32])
def test_a_batch_norm_that_sees_one_value_an_image_leaves_more_to_sampling(nets: Path, images: Path, samples: int) -> None:
    fed(nets / "pooled.py", POOLED, "imagenet")
    found = tare.identify(
        model=f"{nets}/pooled.py:net", checkpoint=nets / "weights.safetensors", data=images, in_domain=True, samples=samples
    )
    assert found.explained
    assert "imagenet" in found.ambiguity


def test_of_a_network_that_standardises_its_images_itself_no_candidate_is_excluded(nets: Path, images: Path) -> None:
    fed(nets / "own.py", STANDARDISING, "inception")
    found = tare.identify(
        model=f"{nets}/own.py:net", checkpoint=nets / "weights.safetensors", data=images, in_domain=True, samples=32
    )
    assert {"inception", "imagenet", "caffe, RGB"} <= {*found.ambiguity}
    assert found.estimated is not None
    endless = replace(found, estimated=replace(found.estimated, std=(Interval(1.0, 0.0, math.inf),) * 3))
    assert json.loads(json.dumps(endless.to_json(), allow_nan=False))["estimated"]["std"]["high"] == [None] * 3


@pytest.mark.parametrize("channels", [2, 4])
def test_images_of_other_channels_than_the_network_takes_are_refused(nets: Path, images: Path, channels: int) -> None:
    weights = fed_by(nets, torch.randn(8, channels, 16, 16))
    with pytest.raises(DataError, match=rf"images of {channels} channels, as .*nets\.py:net takes, found 3 channels in .*\.png"):
        tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images)


def test_without_an_architecture_the_tensors_name_it(tmp_path: Path, images: Path) -> None:
    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=5)
    network.train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        network(of("imagenet").apply(torch.from_numpy(scenes(200, 1)), "NHWC").permute(0, 3, 1, 2))
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    found = tare.identify(checkpoint=tmp_path / "weights.pth", data=images, samples=32, size=16)
    assert found.network == "timm:resnet18"
    assert "no --model was stated: the tensors are those of timm:resnet18" in found.notes[0]
    with pytest.raises(ModelError, match="which fit none of them; name the architecture with --model"):
        tare.identify(checkpoint=checkpoint(tmp_path, of("imagenet")), data=images)


def test_the_result_and_the_spec_leave_as_json_that_check_takes(nets: Path, images: Path) -> None:
    found = tare.identify(
        model=f"{nets}/nets.py:net", checkpoint=checkpoint(nets, of("imagenet")), data=images, in_domain=True, samples=64
    )
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["schema"] == "tare.identification/1"
    assert document["ambiguity_set"][0] == document["ranking"][0]["name"] == found.best.name
    assert set(document["estimated"]) == {"channels", "mean", "std"}
    write_spec(found, nets / "spec.json")
    spec = InputSpec.load(nets / "spec.json")
    assert isinstance(spec.mean, Known)
    assert "tare identify" in spec.mean.origin
    (nets / "pipe.py").write_text(
        "from torchvision.transforms import v2\nimport torch\n"
        "def pipe():\n    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=False),"
        " v2.Normalize([0.485] * 3, [0.229] * 3)])\n"
    )
    assert not check(f"{nets}/pipe.py:pipe", str(nets / "spec.json")).clean


def test_unknown_images_leave_more_open_than_the_trainings_own(nets: Path, images: Path) -> None:
    weights = checkpoint(nets, of("imagenet"))
    own, other = (
        tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images, in_domain=kind, samples=64)
        for kind in (True, False)
    )
    assert set(own.ambiguity) <= set(other.ambiguity)
    widths = [[one.high - one.low for one in found.estimated.mean] for found in (own, other) if found.estimated is not None]
    assert all(a < b for a, b in zip(*widths, strict=True))


def test_the_same_seed_gives_the_same_answer(nets: Path, images: Path) -> None:
    weights = checkpoint(nets, of("clip"))
    twice = [tare.identify(model=f"{nets}/nets.py:net", checkpoint=weights, data=images, samples=24).to_json() for _ in range(2)]
    assert twice[0] == twice[1]


def test_without_batch_norm_nothing_is_made_up(nets: Path, images: Path) -> None:
    state = {
        "0.weight": torch.randn(24, 3, 3, 3),
        "0.bias": torch.zeros(24),
        "4.weight": torch.randn(4, 24),
        "4.bias": torch.zeros(4),
    }
    save_file(state, nets / "plain.safetensors")
    with pytest.raises(ModelError, match="not identifiable from the weights"):
        tare.identify(model=f"{nets}/nets.py:plain", checkpoint=nets / "plain.safetensors", data=images)


@pytest.mark.parametrize(
    ("count", "values", "message"),
    [(5, None, "at least 8 readable images, found 5"), (12, 128, "nearly constant images")],
)
def test_images_that_tell_nothing_are_refused(nets: Path, count: int, values: int | None, message: str) -> None:
    folder = nets / "few"
    folder.mkdir()
    for place, image in enumerate(scenes(count, 3)):
        Image.fromarray(image if values is None else np.full_like(image, values)).save(folder / f"{place}.png")
    with pytest.raises(DataError, match=message):
        tare.identify(model=f"{nets}/nets.py:net", checkpoint=checkpoint(nets, of("imagenet")), data=folder)


def test_weights_of_another_network_are_refused(nets: Path, images: Path) -> None:
    with pytest.raises(ModelError, match="weights that fit the network"):
        tare.identify(model="timm:test_resnet", checkpoint=checkpoint(nets, of("imagenet")), data=images)


def test_a_network_of_signals_is_refused_as_one(nets: Path, images: Path) -> None:
    state = nn.Sequential(nn.Conv1d(3, 8, 5), nn.BatchNorm1d(8), nn.Identity(), nn.Identity(), nn.Linear(8, 4)).state_dict()
    state["1.running_mean"] += 1
    save_file(state, nets / "signal.safetensors")
    with pytest.raises(ModelError, match=r"expected a network for images, found .* takes signals"):
        tare.identify(model=f"{nets}/nets.py:signal", checkpoint=nets / "signal.safetensors", data=images)


def test_without_batch_norm_labels_rank_the_candidates(nets: Path, images: Path) -> None:
    torch.manual_seed(3)
    net: Any = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4))
    fed = of("caffe").apply(torch.from_numpy(scenes(80, 2)), "NHWC").permute(0, 3, 1, 2)
    with torch.no_grad():
        outputs = net(fed)
        net[4].weight.div_(outputs.std(dim=0)[:, None])
        net[4].bias.copy_((net[4].bias - outputs.mean(dim=0)) / outputs.std(dim=0))
        answers = net(fed).argmax(dim=1)
    save_file(net.state_dict(), nets / "plain.safetensors")
    (nets / "labels.csv").write_text(
        "file,index\n" + "".join(f"{place:03}.png,{int(index)}\n" for place, index in enumerate(answers))
    )
    common: dict[str, Any] = {"model": f"{nets}/nets.py:plain", "checkpoint": nets / "plain.safetensors", "data": images}
    found = tare.identify(**common, labels=nets / "labels.csv")
    truth = next(one for one in found.ranking if one.name == "caffe")
    assert truth.accuracy == 1.0
    assert "caffe" in found.ambiguity
    with pytest.raises(DataError, match="one folder for each of the network's 4 classes"):
        tare.identify(**common, labels="folders")


def test_labels_of_files_that_have_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    names = [f"{folder}/{index}.png" for folder in ("cat", "dog") for index in range(6)]
    for seed, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_png(tmp_path / name, random_rgb(seed, 8, 8))
    probes = read_probes(tmp_path, "rgb", 12, 0)
    expected = [int("dog/" in path) for path in probes.paths]
    labels = tmp_path / "labels.csv"
    labels.write_text("".join(f"{name},{int(name.startswith('dog'))}\n" for name in names))
    assert class_indices(probes, str(labels), 2).tolist() == expected
    for text in (
        "".join(f"{name[4:]},{int(name.startswith('dog'))}\n" for name in names),
        "".join(f"{k}.png,1\n" for k in range(6)),
    ):
        labels.write_text(text)
        with pytest.raises(DataError, match=r"found '\d\.png' for several images; name files with their folders"):
            class_indices(probes, str(labels), 2)


def test_a_file_of_labels_with_more_columns_is_refused(tmp_path: Path) -> None:
    for seed in range(9):
        save_png(tmp_path / f"{seed}.png", random_rgb(seed, 8, 8))
    (tmp_path / "labels.csv").write_text("".join(f"{seed}.png,{seed % 2},7\n" for seed in range(9)))
    with pytest.raises(DataError, match=r"two columns, file name and class index, found 3 in 'labels\.csv'"):
        class_indices(read_probes(tmp_path, "rgb", 9, 0), str(tmp_path / "labels.csv"), 8)


def test_folders_are_numbered_in_the_order_of_all_their_names_as_image_folders_are(tmp_path: Path) -> None:
    for name in range(12):
        (tmp_path / str(name)).mkdir()
        for seed in range(3):
            save_png(tmp_path / str(name) / f"{seed}.png", random_rgb(10 * name + seed, 8, 8))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read me.txt").write_text("no image")
    probes = read_probes(tmp_path, "rgb", 12, 0)
    names = [Path(path).parent.name for path in probes.paths]
    assert len(set(names)) < 12
    order = sorted(map(str, range(12)))  # 0, 1, 10, 11, 2, ...
    assert class_indices(probes, "folders", 12).tolist() == [order.index(name) for name in names]
    assert class_indices(probes, "folders", 1000).tolist() == [*map(int, names)]  # a few of many classes
    with pytest.raises(DataError, match="labels from 0 to 9"):
        class_indices(probes, "folders", 10)


def test_what_gives_no_image_is_named(tmp_path: Path) -> None:
    for index in range(10):
        save_png(tmp_path / f"{index}.png", random_rgb(index, 8, 8))
    (tmp_path / "cut.png").write_bytes(b"junk")
    (tmp_path / "notes.txt").write_text("hi")
    foreign, bad = read_probes(tmp_path, "rgb", 64, 0).notes
    assert "notes.txt" in foreign
    assert re.search(r"1 of the files that were drawn cannot be read, the first '.*cut\.png': not an image", bad)


@pytest.mark.parametrize("name", ["sorted.tar", "sorted.tar.gz"])
def test_images_of_a_stream_are_drawn_from_all_of_it(name: str, tmp_path: Path) -> None:
    """Of 640 images in the order of ten classes, which differ in brightness."""
    with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as tar:
        for place in range(640):
            save_png(tmp_path / "one.png", (random_rgb(place, 8, 8) // 10 + 25 * (place // 64)).astype(np.uint8))
            tar.add(tmp_path / "one.png", f"{place // 64}/{place:03}.png")
    probes = read_probes(tmp_path / name, "rgb", 64, 0)
    assert (len(probes.images), len({*probes.paths}), probes.notes) == (64, 64, ())
    drawn = Counter(int(image.mean()) // 25 for image in probes.images)
    assert len(drawn) >= 9
    assert max(drawn.values()) < 20
    assert read_probes(tmp_path / name, "rgb", 64, 0).paths == probes.paths
    assert read_probes(tmp_path / name, "rgb", 64, 1).paths != probes.paths


def test_an_object_that_is_a_stream_gives_its_first_images_and_says_so() -> None:
    class Endless(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return (random_rgb(place, 8, 8) for place in count())

    probes = read_probes(Endless(), "rgb", 16, 0)
    assert len(probes.images) == 16
    assert any("the first images of a stream" in note for note in probes.notes)
