"""Options of training: those that determine the trained weights, and those of the machine."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from tare.datasets.options import Augmenting
from tare.errors import SpecError
from tare.system.options import MOST_WORKERS, Seeded, flag, option, part, whole_number
from tare.system.trackers.inputs import RUN, Tracked

WHAT = "What is trained"
HOW = "How it is trained"

Protocol = Literal["finetune", "probe", "scratch"]
BatchNorm = Literal["train", "frozen", "reestimate"]
ClassWeights = Literal["none", "balanced"]


def _devices(text: str, _: str) -> int | str:
    """A number of devices, or the word."""
    number = whole_number(text)
    return text if number is None else number


@dataclass(frozen=True, kw_only=True)
class Training(Augmenting, Seeded):
    """The options that determine the trained weights; a run can only be resumed with the same options."""

    protocol: Protocol = option(
        "finetune",
        "finetune: the head, then all weights; probe: a head on frozen features; scratch: all weights, drawn at random.",
        panel=WHAT,
        what="a protocol",
    )
    head_epochs: int | None = option(
        None, "Epochs that train the head alone, before --epochs (1 for finetune).", panel=WHAT, least=0
    )
    freeze: str = option("none", "none, stem, body, or a pattern of parameter names such as 'layer1.*'.", panel=WHAT)
    batchnorm: BatchNorm = option(
        "train",
        "train: as in training; frozen: moments, weights and biases stay; reestimate: moments of your training split.",
        panel=WHAT,
    )
    bn_prior: float = option(
        0.0, "With probe and reestimate: number of samples that the network's own moments count as.", panel=WHAT, least=0
    )
    epochs: int = option(10, "Epochs that train all weights.", panel=HOW, above=0)
    batch_size: int = option(32, "Samples in a batch.", panel=HOW, above=0)
    optimizer: str = option("adamw", "timm's name of an optimiser: adamw, sgd, lamb, ...", panel=HOW)
    lr: float = option(3e-4, "Peak learning rate.", panel=HOW, above=0)
    weight_decay: float = option(0.05, "Weight decay, not applied to biases and norms.", panel=HOW, least=0)
    head_lr_factor: float = option(1.0, "Learning rate of the head, as a multiple of --lr.", panel=HOW, above=0)
    layer_decay: float | None = option(
        None, "Learning rate of each layer, as a multiple of the rate of the layer above: 0.75", panel=HOW, above=0, most=1
    )
    warm_up: float = option(
        0.1,
        "Share of the steps in which the learning rate rises, before it falls to zero along a cosine.",
        panel=HOW,
        least=0,
        most=1,
    )
    accumulate: int = option(1, "Batches per optimiser step.", panel=HOW, above=0)
    grad_clip: float | None = option(None, "Clip the gradient to this norm.", panel=HOW, above=0)
    ema: float | None = option(
        None, "Average the weights with this decay (0.99) and save the average.", panel=HOW, above=0, most=1
    )
    patience: int | None = option(
        None, "Stop after this many epochs without a better figure of the validation split.", panel=HOW, above=0
    )
    label_smoothing: float = option(0.0, "Share of each label spread over all classes.", panel=HOW, least=0, most=1)
    class_weights: ClassWeights = option("none", "balanced: rare classes weigh more in the loss.", panel=HOW)
    precision: str = option("32-true", "Lightning's precision: 32-true, bf16-mixed, 16-mixed.", panel=RUN)
    compile: bool = option(False, "Compile the network with torch.compile.", panel=RUN)

    @property
    def augmenting(self) -> Augmenting:
        """The options of augmentation."""
        return part(Augmenting, self)

    @property
    def epochs_of_head(self) -> int:
        """Epochs that train the head alone, before ``epochs``: one for fine-tuning unless stated."""
        stated = self.head_epochs
        return stated if stated is not None else int(self.protocol == "finetune" and self.freeze != "body")

    def settings(self) -> dict[str, Any]:
        """Return the options by name; a run can only be resumed with the same values."""
        return {**{entry.name: getattr(self, entry.name) for entry in fields(Training)}, "head_epochs": self.epochs_of_head}

    def check(self) -> None:
        """Raise :class:`SpecError` for options that the protocol cannot follow."""
        super().check()
        self._check_scratch()
        if self.bn_prior and not (self.protocol == "probe" and self.batchnorm == "reestimate"):
            raise SpecError(
                "--protocol probe --batchnorm reestimate with --bn-prior, since the prior moments belong to unchanged weights",
                f"--protocol {self.protocol} --batchnorm {self.batchnorm}",
                "drop --bn-prior",
            )
        if self.protocol == "probe":
            self._check_probe()

    def _check_scratch(self) -> None:
        if self.protocol != "scratch":
            return
        if self.freeze != "none" or self.head_epochs:
            raise SpecError(
                "--protocol scratch to train all weights",
                "--freeze or --head-epochs",
                "drop it: frozen random weights learn nothing",
            )
        if self.batchnorm == "frozen":
            raise SpecError("pretrained batch norms to freeze", "--protocol scratch", "use --batchnorm train")

    def _check_probe(self) -> None:
        for entry in fields(Training):
            value = getattr(self, entry.name)
            if entry.name not in _OF_PROBE and value != entry.default:
                raise not_for_probe(entry.name, value)


#: What a probe follows, and the usual options that it may carry though it trains no weights; it refuses all others.
_OF_PROBE = frozenset(
    {"protocol", "batchnorm", "bn_prior", "class_weights", "seed", "batch_size", "precision"}
    | {"epochs", "lr", "weight_decay", "warm_up", "augmentation"}
)


def not_for_probe(name: str, value: Any) -> SpecError:
    """Return the error for an option that would make a probe train weights other than the head's."""
    return SpecError(
        "an option that --protocol probe can follow, which trains only a head",
        f"{flag(name)} {value}",
        "drop it, or use --protocol finetune --freeze body",
    )


@dataclass(frozen=True, kw_only=True)
class Machine(Tracked):
    """The machine that trains, not part of a run's settings. ``device`` and ``devices`` go to Lightning's Trainer."""

    device: str = option(
        "auto",
        "Lightning's accelerator: auto, cpu, gpu, mps.",
        panel=RUN,
        form="auto|cpu|gpu|cuda|mps|tpu|hpu|xpu",
        what="auto, cpu, gpu, cuda, mps, tpu, hpu or xpu",
    )
    devices: int | str = option("auto", "Lightning's devices: auto or a number.", panel=RUN, reads=_devices)
    workers: int | None = option(
        None, "Loader processes; the result does not depend on it.", panel=RUN, least=0, most=MOST_WORKERS
    )
