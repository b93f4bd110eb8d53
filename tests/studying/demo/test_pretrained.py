"""The real network of the demo, where its packages are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tare.errors import MissingDependencyError
from tare.studying.demo.pretrained import network
from tare.studying.demo.pretrained.feeds import RIGHT, WAYS, run_pretrained


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not network.available()
    with pytest.raises(MissingDependencyError, match=r"tare\[demo\]"):
        network.load_pretrained()


@pytest.mark.long
@pytest.mark.skipif(not network.available(), reason="the packages of tare[demo] are not installed")
def test_every_wrong_feed_costs_something_and_is_named(tmp_path: Path) -> None:
    steps: list[int] = []
    found = run_pretrained(tmp_path, lambda count, *_: steps.append(count))
    assert sum(steps) == WAYS
    right, *wrong = found.feeds
    assert (right.name, right.agreement, right.codes) == (RIGHT, 1.0, ())
    assert all(feed.agreement < 0.8 and feed.codes for feed in wrong)
    assert found.finds.startswith("timm:tf_efficientnet_lite0: x / 127.5 - 1, RGB")
