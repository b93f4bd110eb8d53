"""What folding adds to a network's inference time, and what normalising in front of it adds.

In processor time of one thread, every kind of network with weights of its own, in turn. Only the first layer differs, often by
less than the rest of a network varies from call to call; so that layer is timed where it runs, too, and the second ratio is
(network + difference of the first layers) / network: the same quantity with less noise, and the one that is judged.

All of it runs in a process of its own that keeps the memory it has had. Otherwise the system hands out large outputs anew now
and then, page by page, which takes as long as small layers do and falls on whichever network is in turn.
"""

from __future__ import annotations

import copy
import ctypes
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.harness import Result, Setting

# Architecture, batch size, channels last, calls in one measurement, rounds.
_CASES = (
    ("resnet18", 1, False, 1, 31),
    ("mobilenetv3_small_050", 1, False, 8, 31),
    ("mobilenetv3_small_050", 16, False, 1, 31),
    ("mobilenetv3_small_050", 16, True, 1, 31),
    ("deit_tiny_patch16_224", 1, False, 1, 31),
)
_PAIRS = (
    ("its copy", "bare network", ""),
    ("folded", "bare network", "<= 1.02"),
    ("Normalize and network", "bare network", ""),
    ("folded uint8", "ToDtype, Normalize and network", ""),
)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's numbers of them


def folding(setting: Setting) -> Iterator[Result]:
    """Folded networks of timm with random weights, 224 pixels, in inference mode."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_keep_memory) as pool:
        for case in _CASES:
            yield from pool.submit(_measured, case, setting.quick).result()


def _keep_memory() -> None:
    libc = ctypes.CDLL(None)
    for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        libc.mallopt(parameter, 2**31 - 1)


def _measured(case: tuple[str, int, bool, int, int], quick: bool) -> list[Result]:
    import torch

    torch.set_num_threads(1)
    name, size, last, calls, rounds = case
    whole, front = _in_turn(_kinds(name, size, last=last), 1 if quick else calls, 1 if quick else rounds)
    return list(_compared(f"{name}, batch of {size}{', channels last' if last else ''}", whole, front))


def _compared(what: str, whole: dict[str, list[float]], front: dict[str, list[float]]) -> Iterator[Result]:
    for ours, reference, goal in _PAIRS:
        base = statistics.median(whole[reference])
        ratios = tuple(own / other for own, other in zip(whole[ours], whole[reference], strict=True))
        yield Result(what, f"{ours} / {reference}", ratios, base, statistics.median(whole[ours]), "s")
        ratios = tuple((base + own - other) / base for own, other in zip(front[ours], front[reference], strict=True))
        yield Result(what, f"{ours}, by the first layer", ratios, base, base * statistics.median(ratios), "s", goal)


def _kinds(name: str, size: int, *, last: bool) -> list[_Kind]:
    import timm
    import torch
    from torchvision.transforms import v2

    from tare.folding.api import fold
    from tare.input_spec.spec import InputSpec

    torch.manual_seed(0)
    spec, layout = InputSpec.of(_MEAN, _STD, raw_dtype="uint8"), torch.channels_last if last else torch.contiguous_format
    bare = timm.create_model(name).eval().to(memory_format=layout)
    raw = torch.randint(0, 256, (size, 3, 224, 224), dtype=torch.uint8).to(memory_format=layout)
    unit = (raw / 255).to(memory_format=layout)
    normalise, scale = v2.Normalize(list(_MEAN), list(_STD)), v2.ToDtype(torch.float32, scale=True)
    nets = {
        kind: copy.deepcopy(bare)
        for kind in ("bare network", "its copy", "Normalize and network", "ToDtype, Normalize and network")
    }
    nets |= {"folded": fold(bare, spec), "folded uint8": fold(bare, spec, "uint8")}
    prepare: dict[str, Callable[[Any], Any]] = {
        "Normalize and network": normalise,
        "ToDtype, Normalize and network": lambda images: normalise(scale(images)),
    }
    # The bare network is given what the others make of the images: the time of a maximum, for one, depends on the values.
    given = {"bare network": normalise(unit), "its copy": normalise(unit)}
    given |= dict.fromkeys(("folded uint8", "ToDtype, Normalize and network"), raw)
    return [_Kind(kind, net, prepare.get(kind, _unchanged), given.get(kind, unit)) for kind, net in nets.items()]


def _unchanged(images: Any) -> Any:
    return images


class _Kind:
    """A network behind what prepares its input; ``front`` is the time of that and of the first layer in the last call."""

    def __init__(self, name: str, network: Any, prepare: Callable[[Any], Any], images: Any) -> None:
        from torch import nn

        self.name, self.network, self.prepare, self.images = name, network, prepare, images
        self.front = self.begun = 0.0
        first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
        first.register_forward_pre_hook(self._enter)
        first.register_forward_hook(self._leave)

    def run(self) -> None:
        """One call."""
        begun = time.process_time()
        given = self.prepare(self.images)
        self.front = time.process_time() - begun
        self.network(given)

    def _enter(self, *_: Any) -> None:
        self.begun = time.process_time()

    def _leave(self, *_: Any) -> None:
        self.front += time.process_time() - self.begun


def _in_turn(kinds: list[_Kind], calls: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds a call, of everything and of the front alone, by kind, one a round."""
    import torch

    whole: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    front: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    with torch.inference_mode():
        for index in range(-1, rounds):
            for kind in kinds[index % len(kinds) :] + kinds[: index % len(kinds)]:
                begun, spent = time.process_time(), 0.0
                for _ in range(calls):
                    kind.run()
                    spent += kind.front
                if index >= 0:  # the round before the first is not counted
                    front[kind.name].append(spent / calls)
                    whole[kind.name].append((time.process_time() - begun) / calls)
    return whole, front
