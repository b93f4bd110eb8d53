from __future__ import annotations

import json

from tare.comparing.shift import compare_stats
from tests.comparing.photographs import bytes_of, photographs


def test_json_has_null_for_what_is_not_known() -> None:
    document = compare_stats(bytes_of(photographs(1)), bytes_of(photographs(2, 1))).to_json()
    assert document["schema"] == "tare.compare/1"
    assert document["channels"][0]["shift"]["low"] is None
    json.dumps(document, allow_nan=False)
