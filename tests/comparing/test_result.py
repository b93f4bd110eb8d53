from __future__ import annotations

import json
from typing import get_args

from tare.advising.words import KINDS
from tare.comparing.result import ShiftKind
from tare.comparing.shift import compare_stats
from tare.monitoring.result import ChangeKind
from tare.reporting.comparison.first import VERDICTS
from tests.comparing.photographs import bytes_of, photographs


def test_json_has_null_for_what_is_not_known() -> None:
    document = compare_stats(bytes_of(photographs(1)), bytes_of(photographs(2, 1))).to_json()
    assert document["schema"] == "tare.compare/1"
    assert document["channels"][0]["shift"]["low"] is None
    json.dumps(document, allow_nan=False)


def test_every_kind_has_words_wherever_it_is_told() -> None:
    kinds = set(get_args(ShiftKind))
    assert kinds == set(KINDS) == set(VERDICTS)
    assert kinds - {"no difference shown"} <= set(get_args(ChangeKind))
