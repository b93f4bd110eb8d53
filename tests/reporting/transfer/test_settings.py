from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tare.reporting.transfer.report import _warns
from tare.reporting.transfer.settings import setting_text, settings_fold

DIGESTS = {
    "training images": "12 with mean 0.5",
    **dict.fromkeys(("values of files", "code of the network", "weights of the network"), "def456"),
}


def fold(**settings: Any) -> str:
    return settings_fold(cast("Any", SimpleNamespace(settings=settings)))


def test_only_settings_that_differ_from_their_defaults_are_listed() -> None:
    text = fold(model="m", data="d", epochs=3, lr=3e-4, batch_size=32, seed=0)
    assert '<td class="text">epochs</td><td>3</td><td>10</td>' in text
    assert "batch size" not in text
    assert "2 other settings have their defaults" in text


def test_settings_without_a_default_are_listed_and_digests_are_not() -> None:
    text = fold(geometry={"size": [64, 64], "crop_fraction": 0.875}, files="abc123", **DIGESTS)
    assert "size 64 64, crop fraction 0.875" in text
    assert "abc123" not in text
    assert "def456" not in text
    assert "12 with mean" not in text


def test_defaults_alone_need_no_table() -> None:
    text = fold(epochs=10)
    assert "all are the defaults" in text
    assert "<table" not in text


@pytest.mark.parametrize(("value", "text"), [(None, "none"), (0.25, "0.25"), ([1, 2], "1 2"), (Path("a"), "a"), (True, "True")])
def test_a_setting_in_words(value: object, text: str) -> None:
    assert setting_text(value) == text


def test_a_finding_that_was_allowed_stands_on_the_first_screen() -> None:
    assert _warns("TARE010 double-normalisation was allowed: the input ...")
    assert not _warns("interpolation unknown: using bicubic")
