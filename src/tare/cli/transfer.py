"""``tare transfer``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import Json, MaxSkipped, Seed, print_json


class StrategyName(StrEnum):
    """The strategies by name; the library checks them against its own."""

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


class AugmentationName(StrEnum):
    """How training images are varied."""

    none = "none"
    basic = "basic"


def transfer(
    data: Annotated[
        Path, typer.Argument(help="train/ and val/ with a folder per class, or one folder per class.", metavar="DIR")
    ],
    model: Annotated[str, typer.Option(help="timm:NAME, or FILE.py:FACTORY (runs that file).")],
    out: Annotated[Path, typer.Option(help="The run directory to make.")],
    weights: Annotated[str, typer.Option(help="pretrained, none, or a .safetensors or .pth file.")] = "pretrained",
    mean: Annotated[str | None, typer.Option(help="Source mean in unit values, one per channel: 0.5,0.5,0.5 or 0.5")] = None,
    std: Annotated[str | None, typer.Option(help="Source std in unit values, likewise.")] = None,
    source_stats: Annotated[Path | None, typer.Option(help="Measured statistics of dataset0, for the strategy match.")] = None,
    strategy: Annotated[StrategyName, typer.Option(help="With whose statistics the target is normalised.")] = StrategyName.source,
    protocol: Annotated[
        ProtocolName, typer.Option(help="Train everything, or a head on frozen features.")
    ] = ProtocolName.finetune,
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    lr: Annotated[float, typer.Option(help="Peak learning rate of AdamW.")] = 3e-4,
    size: Annotated[int | None, typer.Option(help="Input size in pixels, if not the network's own.", min=1)] = None,
    interpolation: Annotated[str | None, typer.Option(help="bilinear, bicubic, nearest or lanczos, if not its own.")] = None,
    crop: Annotated[float | None, typer.Option(help="Share of the edge that the centre crop keeps, if not its own.")] = None,
    augmentation: Annotated[AugmentationName, typer.Option(help="On raw training pixels.")] = AugmentationName.basic,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="Lightning's accelerator: auto, cpu, gpu, mps.")] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's devices: auto or a number.")] = "auto",
    precision: Annotated[str, typer.Option(help="Lightning's precision: 32-true, bf16-mixed, 16-mixed.")] = "32-true",
    workers: Annotated[int | None, typer.Option(help="Loader processes; the result does not depend on it.", min=0)] = None,
    max_skipped: MaxSkipped = 0.01,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing run directory.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run with the same settings.")] = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a network on an image folder and ship the normalisation inside the model directory."""
    from tare.reporting import console
    from tare.run_dir import is_main_process
    from tare.transferring import transfer as run_transfer

    run = run_transfer(
        model,
        data,
        strategy=strategy.value,
        out=out,
        weights=weights,
        mean=_numbers(mean, "--mean"),
        std=_numbers(std, "--std"),
        source_stats=source_stats,
        protocol=protocol.value,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        size=size,
        interpolation=interpolation,
        crop=crop,
        augmentation=augmentation.value,
        device=device,
        devices=int(devices) if devices.isdigit() else devices,
        precision=precision,
        workers=workers,
        max_skipped=max_skipped,
        overwrite=overwrite,
        resume=resume,
        reporter=console,
    )
    if not is_main_process():
        return
    if as_json:
        print_json(run.to_json())
    else:
        console.print_run(run)


def _numbers(text: str | None, option: str) -> list[float] | None:
    from tare.errors import SpecError

    if text is None:
        return None
    try:
        return [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"numbers after {option}", f"{text!r}", "write them as 0.485,0.456,0.406") from None
