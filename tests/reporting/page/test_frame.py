from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from tare.reporting.page import frame
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


def luminance(colour: str) -> float:
    """Relative luminance of ``#rgb`` or ``#rrggbb`` (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_and_marks_stand_out_on_every_ground_by_day_by_night_and_in_print() -> None:
    style = (Path(frame.__file__).parent / "page.css").read_text()
    modes = [dict(re.findall(r"--(\w+): (#\w{3,6});", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)]
    assert len(modes) == 3
    for mode in modes:
        for names, least in ((("ink", "faint", "alarm", "green"), 4.5), (("blue", "orange"), 3.0)):
            for name, ground in product(names, ("ground", "card", "mark")):
                light, dark = sorted((luminance(mode[name]), luminance(mode[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= least, (name, ground)
