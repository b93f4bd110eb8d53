"""The page of advice in a real browser: the first screen, what folds, a phone, paper, and no script at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import tare
from tare.reporting.advice import write_advice
from tests.advising.test_api import NET, textured
from tests.browser.test_pages import browser, checked

__all__ = ["browser"]  # the fixture

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def advice_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("advice")
    write_advice(tare.advise(data=textured(folder / "photos"), **NET), folder / "a.html", "tare advise --model m photos")  # type: ignore[arg-type]
    return folder / "a.html"


def bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdict_picture_and_next_step_fit_the_first_screen(browser: Browser, advice_page: Path, scheme: str) -> None:
    page = checked(browser, advice_page, 1280, scheme, charts=0)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = false; })")
    assert max(bottom(page, name) for name in ("h1", ".picture", ".todo")) < 800
    assert page.locator(".picture .rows tbody tr").count() >= 3
    assert page.locator(".todo pre").inner_text().startswith("tare transfer")
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(768, "light"), (390, "light"), (390, "dark")])
def test_it_is_readable_on_narrow_screens(browser: Browser, advice_page: Path, width: int, scheme: str) -> None:
    page = checked(browser, advice_page, width, scheme, charts=0)
    assert page.evaluate("[...document.querySelectorAll('.rows td.mark')].every((cell) => cell.clientWidth > 90)")
    page.close()


def test_a_wide_table_says_that_it_scrolls_and_keeps_its_names(browser: Browser, advice_page: Path) -> None:
    page = checked(browser, advice_page, 390, "light", charts=0)
    hint = page.locator(".hint.needed").first
    assert hint.is_visible()
    box = page.locator(".hint.needed + .scroll").first
    before = box.locator("tbody td").first.bounding_box()
    box.evaluate("(one) => { one.scrollLeft = 120; }")
    assert box.locator("tbody td").first.bounding_box() == before
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_timeout(100)
    assert page.locator(".hint.needed").count() == 0
    page.close()


def test_details_are_folded_until_they_are_asked_for_by_keyboard(browser: Browser, advice_page: Path) -> None:
    page = browser.new_page()
    page.goto(advice_page.as_uri())
    assert page.locator("details[open]").count() == 0
    page.locator("summary", has_text="Why").focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] li").first.is_visible()
    page.close()


def test_on_paper_everything_is_unfolded_and_then_folded_again(browser: Browser, advice_page: Path) -> None:
    page = browser.new_page()
    page.goto(advice_page.as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.close()


def test_the_picture_is_there_without_any_script(browser: Browser, advice_page: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(advice_page.as_uri())
    assert page.locator(".picture svg circle").first.is_visible()
    page.close()
