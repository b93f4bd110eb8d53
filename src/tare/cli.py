"""The command line: parse, call, render. Exit codes: 0 clean, 1 findings, 2 unusable input or failure."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tare._version import __version__

app = typer.Typer(
    name="tare",
    help="Input normalisation done right in transfer learning: measure it, train with it, ship it inside the model.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class StrategyName(StrEnum):
    """The strategies by name; the library checks them against its own."""

    source = "source"
    target = "target"
    match = "match"
    blend = "blend"
    sample = "sample"
    none = "none"


class ColourName(StrEnum):
    """How images are read."""

    stored = "stored"
    grey = "grey"
    rgb = "rgb"


class ProtocolName(StrEnum):
    """How a network is transferred."""

    finetune = "finetune"
    probe = "probe"


class AugmentationName(StrEnum):
    """How training images are varied."""

    none = "none"
    basic = "basic"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Workers = Annotated[int | None, typer.Option(help="Parallel readers; the result does not depend on it.", min=1)]
MaxSkipped = Annotated[float, typer.Option(help="Largest share of unreadable images that is no failure.", min=0, max=1)]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    del version


@app.command(epilog="Example: tare measure photos/ --json")
def measure(
    data: Annotated[Path, typer.Argument(help="A folder of images, nested or not.", metavar="DIR")],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write the statistics to this JSON file.")] = None,
    channels: Annotated[ColourName, typer.Option(help="Convert every image, or keep what is stored.")] = ColourName.stored,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
) -> None:
    """Measure per-channel mean and std of a dataset, exact, with standard errors that count images."""
    from tare.measuring import TooManySkippedError
    from tare.measuring import measure as measure_data
    from tare.reporting import console

    failure: TooManySkippedError | None = None
    with console.counting("measuring", "images") as progress:
        try:
            stats = measure_data(data, workers=workers, channels=channels.value, max_skipped=max_skipped, progress=progress)
        except TooManySkippedError as error:
            failure, stats = error, error.stats
    if as_json:
        _print_json(stats.to_json())
    else:
        console.print_stats(stats)
    if failure is not None:  # the readable samples' statistics are shown; the exit code says that they are not to be trusted
        raise failure
    if out is not None:
        stats.save(out)


@app.command(epilog="Example: tare transfer --model timm:resnet18 photos/ --strategy source --out run/")
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
    if as_json:
        _print_json(run.to_json())
    else:
        console.print_run(run)


@app.command(epilog="Example: tare demo --out demo/")
def demo(
    out: Annotated[Path, typer.Option(help="The directory for the report and the model.")] = Path("tare-demo"),
    seeds: Annotated[int, typer.Option(help="How many networks are pretrained and compared.", min=2)] = 8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier demo left there.")] = False,
    as_json: Json = False,
) -> None:
    """Show the whole idea in a minute, on digits that ship with scikit-learn: no download."""
    from tare.reporting import console
    from tare.reporting.demo_report import print_demo, write_page
    from tare.run_dir import check_out, run_dir
    from tare.studies.demo import run_demo

    check_out(out, overwrite=overwrite, resume=False)
    with run_dir(out, {"demo": seeds}, resume=False):
        result = run_demo(out, console, seeds)
        write_page(result, out / "report.html", f"tare demo --seeds {seeds} --out {out}")
    if as_json:
        _print_json(result.to_json())
    else:
        print_demo(result, out / "report.html")


def _numbers(text: str | None, option: str) -> list[float] | None:
    from tare.errors import SpecError

    if text is None:
        return None
    try:
        return [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"numbers after {option}", f"{text!r}", "write them as 0.485,0.456,0.406") from None


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def main(run: Callable[[], None] = app) -> None:
    """Run the command line; every expected failure is one line on standard error and exit code 2."""
    from tare.errors import TareError

    try:
        run()
    except TareError as error:
        from tare.reporting import console

        console.error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.exit(141)
