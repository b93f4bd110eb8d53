"""``tare transfer``. Its options are the keywords of ``tare.transfer``, by name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tare.cli.options import SPEC_HELP, Json, MaxSkipped, Seed, numbers_of, print_json


class StrategyName(StrEnum):
    """The strategies by name; the library checks them against its own."""

    auto = "auto"
    source = "source"
    target = "target"
    match = "match"
    blend = "blend"
    sample = "sample"
    none = "none"


class ProtocolName(StrEnum):
    """How a network is transferred."""

    finetune = "finetune"
    probe = "probe"
    scratch = "scratch"


class BatchNormName(StrEnum):
    """What batch norm does."""

    train = "train"
    frozen = "frozen"
    reestimate = "reestimate"


class AugmentationName(StrEnum):
    """How training images are varied."""

    none = "none"
    basic = "basic"
    trivialaugment = "trivialaugment"
    randaugment = "randaugment"


class ClassWeightsName(StrEnum):
    """How classes are weighted."""

    none = "none"
    balanced = "balanced"


class LoggerName(StrEnum):
    """Who is told the figures of each epoch, beside the table."""

    none = "none"
    tensorboard = "tensorboard"
    mlflow = "mlflow"


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


_NET, _NORM, _WHAT, _HOW = "The network", "Normalisation", "What is trained", "How it is trained"
_VARY, _RUN, _DATA = "Augmentation of raw training images", "The run", "The data"


def transfer(
    data: Annotated[
        str,
        typer.Argument(
            help="train/ and val/ with a folder per class, one folder per class, or a labelled manifest, table, .tar or .npz.",
            metavar="DATA",
        ),
    ],
    model: Annotated[
        str,
        _option(
            _NET,
            "timm:NAME, torchvision:NAME, the directory of an earlier run, or FILE.py:FACTORY (runs that file); tare:cnn1d for "
            "signals, tare:mlp for rows of numbers (-layer, -none: without batch norm).",
        ),
    ],
    out: Annotated[Path, _option(_RUN, "The run directory to make.")],
    weights: Annotated[str, _option(_NET, "pretrained, none, a .safetensors or .pth file, or an earlier run.")] = "pretrained",
    size: Annotated[int | None, _option(_NET, "Input size in pixels, if not the network's own.", min=1)] = None,
    interpolation: Annotated[str | None, _option(_NET, "bilinear, bicubic, nearest or lanczos, if not its own.")] = None,
    crop: Annotated[float | None, _option(_NET, "Share of the edge that the centre crop keeps, if not its own.")] = None,
    length: Annotated[
        int | None, _option(_NET, "Steps of a signal, if not the earlier run's or the median of the training split.", min=1)
    ] = None,
    strategy: Annotated[StrategyName, _option(_NORM, "With whose statistics the target is normalised.")] = StrategyName.source,
    mean: Annotated[
        str | None, _option(_NORM, "Source mean in unit values, if the network states none or a wrong one: 0.5,0.5,0.5 or 0.5")
    ] = None,
    std: Annotated[str | None, _option(_NORM, "Source std in unit values, likewise.")] = None,
    spec: Annotated[str | None, _option(_NET, SPEC_HELP, metavar="SPEC")] = None,
    label: Annotated[str | None, _option(_DATA, "The column or array of labels, if not called so.")] = None,
    label_pattern: Annotated[
        str | None,
        _option(_DATA, "Regular expression: its first group in a sample's path is the label, the others are left out."),
    ] = None,
    array: Annotated[str | None, _option(_DATA, "The array of images in an .npz.")] = None,
    source_stats: Annotated[Path | None, _option(_NORM, "Measured statistics of dataset0, for the strategy match.")] = None,
    protocol: Annotated[
        ProtocolName, _option(_WHAT, "The head, then everything; a head on frozen features; or everything, from random weights.")
    ] = ProtocolName.finetune,
    head_epochs: Annotated[
        int | None, _option(_WHAT, "Epochs that train the head alone, before --epochs (1 for finetune).", min=0)
    ] = None,
    freeze: Annotated[str, _option(_WHAT, "none, stem, body, or a pattern of parameter names such as 'layer1.*'.")] = "none",
    batchnorm: Annotated[
        BatchNormName,
        _option(_WHAT, "Trained; frozen (moments, weights and biases); or moments re-estimated on the target's training split."),
    ] = BatchNormName.train,
    bn_prior: Annotated[float, _option(_WHAT, "With probe and reestimate: the source counts as so many samples.", min=0)] = 0.0,
    epochs: Annotated[int, _option(_HOW, "Epochs that train everything.", min=1)] = 10,
    batch_size: Annotated[int, _option(_HOW, "Samples in a batch.", min=1)] = 32,
    optimizer: Annotated[str, _option(_HOW, "timm's name of an optimiser: adamw, sgd, lamb, ...")] = "adamw",
    lr: Annotated[float, _option(_HOW, "Peak learning rate.")] = 3e-4,
    weight_decay: Annotated[float, _option(_HOW, "Of weights, not of biases and norms.", min=0)] = 0.05,
    head_lr_factor: Annotated[float, _option(_HOW, "The head learns so many times as fast.")] = 1.0,
    layer_decay: Annotated[float | None, _option(_HOW, "Each layer learns this much slower than the one above it: 0.75")] = None,
    warm_up: Annotated[float, _option(_HOW, "Share of the steps that warms up, before the cosine to zero.", min=0, max=1)] = 0.1,
    accumulate: Annotated[int, _option(_HOW, "Batches whose gradients make one step.", min=1)] = 1,
    grad_clip: Annotated[float | None, _option(_HOW, "Largest norm of the gradient.")] = None,
    ema: Annotated[float | None, _option(_HOW, "Average the weights with this decay (0.99) and ship the average.")] = None,
    patience: Annotated[
        int | None, _option(_HOW, "Stop after so many epochs without a better validation accuracy.", min=1)
    ] = None,
    label_smoothing: Annotated[float, _option(_HOW, "Share of each label spread over all classes.", min=0, max=1)] = 0.0,
    class_weights: Annotated[
        ClassWeightsName, _option(_HOW, "balanced: rare classes weigh more in the loss.")
    ] = ClassWeightsName.none,
    augmentation: Annotated[
        AugmentationName, _option(_VARY, "basic: random resized crop and flip; a random cut of signals.")
    ] = AugmentationName.basic,
    mixup: Annotated[float, _option(_VARY, "Alpha of mixup's Beta distribution; 0 for none.", min=0)] = 0.0,
    cutmix: Annotated[float, _option(_VARY, "Alpha of CutMix's Beta distribution; 0 for none.", min=0)] = 0.0,
    erasing: Annotated[float, _option(_VARY, "Probability of erasing a rectangle.", min=0, max=1)] = 0.0,
    seed: Seed = 0,
    device: Annotated[str, _option(_RUN, "Lightning's accelerator: auto, cpu, gpu, mps.")] = "auto",
    devices: Annotated[str, _option(_RUN, "Lightning's devices: auto or a number.")] = "auto",
    precision: Annotated[str, _option(_RUN, "Lightning's precision: 32-true, bf16-mixed, 16-mixed.")] = "32-true",
    compile: Annotated[bool, _option(_RUN, "Compile the network with torch.compile.", "--compile")] = False,  # noqa: A002
    workers: Annotated[int | None, _option(_RUN, "Loader processes; the result does not depend on it.", min=0)] = None,
    logger: Annotated[LoggerName, _option(_RUN, "Beside metrics.csv, log each epoch to this, if installed.")] = LoggerName.none,
    max_skipped: MaxSkipped = 0.01,
    overwrite: Annotated[bool, _option(_RUN, "Replace an existing run directory.", "--overwrite")] = False,
    resume: Annotated[bool, _option(_RUN, "Continue an interrupted run with the same settings.", "--resume")] = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a network on labelled images, signals or rows and ship the normalisation inside the model directory."""
    options: dict[str, Any] = {name: value.value if isinstance(value, StrEnum) else value for name, value in locals().items()}
    from tare.reporting import console
    from tare.reporting.transfer.report import print_run, write_run
    from tare.training.run_dir import is_main_process
    from tare.transferring.api import transfer as run_transfer

    del options["as_json"]
    options |= {"mean": numbers_of(mean, "--mean"), "std": numbers_of(std, "--std"), "reporter": console}
    options["devices"] = int(devices) if devices.isdigit() else devices
    run = run_transfer(**options)
    if not is_main_process():
        return
    page = run.out / "report.html"
    write_run(run, page)
    if as_json:
        print_json(run.to_json())
    else:
        print_run(run, page)
