"""A folder in which the names that the documents use exist: tiny, made, and seeded."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.docs.pages import ROOT, shown_on
from tests.signals import save_table, save_wav, tone
from tests.sound_networks import ast, low_and_high

_NETWORK = """
from torch import nn


def factory():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2)
    )


build = mobilenet_v1_025 = factory
"""
_VOLUMES = """
from torch import nn


def volumes():
    return nn.Sequential(nn.Conv3d(1, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 2))
"""
_TRAIN = """
import timm
from torchvision.models import ResNet50_Weights

_config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg("resnet50.a1_in1k").to_dict())
val_transform = timm.data.create_transform(**_config)
train_transform = timm.data.create_transform(**_config, is_training=True)
transforms = {"eval": ResNet50_Weights.IMAGENET1K_V2.transforms()}
"""


def photo(seed: int, level: float = 120) -> NDArray[np.uint8]:
    """A smooth picture ``(40, 52, 3)`` around ``level``."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:40, 0:52]
    waves = [np.sin(rows * generator.uniform(0.05, 0.4) + columns * generator.uniform(0.05, 0.4)) for _ in range(3)]
    pixels = np.stack(waves, axis=-1) * 60 + level + generator.normal(0, 8, (40, 52, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def photos(folder: Path) -> None:
    """Ants are darker than bees: 12 of each to train on, 6 to validate."""
    for part, count in (("train", 12), ("val", 6)):
        for label, level in (("ants", 90), ("bees", 150)):
            for index in range(count):
                path = folder / part / label / f"{index:02}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(photo(index + 100 * level + 50 * (part == "val"), level)).save(path, quality=95)


def recordings(folder: Path) -> None:
    """Spoken digits that are tones: ``DIGIT_SPEAKER_INDEX.wav``."""
    for speaker, level in (("jackson", 0.5), ("nicolas", 0.4), ("theo", 0.15)):
        for digit in (3, 7):
            for index in range(16):
                save_wav(folder / f"{digit}_{speaker}_{index}.wav", tone(0.1 * digit, 60, 100 * digit + index, level))


def _flat(folder: Path) -> None:
    folder.mkdir()
    for index in range(4):
        Image.fromarray(photo(index)).save(folder / f"{index}.jpg", quality=95)


def _photographs() -> Any:
    """64 pictures as the network is fed them, under mean 0.5 and std 0.5: ants and bees in turn."""
    import torch

    images = np.stack([photo(seed, 90 + 60 * (seed % 2)) for seed in range(64)])
    return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5


def _fed(module: Any) -> Any:
    """The network after its batch norms have seen the photographs."""
    import torch

    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
            layer.reset_running_stats()
    with torch.no_grad():
        module.train()(_photographs())
    return module.eval()


def _factory() -> Any:
    import torch

    names: dict[str, Any] = {}
    exec(_NETWORK, names)  # noqa: S102 - our own text
    torch.manual_seed(0)
    network = _fed(names["factory"]())
    with torch.no_grad():  # a head that tells ants from bees, by least squares
        features = network[:-1](_photographs())
        signs = torch.arange(64).remainder(2).mul(2).sub(1.0)
        ones = torch.ones(64, 1)
        *weights, bias = torch.linalg.lstsq(torch.cat([features, ones], 1), signs[:, None]).solution[:, 0]
        network[-1].weight.copy_(torch.stack([-torch.stack(weights), torch.stack(weights)]))
        network[-1].bias.copy_(torch.stack([-bias, bias]))
    return network


def _safetensors(path: Path) -> None:
    from safetensors.torch import save_model

    save_model(_factory(), str(path))


def _pth(path: Path) -> None:
    import timm
    import torch

    torch.manual_seed(0)
    torch.save(_fed(timm.create_model("test_resnet")).state_dict(), path)


def _spec(path: Path) -> None:
    import tare

    path.write_text(json.dumps(tare.read_spec("timm:test_resnet").to_json()))


def _stats(path: Path) -> None:
    import tare

    photos(path.parent / ".stats")
    tare.measure(path.parent / ".stats").save(path)


def _run(folder: Path) -> None:
    import tare

    photos(folder.parent / ".run-data")
    tare.transfer(
        model="timm:test_resnet",
        weights="none",
        data=folder.parent / ".run-data",
        out=folder,
        protocol="probe",
        mean=[0.5],
        std=[0.5],
        size=32,
        workers=0,
        device="cpu",
    )


def _processor(folder: Path) -> None:
    folder.mkdir(parents=True)
    document = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "rescale_factor": 1 / 255,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "size": {"shortest_edge": 224},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
        "resample": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(document))


def _of_transformers(made: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A directory of transformers, whose network ``made`` builds, with a processor for pictures of 32 pixels."""

    def make(folder: Path) -> None:
        import torch
        import transformers

        torch.manual_seed(0)
        made(transformers).save_pretrained(folder)
        transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)

    return make


def _dinov2(transformers: Any) -> Any:
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    return transformers.Dinov2Model(transformers.Dinov2Config(**shape))


def _segformer(transformers: Any) -> Any:
    heads = {"num_attention_heads": [1, 1, 2, 2], "decoder_hidden_size": 16}
    config = transformers.SegformerConfig(hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, **heads)
    return transformers.SegformerForSemanticSegmentation(config)


def _videomae(folder: Path) -> None:
    """A directory of VideoMAE for two kinds of clips of four frames of 32 pixels, with its processor."""
    import torch
    import transformers

    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    config = transformers.VideoMAEConfig(**shape, intermediate_size=32, num_frames=4)
    transformers.VideoMAEForVideoClassification(config).save_pretrained(folder)
    sizes: dict[str, Any] = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.VideoMAEImageProcessor(**sizes).save_pretrained(folder)


def _videos(folder: Path) -> None:
    """Short videos, one kind longer than the other."""
    from tests.sources.streams.test_clips import video

    for name, frames in (("long", 20), ("short", 12)):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            video(folder / name / f"{index}.mp4", frames)


def _keras(path: Path) -> None:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers = [keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 127.5, offset=-1.0), keras.layers.Conv2D(2, 3)]
    keras.Sequential(layers).save(path)


def _tar(path: Path) -> None:
    _flat(path.parent / ".shard")
    with tarfile.open(path, "w") as archive:
        for file in sorted((path.parent / ".shard").iterdir()):
            archive.add(file, file.name)


def _list(path: Path) -> None:
    _flat(path.parent / "listed")
    path.write_text("".join(f"listed/{index}.jpg\n" for index in range(4)))


def _cifar(path: Path) -> None:
    _photos_for_manifest = path.parent / "cifar-images"
    photos(_photos_for_manifest)
    files = sorted(_photos_for_manifest.rglob("*.jpg"))
    path.write_text("path,label\n" + "".join(f"{file.relative_to(path.parent)},{file.parent.name}\n" for file in files))


def _gunpoint(level: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        labels = np.arange(24) % 2
        signals = np.stack([level * (1 + tone(0.2 + 0.5 * label, 50, seed)) for seed, label in enumerate(labels)])
        np.savez(path, x=signals, y=labels)

    return make


def _shown(page: str) -> Callable[[Path], None]:
    """A file as a page prints it: the block whose first line is its name."""

    def make(path: Path) -> None:
        path.write_text(next(block.text for block in shown_on(ROOT / page) if block.text.startswith(f"# {path.name}\n")))

    return make


def read_only(page: Path, name: str) -> str:
    """A file as a page prints it in a block that is not run: the one whose first line is its name."""
    blocks: list[str] = re.findall(r"```py\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


def _grey(label: int, seed: int) -> NDArray[np.uint8]:
    return photo(seed)[:28, :28, label]


def _fashion(path: Path) -> None:
    labels = np.arange(32) % 2
    np.savez(path, x=np.stack([_grey(int(label), seed) for seed, label in enumerate(labels)]), y=labels)


def _xrays(path: Path) -> None:
    arrays: dict[str, Any] = {}
    for part, first, count in (("train", 0, 64), ("val", 64, 16), ("test", 80, 16)):
        labels = np.arange(count) % 2
        arrays[f"{part}_images"] = np.stack([_grey(int(label), first + seed) for seed, label in enumerate(labels)])
        arrays[f"{part}_labels"] = labels[:, None]
    np.savez(path, **arrays)


def _groups(path: Path) -> None:
    labels, groups = np.arange(48) % 2, np.arange(48) // 24 + 1
    signals = np.stack([300 * group * (1 + tone(0.2 + 0.5 * labels[i], 50, i)) for i, group in enumerate(groups)])
    np.savez(path, x=signals, gun1_point2=labels, oldyoung_label=groups)


def _yeast(seed: int) -> Callable[[Path], None]:
    """Rows of three numbers with 14 marks, which some samples have and others lack."""

    def make(path: Path) -> None:
        generator, names = np.random.default_rng(seed), [f"Class{index}" for index in range(1, 15)]
        rows, marks = generator.normal(0, 1, (60, 3)), generator.integers(0, 2, (60, 14))
        lines = [",".join(map(repr, [*row, *mark])) for row, mark in zip(rows.tolist(), marks.tolist(), strict=True)]
        path.write_text("\n".join([",".join(["a", "b", "c", *names]), *lines]) + "\n")

    return make


def _wine(offset: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        generator = np.random.default_rng(0)
        labels = np.arange(60) % 2 + 5
        values = generator.normal(offset, 1, (60, 11)) + (labels - 5)[:, None]
        rows = [",".join([*map(repr, row.tolist()), str(label)]) for row, label in zip(values, labels, strict=True)]
        path.write_text("\n".join(rows) + "\n")

    return make


def _scenes(folder: Path) -> None:
    """Photos with masks of what is bright in them; a row is left out."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for k in range(10):
        picture = photo(k)
        mask = (picture.mean(axis=2) > 120).astype(np.uint8)
        mask[0] = 255
        Image.fromarray(picture).save(folder / "images" / f"{k}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{k}.png")


def _several_labels(path: Path) -> None:
    photos(path.parent / "photos")
    files = sorted((path.parent / "photos" / "train").rglob("*.jpg"))
    lines = [f"{file.relative_to(path.parent)},{int('ants' in str(file))},{k % 2}" for k, file in enumerate(files)]
    path.write_text("\n".join(["path,dark,noisy", *lines]) + "\n")


def _results(path: Path) -> None:
    lines = ["method,top1,fold,seed"]
    generator = np.random.default_rng(0)
    for fold in range(3):
        for seed in range(3):
            base = generator.normal(70, 2)
            lines += [f"frozen,{base:.3f},{fold},{seed}", f"tuned,{base + generator.normal(3, 1):.3f},{fold},{seed}"]
    path.write_text("\n".join(lines) + "\n")


def _plan(path: Path) -> None:
    path.write_text("study: digits\nseeds: 2\nsizes: [20]\nnetworks: [cnn-batch]\nshifts: [content]\n")


def _text(content: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(content)

    return make


def _tiles(folder: Path) -> None:
    """Fields and woods as GeoTIFF tiles of four bands: woods are brighter in the near infrared."""
    import rasterio

    bands, generator = ("B02", "B03", "B04", "B08"), np.random.default_rng(0)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    for part, count in (("train", 6), ("val", 3)):
        for label, level in (("field", 1000), ("wood", 3000)):
            (folder / part / label).mkdir(parents=True)
            for index in range(count):
                values = generator.normal(1000, 100, (len(bands), 32, 32))
                values[-1] += level
                path = folder / part / label / f"{index}.tif"
                with rasterio.open(path, "w", driver="GTiff", count=4, height=32, width=32, dtype="uint16", **place) as file:
                    file.write(values.astype(np.uint16))
                    file.descriptions = bands


def _scans(folder: Path) -> None:
    """Volumes of two sites, whose scanners differ in their offset."""
    import nibabel as nib

    generator = np.random.default_rng(0)
    for site, offset in (("hill", 0), ("lake", 60)):
        (folder / site).mkdir(parents=True)
        for index in range(8):
            values = generator.normal(-300 + offset, 300, (12, 12, 8)).astype(np.int16)
            nib.save(nib.Nifti1Image(values, np.diag([1, 1, 2, 1])), folder / site / f"{index}.nii.gz")


def _slices(path: Path) -> None:
    """Slices of CT in Hounsfield units, of two classes that differ in density."""
    labels = np.arange(96) % 2
    values = np.random.default_rng(0).normal(-700 + 400 * labels[:, None, None, None], 200, (96, 28, 28, 1))
    np.savez(path, x=values.astype(np.int16), y=labels)


def _joints(factor: float) -> Callable[[Path], None]:
    """Three joint angles and the task that they belong to, times ``factor``."""

    def make(path: Path) -> None:
        generator, lines = np.random.default_rng(0), ["shoulder,elbow,wrist,label"]
        for index in range(60):
            angles = generator.normal((10 + 30 * (index % 2), 90, -20), (8, 12, 15)) * factor
            lines.append(",".join([*map(repr, angles.tolist()), ("reach", "grasp")[index % 2]]))
        path.write_text("\n".join(lines) + "\n")

    return make


#: How each name comes into being; a page's folder gets those that its commands and programs mention.
MADE: dict[str, Callable[[Path], object]] = {
    "photos": photos,
    "tiles": _tiles,
    "rsscn7": photos,
    "scans": _scans,
    "slices.npz": _slices,
    "joints.csv": _joints(1.0),
    "joints-new.csv": _joints(np.pi / 180),
    "hymenoptera": photos,
    "more": _flat,
    "recordings": recordings,
    "spoken": low_and_high,
    "ast": ast,
    "run": _run,
    "stats.json": _stats,
    "spec.json": _spec,
    "net.py": _text(_NETWORK),
    "net3d.py": _text(_VOLUMES),
    "net.safetensors": _safetensors,
    "weights.safetensors": _safetensors,
    "weights.pth": _pth,
    "mobilenet_v1_025.py": _text(_NETWORK),
    "mobilenet_v1_025_imagenet.safetensors": _safetensors,
    "train.py": _text(_TRAIN),
    "path/to/checkpoint": _processor,
    "model.keras": _keras,
    "table.csv": save_table,
    "shards.tar": _tar,
    "list.txt": _list,
    "cifar.csv": _cifar,
    "gunpoint2003.npz": _gunpoint(365),
    "gunpoint2018.npz": _gunpoint(803),
    "gunpoint_by_group.npz": _groups,
    "winequality-white.csv": _wine(0),
    "winequality-red.csv": _wine(1),
    "scenes": _scenes,
    "yeast.csv": _yeast(0),
    "yeast-test.csv": _yeast(1),
    "dinov2": _of_transformers(_dinov2),
    "segformer": _of_transformers(_segformer),
    "videomae": _videomae,
    "videos": _videos,
    "labels.csv": _several_labels,
    "results.csv": _results,
    "plan.yaml": _plan,
    "run.yaml": lambda path: path.write_text(
        "model: timm:test_resnet\nweights: none\ndata: photos/\nmean: [0.5, 0.5, 0.5]\nstd: 0.5\n"
    ),
    "small_cnn.py": _shown("docs/the-question.md"),
    "wine.py": _shown("docs/howto/study-anything.md"),
    "detector.py": _shown("docs/howto/study-anything.md"),
    "fashion_test.npz": _fashion,
    "pneumoniamnist.npz": _xrays,
    "transcribe.py": lambda path: path.write_text(read_only(ROOT / "docs" / "howto" / "speech.md", path.name)),
    "constants.py": _text("MEAN = [0.485, 0.456, 0.406]\nSTD = [0.229, 0.224, 0.255]\n"),
    "data.py": _text(
        "from torchvision.transforms import Normalize\n\nfrom constants import MEAN, STD\n\nx = Normalize(MEAN, STD)\n"
    ),
    "bee.jpg": lambda path: Image.fromarray(photo(1)).save(path),
}


def make_sandbox(folder: Path, text: str) -> Path:
    """Make in ``folder`` what ``text`` mentions, by its name as a word."""
    for name, make in MADE.items():
        if re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", text):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            make(folder / name)
    return folder
