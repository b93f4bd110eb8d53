"""What the table of the question needs besides advice's own records: every strategy's accuracy after fine-tuning."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.advice_records import subject_of
from benchmarks.advice_tasks import AdviceTask
from tare.advising.evidence.gathered import Subject, choices_of
from tare.normalisation.applied import Normalisation, same_inputs
from tare.normalisation.input_layer import InputLayer
from tare.studying.cells import pretraining
from tare.studying.cells.pretraining import train
from tare.studying.tasks.samples import Samples
from tare.system.files import write_text
from tare.system.seeds import derived

#: Steps, batch size and peak rate: those of ``tare study --protocols finetune``, fewer steps for the network of photographs.
_STEPS, _PHOTOGRAPHS, _BATCH, _RATE = 200, 60, 32, 1e-3
_TESTED = 300
_PASSED = 100


def tuned_of(task: AdviceTask, seed: int, folder: Path, *, kept_only: bool = False) -> dict[str, float] | None:
    """The share of right answers of each strategy after fine-tuning, measured or read from ``folder``; None if there is none."""
    path = folder / f"{_key(task, seed)}.json"
    if path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    if kept_only:
        return None
    subject, test = subject_of(task, seed, folder)
    found = _tuned(
        subject,
        test.take(np.arange(min(_TESTED, len(test.labels)))),
        steps=_PHOTOGRAPHS if task.pair.source is None else _STEPS,
        seed=seed,
    )
    write_text(path, json.dumps(found))
    return found


def _key(task: AdviceTask, seed: int) -> str:
    code = inspect.getsource(sys.modules[__name__]) + inspect.getsource(pretraining)
    return hashlib.sha256(f"tuned {task.name} {seed} {code}".encode()).hexdigest()[:24]


def _tuned(subject: Subject, test: Samples, *, steps: int, seed: int) -> dict[str, float]:
    """Strategies that feed the same input share one training."""
    choices, _ = choices_of(subject)
    twins = same_inputs(list(choices.values()))
    found: dict[str, float] = {}
    for name, chosen in choices.items():
        found[name] = found[twins[name]] if name in twins else _trained(subject, test, chosen, steps=steps, seed=seed)
    return found


def _trained(subject: Subject, test: Samples, chosen: Normalisation, *, steps: int, seed: int) -> float:
    assert subject.labels is not None  # noqa: S101
    module = _with_new_head(subject, classes=test.classes, seed=seed)
    normaliser = InputLayer(chosen)
    fed, count = normaliser(subject.samples), len(subject.labels)
    batch = max(2, min(_BATCH, count))
    epochs = math.ceil(steps / max(1, count // batch))
    train(module, lambda _: fed, torch.from_numpy(subject.labels), seed=seed, epochs=epochs, lr=_RATE, batch=batch)
    with torch.inference_mode():
        answers = torch.cat([module(normaliser(part)).argmax(dim=1) for part in torch.split(test.tensor(), _PASSED)])
    return float((answers.numpy() == test.labels).mean())


def _with_new_head(subject: Subject, *, classes: int, seed: int) -> nn.Module:
    """A copy of the network whose classifier is new, the same for all strategies."""
    module = copy.deepcopy(subject.module)
    old = module.get_submodule(subject.head)
    parent, _, leaf = subject.head.rpartition(".")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(seed, 4))
        setattr(module.get_submodule(parent), leaf, nn.Linear(old.in_features, classes))  # type: ignore[arg-type]
    return module.requires_grad_(True)
