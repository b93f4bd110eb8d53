"""The built site: strict, whole, and without a request to any other place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import tare
from tare.checking.rules.table import RULES
from tests.docs.building import build

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("mkdocstrings") is None, reason="the docs extra is not installed"),
]
#: Elements that fetch what they name when the page opens; an `a` does not.
FETCHING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src", "audio": "src"}


class Page(HTMLParser):
    """What a page fetches, and the names of the places that it can be entered at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        stated = dict(attrs)
        address = stated.get(FETCHING.get(tag, ""))
        # A canonical or neighbouring page is named, not fetched.
        if address and (tag != "link" or stated.get("rel") in {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch"}):
            self.fetched.append(address)
        if stated.get("id"):
            self.places.add(str(stated["id"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for path in pages(site):
        outside = [address for address in Page(path).fetched if re.match(r"(?:[a-z]+:)?//", address)]
        assert not outside, f"{path.relative_to(site)} fetches {outside}"


def test_no_style_fetches_anything_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import\s+)[\"']?(https?:)?//", path.read_text(encoding="utf-8"))
        assert not addresses, path.relative_to(site)


def test_what_a_page_fetches_is_there(site: Path) -> None:
    for path in pages(site):
        # The page of an error is served from anywhere, and names its assets from the root.
        for address in Page(path).fetched if path.name != "404.html" else ():
            if not address.startswith("data:"):
                assert (path.parent / address.partition("?")[0]).resolve().is_file(), (
                    f"{path.relative_to(site)} fetches {address}"
                )


def test_search_needs_no_server(site: Path) -> None:
    assert (site / "search" / "search_index.js").read_text(encoding="utf-8").startswith("var __index = {")
    assert "iframe-worker.js" in (site / "index.html").read_text(encoding="utf-8")


def test_the_reference_has_every_command_name_and_code(site: Path) -> None:
    import typer

    from tare.cli.main import app

    commands = Page(site / "reference" / "cli.html").places
    assert {f"tare-{name}" for name in typer.main.get_command(app).commands} <= commands  # type: ignore[attr-defined]
    names = Page(site / "reference" / "python.html").places
    assert {f"{getattr(tare, name).__module__}.{name}" for name in set(tare.__all__) - {"spec", "TareError"}} <= names
    assert {rule.code.lower() for rule in RULES} <= Page(site / "reference" / "codes.html").places


def test_the_reference_has_every_class_that_an_exported_function_returns(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in tare.__all__:
        returned = str(getattr(getattr(tare, name), "__annotations__", {}).get("return", ""))
        for word in set(re.findall(r"\w+", returned)) - {"None", "list", "Path", "nn", "Module"}:
            assert re.search(rf'id="tare\.[\w.]*\.{word}"', text), f"tare.{name} returns {returned}"


def test_the_hooks_are_no_part_of_the_site(site: Path) -> None:
    assert not (site / "hooks").exists()
