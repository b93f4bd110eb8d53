from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.system.terminal.harmless import beginning, escape, visible, visible_lines

#: Categories of characters that command a terminal, take no room, turn text, or are no text.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain name é 漢字 😀", "plain name é 漢字 😀"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\rb\nc\td", "a\\x0db\\x0ac\\x09d"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u200bb\ufeffc\u00ad", "a\\u200bb\\ufeffc\\xad"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_nobody_sees_is_spelled_out(text: str, said: str) -> None:
    assert visible(text) == said


@given(st.text(st.characters(), max_size=40))
def test_nothing_unseen_is_left_and_the_rest_is_kept(text: str) -> None:
    said = visible(text)
    assert {unicodedata.category(sign) for sign in said}.isdisjoint(UNSEEN)
    assert visible(said) == said
    kept = [sign for sign in text if unicodedata.category(sign) not in UNSEEN and visible(sign) == sign]
    assert [sign for sign in kept if not sign.isascii()] == [sign for sign in said if not sign.isascii()]
    assert said.encode("utf-8").decode() == said


def test_every_unseen_character_is_known() -> None:
    every = map(chr, range(0x110000))
    missed = [f"{ord(sign):x}" for sign in every if unicodedata.category(sign) in UNSEEN and visible(sign) == sign]
    assert missed == []


@given(st.text(st.characters(), max_size=40))
def test_lines_keep_their_breaks_alone(text: str) -> None:
    assert visible_lines(text).split("\n") == [visible(line) for line in text.split("\n")]


@pytest.mark.parametrize("text", ["::error::x", "##[error]x"])
def test_no_line_begins_as_a_command_of_a_server(text: str) -> None:
    assert beginning(text) == f"./{text}"


@given(st.text(st.characters(), max_size=40))
def test_html_shows_the_text(text: str) -> None:
    said = escape(text)
    assert html.unescape(said) == visible_lines(text)
    assert not set("<>\"'") & set(said)
