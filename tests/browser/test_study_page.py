"""The page of a study in a real browser: charts, checkboxes, the table, phone and paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tare.reporting.api import report
from tare.reporting.study.report import write_study
from tare.studying.execution.running import run_study
from tare.studying.plan import plan_of
from tests.browser.test_pages import browser, checked

__all__ = ["browser"]  # the fixture

pytestmark = pytest.mark.browser

CHARTS = 2 + 2 + 2 + 1  # curves, differences, what is fed: one each for two shifts; and what is stored


@pytest.fixture(scope="module")
def study_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "out"
    document = {"networks": "cnn-none", "shifts": ["content", "gain:0.5"], "sizes": [20, 60], "seeds": 3}
    command = "tare study digits --out '</script><script>alert(1)</script>'"
    run = run_study(plan_of({"study": "digits", **document, "strategies": ["source", "target", "none"]}), folder, command=command)
    write_study(run, folder / "report.html")
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, study_page: Path) -> Iterator[Page]:
    opened = checked(browser, study_page, 1280, "light", CHARTS)
    yield opened
    opened.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_page_renders_without_an_error_or_a_request(browser: Browser, study_page: Path, width: int, scheme: str) -> None:
    opened = checked(browser, study_page, width, scheme, CHARTS)
    assert opened.locator("h1").inner_text().startswith("Where raw values mean the same in both datasets,")
    assert opened.locator("p.lead").inner_text().startswith("Where another sensor recorded the target (gain:0.5)")
    assert opened.locator(".picture tbody tr").count() == 3
    assert "</script><script>alert(1)" in opened.locator(".made pre").inner_text()
    assert opened.locator(".examples img").count() == 6
    opened.close()


def marks(page: Page) -> int:
    """Points of strategies in the learning curves and in the differences."""
    return page.locator(".panels svg .mark-symbol.role-mark path").count()


def test_a_checkbox_takes_a_strategy_out_of_every_chart_and_of_the_table_by_keyboard(page: Page) -> None:
    before, rows = marks(page), page.locator(".sorted tbody tr:visible").count()
    assert (before, rows) == (2 * (6 + 4), 12)
    page.locator("input[value=none]").focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"document.querySelectorAll('.panels svg .mark-symbol.role-mark path').length < {before}")
    page.wait_for_timeout(300)
    assert marks(page) == 2 * (4 + 2)
    assert page.locator(".sorted tbody tr:visible").count() == 8
    page.keyboard.press("Space")
    page.wait_for_function(f"document.querySelectorAll('.panels svg .mark-symbol.role-mark path').length === {before}")


def column(page: Page, number: int) -> list[str]:
    return page.locator(f".sorted tbody tr:visible td:nth-child({number})").all_inner_texts()


def test_the_table_sorts_by_value_both_ways_and_says_so(page: Page) -> None:
    heading = page.locator(".sorted th", has_text="mean in %")
    number = 4
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in column(page, number)]
    assert values == sorted(values)
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, number)] == values[::-1]
    page.locator(".sorted th button", has_text="vs source").click()
    assert page.locator(".sorted th[aria-sort]").count() == 1
    assert column(page, 6)[-4:] == [""] * 4  # the baseline has no difference from itself


def test_the_table_filters_by_words(page: Page) -> None:
    page.get_by_label("Filter rows").fill("gain target")
    assert page.locator(".sorted tbody tr:visible").count() == 2
    assert page.locator("#count").inner_text() == "2 of 12 rows"
    page.get_by_label("Filter rows").fill("")
    assert page.locator("#count").inner_text() == "12 of 12 rows"


def test_hovering_over_a_point_tells_its_figures(page: Page) -> None:
    page.locator(".panels svg .mark-symbol.role-mark path").last.hover(force=True)
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "samples" in tip.inner_text()


def test_it_prints_dark_on_white_even_from_a_dark_screen(browser: Browser, study_page: Path) -> None:
    opened = checked(browser, study_page, 390, "dark", CHARTS)
    opened.emulate_media(media="print", color_scheme="dark")
    style = "getComputedStyle(document.body)"
    assert opened.evaluate(f"[{style}.color, {style}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert opened.evaluate("getComputedStyle(document.querySelector('.panels svg text')).fill") == "rgb(0, 0, 0)"
    assert not opened.locator("#search").is_visible()
    assert opened.pdf().startswith(b"%PDF")
    opened.close()


def test_a_study_that_is_not_finished_says_so_first_and_how_to_go_on(browser: Browser, study_page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(study_page.parent, folder)
    (folder / "summary.json").unlink()
    for part in sorted((folder / "cells").iterdir())[:1]:
        part.unlink()
    page = browser.new_page()
    page.goto(report(folder, html=tmp_path / "half.html").as_uri())
    assert "cells are measured. Every figure here can still change." in page.locator(".unfinished").inner_text()
    assert page.locator(".todo pre").first.inner_text().startswith("tare study")
    page.close()


def test_the_bars_of_no_chart_leave_it(page: Page) -> None:
    """Charts and text share one column: nothing is wider than the text's own box."""
    inside = "(one) => { const box = one.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; }"
    assert page.evaluate(f"[...document.querySelectorAll('.panels > div, .rows, h1, summary')].every({inside})")
    lefts = page.evaluate("[...document.querySelectorAll('main > *')].map((one) => Math.round(one.getBoundingClientRect().left))")
    assert len({left for left in lefts if left}) == 1
