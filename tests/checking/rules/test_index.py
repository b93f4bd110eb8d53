"""The texts of the rules without the rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.rule_index import rule_index

from tare.checking import repository
from tare.checking.rules.index import PATH, check_code, index, rule_text, title_of
from tare.checking.rules.table import RULES, rule_named
from tare.errors import SpecError


def test_the_index_is_that_of_the_rules() -> None:
    assert PATH.read_text(encoding="utf-8") == rule_index(), "run: python -m benchmarks.rule_index"
    assert [*index()] == [rule.code for rule in RULES]


def test_every_code_of_the_rules_about_files_has_a_rule() -> None:
    folder = Path(repository.__path__[0])
    codes = {code for path in folder.rglob("*.py") for code in re.findall(r'"(TARE\d+)"', path.read_text(encoding="utf-8"))}
    assert codes
    assert codes <= set(index())


def test_a_title_is_that_of_the_rule_and_empty_for_no_rule() -> None:
    assert title_of("TARE003") == index()["TARE003"].title != ""
    assert title_of("TARE999") == ""


def test_a_rule_is_told_by_code_or_name_and_refused_as_by_the_rules_themselves() -> None:
    assert rule_text("tare003") == rule_text("normalised-twice") == index()["TARE003"]
    for unknown in ("TARE999", "normalized-twice", ""):
        messages = []
        for look_up in (rule_text, rule_named):
            with pytest.raises(SpecError) as raised:
                look_up(unknown)
            messages.append(str(raised.value))
        assert messages[0] == messages[1]


@pytest.mark.parametrize(("text", "code"), [("TARE010", "TARE010"), ("tare01", "TARE01"), ("normalised-twice", "TARE003")])
def test_codes_beginnings_and_names_are_taken(text: str, code: str) -> None:
    assert check_code(text, "--select") == code


@pytest.mark.parametrize("text", ["TARE999", "E501", "normalized-twice"])
def test_what_no_rule_has_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="codes or names of rules for --select"):
        check_code(text, "--select")


def test_the_closest_name_is_told() -> None:
    with pytest.raises(SpecError, match="did you mean normalised-twice"):
        check_code("normalized-twice", "--select")
