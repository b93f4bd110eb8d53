"""Image files of every format, depth and meaning: right by every way of reading, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.decoding.kinds import KINDS
from benchmarks.decoding.made import Made
from benchmarks.decoding.made_png import png
from benchmarks.decoding.paths import REFUSED, RIGHT, judged


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_read_rightly_by_each_way_or_refused_by_all(kind: str, tmp_path: Path) -> None:
    files, packages = KINDS[kind]
    for package in packages:
        pytest.importorskip(package, reason="writes these files, or reads them back")
    answers = {made.ident: judged(made, tmp_path) for made in files()}
    assert {ident: answer for ident, answer in answers.items() if answer not in (RIGHT, REFUSED)} == {}
    assert kind == "others" or list(answers.values()).count(RIGHT) >= 3


GREY = np.arange(35).reshape(5, 7, 1)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (GREY.astype(np.uint8) + 1, "off by 1 levels"),
        (GREY.astype(np.uint16), "uint8, not uint16"),
        (GREY.repeat(3, -1).astype(np.uint8), "shape"),
        (None, "not refused"),
    ],
)
def test_the_judge_finds_what_is_wrong(expected: object, words: str, tmp_path: Path) -> None:
    made = Made("PNG", "8 bits", "x", png(GREY, 0, 8, np.zeros((0, 3), np.uint8)), expected)  # type: ignore[arg-type]
    assert words in judged(made, tmp_path)
