"""How to train: a few groups of options, what they may be, and which of them contradict each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args

from tare.datasets.augmentation import Augmentation, Augmenting
from tare.errors import SpecError

Protocol = Literal["finetune", "probe", "scratch"]
BatchNorm = Literal["train", "frozen", "reestimate"]
ClassWeights = Literal["none", "balanced"]
Logger = Literal["none", "tensorboard", "mlflow"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is trained: the protocol, what stays frozen, and what batch norm does.

    ``head_epochs`` train the head alone before the others; None leaves it to the protocol. ``bn_prior`` counts samples.
    """

    protocol: Protocol = "finetune"
    head_epochs: int | None = None
    freeze: str = "none"
    batchnorm: BatchNorm = "train"
    bn_prior: float = 0.0


@dataclass(frozen=True, slots=True)
class Optimising:
    """The optimiser, by timm's name, and its steps; rates are peaks, ``warm_up`` a share of the steps."""

    optimizer: str = "adamw"
    lr: float = 3e-4
    weight_decay: float = 0.05
    head_lr_factor: float = 1.0
    layer_decay: float | None = None
    warm_up: float = 0.1
    accumulate: int = 1
    grad_clip: float | None = None
    ema: float | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised: cross-entropy, with smoothed labels and weighted classes."""

    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"


@dataclass(frozen=True, slots=True)
class Machine:
    """What trains: ``device``, ``devices`` and ``precision`` go to Lightning's Trainer as they are."""

    device: str = "auto"
    devices: int | str = "auto"
    precision: str = "32-true"
    compile: bool = False
    workers: int = 0
    logger: Logger = "none"
    progress: bool = True


@dataclass(frozen=True, slots=True)
class Training:
    """How to train; ``patience`` is the number of epochs without a better validation accuracy that ends a run."""

    epochs: int = 10
    batch_size: int = 32
    patience: int | None = None
    seed: int = 0
    tuning: Tuning = field(default_factory=Tuning)
    optimising: Optimising = field(default_factory=Optimising)
    objective: Objective = field(default_factory=Objective)
    augmenting: Augmenting = field(default_factory=Augmenting)
    machine: Machine = field(default_factory=Machine)

    @property
    def head_epochs(self) -> int:
        """Epochs that train the head alone, in addition to ``epochs``: one for fine-tuning unless stated."""
        stated = self.tuning.head_epochs
        return stated if stated is not None else int(self.tuning.protocol == "finetune" and self.tuning.freeze != "body")

    def settings(self) -> dict[str, Any]:
        """What decides about the trained weights, flat: a run is resumed only with the same."""
        irrelevant = {"workers", "logger", "progress", "device", "devices"}
        values = {name: value for _, name, value, _ in self._options() if name not in irrelevant}
        return {**values, "head_epochs": self.head_epochs}

    def check(self) -> None:
        """Raise :class:`SpecError` for a value out of range or for options that contradict each other."""
        for _, name, value, _ in self._options():
            _check_range(name, value)
        _check_tuning(self.tuning)
        if self.augmenting.erasing and self.augmenting.augmentation == "none":
            raise SpecError("an augmentation beside --erasing", "--augmentation none", "use --augmentation basic")
        if self.tuning.protocol == "probe":
            self._check_probe()

    def _check_probe(self) -> None:
        for group, name, value, default in self._options():
            trains = isinstance(group, Optimising | Augmenting) or name in _TRAINS
            if trains and name not in _TOLERATED and value != default:
                raise SpecError(
                    "an option that --protocol probe can follow, which trains no weights but a head's",
                    f"{_flag(name)} {value}",
                    "drop it, or use --protocol finetune --freeze body",
                )

    def _options(self) -> Iterator[tuple[Any, str, Any, Any]]:
        """Each option with its group, its name, its value and its default."""
        groups = (self.tuning, self.optimising, self.objective, self.augmenting, self.machine)
        for group in (self, *groups):
            for entry in fields(group):
                value = getattr(group, entry.name)
                if value not in groups:
                    yield group, entry.name, value, entry.default


#: Options of other groups that only a training loop can follow; and those so usual that a probe may carry them.
_TRAINS = ("patience", "head_epochs", "freeze", "label_smoothing", "compile", "logger")
_TOLERATED = ("lr", "weight_decay", "warm_up", "augmentation")

# Least and greatest value, and whether the least itself is allowed.
_RANGES: dict[str, tuple[float, float, bool]] = {
    **dict.fromkeys(("epochs", "batch_size", "patience", "accumulate"), (0, math.inf, False)),
    **dict.fromkeys(("lr", "head_lr_factor", "grad_clip"), (0, math.inf, False)),
    **dict.fromkeys(("head_epochs", "bn_prior", "weight_decay", "mixup", "cutmix", "workers"), (0, math.inf, True)),
    **dict.fromkeys(("warm_up", "erasing"), (0, 1, True)),
    **dict.fromkeys(("layer_decay", "ema"), (0, 1, False)),
    "label_smoothing": (0, 1, True),
}  # fmt: skip

_CHOICES: dict[str, tuple[str, ...]] = {
    "protocol": get_args(Protocol),
    "batchnorm": get_args(BatchNorm),
    "augmentation": get_args(Augmentation),
    "class_weights": get_args(ClassWeights),
    "logger": get_args(Logger),
}


def picked(kind: type[T], arguments: dict[str, Any]) -> T:
    """An instance of the dataclass ``kind`` from those of ``arguments`` that bear the names of its fields."""
    names = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in arguments.items() if name in names})


def _check_range(name: str, value: Any) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        choices = " or ".join((", ".join(_CHOICES[name][:-1]), _CHOICES[name][-1]))
        what = {"protocol": "a protocol"}.get(name, f"one of {_flag(name)}")
        raise SpecError(f"{what}: {choices}", f"{value!r}", "choose one of them")
    if name not in _RANGES or value is None:
        return
    low, high, with_low = _RANGES[name]
    if not (low < value <= high or (with_low and value == low)):
        least = f"at least {low:g}" if with_low else "above zero"
        most = "" if math.isinf(high) else f" and at most {high:g}"
        raise SpecError(f"{_flag(name)} {least}{most}", f"{value}", "raise it" if not value > low else "lower it")


def _check_tuning(tuning: Tuning) -> None:
    """Raise :class:`SpecError` for a protocol that cannot do what the other options ask of it."""
    scratch, probe = tuning.protocol == "scratch", tuning.protocol == "probe"
    if scratch and (tuning.freeze != "none" or tuning.head_epochs):
        raise SpecError(
            "--protocol scratch to train all weights", "--freeze or --head-epochs", "drop it: random weights teach nothing"
        )
    if scratch and tuning.batchnorm == "frozen":
        raise SpecError("batch norms that hold statistics to freeze", "--protocol scratch", "use --batchnorm train")
    if tuning.bn_prior and not (probe and tuning.batchnorm == "reestimate"):
        raise SpecError(
            "--protocol probe --batchnorm reestimate beside --bn-prior: the source's moments belong to the source's weights",
            f"--protocol {tuning.protocol} --batchnorm {tuning.batchnorm}",
            "drop --bn-prior",
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
