"""Places as offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.linting.fixing.lines import Lines
from tare.code.place import Place


@given(st.text(alphabet="ab\r\n\x0c\u2028é"))
def test_lines_are_those_of_pythons_parser(text: str) -> None:
    lines = Lines.of(text)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [lines.line(number + 1) for number in range(len(expected))] == expected
    with pytest.raises(ValueError, match="no line"):
        lines.line(len(expected) + 1)


@given(st.lists(st.text(alphabet="abé", min_size=1), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_a_place_is_found_whatever_ends_the_lines(words: list[str], end: str, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(words)))
    start, stop = Lines.of(end.join(words)).offsets(Place("a", number, 1, number, len(words[number - 1]) + 1))
    assert end.join(words)[start:stop] == words[number - 1]


@pytest.mark.parametrize("place", [Place("a", 3), Place("a", 1, 9), Place("a", 1, 2, 1, 1), Place("a", 0), Place("a", 1, 0)])
def test_a_place_outside_of_the_text_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match=r"no line|no column|before its start"):
        Lines.of("ab\ncd").offsets(place)


def test_a_place_without_an_end_is_empty() -> None:
    assert Lines.of("ab\ncd").offsets(Place("a", 2, 2)) == (4, 4)
