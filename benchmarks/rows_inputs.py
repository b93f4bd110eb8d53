"""The way into a network: other libraries' normalise operation, and their loaders that decode, augment and normalise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import made_data
from benchmarks.harness import Outcome, Result, Row, Setting, compared, peer
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import EpochSampler, ImageBatches, loader
from tare.datasets.options import Augmenting
from tare.input_spec.affine import Affine
from tare.input_spec.geometry import Geometry
from tare.normalisation import fused
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.studying.execution.processes import one_thread

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BATCH, _SIZE = 32, 224


def operations(setting: Setting) -> Iterator[Outcome]:
    """uint8 (N, 224, 224, 3) to normalised float32 (N, 3, 224, 224), one thread on either side, equal results."""
    images = np.random.default_rng(0).integers(0, 256, (8 if setting.quick else 64, _SIZE, _SIZE, 3), dtype=np.uint8)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    affine, out = Affine.of_normalisation(_MEAN, _STD, raw_scale=1 / 255), torch.empty(batch.shape)
    rows: tuple[tuple[str, list[str], Callable[[], Callable[[], Any]]], ...] = (
        ("kornia", ["kornia"], lambda: _kornia(batch)),
        ("albumentations", ["albumentations"], lambda: _albumentations(images)),
        ("HF image processor, torchvision", ["transformers"], lambda: _hugging_face(batch, fast=True)),
        ("HF image processor, Pillow", ["transformers"], lambda: _hugging_face(images, fast=False)),
        ("timm's tensor step", ["timm"], lambda: _timm_step(batch)),
        ("Keras Normalization", ["keras"], lambda: _keras(images)),
        ("fastai Normalize", ["fastai"], lambda: _fastai(batch)),
    )
    with one_thread():
        for name, modules, make in rows:
            yield from peer(f"normalise, {name}", modules, partial(_operation, name, make, batch, affine, out, setting))


def loaders(setting: Setting) -> Iterator[Outcome]:
    """An epoch of batches of a JPEG folder: decoded, cropped at random to 224, flipped, normalised."""
    folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
    for workers in (0,) if setting.quick else (0, setting.workers):
        ours = partial(_epoch, partial(_tare_loader, folder, workers, setting.quick))
        for name, modules, make in (
            ("timm's create_loader", ["timm"], _timm_loader),
            ("torchvision v2 loader", ["torchvision"], _torchvision_loader),
        ):
            reference = partial(_epoch, partial(make, folder, workers, setting.quick))
            with one_thread():
                yield from peer(name, modules, partial(_loader_row, name, reference, ours, workers, setting))


ROWS = (Row("operations", operations), Row("loader", loaders))


def _operation(
    name: str, make: Callable[[], Callable[[], Any]], batch: torch.Tensor, affine: Affine, out: torch.Tensor, setting: Setting
) -> Iterator[Result]:
    theirs = make()
    difference = (torch.as_tensor(theirs()) - fused.normalise(batch, affine, out)).abs().max()
    if not difference < 1e-4:
        raise ArithmeticError(f"its result differs from ours by {difference:.2g}")
    yield compared(
        f"uint8 NHWC to input, {len(batch)} images", theirs, lambda: fused.normalise(batch, affine, out), setting,
        ratio_of=f"{name} / fused", goal=">= 1", rounds=7,
    )  # fmt: skip


def _loader_row(
    name: str, reference: Callable[[], None], ours: Callable[[], None], workers: int, setting: Setting
) -> Iterator[Result]:
    yield compared(
        f"JPEG folder, {workers} worker processes", reference, ours, setting,
        ratio_of=f"{name} / tare's loader", goal=">= 1", rounds=5,
    )  # fmt: skip


def _kornia(batch: torch.Tensor) -> Callable[[], Any]:
    normalise = import_module("kornia.enhance").Normalize(mean=torch.tensor(_MEAN), std=torch.tensor(_STD))
    return lambda: normalise(batch.float() / 255).contiguous()


def _albumentations(images: NDArray[np.uint8]) -> Callable[[], Any]:
    import albumentations

    normalise: Any = albumentations.Normalize(mean=_MEAN, std=_STD)
    return lambda: torch.stack([torch.from_numpy(normalise(image=image)["image"]).permute(2, 0, 1) for image in images])


def _hugging_face(images: Any, *, fast: bool) -> Callable[[], Any]:
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
    from transformers.models.vit.image_processing_vit import ViTImageProcessor

    kind, given = (ViTImageProcessor, "pt") if fast else (ViTImageProcessorPil, "np")
    processor = kind(do_resize=False, image_mean=list(_MEAN), image_std=list(_STD))
    each = list(images)
    return lambda: processor(each, return_tensors=given)["pixel_values"]


def _timm_step(batch: torch.Tensor) -> Callable[[], Any]:
    """What timm's prefetching loader does on the device, with its constants in 0..255."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (_MEAN, _STD))
    return lambda: batch.float().sub_(mean).div_(std).contiguous()


def _keras(images: NDArray[np.uint8]) -> Callable[[], Any]:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    mean, variance = (np.array(_MEAN) * 255).tolist(), ((np.array(_STD) * 255) ** 2).tolist()
    layer = keras.layers.Normalization(axis=-1, mean=mean, variance=variance)
    return lambda: layer(images).permute(0, 3, 1, 2).contiguous().detach()


def _fastai(batch: torch.Tensor) -> Callable[[], Any]:
    transforms, core = import_module("fastai.data.transforms"), import_module("fastai.torch_core")
    normalise = transforms.Normalize.from_stats(_MEAN, _STD, cuda=False)
    return lambda: torch.Tensor(normalise.encodes(core.TensorImage(batch.float() / 255))).contiguous()


def _epoch(make: Callable[[], Any]) -> None:
    for images, _ in make():
        if images.dtype != torch.float32 or images.shape[1:] != (3, _SIZE, _SIZE):
            raise ArithmeticError(f"batches of float32 (3, {_SIZE}, {_SIZE}), got {images.dtype} {tuple(images.shape)}")


def _files(folder: Path, few: bool) -> list[tuple[str, int]]:
    files = [(str(file), "ab".index(file.parent.name)) for file in sorted(folder.rglob("*.jpg"))]
    return files[:_BATCH] if few else files


def _tare_loader(folder: Path, workers: int, few: bool) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    files = [LabelledFile(path, label) for path, label in _files(folder, few)]
    dataset = ImageBatches(files, Geometry((_SIZE, _SIZE), "bilinear"), "rgb", Augmenting(), 0)
    normaliser = InputLayer(Normalisation("source", _MEAN, _STD))
    for images, labels in loader(dataset, _BATCH, workers, EpochSampler(len(files), 0, 0)):
        yield normaliser(images), labels


class _Folder(torch.utils.data.Dataset[Any]):
    """The files with a transform, for loaders that bring their own."""

    def __init__(self, files: list[tuple[str, int]]) -> None:
        self.files = files
        self.transform: Any = None

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        path, label = self.files[index]
        return self.transform(Image.open(path).convert("RGB")), label


def _timm_loader(folder: Path, workers: int, few: bool) -> Any:
    from timm.data import create_loader

    return create_loader(
        _Folder(_files(folder, few)), (3, _SIZE, _SIZE), _BATCH, is_training=True, scale=(0.35, 1.0), color_jitter=0.0,
        interpolation="bilinear", mean=_MEAN, std=_STD, num_workers=workers, use_prefetcher=False, persistent_workers=False,
        device=torch.device("cpu"),
    )  # fmt: skip


def _torchvision_loader(folder: Path, workers: int, few: bool) -> Any:
    from torchvision.transforms import v2

    dataset = _Folder(_files(folder, few))
    crop = v2.RandomResizedCrop(_SIZE, scale=(0.35, 1.0), antialias=True)
    steps = [crop, v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(_MEAN, _STD)]
    dataset.transform = v2.Compose(steps)
    return torch.utils.data.DataLoader(dataset, _BATCH, shuffle=True, num_workers=workers)
