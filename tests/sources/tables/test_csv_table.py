"""Tables of comma-separated values that are not what they seem."""

from __future__ import annotations

from pathlib import Path

import pytest

import tare
from tare.errors import DataError


def test_a_quote_that_is_left_open_is_refused_and_swallows_no_lines(tmp_path: Path) -> None:
    (tmp_path / "open.csv").write_text('a,b\n1,"2\n' + "3,4\n" * 100)
    with pytest.raises(DataError, match=r"quotes that close, found an open one in .*open\.csv"):
        tare.measure(tmp_path / "open.csv")
    (tmp_path / "closed.csv").write_text('a,b\n1,"2"\n' + "3,4\n" * 100)
    assert tare.measure(tmp_path / "closed.csv").samples == 101


@pytest.mark.parametrize("text", ["# made by hand\n# a,b\n1,2\n3,4\n", "# made by hand\n"])
def test_a_comment_in_front_is_the_reason(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match="begins with a comment, '# made by hand'; remove the lines that begin with #"):
        tare.measure(tmp_path / "a.csv")
