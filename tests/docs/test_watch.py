"""The example of docs/watch.md gives the output that stands below it."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import tare
from tests.watched import warned

PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


def output_of(program: str) -> str:
    """What the program prints, its warnings first, as they stand on a terminal."""
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(printed):
        warnings.simplefilter("always")
        exec(program, {"__name__": "__main__"})  # noqa: S102 - the page's own program
    return "".join(f"TareWarning: {text}\n" for text in warned(caught)) + printed.getvalue()


def test_the_example_gives_the_output_that_stands_below_it() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    (shown,) = re.findall(r"the report says what was seen:\n\n```text\n(.*?)```", page, flags=re.DOTALL)
    assert wrapped(output_of(program)) == wrapped(shown)


def test_the_page_names_every_option() -> None:
    import inspect

    page = PAGE.read_text(encoding="utf-8")
    for name in set(inspect.signature(tare.watch).parameters) - {"model"}:
        assert f"`{name}" in page, name


def wrapped(text: str) -> list[str]:
    """The words of a text, however its lines are broken."""
    return text.split()
