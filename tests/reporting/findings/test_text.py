"""Findings about files on a terminal."""

from __future__ import annotations

import pytest

from tare.code.files.document import Skipped
from tare.code.place import Place
from tare.reporting.findings.excerpt import excerpt
from tare.reporting.findings.text import print_code_report, print_diff, print_statistics, summary
from tests.code_findings import finding, report


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")


def excerpted(source: str, column: int, end_column: int, end_line: int = 0) -> list[str]:
    return [line.plain for line in excerpt(Place("a.py", 7, column, end_line or 7, end_column), source)]


def test_a_finding_has_its_place_line_carets_evidence_cost_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    print_code_report(report(finding(), skipped=(Skipped("old.py", "Python 2"),), notes=("a remark",), ignored=1))
    assert capsys.readouterr().out.splitlines() == [
        "train.py:3:8: TARE010 error: std 0.255 is a typo of 0.225",
        "  3 | std = (0.255, 0.224, 0.229)",
        "    |        ^^^^^",
        "  because: STD at constants.py:3 -> Normalize at train.py:3",
        "  cost: 1 point on ImageNet",
        "  remedy: write 0.225 (--fix does it)",
        "",
        "skipped old.py: Python 2",
        "note a remark",
        "1 error in 5 files read, 1 skipped; 1 ignored; tare check --fix repairs 1; tare rule TARE010 explains the first",
    ]


def test_what_is_not_known_of_a_finding_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_code_report(report(finding(evidence=(), cost="", edits=(), source="")))
    assert capsys.readouterr().out.splitlines()[:2] == [
        "train.py:3:8: TARE010 error: std 0.255 is a typo of 0.225",
        "  remedy: write 0.225",
    ]


def test_the_summary_counts_what_was_read_and_left_out() -> None:
    assert summary(report(files=1)) == "no findings in 1 file read"
    assert summary(report(known=3, skipped=(Skipped("a", "b"),))) == "no findings in 5 files read, 1 skipped; 3 in the baseline"


def test_statistics_count_codes(capsys: pytest.CaptureFixture[str]) -> None:
    print_statistics(report(finding("TARE003"), finding("TARE010"), finding("TARE010")))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[:2]] == [["2", "TARE010", "error"], ["1", "TARE003", "error"]]
    assert lines[2].startswith("3 errors in 5 files")


def test_carets_are_below_the_part() -> None:
    assert excerpted("    x = norm(mean)", 9, 13) == ["  7 | x = norm(mean)", "    |     ^^^^"]


@pytest.mark.parametrize(
    ("source", "columns", "carets"),
    [
        ("日本 = (1, 2)", (6, 12), "       ^^^^^^"),  # wide characters take two columns
        ("\tx\t= 12", (5, 7), "      ^^"),  # a tab is spelled with four characters
        ("x", (9, 12), " ^"),  # a place behind the end
        ("abc", (2, 2), " ^"),
    ],
)
def test_carets_fit_what_is_shown(source: str, columns: tuple[int, int], carets: str) -> None:
    line, below = excerpted(source, *columns)
    assert below.removeprefix("    | ") == carets
    assert "\t" not in line


def test_of_a_part_of_several_lines_the_first_is_marked() -> None:
    assert excerpted("norm = T.Compose([  ", 8, 3, end_line=9)[1] == "    |        ^^^^^^^^^^^"


def test_a_line_that_fits_is_shown_whole() -> None:
    line, below = excerpted(f"    x = [{'1, ' * 25}bad]", 85, 88)
    assert (line[below.index("^") :], line[:8]) == ("bad]", "  7 | x ")


def test_a_long_line_is_cut_around_the_part() -> None:
    line, below = excerpted("x = [" + "1, " * 100_000 + "bad, " + "2, " * 100_000, 300_006, 300_009)
    assert len(line) < 140
    start = below.index("^")
    assert (line[start : start + 3], below.count("^")) == ("bad", 3)
    assert line.startswith("  7 | …")


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\nb", "a\r", "\x9b2J", "\u202eabc", "\x00", "caf\udce9", "a\u2028b", "\x7f"])
def test_nothing_of_a_file_reaches_the_terminal_as_a_command(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    one = finding(
        message=text, remedy=text, cost=text, source=f"a {text} b", place=Place(f"a{text}.py", 1, 1), evidence=(), edits=()
    )
    print_code_report(report(one, skipped=(Skipped(f"b{text}", text),), notes=(text,)))
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 9
    assert out.isascii()
    assert all(sign == "\n" or sign.isprintable() for sign in out)


@pytest.mark.parametrize("name", ["::error::x.py", "##[error]x.py", "##teamcity[x.py"])
def test_a_name_that_is_a_command_of_a_ci_server_begins_no_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_code_report(report(finding(place=Place(name, 3, 1))))
    assert capsys.readouterr().out.startswith(f"./{name}:3:1: ")


def test_markup_is_shown_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    print_code_report(report(finding(message="[bold]x[/] [link=a]")))
    assert "[bold]x[/] [link=a]" in capsys.readouterr().out


def test_a_difference_goes_into_a_file_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff("--- a/x\n+\x1b[0m\n", b"--- a/x\n+\x1b[0m\n")
    assert capsys.readouterr().out == "--- a/x\n+\x1b[0m\n"
