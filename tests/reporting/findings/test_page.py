"""Findings as a page: how many, which, and what to do; what was not judged is never called clean."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

from tare.checking.repository.result import Edit
from tare.checking.result import CheckReport
from tare.checking.rules.finding import Finding
from tare.code.files.document import Skipped
from tare.code.place import Place
from tare.input_spec.spec import InputSpec
from tare.reporting.findings.page import code_page, pipeline_page
from tests.code_findings import finding, report

EVIL = "</script><script>alert(1)</script>"


def test_findings_are_counted_and_each_has_its_remedy() -> None:
    text = code_page(report(finding(), finding("TARE001"), finding(severity="warning")), "tare check . --format html")
    assert "<h1>2 errors, 1 warning in " in text
    assert text.count("<p>Remedy: write 0.225.</p>") == 3
    assert "<pre>tare check . --format html</pre>" in text
    assert '<li class="bad">not clean</li>' in text


def test_what_can_be_repaired_is_offered() -> None:
    fixable = finding(edits=(Edit(Place("a.py", 3, 8, 3, 12), "0.225"),))
    assert "<pre>tare check --fix</pre>" in code_page(report(fixable))
    asked = replace(report(fixable), paths=("src", "my configs"))
    assert "tare check src 'my configs'" in unescape(code_page(asked))
    by_hand = code_page(report(finding(edits=())))
    assert "--fix</b></pre>" not in by_hand
    assert ": write 0.225." in by_hand.partition("What to do now")[2]


def test_what_was_not_judged_is_never_called_clean() -> None:
    assert '<li class="good">clean</li>' in code_page(report())
    partly = code_page(report(skipped=(Skipped("a.py", "it cannot be parsed"),)))
    assert '<li class="plain">not all was judged</li>' in partly
    assert "a.py: it cannot be parsed" in partly


def test_a_pipeline_has_a_page_too_and_names_are_escaped() -> None:
    one = Finding("TARE010", "error", EVIL, EVIL, where=EVIL)
    made = CheckReport((one,), EVIL, EVIL, ("eval",), InputSpec(), notes=(EVIL,), not_judged=(EVIL,))
    text = pipeline_page(made, EVIL)
    assert "<script>alert" not in text
    assert "<h1>1 error in " in text
    assert "Not judged" in text
