"""Answers of a trained model, a batch of samples at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch

from tare.errors import DataError, SpecError
from tare.input_spec.geometry import NOUNS
from tare.networks.stored.trained import TrainedModel
from tare.predicting.inputs import AnswerOptions
from tare.predicting.likeness import unlike_training
from tare.predicting.masks import mask_places, write_mask
from tare.predicting.result import Prediction
from tare.predicting.samples import NamedInputs, Read
from tare.samples.records import Skipped
from tare.system.engines.local import default_workers, ordered_map
from tare.tasks.segmentation import Segmentation
from tare.tasks.task import Task


def predictions(trained: TrainedModel, inputs: NamedInputs, options: AnswerOptions) -> Iterator[Prediction]:
    """Answer ``inputs`` in order, a batch at a time; nothing is read before the first answer is asked for.

    Raises :class:`DataError` if there is no input.
    """
    if options.masks is not None and not trained.model.task.dense:
        raise SpecError("a run of --task segmentation for --masks", f"one of {trained.model.task.name}", "leave --masks out")
    if not inputs.names:
        noun = NOUNS[trained.model.takes.kind].removesuffix("s")
        raise DataError(f"at least one {noun}", "none", "name files, folders or patterns, or pipe a list to -")
    places = {} if options.masks is None else mask_places(Path(options.masks), inputs.names)
    for remark in inputs.remarks:
        options.reporter.note(remark)
    return _answers(trained, inputs, options, places, _device(options.device))


def _answers(
    trained: TrainedModel, inputs: NamedInputs, options: AnswerOptions, places: Mapping[str, Path], device: torch.device
) -> Iterator[Prediction]:
    trained.model.network.module.to(device)
    pairs = zip(
        inputs.names, ordered_map(inputs.load, range(len(inputs.names)), options.workers or default_workers()), strict=True
    )
    batches = iter(lambda: list(islice(pairs, options.batch_size)), [])
    for number, batch in enumerate(batches):
        if number == 0:
            for line in unlike_training(trained, [loaded.values for _, loaded in batch if not isinstance(loaded, Skipped)]):
                options.reporter.note(line)
        yield from _answered(trained, batch, options.top, places, device)


def _answered(
    trained: TrainedModel,
    batch: Sequence[tuple[str, Read | Skipped]],
    top: int,
    places: Mapping[str, Path],
    device: torch.device,
) -> Iterator[Prediction]:
    found: dict[int, Prediction] = {}
    images: list[tuple[int, Read]] = []
    for index, (path, loaded) in enumerate(batch):
        if isinstance(loaded, Skipped):
            found[index] = Prediction(path, error=loaded.reason)
        else:
            images.append((index, loaded))
    # 8-bit images and deeper ones go through separately, so that no image's numbers depend on its neighbours.
    for kind in {image.values.dtype for _, image in images}:
        group = [(index, image) for index, image in images if image.values.dtype == kind]
        stack = torch.stack([image.values for _, image in group]).to(device)
        task = trained.model.task
        answers = task.answers(trained.model.logits(stack).double())
        for (index, _), values in zip(group, task.summed(answers).tolist(), strict=True):
            found[index] = _prediction(batch[index][0], task, values, top)
        if places and isinstance(task, Segmentation):
            for (index, image), each in zip(group, answers, strict=True):
                write_mask(places[batch[index][0]], image.size, each.argmax(dim=0).cpu().numpy(), task)
    yield from (found[index] for index in range(len(batch)))


def _prediction(path: str, task: Task, values: Sequence[float], top: int) -> Prediction:
    if not all(map(math.isfinite, values)):
        why = "the image holds such values, or a resize put some below those that a logarithm takes"
        return Prediction(path, error=f"the answer is NaN or infinite: {why}")
    return Prediction(path, task.said(values, top), task=task.name, labels=task.present(values))


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device("cuda" if name == "gpu" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SpecError("a device that is here", f"{name!r}: {str(error).splitlines()[0][:120]}", "use --device cpu") from None
    return device
