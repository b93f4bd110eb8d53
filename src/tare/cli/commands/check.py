"""``tare check`` and ``tare rule``."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated, Literal

import typer

from tare.checking.inputs import CheckRequest, RuleRequest
from tare.cli.fields import command
from tare.cli.options import Json, print_json


@command(CheckRequest)
def check(
    request: CheckRequest,
    output: Annotated[
        Literal["text", "json", "github", "sarif"], typer.Option("--format", help="How findings are printed.")
    ] = "text",
    as_json: Json = False,
) -> None:
    """Find what is wrong with the preprocessing of a network: ranges, constants, order, channels, size.

    Exit code 0 clean, 1 findings, 2 unusable input, or nothing found and not everything judged. Only the code that PIPELINE names
    is run; a file is only read.
    """
    from tare.checking.api import checked
    from tare.reporting import console, findings

    # What the user's modules print does not belong to our output.
    with console.working("checking"), contextlib.redirect_stdout(sys.stderr):
        report = checked(request)
    if as_json or output == "json":
        print_json(report.to_json())
    elif output == "github":
        typer.echo(findings.github(report))
    elif output == "sarif":
        typer.echo(findings.sarif(report))
    else:
        findings.print_report(report)
    raise typer.Exit(1 if report.fails else 0 if report.clean else 2)


@command(RuleRequest)
def rule(request: RuleRequest, as_json: Json = False) -> None:
    """Explain a finding of `tare check`: what happens, why it stays unnoticed, and an example of wrong and of right code."""
    from tare.checking.rules.table import RULES, rule_named
    from tare.reporting import findings

    if as_json:
        rules = [rule_named(request.code)] if request.code else list(RULES)
        print_json({"schema": "tare.rules/1", "rules": [findings.rule_document(each) for each in rules]})
    elif request.code is None:
        findings.print_rules()
    else:
        findings.print_rule(rule_named(request.code))
