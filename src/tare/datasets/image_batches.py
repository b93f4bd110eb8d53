"""Batches of images for a network: decode, augment or resize on raw pixels, stack; normalisation comes after."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from tare.datasets.augmentation import training_transform
from tare.datasets.files import LabelledFile
from tare.datasets.options import Augmenting
from tare.errors import DataError, ResourceError
from tare.input_spec.geometry import Geometry
from tare.input_spec.resize import bands_of, evaluation_steps, joined
from tare.samples.layout import unit_scale
from tare.samples.modes import ColourMode
from tare.samples.records import Skipped
from tare.system.seeds import derived
from tare.tasks.task import Target


class ImageBatches(Dataset[tuple[torch.Tensor, Target]]):
    """Images as uint8 ``(C, H, W)`` (float32 unit values for deeper files) with their labels.

    An index is ``epoch * len(files) + position``. It seeds the augmentation, so that a sample depends neither on the number of
    workers nor on where a run was resumed. ``fill`` (unit values) is the colour outside an image.
    """

    def __init__(
        self,
        files: Sequence[LabelledFile],
        geometry: Geometry,
        colour: ColourMode,
        augmenting: Augmenting | None,
        seed: int,
        fill: Sequence[float] | None = None,
    ) -> None:
        self.files = tuple(files)
        self.colour: ColourMode = colour
        self.seed = seed
        self.augments = augmenting is not None and augmenting.augmentation != "none"
        if augmenting is not None and self.augments:
            self.transform = training_transform(geometry.size, geometry.interpolation, augmenting, fill)
        else:
            self.transform = evaluation_transform(geometry, fill)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Target]:
        file = self.files[index % len(self.files)]
        values = file.read(self.colour)
        if isinstance(values, Skipped):  # readable when the run began: the data changed meanwhile
            raise DataError("images that stay readable during training", f"{file.path!r}: {values.reason}", "restore it")
        image = as_taken(values)
        if not self.augments:
            try:
                return self.transform(image), file.label
            except UnsizableError as error:
                raise DataError(error.expected, f"{file.path!r}: {error.found}", error.remedy) from None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(self.seed, index))
            return self.transform(image), file.label


class EpochSampler(Sampler[int]):
    """The seeded order of one epoch, as indices that carry the epoch.

    Each epoch gets its own sampler: when Lightning resumes a run, it draws the order before it calls ``set_epoch``, which would
    repeat the first epoch's order.
    """

    def __init__(self, length: int, seed: int, epoch: int) -> None:
        self.length, self.seed, self.epoch = length, seed, epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(derived(self.seed, self.epoch))
        order = torch.randperm(self.length, generator=generator) + self.epoch * self.length
        return iter(order.tolist())


def evaluation_transform(geometry: Geometry, fill: Sequence[float] | None = None) -> Callable[[Any], torch.Tensor]:
    """Resize and crop by timm's evaluation transform, without its normalisation; gives ``(C, H, W)``.

    Takes what :func:`as_taken` gives: all depths and numbers of channels go through Pillow's filters. The crop mode ``border``
    surrounds an image with ``fill`` (unit values, one per channel; zeros without it), where timm uses its mean of normalisation.
    """
    from torchvision.transforms import v2

    colour = tuple(fill or (0.0,))
    levels = [round(255 * value) for value in colour]
    whole = v2.Compose([*_evaluation_steps(geometry, levels), v2.ToImage()])
    bytewise, deep = (tuple(v2.Compose(_evaluation_steps(geometry, [each])) for each in some) for some in (levels, colour))
    return _Sized(geometry, whole, bytewise, deep)


class UnsizableError(DataError):
    """An image that the network's resize leaves without a pixel, or that it makes too large to hold."""


@dataclass(frozen=True, slots=True)
class _Sized:
    """An object instead of a closure, since spawned loader processes receive it by pickle."""

    geometry: Geometry
    whole: Any
    bytewise: tuple[Any, ...]
    deep: tuple[Any, ...]

    def __call__(self, image: Any) -> torch.Tensor:
        height, width = image.shape[-2:] if isinstance(image, torch.Tensor) else image.size[::-1]
        _check_resized(self.geometry, height, width)
        if isinstance(image, torch.Tensor):
            steps = self.bytewise if image.dtype == torch.uint8 else self.deep
            bands = bands_of(image)
            steps = steps if len(steps) == len(bands) else steps[:1] * len(bands)
            return joined([each(band) for each, band in zip(steps, bands, strict=True)])
        return self.whole(image).as_subclass(torch.Tensor)  # type: ignore[no-any-return]


def _check_resized(geometry: Geometry, height: int, width: int) -> None:
    """Raise :class:`UnsizableError` where one edge is so much longer than the other that the resize makes too much or nothing."""
    if geometry.crop_mode not in ("center", "border"):
        return
    edges = geometry.crop.resized(geometry.size)
    shares = [edge / own for edge, own in zip(edges, (height, width), strict=True)] if len(edges) > 1 else []
    if geometry.crop_mode == "border":
        factor = min(shares or [edges[0] / max(height, width)])
    else:
        factor = max(shares or [edges[0] / min(height, width)])
    rows, columns = round(height * factor), round(width * factor)
    if min(rows, columns) < 1 or rows * columns > _MOST_RESIZED:
        found = f"{height} x {width} pixels, which the network's resize makes {rows:,} x {columns:,}"
        raise UnsizableError("images that can be resized", found, "leave them out, or cut them")


def _evaluation_steps(geometry: Geometry, around: Sequence[float]) -> list[Any]:
    """The steps of evaluation for a Pillow image: timm's, or those of a specification that timm's transform cannot express.

    A border has the colour ``around``, in the image's own values.
    """
    fill: Any = around[0] if len(around) == 1 else list(around)
    if not geometry.is_timms:
        return evaluation_steps(geometry.size, geometry.crop, geometry.interpolation, fill=fill)
    from timm.data.transforms import CenterCropOrPad
    from timm.data.transforms_factory import transforms_imagenet_eval

    made = transforms_imagenet_eval(
        geometry.size,
        crop_pct=geometry.crop_fraction,
        crop_mode=geometry.crop_mode,
        interpolation=geometry.interpolation,
        normalize=False,
    )
    steps = [step for step in made.transforms if "ToTensor" not in type(step).__name__]
    if geometry.crop_mode == "border":
        steps[-1] = CenterCropOrPad(geometry.size, fill=fill)
    return steps


#: Pixels of an image after the network's resize; more fill memory, of which a crop keeps little.
_MOST_RESIZED = 1 << 26
#: Seconds that a loader process has left after SIGTERM, unless its command ends it before.
_SECONDS_LEFT = 20
#: Where Linux keeps the shared memory of processes.
_SHARED = Path("/dev/shm")  # noqa: S108


class _Loader(DataLoader[tuple[torch.Tensor, Target]]):
    """Starts its processes before it is interrupted; Ctrl-C, which reaches all processes, is a matter of this one alone."""

    def __iter__(self) -> Any:
        """Begin to read."""
        if not self.num_workers:
            return super().__iter__()
        with _interrupts_wait():
            return super().__iter__()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let an interrupt wait until the end.

    In os.fork() it would be raised in another module's hook, and be lost: logging's lock then stays held for ever. Python's
    handler is replaced, since another thread would take a signal that this one blocks.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *found: asked.append(found))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if asked:
            handler(*asked[0])


def _begin_work(worker: int) -> None:
    """Leave Ctrl-C to the command, and also to tell that it has ended: a batch on its way to it ends in a traceback.

    A job that is ended sends SIGTERM to all of its processes at once: the command then ends its epoch and this process in order.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_SECONDS_LEFT))  # which ends what the command does not
    sys.excepthook = _told_by_command


def _told_by_command(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, ConnectionError):
        sys.__excepthook__(kind, error, trace)


def loader(
    dataset: Dataset[tuple[torch.Tensor, Target]], batch_size: int, workers: int, sampler: EpochSampler | None = None
) -> DataLoader[tuple[torch.Tensor, Target]]:
    """A DataLoader over ``dataset``; with ``sampler`` in its order, else in the order of the files.

    In training a last batch of one sample is left out: batch norm has no variance of one value.
    """
    number = len(dataset)  # type: ignore[arg-type]  # those without are streams
    lonely = sampler is not None and 1 == number % batch_size < min(batch_size, number)
    return _Loader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=lonely,
        num_workers=workers,
        collate_fn=stacked,
        persistent_workers=False,
        worker_init_fn=_begin_work,
        pin_memory=torch.cuda.is_available(),
    )


def stacked(samples: Sequence[tuple[torch.Tensor, Target]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack images and labels; a batch of 8-bit and deeper images becomes unit floats.

    Torch would silently promote the bytes to floats of 0..255 beside unit values.
    """
    images = [image for image, _ in samples]
    if len({image.dtype for image in images}) > 1:
        images = [image / 255 if image.dtype == torch.uint8 else image for image in images]
    labels: list[Any] = [label for _, label in samples]
    whole = torch.stack(labels) if isinstance(labels[0], torch.Tensor) else torch.tensor(labels)
    batch = torch.stack(images)
    _check_shared(batch.nbytes + whole.nbytes)
    return batch, whole


def _check_shared(size: int) -> None:
    """Raise :class:`ResourceError` in a loader process if shared memory has no room for a batch of ``size`` bytes of each.

    Torch sends batches through it from a thread whose failure nobody learns of: the training would wait for ever.
    """
    info = get_worker_info()
    if info is None or not _SHARED.is_dir():
        return
    free = shutil.disk_usage(_SHARED).free
    if free < size * info.num_workers:
        raise ResourceError(
            f"room in shared memory ({_SHARED}) for a batch of {size / 1e6:.3g} MB of each loader process",
            f"{free / 1e6:.3g} MB",
            "give --workers 0 or a smaller --batch-size, or a container more with --shm-size",
        )


@contextmanager
def loader_errors() -> Iterator[None]:
    """Raise an error of a loader process with its own type: torch passes it on as the text of a RuntimeError.

    If a loader process was killed, for example for lack of memory, torch raises a RuntimeError as well, or a lost connection
    if a batch was being transferred.
    """
    try:
        with _lost_connection():
            yield
    except RuntimeError as error:  # torch's signal handler raises it at any moment, also while the other error is told
        if str(error).startswith("DataLoader worker (pid"):
            raise _ended() from None
        found = _IN_LOADER.search(str(error))
        if found is None:
            raise
        name, *said = found.groups()
        raise (ResourceError if name == "ResourceError" else DataError)(*said) from None


@contextmanager
def _lost_connection() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError) as error:
        if not any(frame.f_globals.get("__name__") == "multiprocessing.queues" for frame, _ in walk_tb(error.__traceback__)):
            raise
        raise _ended() from None


def _ended() -> DataError:
    remedy = "use fewer --workers if memory is short; --resume continues the training"
    return DataError("loader processes that stay alive", "one that was ended from outside", remedy)


_IN_LOADER = re.compile(r"tare\.errors\.(DataError|ResourceError): expected (.+), found (.+); (.+)")


def as_taken(values: NDArray[Any]) -> Image.Image | torch.Tensor:
    """An image ``(H, W, C)`` as the transforms take it: a picture of bytes as a Pillow image, others as a tensor ``(C, H, W)``.

    The tensor holds bytes, or unit floats of other types. Only grey and colour are pictures: see :func:`bands_of`.
    """
    if values.dtype.name == "uint8":
        if values.shape[-1] not in (1, 3):
            return torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, -1, 0)))
        return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)  # Pillow's grey images have two axes
    return torch.from_numpy(values.astype("float32") * float(unit_scale(values.dtype))).permute(2, 0, 1)
