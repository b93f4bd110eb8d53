"""Self-contained HTML pages: they send no request, and all text is escaped."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import threading
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tare.system.terminal.harmless import escape, visible_lines

if TYPE_CHECKING:  # it loads altair, which pages without charts do not need
    from tare.reporting.charts import Chart

#: A caption with more characters would be broken to the width of its table.
_LONG = 70
_NUMERIC = re.compile(r"$|-$|n/a|unknown|[-+<±]?[\d.]")
#: A command with more characters takes more than one line.
_SHORT = 40
#: The plotting library as one script, once it has been built.
_BUNDLED: list[str] = []
_BUNDLING = threading.Lock()


def page(title: str, body: Iterable[str], charts: Mapping[str, Chart | dict[str, Any]] | None = None) -> str:
    """One HTML document; each chart is drawn into the element whose id is its key."""
    parts = files("tare.reporting.page")
    style, script = ((parts / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{style}</style></head><body>",
            *body,
            f'<script type="module">{script}{_drawing(charts) if charts else ""}</script>',
            "</body></html>",
        ]
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str, level: int = 2) -> str:
    """A heading of plain text."""
    return f"<h{level}>{escape(text)}</h{level}>"


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain text; columns of numbers are set to the right. A long caption stands above it as a paragraph."""
    lines = [tuple(row) for row in rows]
    kinds = ["" if all(map(_NUMERIC.match, cells)) else ' class="text"' for cells in zip(*lines, strict=True)]
    kinds = kinds or [""] * len(headings)
    head = "".join(f'<th scope="col"{kind}>{escape(cell)}</th>' for cell, kind in zip(headings, kinds, strict=True))
    body = "".join(f"<tr>{_cells(line, kinds)}</tr>" for line in lines)
    long = len(caption) > _LONG
    title = f"<caption>{escape(caption)}</caption>" if caption and not long else ""
    made = scrolled(f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return paragraph(caption, "faint") + made if long else made


def _cells(line: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(line, kinds, strict=True))


def scrolled(element: str) -> str:
    """An element in a box that scrolls sideways. The page shows the hint above it where the box is too narrow."""
    hint = '<p class="hint">Scroll sideways for more columns \N{RIGHTWARDS ARROW}</p>'
    return f'{hint}<div class="scroll" tabindex="0" role="region" aria-label="A table that scrolls">{element}</div>'


def fold(title: str, gist: str, body: Iterable[str], *, is_open: bool = False) -> str:
    """A part of the page that is folded away: its title, in a few words what it says, and what is inside."""
    inside = "\n".join(body)
    summary = f"<summary><h2>{escape(title)}</h2><span>{escape(gist)}</span></summary>"
    return f'<details class="fold"{" open" if is_open else ""}>{summary}<div class="inside">{inside}</div></details>'


def several(number: int, noun: str) -> str:
    """A number with its noun: ``1 remark``, ``2 remarks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def notes(remarks: Sequence[str], about: str = "") -> list[str]:
    """Remarks, folded away; nothing without any."""
    if not remarks:
        return []
    return [fold("Notes", f"{several(len(remarks), 'remark')}{f' on {about}' if about else ''}", [items(remarks)])]


def columns(parts: Iterable[str]) -> str:
    """Parts side by side where the page is wide enough."""
    return f'<div class="columns">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def items(texts: Iterable[str]) -> str:
    """A list of plain texts."""
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"


def panels(keys: Iterable[str], caption: str, kind: str = "") -> str:
    """The places where the charts ``keys`` are drawn, side by side where there is room; a single ``square`` one stays square."""
    places = "".join(f'<div id="{escape(key)}"></div>' for key in keys)
    return f'<figure><div class="{f"panels {kind}".strip()}">{places}</div><figcaption>{escape(caption)}</figcaption></figure>'


def image(values: NDArray[Any], low: float, high: float, caption: str) -> str:
    """Values ``(H, W)`` as a grey picture, ``low`` black and ``high`` white, embedded as PNG."""
    return _figure(picture(levels(values, low, high), caption, "png"), caption)


def photo(values: NDArray[np.uint8], caption: str) -> str:
    """Bytes ``(H, W)`` or ``(H, W, 3)`` as a photograph, embedded as JPEG."""
    return _figure(picture(values, caption, "jpeg", quality=90), caption)


def levels(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values as grey levels: ``low`` and less is 0, ``high`` and more is 255."""
    grey: NDArray[np.uint8] = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return grey


def picture(values: NDArray[np.uint8], alternative: str, kind: str, **settings: Any) -> str:
    """An ``img`` element with bytes ``(H, W)`` or ``(H, W, 3)`` embedded in it; ``kind`` is ``png`` or ``jpeg``."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format=kind, **settings)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{escape(alternative)}" src="data:image/{kind};base64,{data}">'


def _figure(element: str, caption: str) -> str:
    return f"<figure>{element}<figcaption>{escape(caption)}</figcaption></figure>"


def code(text: str) -> str:
    """Lines of code or commands."""
    return f"<pre>{escape(text)}</pre>"


def command(words: str) -> str:
    """A command to copy; each option of a long one begins a line."""
    try:
        parts = shlex.split(words)
    except ValueError:  # not a command of a shell
        parts = []
    if len(words) <= _SHORT or shlex.join(parts) != words:
        return code(words)
    lines: list[list[str]] = [[]]
    for part in parts:
        if part.startswith("--"):
            lines.append([])
        lines[-1].append(part)
    return code(" \\\n  ".join(shlex.join(line) for line in lines))


def plotting_library() -> str:
    """The plotting library as one script, built once in a process, which takes more than a second."""
    import vl_convert

    with _BUNDLING:  # a second thread waits for the first and does not build it again
        if not _BUNDLED:
            _BUNDLED.append(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    return _BUNDLED[0]


def _harmless(value: Any) -> Any:
    """A chart's description with all of its texts made harmless, the names of its fields included."""
    if isinstance(value, dict):
        return {visible_lines(str(name)): _harmless(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_harmless(each) for each in value]
    return visible_lines(value) if isinstance(value, str) else value


def _drawing(charts: Mapping[str, Chart | dict[str, Any]]) -> str:
    """The plotting library and what draws the charts with it, each when it is first to be seen."""
    specs = {key: _harmless(item if isinstance(item, dict) else item.to_dict()) for key, item in charts.items()}
    # Text of the data may hold "</script", which would end the script element, or "<!--", which would hide its end.
    data = json.dumps(specs).replace("<", "\\u003c")
    return f"""{plotting_library()}
const specs = {data};
// Charts take the page's text colour, so that a chart drawn on a dark screen is printed dark on white.
const line = {{ labelColor: "currentColor", titleColor: "currentColor", domainColor: "currentColor", tickColor: "currentColor",
  gridColor: "currentColor", gridOpacity: 0.12, domainOpacity: 0.4, tickOpacity: 0.4, titleFontWeight: "normal" }};
const ink = {{ background: "transparent", font: "system-ui, sans-serif",
  axis: {{ ...line, labelFontSize: 12, titleFontSize: 12 }},
  title: {{ color: "currentColor" }}, view: {{ stroke: "transparent" }},
  legend: {{ labelColor: "currentColor", titleColor: "currentColor", labelFontSize: 12 }} }};
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const undrawn = new Map(Object.entries(specs));
function draw(key) {{
  const spec = undrawn.get(key);
  if (spec === undefined) return;
  undrawn.delete(key);
  vegaEmbed(document.getElementById(key), spec, {{
    actions: false, renderer: "svg", theme: dark ? "dark" : undefined, config: ink,
  }}).then((drawn) => document.dispatchEvent(new CustomEvent("tare:drawn", {{ detail: drawn.view }})));
}}
// What is folded away has no width that a chart could fill.
for (const key of [...undrawn.keys()]) {{
  const folded = document.getElementById(key).closest("details:not([open])");
  if (folded) folded.addEventListener("toggle", () => draw(key)); else draw(key);
}}
addEventListener("beforeprint", () => {{ for (const key of [...undrawn.keys()]) draw(key); }});
"""
