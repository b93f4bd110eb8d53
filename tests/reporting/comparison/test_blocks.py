from __future__ import annotations

import numpy as np

from tare.comparing.overlay import Overlay
from tare.reporting.comparison.blocks import ROWS, histogram_rows

EDGES = tuple(np.linspace(0, 1, 65).tolist())


def rows(source: tuple[float, ...] | None, target: tuple[float, ...] | None, edges: tuple[float, ...] = EDGES) -> list[str]:
    return [text.plain for text in histogram_rows(Overlay(edges, source, target, False))]


def test_the_area_rises_in_eighths_and_the_axis_names_its_ends() -> None:
    shares = tuple(np.linspace(0, 1 / 32, 64).tolist())
    *picture, axis = rows(shares, None)
    assert len(picture) == ROWS
    assert {len(row) for row in (*picture, axis)} == {64}
    assert axis.split() == ["0.0", "0.5", "1.0"]
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row[column]) for row in picture) for column in range(64)]
    assert heights == sorted(heights)
    assert (heights[0], heights[1], heights[-1]) == (0, 1, 8 * ROWS)


def test_the_line_is_drawn_over_the_area_once_a_column() -> None:
    area, line = (0.0, *(1 / 62,) * 62, 0.0), (0.0, *(0.5 / 62,) * 62, 0.0)
    *picture, _ = rows(area, line)
    for column in range(1, 63):
        cells = [row[column] for row in picture]
        assert cells == ["█", "█", "⠉", "█"]
    assert all(row[0] == " " for row in picture)


def test_what_is_there_at_all_is_seen_and_what_is_cut_ends_in_a_triangle() -> None:
    shares = (0.9, *(0.0,) * 30, 0.05, 0.00001, *(0.0,) * 30, 0.04999)
    *picture, _ = rows(shares, None)
    assert picture[0][0] == "▲"
    assert picture[-1][32] == "▁"
    assert rows(None, shares)[0][0] == "▲"


def test_an_axis_of_large_or_narrow_values_keeps_its_width() -> None:
    for low, high in ((0, 3e9), (-1e-9, 1e-9), (1000.0, 1001.0)):
        axis = rows((1 / 64,) * 64, None, tuple(np.linspace(low, high, 65).tolist()))[-1]
        assert len(axis) == 64
        assert len(axis.split()) == 3
