from __future__ import annotations

import re

import pytest

from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed

EVIL = '"><script>alert(1)</script>'


def test_the_first_screen_comes_before_everything_that_folds() -> None:
    first = FirstScreen("Use source.", badges=[Badge("shown", "good")], picture=["<svg></svg>"], steps=[Step("Train:", "tare x")])
    text = framed("advise", first, ['<details class="fold"></details>'], Made("photos", "tare advise photos"))
    places = [text.index(part) for part in ("<h1>Use source.", "<svg>", "What to do now", "<details", "How this page was made")]
    assert places == sorted(places)


def test_each_page_states_date_data_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    text = framed("advise", FirstScreen("x"), [], Made("photos, 12 samples", "tare advise photos", {"Seed": "3"}))
    assert '<time datetime="1970-01-02">2 January 1970</time>' in text
    assert "2 January 1970 (UTC), by tare" in text
    assert text.count("photos, 12 samples") == 2
    assert "<pre>tare advise photos</pre>" in text
    assert "<dt>Seed</dt><dd>3</dd>" in text


def test_everything_is_escaped() -> None:
    first = FirstScreen(EVIL, EVIL, [Badge(EVIL)], [], EVIL, [Step(EVIL, EVIL)], EVIL)
    assert "<script>alert" not in framed(EVIL, first, [], Made(EVIL, EVIL, {EVIL: EVIL}))


def test_a_page_without_charts_holds_no_plotting_library() -> None:
    text = framed("advise", FirstScreen("x"), [], Made("photos"))
    assert len(text) < 40_000
    assert not re.search(r"https?://", text)
