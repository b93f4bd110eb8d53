"""The documentation site, opened as files in a real browser: search without a server, and pages that fit a phone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_pages import browser
from tests.docs.building import build

__all__ = ["browser"]  # the fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("mkdocstrings") is None, reason="the docs extra is not installed"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


def test_search_finds_a_code_without_a_server(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.click("input[name=query]")
    page.locator("input[name=query]").press_sequentially("TARE073")
    expect(page.locator(".md-search-result__list")).to_contain_text("antialias", timeout=60_000)
    assert not [url for url in requests if not url.startswith(("file:", "data:"))]
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen_or_fetches_from_elsewhere(browser: Browser, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(60_000)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in sorted(site.rglob("*.html")):
        if path.name != "404.html":
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.relative_to(site)
    assert not errors
    assert not [url for url in requests if not url.startswith(("file:", "data:"))]
    page.close()
