"""Findings about files: what fails, and their round trip through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.repository.result import CodeFinding, Edit, Step
from tare.checking.rules.finding import SEVERITIES
from tare.code.place import Place
from tests.code_findings import finding, report

texts = st.text(max_size=12)
numbers = st.integers(1, 99)
places = st.builds(Place, path=texts, line=numbers, column=numbers, end_line=numbers, end_column=numbers)
findings = st.builds(
    CodeFinding,
    code=texts,
    severity=st.sampled_from(SEVERITIES),
    message=texts,
    remedy=texts,
    place=places,
    evidence=st.lists(st.builds(Step, text=texts, place=places), max_size=3).map(tuple),
    cost=texts,
    edits=st.lists(st.builds(Edit, place=places, text=texts), max_size=3).map(tuple),
    source=texts,
)


@given(findings)
def test_a_finding_survives_json(one: CodeFinding) -> None:
    assert CodeFinding.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_link_of_the_evidence_names_its_place_and_cell() -> None:
    assert str(Step("MEAN", Place("a.py", 3))) == "MEAN at a.py:3"
    assert str(Step("MEAN", Place("a.ipynb", 3, cell=2))) == "MEAN at a.ipynb:code cell 2:3"


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="no severity: 'fatal'"):
        CodeFinding.from_json({**finding().to_json(), "severity": "fatal"})


def test_a_report_fails_on_the_severity_that_is_asked_for() -> None:
    error, warning, note = (finding(severity=each) for each in SEVERITIES)
    assert report(warning).fails
    assert not report(note).fails
    assert not report(warning, note, fail_on="error").fails
    assert report(error, fail_on="error").fails


def test_json_counts_severities_and_codes() -> None:
    document = report(finding("TARE020"), finding("TARE010"), finding("TARE020", severity="note"), ignored=2, known=1).to_json()
    assert document["counts"] == {"error": 2, "warning": 0, "note": 1}
    assert document["codes"] == {"TARE010": 1, "TARE020": 2}
    assert (document["files"], document["ignored"], document["known"], document["fails"]) == (5, 2, 1, True)
