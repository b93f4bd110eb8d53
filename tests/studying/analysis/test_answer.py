from __future__ import annotations

import numpy as np

from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.answer import answer
from tare.studying.analysis.scores import scores_of
from tare.studying.execution.standing import Standing


def made(effects: dict[tuple[str, str], float], noise: float = 0.005, seeds: int = 10) -> Analysis:
    rng = np.random.default_rng(0)
    rows = []
    for shift in dict.fromkeys(shift for shift, _ in effects):
        for seed in range(seeds):
            base = 0.7 + rng.normal(0, 0.02)
            rows.append({"shift": shift, "strategy": "source", "seed": seed, "accuracy": base})
            rows += [
                {"shift": shift, "strategy": name, "seed": seed, "accuracy": base + effect + rng.normal(0, noise)}
                for (where, name), effect in effects.items()
                if where == shift
            ]
    return analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["shift"]))


def test_the_first_sentence_is_on_content_and_the_second_on_other_sensors() -> None:
    same, other = answer(made({("content", "target"): 0.0, ("gain:0.5", "target"): 0.1, ("bits:4", "target"): -0.1}))
    assert same.startswith(
        "Where raw values mean the same in both datasets, no strategy is shown to differ from source in any of 1"
    )
    assert "(shown to be within 1 point in 1)" in same
    assert other.startswith(
        "Where another sensor recorded the target (gain:0.5, bits:4), target is better than source in 1 of 2 comparisons; "
        "target is worse than source in 1 of 2 comparisons; the largest difference is "
    )


def test_several_strategies_are_told_by_how_often_they_differ() -> None:
    effects = {(shift, name): 0.1 for shift in ("content", "gain:2") for name in ("target", "blend")}
    same, _ = answer(made({**effects, ("content", "none"): 0.0}))
    assert "target is better than source in 1 of 1 comparisons, blend in 1; in 1 of all 3 no difference is shown" in same


def test_with_one_kind_of_shift_the_second_sentence_says_what_is_open() -> None:
    settled, rest = answer(made({("content", "target"): 0.1}))
    assert settled.startswith("Target is better than source in 1 of 1 comparisons; the largest difference is +")
    assert rest == "Every comparison is settled at the 5% level, adjusted over all comparisons."
    _, rest = answer(made({("content", "target"): 0.0}, noise=0.05))
    assert rest.startswith("1 of 1 comparisons are open; the widest interval is -")


def _analysis(seeds: dict[str, dict[str, int]], effect: float) -> Analysis:
    """Scores of each strategy in groups with so many seeds; strategies other than the source gain ``effect``."""
    rng = np.random.default_rng(0)
    rows = [
        {"g": group, "strategy": name, "seed": seed, "accuracy": 0.7 + (name != "source") * effect + rng.normal(0, 0.004)}
        for group, strategies in seeds.items()
        for name, number in strategies.items()
        for seed in range(number)
    ]
    return analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["g"]))


def test_a_group_with_one_pair_has_no_part_in_the_span_of_the_intervals() -> None:
    texts = answer(_analysis({"a": {"source": 5, "target": 5}, "b": {"source": 1, "target": 1}}, 0.0))
    assert "nan" not in " ".join(texts)
    assert "no strategy is shown to differ from source in any of 2 comparisons: their intervals lie between" in texts[0].lower()
    texts = answer(_analysis({"b": {"source": 1, "target": 1}}, 0.0))
    assert texts[0] == "No strategy is shown to differ from source in any of 1 comparisons, since none has two pairs."
    assert texts[1] == "1 of 1 comparisons are open, with one pair each: use more seeds."


def test_each_strategy_is_counted_among_its_own_comparisons() -> None:
    both, one = {"source": 5, "target": 5, "match": 5}, {"source": 5, "target": 5}
    first, _ = answer(_analysis({"a": both, "b": one, "c": one}, 0.1))
    assert first.startswith("Target is better than source in 3 of 3 comparisons, match in 1 of 1; the largest")


def test_the_standing_is_a_running_mean() -> None:
    standing = Standing()
    assert standing.text() == ""
    standing.add([{"strategy": "source", "accuracy": 0.5}, {"strategy": "target", "accuracy": 0.75}])
    standing.add([{"strategy": "target", "accuracy": None}])
    assert standing.text() == "ahead: target 75.0%, source 50.0%"
