"""``tare check`` and ``tare rule``."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from tare.checking.inputs import CheckRequest, RuleRequest
from tare.checking.linting.inputs import FILES, CheckCommand
from tare.cli.fields import command
from tare.cli.files import Format, check_files
from tare.cli.options import Json, print_json
from tare.normalisation.inputs import NORM


@command(CheckCommand, panels=("", FILES, NORM))
def check(
    options: CheckCommand,
    output: Annotated[Format, typer.Option("--format", help="How findings are printed.")] = "text",
    as_json: Json = False,
) -> None:
    """Find what is wrong with the preprocessing of networks: ranges, constants, order, channels, size.

    Files and folders are read and not run. FILE.py:NAME is run on images whose values are known, for the network of --model; a
    configuration beside --model is compared with it. Exit code 0 clean, 1 findings, 2 unusable input, or a pipeline of which not
    everything was judged.
    """
    asked, output = options.asked(), "json" if as_json else output
    if isinstance(asked, CheckRequest):
        raise typer.Exit(_check_pipeline(asked, output))
    raise typer.Exit(check_files(options, asked, output))


def _check_pipeline(request: CheckRequest, output: Format) -> int:
    """Run one pipeline, print what is found, and return the exit code."""
    from tare.checking.api import checked
    from tare.errors import SpecError
    from tare.reporting import console
    from tare.reporting.findings import pipeline as findings

    if output in ("gitlab", "junit"):
        raise SpecError("--format text, json, github or sarif for a pipeline that is run", output, "choose one of them")
    # What the user's modules print does not belong to our output.
    with console.working("checking"), contextlib.redirect_stdout(sys.stderr):
        report = checked(request)
    if output == "json":
        print_json(report.to_json())
    elif output == "github":
        typer.echo(findings.github(report))
    elif output == "sarif":
        typer.echo(findings.sarif(report))
    else:
        findings.print_report(report)
    return 1 if report.fails else 0 if report.clean else 2


@command(RuleRequest)
def rule(request: RuleRequest, as_json: Json = False) -> None:
    """Explain a finding of `tare check`: what happens, why it stays unnoticed, and an example of wrong and of right code."""
    from tare.checking.rules.table import RULES, rule_named
    from tare.reporting.findings import pipeline as findings

    if as_json:
        rules = [rule_named(request.code)] if request.code else list(RULES)
        print_json({"schema": "tare.rules/1", "rules": [findings.rule_document(each) for each in rules]})
    elif request.code is None:
        findings.print_rules()
    else:
        findings.print_rule(rule_named(request.code))
