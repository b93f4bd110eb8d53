"""Rules on the terminal."""

from __future__ import annotations

import pytest

from tare.checking.rules.index import RuleText, index
from tare.reporting.findings import rules


def test_all_rules_are_listed_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rules.print_rules()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(index())
    assert lines[0].startswith("TARE001  error    range-255")


@pytest.mark.parametrize("rule", index().values(), ids=lambda rule: rule.code)
def test_a_story_shows_wrong_and_right(rule: RuleText, capsys: pytest.CaptureFixture[str]) -> None:
    rules.print_rule(rule)
    out = capsys.readouterr().out
    assert out.startswith(f"{rule.code} {rule.name} ({rule.severity})")
    assert "wrong  " in out
    assert "right  " in out
