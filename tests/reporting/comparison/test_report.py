from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tare.comparing.result import Comparison, ShiftKind
from tare.comparing.shift import compare_stats
from tare.normalisation.catalog import named
from tare.reporting import console
from tare.reporting.comparison.charts import histogram_charts, quantile_charts
from tare.reporting.comparison.first import first_screen
from tare.reporting.comparison.report import print_comparison, write_comparison
from tests.made_stats import stacked, stated_stats


def images(seed: int, gain: float = 1.0) -> Comparison:
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(0.5, 0.1, (400, 6, 6, 3)).clip(0, 1) for _ in range(2))
    return compare_stats(stacked(np.rint(first * 255).astype(np.uint8)), stacked(np.rint(gain * second * 255).astype(np.uint8)))


def written(found: Comparison, folder: Path) -> str:
    write_comparison(found, folder / "page.html", "tare compare a b")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_states_the_verdict_and_draws_every_channel(tmp_path: Path) -> None:
    found = images(0, 0.5)
    text = written(found, tmp_path)
    assert "<h1>The target&#x27;s values are the source&#x27;s at another gain.</h1>" in text
    assert found.reason.removesuffix(".")[1:] in text
    for name in ("red", "green", "blue"):
        assert f'id="histogram of {name}"' in text
        assert f'id="quantiles of {name}"' in text


def test_source_and_target_are_drawn_with_intervals_in_stds_of_the_source(tmp_path: Path) -> None:
    found = images(0, 0.5)
    text = written(found, tmp_path)
    red = found.channels[0]
    assert f"red: shift {red.shift.estimate:+.3g}, ratio of stds {red.ratio.estimate:.3g}" in text
    assert f"{red.shift.low:+.2f} to {red.shift.high:+.2f}\nstd \N{MULTIPLICATION SIGN} {red.ratio.estimate:.2f}" in text
    assert text.count('class="orange"') >= 3


def test_every_kind_has_a_verdict_and_something_to_do() -> None:
    found = images(0, 0.5)
    for kind in get_args(ShiftKind):
        screen = first_screen(replace(found, kind=kind))
        assert screen.verdict.endswith(".")
        assert screen.steps


def test_a_stated_constant_is_not_named_as_data_in_a_command() -> None:
    found = compare_stats(named("cifar10").stats(), images(0).target)
    commands = [step.command for step in first_screen(found).steps]
    assert all("cifar10" not in command for command in commands)
    assert any("SOURCE" in command for command in commands)


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    found = images(0)
    evil = "</script><script>alert(1)</script>"
    sides = (found.source, found.target)
    source, target = (replace(side, source=evil, channels=(replace(side.channels[0], name=evil),)) for side in sides)
    assert "<script>alert" not in written(compare_stats(source, target), tmp_path)


def test_a_constant_is_said_to_have_no_histogram_and_the_other_is_drawn(tmp_path: Path) -> None:
    target = images(0).target
    found = compare_stats(named("cifar10").stats(), target)
    text = written(found, tmp_path)
    assert "The source is a stated mean and std, with no histogram." in text
    assert "Quantiles against each other" not in text
    assert len(histogram_charts(found)) == 3
    assert quantile_charts(found) == {}


def test_moments_alone_make_a_page_without_pictures(tmp_path: Path) -> None:
    found = compare_stats(stated_stats((0.5,), (0.1,)), stated_stats((0.6,), (0.1,)))
    text = written(found, tmp_path)
    assert "<figure>" not in text
    assert "vegaEmbed" not in text


@pytest.mark.parametrize(("gain", "text"), [(1e-7, "units"), (3e9, "units")])
def test_figures_of_any_size_are_printed_in_eighty_columns(
    gain: float, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.out, "_width", 80)
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.5, 0.1, (2, 300, 5, 1))
    print_comparison(compare_stats(stacked(first), stacked(gain * second)))
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{text}: ") for line in lines)
    assert all(len(line.rstrip()) <= 80 for line in lines)


def test_one_sample_leaves_the_interval_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    source = images(0).source
    single = stacked(np.random.default_rng(1).integers(0, 256, (1, 9, 9, 3), dtype=np.uint8))
    print_comparison(compare_stats(source, single))
    assert "(unknown)" in capsys.readouterr().out
