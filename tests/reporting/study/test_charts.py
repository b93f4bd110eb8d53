from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import altair as alt
import pytest

from tare.reporting.study.charts import VegaSpec, difference_charts, fed_charts, learning_curves, picture, stored_chart
from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.scores import scores_of
from tare.studying.result import PRETRAINING, FedInputs


def analysis(left_out: tuple[str, str] | None = None) -> Analysis:
    rows = [
        {"shift": shift, "size": size, "strategy": strategy, "seed": seed, "accuracy": 0.5 + 0.01 * seed * (size + place) / 99}
        for shift in ("content", "gain:0.5")
        for size in (20, 80)
        for place, strategy in enumerate(("source", "target", "none"))
        for seed in range(4)
        if (shift, strategy) != left_out
    ]
    return analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["shift", "size"]), size="size")


def fed() -> tuple[FedInputs, ...]:
    shares = (0.0, 0.25, 0.75, 0.0)
    names = (("", PRETRAINING), ("content", "stored"), ("content", "source"), ("content", "target"))
    return tuple(FedInputs(shift, strategy, 0.0, 1.0, -4.0, 6.0, shares) for shift, strategy in names)


def valid(charts: dict[str, VegaSpec]) -> None:
    for spec in charts.values():
        alt.Chart.from_dict(spec)  # raises where Vega-Lite's schema does not hold
        json.dumps(spec, allow_nan=False)


def test_charts_are_what_vega_lite_allows() -> None:
    found = analysis()
    for charts in (learning_curves(found), difference_charts(found), fed_charts(fed()), stored_chart(fed())):
        assert charts
        valid(charts)


def test_what_vega_lite_does_not_allow_would_be_noticed() -> None:
    (spec,) = stored_chart(fed()).values()
    with pytest.raises(pytest.importorskip("jsonschema").ValidationError):
        valid({"": {**spec, "mark": 7}})


def test_each_chart_has_its_panels_rows_and_heading() -> None:
    for charts, prefix in ((learning_curves(analysis()), "curve"), (difference_charts(analysis()), "difference")):
        assert list(charts) == [f"{prefix} content", f"{prefix} gain:0.5"]
        for key, spec in charts.items():
            panel = key.removeprefix(f"{prefix} ")
            assert {row["panel"] for row in spec["data"]["values"]} == {panel}
            assert spec["title"]["text"] == panel


def test_the_axis_of_scores_bears_their_name() -> None:
    for name, found in (("accuracy", analysis()), ("top1", replace(analysis(), score="top1"))):
        for spec in learning_curves(found).values():
            assert f'"{name}, %"' in json.dumps(spec)


def test_a_picture_draws_a_point_for_every_mean_and_every_difference() -> None:
    found = analysis()
    for charts, number in ((learning_curves(found), len(found.means)), (difference_charts(found), len(found.contrasts))):
        drawn = picture(charts, ["source", "target", "none"], "svg").decode()
        legend = 3
        assert drawn.count('aria-roledescription="point"') == number + legend


def test_a_panel_without_a_comparison_has_axes_of_its_own() -> None:
    charts = difference_charts(analysis(left_out=("gain:0.5", "none")))
    valid(charts)
    heights = [spec["height"] for spec in charts.values()]
    assert heights[0] > heights[1]
    assert [_offsets(spec) for spec in charts.values()] == [["target", "none"], ["target"]]


def test_values_that_are_not_finite_are_missing() -> None:
    found = analysis()
    assert all(math.isfinite(item.score.low) for item in found.means)
    rows = [row for spec in learning_curves(analysis(left_out=("content", "none"))).values() for row in spec["data"]["values"]]
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for row in rows for value in row.values())


def test_one_pair_everywhere_has_no_interval_and_still_a_picture() -> None:
    rows = [{"strategy": name, "seed": 0, "accuracy": score} for name, score in (("source", 0.5), ("target", 0.6))]
    valid(difference_charts(analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"]))))


def _offsets(spec: VegaSpec) -> Any:
    return spec["layer"][-1]["encoding"]["yOffset"]["scale"]["domain"]
