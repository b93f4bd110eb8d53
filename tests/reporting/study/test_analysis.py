from __future__ import annotations

import pytest

from tare.reporting import console
from tare.reporting.study.analysis import p_text, print_analysis
from tare.studying.analysis.analysis import analyse
from tare.studying.analysis.scores import scores_of


def test_in_eighty_columns_nothing_is_broken_and_every_group_is_named_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.out, "_width", 80)
    rows = [
        {
            "network": "a-rather-long-network-name",
            "shift": shift,
            "size": size,
            "strategy": strategy,
            "seed": seed,
            "accuracy": score,
        }
        for shift in ("content", "gain:0.5+offset:0.25")
        for size in (20, 320)
        for strategy, base in (("source", 0.5), ("target", 0.8))
        for seed in range(5)
        for score in [base + 0.01 * seed + (0.001 * seed * size / 320 if strategy == "target" else 0.0)]
    ]
    scores = scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["network", "shift", "size"])
    print_analysis(analyse(scores, margin=0.01, size="size"))
    printed = capsys.readouterr().out
    tables = printed.partition("± is half")[0]
    titles = [line.strip() for line in tables.splitlines() if line.startswith("network")]
    assert titles == [f"network a-rather-long-network-name, shift {shift}" for shift in ("content", "gain:0.5+offset:0.25")]
    assert [line.split()[0] for line in tables.splitlines() if " source " in line and "vs" not in line] == ["20", "320"] * 2
    assert tables.count("better") == 4
    assert max(map(len, tables.splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "<0.001"), (9e-4, "<0.001"), (0.001, "0.001"), (0.0456, "0.046"), (1.0, "1"), (float("nan"), "")]
)
def test_a_p_value_is_never_zero(value: float, text: str) -> None:
    assert p_text(value) == text
