"""The check of repositories: processor time and memory of ``tare check PATH`` against its goals, and against ruff."""

from __future__ import annotations

import ast
import gc
import importlib.util
import os
import pickle
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import Absent, Outcome, Result, Row, Setting

_SCRIPT = '''"""Train network {number}."""

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

from constants_{number} import MEAN, STD


def loaders(folder, size=224, batch=32):
    train = transforms.Compose(
        [
            transforms.RandomResizedCrop(size),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    val = transforms.Compose(
        [transforms.Resize(256), transforms.CenterCrop(size), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    )
    train_set, val_set = datasets.ImageFolder(folder + "/train", train), datasets.ImageFolder(folder + "/val", val)
    return DataLoader(train_set, batch, shuffle=True), DataLoader(val_set, batch)


class Trainer:
    def __init__(self, classes, rate=1e-3):
        self.model = models.resnet{depth}(weights="IMAGENET1K_V1")
        self.model.fc = torch.nn.Linear(self.model.fc.in_features, classes)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), rate)

    def epoch(self, loader):
        self.model.train()
        for images, labels in loader:
            loss = torch.nn.functional.cross_entropy(self.model(images), labels)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()


if __name__ == "__main__":
    train_loader, val_loader = loaders("data")
    Trainer({number}).epoch(train_loader)
'''
_CONSTANTS = "MEAN = [0.485, 0.456, 0.406]\nSTD = [0.229, 0.224, 0.225]\n"
# The memory of a process as the kernel counts it since the process began; that of a child would count its parent, too.
_PEAK = """
import sys
from tare.checking.linting.api import check_code
check_code(sys.argv[1], cache=False)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
_FILES = 100
#: How many times as many files take how much more memory.
_TIMES = 10
#: Files a second that are to be judged with and without the cache.
_WARM, _COLD = 1000, 200


def checking(setting: Setting) -> Iterator[Outcome]:
    """A made repository of 100 files, half of them training scripts, and the files of installed libraries."""
    folder = _made(setting.scratch / "code", _FILES)
    cold = [_seconds("-m", "tare", "check", str(folder), "--no-cache") for _ in range(setting.rounds)]
    ratios = tuple(each / 1.0 for each in cold)
    yield Result(f"{_FILES} made files, cold", "processor time / 1 s", ratios, 1.0, _middle(cold), "s", "<= 1")
    yield _start(setting)
    yield _memory(folder, _made(setting.scratch / "code-more", _TIMES * _FILES), setting)
    for library in ("torchvision", "timm"):
        spec = importlib.util.find_spec(library)
        if spec is None or spec.origin is None:
            yield Absent(f"code, {library}", "not installed")
            continue
        yield from _of_library(library, Path(spec.origin).parent, setting)


ROWS = (Row("code", checking),)


def _start(setting: Setting) -> Result:
    """What a check takes before it reads more than one file: Python, the command line, the report."""
    file = setting.scratch / "one.py"
    file.write_text("x = 1\n")
    starts = tuple(_seconds("-m", "tare", "check", str(file)) for _ in range(setting.rounds))
    return Result("one file: the start alone", "processor time / 1 s", starts, 1.0, _middle(starts), "s")


def _memory(few: Path, many: Path, setting: Setting) -> Result:
    """The most memory for many files over that for few."""
    pairs = [[float(_output("-c", _PEAK, str(each))) * 1024 for each in (few, many)] for _ in range(setting.rounds)]
    fews, manys = zip(*pairs, strict=True)
    name = f"{_TIMES * _FILES:,} made files, memory"
    ratios = tuple(large / small for small, large in pairs)
    return Result(name, f"peak / peak with {_FILES}", ratios, _middle(fews) / 1e6, _middle(manys) / 1e6, "MB", "<= 1.3")


def _of_library(library: str, installed: Path, setting: Setting) -> Iterator[Outcome]:
    folder = setting.scratch / f"code-{library}"
    if not folder.exists():  # installed files lie where a check of a repository does not look
        shutil.copytree(installed, folder, ignore=lambda _, names: [name for name in names if name == "__pycache__"])
    number = sum(1 for _ in folder.rglob("*.py"))
    yield _trees(f"{library}, {number} files", folder, setting)
    cache = setting.scratch / "code-cache"
    turns = []
    for _ in range(setting.rounds):
        shutil.rmtree(cache, ignore_errors=True)
        ruff = _seconds("-m", "ruff", "check", "--no-cache", "--quiet", str(folder))
        cold = _seconds("-m", "tare", "check", str(folder), cache=cache)
        turns.append((ruff, cold, _seconds("-m", "tare", "check", str(folder), cache=cache)))
    ruffs, colds, warms = zip(*turns, strict=True)
    name = f"{library}, {number} files"
    against = tuple(theirs / ours for theirs, ours in zip(ruffs, colds, strict=True))
    yield Result(f"{name}, cold", "ruff check / tare check", against, _middle(ruffs), _middle(colds), "s")
    for what, seconds, wanted in (("cold", colds, _COLD), ("warm", warms, _WARM)):
        goal = number / wanted
        label = f"processor time / {goal:.2g} s ({wanted:,} files a second)"
        yield Result(f"{name}, {what}", label, tuple(each / goal for each in seconds), goal, _middle(seconds), "s", "<= 1")


def _trees(name: str, folder: Path, setting: Setting) -> Result:
    """Whether processes that parse would help: taking a tree over from another process against parsing it."""
    texts = [path.read_bytes() for path in folder.rglob("*.py")]
    was = gc.isenabled()
    gc.disable()  # as tare does while it reads code; the collector would count what the benchmark itself holds
    try:
        parsing, loading = zip(*(_parsed_and_taken(texts) for _ in range(setting.rounds)), strict=True)
    finally:
        if was:
            gc.enable()
    ratios = tuple(load / parse for load, parse in zip(loading, parsing, strict=True))
    return Result(name, "taking trees from another process / parsing", ratios, _middle(parsing), _middle(loading), "s")


def _parsed_and_taken(texts: Sequence[bytes]) -> tuple[float, float]:
    begun = time.process_time()
    trees = [ast.parse(text) for text in texts]
    parsed = time.process_time() - begun
    kept = [pickle.dumps(tree, pickle.HIGHEST_PROTOCOL) for tree in trees]
    begun = time.process_time()
    taken = [pickle.loads(each) for each in kept]  # noqa: S301 - what was written two lines above
    spent = time.process_time() - begun
    del taken  # held until the clock was read: letting trees go takes time, too
    return parsed, spent


def _made(folder: Path, files: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(files // 2):
        (folder / f"train_{number}.py").write_text(_SCRIPT.format(number=number, depth=(18, 34, 50)[number % 3]))
        (folder / f"constants_{number}.py").write_text(_CONSTANTS)
    return folder


def _seconds(*command: str, cache: Path | None = None) -> float:
    """Processor time of a command in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _output(*command, cache=cache)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _output(*command: str, cache: Path | None = None) -> str:
    """What a command prints; its exit code may say that it found something."""
    environment = dict(os.environ) | ({} if cache is None else {"XDG_CACHE_HOME": str(cache)})
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr[-500:])
    return done.stdout


def _middle(values: tuple[float, ...] | list[float]) -> float:
    return sorted(values)[len(values) // 2]
