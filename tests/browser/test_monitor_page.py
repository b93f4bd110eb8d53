"""The page of a monitor in a real browser, as a file and live."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tare.monitoring.monitor import Monitor
from tare.reporting.monitor import write_monitor_page
from tare.serving.page_server import PageServer
from tests.browser.test_pages import browser, checked
from tests.monitoring.made import changed, photographs, reference

__all__ = ["browser"]  # the fixture

pytestmark = pytest.mark.browser

_CHARTS = 1 + 8  # the evidence, and the figures with most of it


@pytest.fixture(scope="module")
def monitor() -> Monitor:
    made = Monitor(reference(500))
    for place in range(80):
        batch = photographs(8, place)
        made.update(changed(batch, 0.8) if place >= 40 else batch)
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_renders_without_an_error_or_a_request(
    browser: Browser, monitor: Monitor, tmp_path: Path, width: int, scheme: str
) -> None:
    write_monitor_page(monitor, tmp_path / "monitor.html")
    page = checked(browser, tmp_path / "monitor.html", width, scheme, _CHARTS)
    verdict = monitor.verdict()
    assert page.locator("h1").inner_text() == verdict.headline
    assert verdict.reason[1:] in page.locator("body").inner_text()
    assert page.locator(".badges li").first.inner_text() == verdict.kind
    assert all(words.removesuffix(".") in page.locator(".todo").inner_text() for words in verdict.cure)
    assert shlex.split(page.locator(".todo pre").inner_text().replace("\\\n", "")) == shlex.split(verdict.command)
    page.close()


def test_a_monitor_without_a_batch_has_a_page_too(browser: Browser, tmp_path: Path) -> None:
    write_monitor_page(Monitor(reference(100)), tmp_path / "monitor.html")
    page = checked(browser, tmp_path / "monitor.html", 390, "light", 0)
    assert page.locator("h1").inner_text().startswith("No change shown in 0 samples")
    page.close()


def test_the_live_page_renews_itself_under_its_policy(browser: Browser) -> None:
    watched = Monitor(reference(200))
    watched.update(photographs(8, 0))
    with PageServer(lambda: watched, refresh=1) as server:
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(server.url)
        page.wait_for_function(f"document.querySelectorAll('.panels svg').length === {_CHARTS}")
        assert "8 samples in 1 batches" in page.locator("body").inner_text()
        watched.update(photographs(8, 1))
        page.wait_for_function("document.body.innerText.includes('16 samples in 2 batches')", timeout=60_000)
        assert [each for each in problems if "favicon" not in each] == []
        page.close()
