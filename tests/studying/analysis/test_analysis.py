from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from tare.errors import DataError
from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.scores import scores_of

EFFECTS = {"target": {20: -0.05, 80: 0.01, 320: 0.04}, "match": dict.fromkeys((20, 80, 320), 0.0)}


def rows(scale: float = 1.0, **extra: dict[int, float]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    made = []
    for n in (20, 80, 320):
        for seed in range(8):
            base = 0.7 + rng.normal(0, 0.02)
            made.append({"strategy": "source", "n": n, "seed": seed, "acc": scale * base})
            for name, effect in {**EFFECTS, **extra}.items():
                made.append({"strategy": name, "n": n, "seed": seed, "acc": scale * (base + effect[n] + rng.normal(0, 0.003))})
    return made


def analysed(table: list[dict[str, Any]], **options: Any) -> Analysis:
    return analyse(scores_of(table, strategy="strategy", score="acc", pair=["seed"], group=["n"]), size="n", **options)


def test_the_verdict_says_what_the_numbers_show_and_no_more() -> None:
    target, match, crossing = analysed(rows()).sentences
    assert target.startswith("target: better than source in 2 of 3 comparisons (by at most ")
    assert "worse than source in 1 of 3 comparisons (by 5." in target
    assert match == "match: equivalent to it within 1 point in all 3 comparisons."
    assert crossing.startswith("target overtakes source at about ")


def test_scores_that_are_no_shares_are_told_as_they_are() -> None:
    table = rows(scale=100)
    found = analysed(table)
    assert found.unit == ""
    assert found.margin == pytest.approx(0.01 * np.mean([row["acc"] for row in table if row["strategy"] == "source"]))
    assert "points" not in " ".join(found.sentences)


def test_missing_cells_are_part_of_the_verdict() -> None:
    table = rows()
    table[3]["acc"] = None
    assert analysed(table).sentences[-1] == "1 cells are missing; their results are not known."


def test_a_strategy_without_effect_is_called_out() -> None:
    table = rows()
    twins = [{**row, "strategy": "twin"} for row in table if row["strategy"] == "source"]
    sentence = next(text for text in analysed(table + twins).sentences if text.startswith("twin"))
    assert "bit-identical to it in all 3 comparisons, which is unlikely with different inputs" in sentence
    full = [{**row, "acc": 1.0} for row in table + twins if row["strategy"] in ("source", "twin")]
    (sentence,) = analysed(full).sentences
    assert "in all 3 comparisons, all at the end of the score's range, where no difference can show" in sentence


def test_the_json_has_no_number_that_json_lacks() -> None:
    table = [row for row in rows() if row["seed"] == 0 or row["n"] == 20]
    document = json.loads(json.dumps(analysed(table).to_json(), allow_nan=False))
    assert document["schema"] == "tare.analysis/1"
    assert any(item["difference"]["low"] is None for item in document["contrasts"])


def test_options_that_fit_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="scores of the baseline 'sauce', found strategies source, target, match; name one"):
        analysed(rows(), baseline="sauce")
    with pytest.raises(DataError, match="a margin above zero, found 0"):
        analysed(rows(), margin=0.0)
    table = [{**row, "n": "many"} for row in rows() if row["n"] == 20]
    with pytest.raises(DataError, match="whole numbers in 'n', found 'many'"):
        analysed(table)


def test_the_order_of_rows_changes_nothing() -> None:
    table = rows()
    one, other = analysed(table), analysed(sorted(table, key=lambda row: (row["n"], row["strategy"] != "source", -row["seed"])))
    assert {(i.strategy, i.group): round(i.difference.estimate, 12) for i in one.contrasts} == {
        (i.strategy, i.group): round(i.difference.estimate, 12) for i in other.contrasts
    }
    assert not any(math.isnan(item.p_adjusted) for item in one.contrasts)


def test_scores_without_a_partner_are_counted_and_none_at_all_is_refused() -> None:
    def rows(strategy: str, seeds: Iterable[int], group: str, score: float) -> list[dict[str, Any]]:
        return [{"strategy": strategy, "seed": seed, "group": group, "score": score + 0.001 * seed} for seed in seeds]

    columns: dict[str, Any] = {"strategy": "strategy", "score": "score", "pair": ["seed"], "group": ["group"]}
    some = scores_of(
        [*rows("source", range(5), "A", 0.5), *rows("target", range(3, 9), "A", 0.6), *rows("target", range(4), "B", 0.1)],
        **columns,
    )
    found = analyse(some)
    assert found.unpaired == {"target": 8}
    assert "target: 8 scores have none of source beside them, and are compared with nothing." in found.sentences
    assert found.to_json()["unpaired"] == {"target": 8}
    with pytest.raises(DataError, match="for the same pair and group, found none of target"):
        analyse(scores_of([*rows("source", range(5), "A", 0.5), *rows("target", range(5, 10), "A", 0.9)], **columns))
    assert not analyse(scores_of([*rows("source", range(5), "A", 0.5), *rows("target", range(5), "A", 0.6)], **columns)).unpaired
    said = "5 of the scores are up to 1 and 5 from there to 100, like shares beside percent: they are compared as they are."
    both = scores_of([*rows("source", range(5), "A", 0.5), *rows("target", range(5), "A", 60.0)], **columns)
    assert said in analyse(both).sentences
    assert said not in analyse(both, lower=True).sentences


def test_what_is_not_compared_is_said() -> None:
    columns: dict[str, Any] = {"strategy": "strategy", "score": "score", "pair": ["seed"], "group": []}

    def said(*rows: tuple[str, int, float | None]) -> tuple[str, ...]:
        table = [dict(zip(("strategy", "seed", "score"), row, strict=True)) for row in rows]
        return analyse(scores_of(table, **columns)).sentences

    assert said(("source", 0, 0.5), ("target", 0, 0.6)) == ("target: one pair, too few to tell.",)
    alone = "Nothing is compared: no strategy has scores beside those of the baseline."
    assert said(("source", 0, 0.5), ("source", 1, 0.6)) == (alone,)
    scoreless = "target: none of its cells has a score, and it is compared with nothing."
    found = said(("source", 0, 0.5), ("source", 1, 0.6), ("target", 0, None), ("target", 1, None))
    assert found == (alone, scoreless, "2 cells are missing; their results are not known.")
