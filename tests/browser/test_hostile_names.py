"""Class, file, column, network and folder names that are HTML or script: no page of tare runs or renders any of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, ConsoleMessage
from pyarrow import parquet

from tare.studying.demo.inputs import FILES
from tare.training.run_dir import check_out
from tests.browser.test_pages import browser
from tests.cli.test_main import run
from tests.images import save_png

__all__ = ["browser"]  # the fixture

pytestmark = pytest.mark.browser

SCRIPT = "</script><script>window.ran = 1</script>"
IMAGE = '"><img src=x onerror="window.ran = 2">'
VECTOR = "<svg onload='window.ran = 3'>&lt;b&gt;{{7*7}}${window.ran = 4}"
FOLDER = "<img src=x onerror=window.ran=5>"
NET = """
from torch import nn


def net():
    layers = nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    made = nn.Sequential(*layers)
    made.pretrained_cfg = {"input_size": (3, 24, 24), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.3), "crop_pct": 1.0,
                           "interpolation": "bilinear"}
    return made
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a hostile name with a manifest, images and a table of hostile names, and a network."""
    root = tmp_path_factory.mktemp("hostile") / FOLDER
    root.mkdir()
    generator = np.random.default_rng(0)
    lines = ["path,label"]
    for label, name in enumerate((SCRIPT, IMAGE)):
        for index in range(16):
            level = generator.normal(80 + 60 * label, 30, (24, 24, 3)).clip(0, 255)
            save_png(root / f"{index} {VECTOR.replace('/', '')} {label}.png", level.astype(np.uint8))
            quoted = [text.replace('"', '""') for text in (f"{index} {VECTOR.replace('/', '')} {label}.png", name)]
            lines.append(",".join(f'"{text}"' for text in quoted))
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    for name, shift in (("a.parquet", 0.0), ("b.parquet", 1.0)):
        values = generator.normal(size=(400, 3)) + shift
        parquet.write_table(pa.table(dict(zip((SCRIPT, IMAGE, VECTOR), values.T, strict=True))), root / name)
    (root / "net.py").write_text(NET)
    return root


def _is_problem(message: ConsoleMessage) -> bool:
    # Vega warns of a chart whose every strategy was just unchecked.
    emptied = message.text.startswith("WARN Infinite extent")
    return message.type in ("error", "warning") and not emptied


def unharmed(browser: Browser, page: Path, names: list[str]) -> None:
    """Open a page and see that nothing of a name ran, became an element or asked for anything, and that the names are shown."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if _is_problem(message) else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("dialog", lambda dialog: problems.append(dialog.message))
    opened.on("request", lambda request: problems.append(request.url) if request.url != page.as_uri() else None)
    opened.goto(page.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    if opened.locator(".panels").count():
        opened.wait_for_function("document.querySelectorAll('.panels svg').length > 0")
    for handle in opened.locator("summary, th button, input[type=checkbox]").all()[:6]:
        handle.evaluate("element => element.click()")
    for mark in opened.locator(".panels svg .mark-rect path, .panels svg .mark-symbol path").all()[:4]:
        mark.dispatch_event("mousemove")  # what shows a tooltip
    requested = [problem for problem in problems if not problem.startswith("data:")]
    assert requested == []
    assert opened.evaluate("window.ran") is None
    assert opened.evaluate("document.querySelectorAll('[onerror], [onload], img[src=x]').length") == 0
    text = opened.evaluate("document.documentElement.textContent")
    assert [name for name in names if name not in text] == []
    opened.close()


def test_the_page_of_a_comparison(browser: Browser, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = place / "difference.html"
    code, _, error = run(capsys, "compare", str(place / "a.parquet"), str(place / "b.parquet"), "--html", str(page))
    assert code == 1, error
    unharmed(browser, page, [SCRIPT, IMAGE, VECTOR, FOLDER])


def test_the_page_of_a_transfer(browser: Browser, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ("--model", f"{place / 'net.py'}:net", "--weights", "none", "--device", "cpu", "--workers", "0", "--epochs", "2")
    code, _, error = run(capsys, "transfer", str(place / "list.csv"), *model, "--out", str(place / "run"))
    assert code == 0, error
    unharmed(browser, place / "run" / "report.html", [SCRIPT, IMAGE])


def test_the_page_of_advice(browser: Browser, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = place / "advice.html"
    model = ("--model", f"{place / 'net.py'}:net", "--weights", "none", "--html", str(page))
    code, _, error = run(capsys, "advise", str(place / "list.csv"), *model)
    assert code == 0, error
    unharmed(browser, page, [FOLDER])


def test_the_page_of_a_study_also_when_it_is_written_again(
    browser: Browser, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = ("--model", f"{place / 'net.py'}:net", "--weights", "none", "--sizes", "6", "--seeds", "2", "--workers", "1")
    strategies = ("--strategies", "source,target", "--protocols", "probe", "--batchnorm", "eval")
    out = place / "study"
    code, _, error = run(capsys, "study", "--data", str(place / "list.csv"), *plan, *strategies, "--out", str(out))
    assert code == 0, error
    unharmed(browser, out / "report.html", [FOLDER])
    again = place / "again.html"
    code, _, error = run(capsys, "report", str(out), "--html", str(again))
    assert code == 0, error
    unharmed(browser, again, [FOLDER])


def test_the_page_of_the_demo(browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / FOLDER
    code, _, error = run(capsys, "demo", "--seeds", "2", "--out", str(out))
    check_out(out, overwrite=True, resume=False, more=FILES)  # all that it wrote is its own
    assert code == 0, error
    unharmed(browser, out / "report.html", [FOLDER])
    shutil.rmtree(out)
