"""Pages in a real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tare.progress import SILENT
from tare.reporting.demo_report import write_page
from tare.studies.demo import run_demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("TARE_REQUIRE_BROWSER"):
            pytest.fail("chromium is not installed, and TARE_REQUIRE_BROWSER demands it")
        pytest.skip("chromium is not installed")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=options)
        yield instance
        instance.close()


@pytest.fixture(scope="module")
def demo_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_page(run_demo(folder, SILENT, seeds=2), folder / "report.html", "tare demo --seeds 2")
    return folder / "report.html"


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_demo_page_renders_without_an_error_or_a_request(browser: Browser, demo_page: Path, width: int, scheme: str) -> None:
    page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
    page.goto(demo_page.as_uri())
    page.wait_for_function("document.querySelectorAll('.panels svg').length === 4")
    assert problems == []
    assert page.locator("h1").inner_text() == "tare demo: whose mean and std?"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".inputs img").count() == 12
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    page.close()
