"""Which findings are the same."""

from __future__ import annotations

from tare.checking.repository.identity import fingerprints, identity
from tests.code_findings import finding


def test_the_line_number_and_the_blanks_do_not_count() -> None:
    assert identity(finding(line=3)) == identity(finding(line=30, source="\tstd =  (0.255, 0.224, 0.229)  "))


def test_code_path_and_source_count() -> None:
    others = [finding("TARE011"), finding(path="other.py"), finding(source="std = 1")]
    assert len({identity(each) for each in (finding(), *others)}) == 4


def test_without_a_source_line_the_message_counts() -> None:
    assert identity(finding(source="", message="a")) != identity(finding(source="", message="b"))


def test_equal_findings_have_fingerprints_of_their_own_that_stay() -> None:
    twice = fingerprints([finding(line=3), finding(line=9)])
    assert len(set(twice)) == 2
    assert fingerprints([finding(line=5), finding(line=11), finding("TARE020")])[:2] == twice


def test_a_path_that_is_no_text_has_a_fingerprint() -> None:
    assert len(fingerprints([finding(path="caf\udce9.py")])[0]) == 64
