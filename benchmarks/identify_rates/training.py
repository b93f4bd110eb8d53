"""Train the networks of the measurement, a few hundred steps each, and keep their weights."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from benchmarks.identify_rates import nets
from benchmarks.identify_rates.cases import Case, augmented, cases, cases_without
from tare.sources.files.image_folder import read_image, walk_files
from tare.system.files import replacing

_BATCH, _STEPS, _RATE = 96, 260, 4e-3
#: Images of CIFAR-10's test split that no network is trained on.
HELD_OUT = 2000


def cifar(root: Path) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """All images ``(N, 3, 32, 32)`` uint8 in a seeded order, their labels, and their paths; the last are held out."""
    files = sorted(walk_files(root / "cifar10-test" / "test"))
    order = np.random.default_rng(0).permutation(len(files))
    names = [files[place] for place in order]
    classes = sorted({Path(name).parent.name for name in names})
    labels = torch.tensor([classes.index(Path(name).parent.name) for name in names])
    images = torch.stack([torch.from_numpy(np.asarray(read_image(name, "rgb"))).permute(2, 0, 1) for name in names])
    return images, labels, names


def trained(case: Case, images: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[nn.Module, float]:
    """A network after ``_STEPS`` steps of AdamW, the rate falling to zero, and its accuracy on the last batches."""
    torch.manual_seed(seed)
    network: nn.Module = getattr(nets, case.architecture)()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_RATE, total_steps=_STEPS)
    right = 0
    for step in range(_STEPS):
        chosen = torch.randint(len(images), (_BATCH,))
        outputs = network(augmented(images[chosen], case.augmentation, case.spec))
        loss = functional.cross_entropy(outputs, labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        right += int((outputs.argmax(1) == labels[chosen]).sum()) if step >= _STEPS - 10 else 0
    return network, right / (10 * _BATCH)


def train_all(root: Path, folder: Path) -> None:
    """Train what is not in ``folder`` yet."""
    missing = [(place, case) for place, case in enumerate((*cases(), *cases_without())) if not case.file(folder).is_file()]
    if not missing:
        return
    images, labels, _ = cifar(root)
    for place, case in missing:
        begun = time.process_time()
        network, accuracy = trained(case, images[:-HELD_OUT], labels[:-HELD_OUT], place)
        with replacing(case.file(folder)) as temporary:
            save_file(network.state_dict(), temporary)
        words = f"{case.architecture}, {case.convention}, {case.augmentation}"
        print(f"{words}: accuracy {accuracy:.2f} in {time.process_time() - begun:.0f} s of processor time", file=sys.stderr)
