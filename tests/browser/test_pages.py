"""Pages in a real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tare.comparing.shift import compare_stats
from tare.reporting.comparison.report import write_comparison
from tare.reporting.demo.report import write_demo
from tare.reporting.transfer.report import write_run
from tare.studying.demo.run import run_demo
from tare.system.progress import SILENT
from tare.transferring.api import transfer
from tests.labelled_images import dark_and_light
from tests.made_stats import stacked

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
    write_demo(run_demo(folder, SILENT, seeds=2), folder / "report.html", "tare demo --seeds 2")
    return folder / "report.html"


@pytest.fixture(scope="module")
def comparison_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    first, second = rng.normal(120, 30, (2, 300, 6, 6, 3)).clip(0, 255).astype(np.uint8)
    found = compare_stats(stacked(first, "/long" * 30), stacked(second // 2, "second"))
    path = tmp_path_factory.mktemp("compare") / "difference.html"
    write_comparison(found, path, "tare compare first second")
    return path


def checked(browser: Browser, path: Path, width: int, scheme: str, charts: int) -> Page:
    """Open a page, unfold it, wait for its charts, and see that it raises no error, sends no request and fits the screen."""
    page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.wait_for_function(f"document.querySelectorAll('.panels svg').length === {charts}")
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return page


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_demo_page_renders_without_an_error_or_a_request(browser: Browser, demo_page: Path, width: int, scheme: str) -> None:
    page = checked(browser, demo_page, width, scheme, charts=10)  # accuracies and differences under five conditions
    assert page.locator("h1").inner_text().startswith(("Consistency is right", "Where"))
    assert page.locator(".picture tbody tr").count() == 5
    assert page.locator(".inputs img").count() == 30
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_comparison_page_renders_likewise(browser: Browser, comparison_page: Path, width: int, scheme: str) -> None:
    page = checked(browser, comparison_page, width, scheme, charts=6)
    assert page.locator("h1").inner_text() == "The target's values are the source's at another gain."
    assert page.locator(".picture tbody tr").count() == 3
    page.close()


@pytest.fixture(scope="module")
def transfer_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transfer")
    data = dark_and_light(folder / "data")
    for part in ("train", "val"):
        shutil.copytree(data / part / "dark", data / part / ("</script><b>" + "a long name of a class " * 4))
    options = {"weights": "none", "size": 32, "workers": 0, "device": "cpu", "epochs": 3, "batch_size": 4}
    run = transfer("timm:test_resnet", data, out=folder / "run", **options)  # type: ignore[arg-type]
    write_run(run, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (768, "light"), (390, "dark")])
def test_the_transfer_page_renders_likewise(browser: Browser, transfer_page: Path, width: int, scheme: str) -> None:
    page = checked(browser, transfer_page, width, scheme, charts=3)
    assert page.locator("h1").inner_text().startswith("Accuracy ")
    assert page.locator("b").count() == 0
    assert page.locator(".inputs img").count() >= 1
    assert page.locator("dt", has_text="Training images").count() == 1
    page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_confusion_matrix_is_made_of_squares_that_tell_their_counts(
    browser: Browser, transfer_page: Path, width: int
) -> None:
    page = checked(browser, transfer_page, width, "light", charts=3)
    sizes = page.evaluate("[...document.querySelectorAll('.matrix td[title]')].map((one) => [one.offsetWidth, one.offsetHeight])")
    assert len(sizes) == 9
    assert all(abs(wide - high) <= 1 for wide, high in sizes)
    assert "predicted dark" in str(page.locator(".matrix td[title]").nth(1).get_attribute("title"))
    page.close()


def test_learning_curves_stand_side_by_side(browser: Browser, transfer_page: Path) -> None:
    page = checked(browser, transfer_page, 1280, "light", charts=3)
    tops = page.evaluate("[...document.querySelectorAll('.panels > div')].map((one) => one.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    page.close()


def test_a_chart_that_is_folded_away_is_drawn_when_it_is_asked_for_and_on_paper(browser: Browser, transfer_page: Path) -> None:
    page = browser.new_page()
    page.goto(transfer_page.as_uri())
    page.wait_for_timeout(300)
    assert page.locator(".panels svg").count() == 0
    page.locator("summary", has_text="Learning curves").click()
    page.wait_for_function("document.querySelectorAll('.panels svg').length === 3")
    page.reload()
    page.evaluate("addEventListener('afterprint', () => { window.drawn = document.querySelectorAll('.panels svg').length; })")
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.drawn") == 3
    assert page.locator("details[open]").count() == 0
    page.close()
