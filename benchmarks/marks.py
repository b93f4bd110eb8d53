"""Put what a command measured between two marks of a page, so that the rest of the page stays as it was written."""

from __future__ import annotations

from pathlib import Path


def between(document: str, text: str, first: str, last: str) -> str:
    """The document with another text between its marks. Raises ValueError for a document without both, in this order."""
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"expected {first} and {last} in the page")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def insert_between(page: Path, text: str, first: str, last: str) -> None:
    """Put a text between two marks of a page. Raises ``SystemExit`` if it has none."""
    try:
        changed = between(page.read_text(encoding="utf-8"), text, first, last)
    except ValueError:
        raise SystemExit(f"{page} has no marks {first} and {last}") from None
    page.write_text(changed, encoding="utf-8")


def insert(page: Path, section: str, text: str) -> None:
    """Put a text between the marks of a section. Raises ``SystemExit`` if the page has none."""
    insert_between(page, text, f"<!-- {section} -->", f"<!-- end of {section} -->")
