"""The command line: parse, call, render. Exit codes: 0 clean, 1 findings, 2 unusable input or failure."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from tare._version import __version__
from tare.cli.advise import advise
from tare.cli.check import check, rule
from tare.cli.compare import compare
from tare.cli.demo import demo
from tare.cli.explain import explain
from tare.cli.export import export
from tare.cli.fold import fold, respec
from tare.cli.identify import identify
from tare.cli.measure import measure
from tare.cli.predict import predict
from tare.cli.report import report
from tare.cli.spec import spec
from tare.cli.study import study
from tare.cli.transfer import transfer

app = typer.Typer(
    name="tare",
    help="Input normalisation done right in transfer learning: measure it, train with it, ship it inside the model.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

app.command(epilog="Example: tare measure photos/ --json")(measure)
app.command(epilog="Example: tare compare cifar10 photos/ --html difference.html")(compare)
app.command(epilog="Example: tare check train.py:val_transform --model timm:resnet18")(check)
app.command(epilog="Example: tare rule TARE003")(rule)
app.command(epilog="Example: tare transfer --model timm:resnet18 photos/ --strategy source --out run/")(transfer)
app.command(epilog="Example: tare predict run/ photos/ --top 3 > answers.csv")(predict)
app.command(epilog="Example: tare export run/ --format onnx --out model.onnx --with-resize")(export)
app.command(epilog="Examples: tare spec timm:resnet50 · tare spec hf:DIR --format timm · tare spec keras:VGG16 --json")(spec)
app.command(epilog="Example: tare identify --model timm:resnet18 --checkpoint weights.pth photos/")(identify)
app.command(epilog="Example: tare fold run/ --input uint8 --out served/")(fold)
app.command(epilog="Example: tare respec timm:vit_base_patch16_224 --to catalog:imagenet --out rewritten/")(respec)
app.command(epilog="Example: tare advise --model timm:resnet18 photos/ --html advice.html")(advise)
app.command(epilog="Examples: tare explain --model timm:resnet18 photos/ · tare explain --model timm:resnet18")(explain)
app.command(epilog="Examples: tare study digits --out study/ · tare study --data photos/ --model timm:resnet18 --out s/")(study)
app.command(epilog="Example: tare report study/ --png curves.png")(report)
app.command(epilog="Example: tare demo --out demo/")(demo)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    del version


def main(run: Callable[[], None] = app) -> None:
    """Run the command line; every expected failure is one line on standard error and exit code 2."""
    from tare.errors import TareError

    # What is wrong with a file is said by the row or the error that names it.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
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
