"""Words found in code by plain searches, against one pattern of all of them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tare.code.interpreter.vocabulary import Vocabulary
from tare.code.libraries.table import MATTERS, RELEVANT

PLAIN = Vocabulary(("mean", "Normali"), {"255": re.compile(r"\b255\b"), "std": re.compile(r"std\b")})
ONE = re.compile(r"mean|Normali|\b255\b|std\b")


@given(st.lists(st.sampled_from(["mean", "Normali", "255", "2", "std", "stds", " ", "\n", "x", "s"])).map("".join))
def test_the_same_words_are_found_as_by_one_pattern(text: str) -> None:
    assert PLAIN.places(text) == [each.start() for each in ONE.finditer(text)]
    assert PLAIN.is_in(text) is bool(ONE.search(text))


def test_a_pattern_counts_only_where_it_matches() -> None:
    assert PLAIN.places("12550 255") == [6]
    assert not PLAIN.is_in("stdout 2550")


def test_each_pattern_begins_with_its_text() -> None:
    """A place is looked for by the text, and the pattern is tried there and nowhere else."""
    for vocabulary in (RELEVANT, MATTERS):
        for beginning, pattern in vocabulary.patterns.items():
            assert re.sub(r"^(\\b|\(\?<.*?\]\))", "", pattern.pattern).replace("\\.", ".").startswith(beginning)


def test_whatever_makes_a_file_relevant_makes_a_function_matter() -> None:
    for word in (*RELEVANT.texts, "x = 255", "image_mean =", "mean = 1", "yaml.safe_load("):
        assert RELEVANT.is_in(word)
        assert MATTERS.is_in(word)
