from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tare.reporting.page.matrix import MOST_CLASSES, squares

EVIL = '"><script>alert(1)</script>'


@given(
    st.integers(2, 12).flatmap(lambda k: st.lists(st.lists(st.integers(0, 50), min_size=k, max_size=k), min_size=k, max_size=k))
)
def test_shares_of_a_row_are_its_counts_over_its_samples(counts: list[list[int]]) -> None:
    names = [f"class {place}" for place in range(len(counts))]
    shares = [float(found) for found in re.findall(r"--share:([\d.]+)", squares(names, counts, "images"))]
    expected = [count / sum(row) if sum(row) else 0.0 for row in counts for count in row]
    assert all(abs(a - b) <= 0.0051 for a, b in zip(shares, expected, strict=True))


def test_samples_of_each_class_are_counted_and_every_square_says_what_it_is() -> None:
    text = squares(["ant", "bee"], [[3, 1], [0, 7]], "images")
    assert re.findall(r'class="total">(\d+)', text) == ["4", "7"]
    assert 'title="1 of 4 images of ant (25%): predicted bee">1</td>' in text
    assert 'title="0 of 7 images of bee (0%): predicted ant"></td>' in text


def test_many_classes_have_no_counts_and_too_many_no_matrix() -> None:
    names = [f"{place}" for place in range(20)]
    text = squares(names, [[1] * 20] * 20, "images")
    assert ">1</td>" not in text
    assert squares(["a"] * (MOST_CLASSES + 1), [], "images") == ""


def test_names_are_escaped() -> None:
    assert "<script>" not in squares([EVIL, "b"], [[1, 0], [0, 1]], EVIL)
