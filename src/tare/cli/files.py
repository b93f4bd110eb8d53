"""``tare check PATH...``: the findings about files, shown, repaired, made known, or looked for again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tare.checking.linting.inputs import CheckCommand, CodeRequest
from tare.cli.options import typed
from tare.errors import SpecError, TareError

if TYPE_CHECKING:
    from tare.checking.repository.result import CodeReport

Format = Literal["text", "json", "github", "sarif", "gitlab", "junit", "html"]


def check_files(options: CheckCommand, request: CodeRequest, output: Format) -> int:
    """Do what the options ask, and return the exit code."""
    if output != "text" and (options.statistics or options.watch or options.diff):
        raise SpecError("--format text with --statistics, --watch and --diff", output, "leave one of them out")
    if options.write_baseline:
        return _make_known(request)
    if options.diff:
        return _show_changes(request)
    if options.watch:
        return _watch(options, request)
    if options.fix:
        _fix(request)
    return _check(options, request, output)


def show_places(code: str, places: Sequence[str]) -> None:
    """Print where the files have one finding."""
    from tare.checking.linting.api import code_checked
    from tare.reporting import console
    from tare.reporting.findings.text import print_code_report

    console.out.print()
    print_code_report(code_checked(CodeRequest(paths=places, select=[code])))


def _check(options: CheckCommand, request: CodeRequest, output: Format) -> int:
    from tare.checking.linting.api import code_checked
    from tare.reporting import console
    from tare.reporting.findings.formats import FORMATS, html_page

    with console.working("reading and following the code"):
        report = code_checked(request)
    if output == "text":
        _print(report, options.statistics)
    elif output == "html":
        console.write(html_page(report, typed()))
    else:
        console.write(FORMATS[output](report))
    return int(report.fails)


def _print(report: CodeReport, statistics: bool) -> None:
    from tare.reporting.findings.text import print_code_report, print_statistics

    if statistics:
        print_statistics(report)
    else:
        print_code_report(report)


def _make_known(request: CodeRequest) -> int:
    from tare.checking.linting.api import made_known
    from tare.reporting import console

    path, count = made_known(request)
    console.note(f"{count} known finding{'s' * (count != 1)} written to {path}")
    return 0


def _show_changes(request: CodeRequest) -> int:
    """Print what --fix would change; exit code 1 if it would change anything, or the check is not clean."""
    from tare.checking.linting.repairing import repairs
    from tare.reporting import console
    from tare.reporting.findings.text import print_diff

    plan, report = repairs(request)
    count = len(report.findings)
    print_diff(plan.diff(), plan.patch())
    for reason in plan.refused:
        console.note(reason)
    console.note(f"--fix would repair {len(plan.repaired)} of {count} finding{'s' * (count != 1)}")
    return int(bool(plan.files) or report.fails)


def _fix(request: CodeRequest) -> None:
    from tare.checking.linting.repairing import repairs
    from tare.reporting import console

    plan, _ = repairs(request)
    plan.write()
    for reason in plan.refused:
        console.note(reason)
    for change in (change for file in plan.files for change in file.made):
        console.note(change)
    findings, files = len(plan.repaired), len(plan.files)
    console.note(f"repaired {findings} finding{'s' * (findings != 1)} in {files} file{'s' * (files != 1)}")


def _watch(options: CheckCommand, request: CodeRequest) -> int:
    """Check now and after every change; settings that are wrong for a while are told and do not end it."""
    from tare.checking.linting.watching import changes
    from tare.reporting import console

    for _ in changes(request.places):
        console.out.clear()
        try:
            _check(options, request, "text")
        except TareError as error:
            console.error(str(error))
    return 0
