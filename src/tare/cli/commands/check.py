"""``tare check`` and ``tare rule``."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from tare.checking.inputs import CheckRequest, RuleRequest
from tare.checking.linting.inputs import FILES, CheckCommand
from tare.cli.fields import command
from tare.cli.files import Format, check_files, show_places
from tare.cli.options import Json, print_json, typed
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
        raise SpecError("--format text, json, github, sarif or html for a pipeline that is run", output, "choose one of them")
    # What the user's modules print does not belong to our output.
    with console.working("checking"), contextlib.redirect_stdout(sys.stderr):
        report = checked(request)
    if output == "json":
        print_json(report.to_json())
    elif output == "github":
        console.write(findings.github(report))
    elif output == "sarif":
        console.write(findings.sarif(report))
    elif output == "html":
        from tare.reporting.findings.page import pipeline_page

        console.write(pipeline_page(report, typed()))
    else:
        findings.print_report(report)
    return 1 if report.fails else 0 if report.clean else 2


@command(RuleRequest)
def rule(request: RuleRequest, as_json: Json = False) -> None:
    """Explain a finding of `tare check`: what happens, why it stays unnoticed, and an example of wrong and of right code.

    With files and folders, the places where they have it follow, with their own numbers.
    """
    from tare.checking.rules.index import index, rule_text
    from tare.reporting.findings import rules

    if as_json:
        asked = [rule_text(request.code)] if request.code else list(index().values())
        print_json({"schema": "tare.rules/1", "rules": [rules.rule_document(each) for each in asked]})
    elif request.code is None:
        rules.print_rules()
    else:
        told = rule_text(request.code)
        rules.print_rule(told)
        if request.paths:
            show_places(told.code, request.paths)
