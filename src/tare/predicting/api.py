"""``tare.predict``: what a trained model says about samples, from nothing but its own directory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch

from tare.errors import DataError, SpecError
from tare.input_spec.geometry import NOUNS
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.predicting.inputs import NamedInputs, TensorOrSkipped, inputs_of
from tare.predicting.result import Prediction
from tare.samples.records import Skipped
from tare.system.engines.local import default_workers, ordered_map
from tare.system.progress import Advance


def predict(
    run: str | os.PathLike[str],
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    top: int = 1,
    batch_size: int = 32,
    workers: int | None = None,
    factory: str | None = None,
    device: str = "cpu",
    progress: Advance | None = None,
) -> list[Prediction]:
    """Classify ``images`` (files, folders, patterns; see :func:`tare.sources.named_files.image_paths`) with the model in ``run``.

    For a network that takes signals these are recordings or arrays; for one that takes rows, tables or arrays, each row of which
    gets an answer (:mod:`tare.predicting.number_inputs`). Samples are read, sized and normalised as in validation. ``top``
    classes are given each. One that cannot be read gets a prediction with ``error``; the others are answered, in the order
    given. Batch size and workers change the probabilities by rounding only: about 1e-6, since a library may add in another
    order for another batch.

    Raises :class:`ModelError` if ``run`` holds no usable model, :class:`DataError` if there is no image at all.
    """
    words = [images] if isinstance(images, str | os.PathLike) else list(images)
    trained = open_trained(Path(run), factory)
    inputs = inputs_of(trained, [os.fspath(word) for word in words])
    result = []
    for answer in predictions(trained, inputs, top=top, batch_size=batch_size, workers=workers, device=device):
        result.append(answer)
        if progress is not None:
            progress(1)
    return result


def predictions(
    trained: TrainedModel,
    inputs: NamedInputs | Sequence[str],
    *,
    top: int = 1,
    batch_size: int = 32,
    workers: int | None = None,
    device: str = "cpu",
) -> Iterator[Prediction]:
    """Answer ``inputs`` (or files, by their paths) in order, a batch at a time; see :func:`predict`.

    Nothing is read before the first is asked for.
    """
    for name, value in (("--top", top), ("--batch-size", batch_size)):
        if value < 1:
            raise SpecError(f"{name} of at least 1", f"{value}", "raise it")
    if not isinstance(inputs, NamedInputs):
        inputs = inputs_of(trained, inputs)
    if not inputs.names:
        noun = NOUNS[trained.model.takes.kind].removesuffix("s")
        raise DataError(f"at least one {noun}", "none", "name files, folders or patterns, or pipe a list to -")
    return _answers(trained, inputs, min(top, len(trained.model.classes)), batch_size, workers, _device(device))


def _answers(
    trained: TrainedModel, inputs: NamedInputs, top: int, batch_size: int, workers: int | None, device: torch.device
) -> Iterator[Prediction]:
    count = default_workers() if workers is None else max(1, workers)
    trained.model.network.module.to(device)
    pairs = zip(inputs.names, ordered_map(inputs.load, range(len(inputs.names)), count), strict=True)
    while batch := list(islice(pairs, batch_size)):
        yield from _answered(trained, batch, top, device)


def _answered(
    trained: TrainedModel, batch: Sequence[tuple[str, TensorOrSkipped]], top: int, device: torch.device
) -> Iterator[Prediction]:
    found: dict[int, Prediction] = {}
    images: list[tuple[int, torch.Tensor]] = []
    for index, (path, loaded) in enumerate(batch):
        if isinstance(loaded, Skipped):
            found[index] = Prediction(path, error=loaded.reason)
        else:
            images.append((index, loaded))
    # 8-bit images and deeper ones go through separately, so that no image's numbers depend on its neighbours.
    for kind in {image.dtype for _, image in images}:
        group = [(index, image) for index, image in images if image.dtype == kind]
        stack = torch.stack([image for _, image in group]).to(device)
        best = trained.model.logits(stack).double().softmax(dim=1).topk(top, dim=1)
        for (index, _), values, classes in zip(group, best.values.tolist(), best.indices.tolist(), strict=True):
            found[index] = _prediction(batch[index][0], trained.model.classes, values, classes)
    yield from (found[index] for index in range(len(batch)))


def _prediction(path: str, names: Sequence[str], values: Sequence[float], classes: Sequence[int]) -> Prediction:
    if not all(map(math.isfinite, values)):
        return Prediction(path, error="the answer is NaN: the image holds NaN or infinite values")
    return Prediction(path, tuple((names[k], value) for k, value in zip(classes, values, strict=True)))


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device("cuda" if name == "gpu" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SpecError("a device that is here", f"{name!r}: {str(error).splitlines()[0][:120]}", "use --device cpu") from None
    return device
