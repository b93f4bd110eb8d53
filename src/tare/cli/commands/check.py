"""``tare check`` and ``tare rule``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tare.cli.options import Json, print_json


def check(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="FILE.py:NAME or package.module:NAME, the pipeline or a function without arguments that returns it; naming it "
            "RUNS that code. Or a configuration, which is only read: preprocessor_config.json, timm's args.yaml, a run.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="The network, as `tare spec` reads it: timm:NAME, hf:DIR, ...", metavar="MODEL")
    ] = None,
    spec: Annotated[Path | None, typer.Option(help="What the network expects, as a spec file.")] = None,
    data: Annotated[
        str | None, typer.Option(help="The target's folder, or statistics of `tare measure --out`.", metavar="DATA")
    ] = None,
    stage: Annotated[Literal["train", "eval"], typer.Option(help="Which stage a single pipeline is for.")] = "eval",
    mean: Annotated[list[float] | None, typer.Option(help="The network's mean, unit values; once, or once per channel.")] = None,
    std: Annotated[list[float] | None, typer.Option(help="The network's std, unit values; once, or once per channel.")] = None,
    size: Annotated[int | None, typer.Option(help="Input size that you use, if it differs from the network's.", min=1)] = None,
    output: Annotated[
        Literal["text", "json", "github", "sarif"], typer.Option("--format", help="How findings are printed.")
    ] = "text",
    as_json: Json = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.", min=0)] = 0,
) -> None:
    """Find what is wrong with the preprocessing of a network: ranges, constants, order, channels, size.

    Exit code 0 clean, 1 findings, 2 unusable input. Only the code that PIPELINE names is run; a file is only read.
    """
    from tare.checking.api import check as check_pipeline
    from tare.errors import SpecError
    from tare.reporting import console, findings

    if (model is None) == (spec is None) and (model is not None or mean is None):
        raise SpecError(
            "one of --model and --spec, or --mean and --std", "both" if model else "neither", "say what the network expects"
        )
    network = model or (str(spec) if spec else None)
    # What the user's modules print does not belong to our output.
    with console.working("checking"), contextlib.redirect_stdout(sys.stderr):
        report = check_pipeline(
            pipeline,
            network if network is not None else _stated_only(mean, std),
            stage=stage,
            data=data,
            mean=mean,
            std=std,
            size=None if size is None else (size, size),
            seed=seed,
        )
    if as_json or output == "json":
        print_json(report.to_json())
    elif output == "github":
        typer.echo(findings.github(report))
    elif output == "sarif":
        typer.echo(findings.sarif(report))
    else:
        findings.print_report(report)
    raise typer.Exit(0 if report.clean else 1)


def rule(
    code: Annotated[str | None, typer.Argument(help="A code or name, such as TARE003; without one, all are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Explain a finding of `tare check`: what happens, why it stays unnoticed, and an example of wrong and of right code."""
    from tare.checking.rules.table import RULES, rule_named
    from tare.reporting import findings

    if as_json:
        rules = [rule_named(code)] if code else list(RULES)
        print_json({"schema": "tare.rules/1", "rules": [findings.rule_document(each) for each in rules]})
    elif code is None:
        findings.print_rules()
    else:
        findings.print_rule(rule_named(code))


def _stated_only(mean: list[float] | None, std: list[float] | None) -> object:
    from tare.errors import SpecError
    from tare.input_spec.spec import InputSpec

    if mean is None or std is None:
        raise SpecError("both --mean and --std", "only one of them", "state both")
    count = 3 if len(mean) == len(std) == 1 else max(len(mean), len(std))
    return InputSpec.of(mean * count if len(mean) == 1 else mean, std * count if len(std) == 1 else std)
