from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.input_spec.spec import InputSpec
from tare.system.shown import Shown, numbers, one_line
from tests.images import random_rgb
from tests.made_stats import stats_of


class Result(Shown):
    def __init__(self, rows: list[dict[str, Any]], said: str = "said") -> None:
        self._rows, self._said = rows, said

    def summary(self) -> str:
        return self._said

    def table(self) -> list[dict[str, Any]]:
        return self._rows


@given(st.text())
def test_a_result_is_one_printable_line(said: str) -> None:
    shown = repr(Result([], said))
    assert shown.startswith("<Result: ")
    assert shown.isprintable()
    assert len(shown) < 420


@given(st.text(), st.text(min_size=1))
def test_nothing_of_a_table_becomes_markup(value: str, name: str) -> None:
    page = Result([{name: value}], value)._repr_html_()
    for sign in "<>":
        assert page.count(sign) == Result([{"a": "b"}], "c")._repr_html_().count(sign)


def test_long_tables_are_cut_and_say_so() -> None:
    page = Result([{"a": index} for index in range(100)])._repr_html_()
    assert (page.count("<tr>"), "60 more rows" in page) == (41, True)


def test_rows_with_what_is_not_known_become_a_frame() -> None:
    frame = Result([{"a": 1, "b": None}, {"a": 2.5, "b": "x"}]).to_frame()
    assert frame.equals(pl.DataFrame({"a": [1.0, 2.5], "b": [None, "x"]}))


def test_a_result_without_points_says_that_it_has_no_chart() -> None:
    with pytest.raises(ValueError, match="Result has nothing to draw"):
        Result([]).plot()


def test_statistics_show_their_channels() -> None:
    stats = stats_of([random_rgb(0), random_rgb(1)])
    assert repr(stats).startswith("<DatasetStats: 2 samples")
    assert stats.to_frame()["mean"].to_list() == list(stats.mean)
    assert stats.to_dict() == stats.to_json()
    drawn = stats.plot().to_dict()
    values = drawn["data"]["values"]
    assert [(each["panel"], each["value"]) for each in values[:3]] == [("mean", mean) for mean in stats.mean]
    assert all(each["low"] <= each["value"] <= each["high"] for each in values)


def test_a_specification_says_what_is_unknown() -> None:
    spec = InputSpec.of((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), raw_dtype="uint8")
    assert "raw uint8; scale 1/255; mean (0.5, 0.5, 0.5); std (0.25, 0.25, 0.25); unknown: size" in repr(spec)
    rows = {row["name"]: row for row in spec.table()}
    assert rows["size"]["value"] is None
    assert rows["size"]["origin"].startswith("unknown: ")


def test_a_comparison_draws_its_intervals() -> None:
    compared = tare.compare(stats_of([random_rgb(k) for k in range(9)]), stats_of([random_rgb(k) for k in range(20, 29)]))
    assert repr(compared).startswith(f"<Comparison: {compared.kind}: ")
    frame = compared.to_frame()
    assert frame["shift"].to_list() == [channel.shift.estimate for channel in compared.channels]
    assert json.dumps(compared.plot().to_dict())


def test_numbers_of_many_channels_are_counted() -> None:
    assert numbers((0.123456, 2)) == "(0.1235, 2)"
    assert numbers(tuple(range(13))) == "(0, 1, 2, 3, ... 13 in all)"
    assert one_line("a\nb\x1b[31m") == "a b [31m"


def test_a_specification_draws_its_channels_if_they_are_known() -> None:
    spec = InputSpec.of((0.5, 0.25, 0.1), (0.25, 0.25, 0.1))
    drawn = spec.plot().to_dict()["data"]["values"]
    assert [(each["value"], each["low"], each["high"]) for each in drawn] == [
        (0.5, 0.25, 0.75),
        (0.25, 0.0, 0.5),
        (0.1, 0.0, 0.2),
    ]
    with pytest.raises(ValueError, match="nothing to draw"):
        InputSpec().plot()


def test_findings_about_files_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from torchvision.transforms import v2\nv2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.255))\n"
    )
    (tmp_path / "b.py").write_text("import torchvision.transforms.v2\nv2.Normalize((\n")
    report = tare.check_code([str(tmp_path)])
    assert repr(report).startswith("<CodeReport: 1 error; 1 file read, 1 not read>")
    rows = report.to_frame()
    assert rows["code"].to_list() == ["TARE100", ""]
    assert rows["severity"].to_list() == ["error", "not read"]
    assert "TARE100" in report._repr_html_()
    assert report.plot().to_dict()["data"]["values"] == [{"panel": "findings", "name": "TARE100", "value": 1}]
    assert report.to_dict() == report.to_json()


def test_a_verdict_is_its_sentence_and_draws_what_moved() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 8, 8, 3), np.uint8)
    verdict = tare.drift(images[:60], images[60:])
    assert repr(verdict) == f"<Verdict: {verdict}>"
    rows = verdict.to_frame()
    assert rows["live"].to_list() == [track.live.estimate for track in verdict.tracks]
    drawn = verdict.plot().to_dict()["data"]["values"]
    assert drawn[0]["value"] == pytest.approx(verdict.tracks[0].live.estimate - verdict.tracks[0].reference)
    assert verdict.to_dict() == verdict.to_json()


@pytest.mark.parametrize("result", ["stats", "spec", "comparison", "report"])
def test_every_result_is_shown_in_all_ways(result: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    stats = stats_of([random_rgb(k) for k in range(9)])
    made: dict[str, Shown] = {
        "stats": stats,
        "spec": InputSpec.of((0.5,) * 3, (0.25,) * 3),
        "comparison": tare.compare(stats, stats_of([random_rgb(k) for k in range(20, 29)])),
        "report": tare.check_code([str(tmp_path)]),
    }
    shown = made[result]
    assert len(repr(shown)) < 500
    assert "\n" not in repr(shown)
    assert shown.to_frame().height == len(shown.table())
    assert shown._repr_html_().count("<tr>") == (len(shown.table()) + 1 if shown.table() else 0)
    assert json.dumps(shown.to_dict(), default=str)
