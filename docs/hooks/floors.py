"""The picture of the architecture page, drawn from the import contract; ``python docs/hooks/floors.py`` draws it anew."""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "floors.svg"

_WIDTH, _ROW, _GAP, _LEFT = 980, 40, 10, 96
_TASK, _MATERIAL, _PROGRAM = "#d5ebe7", "#e8e6f5", "#f5e9d4"
_LEGEND = ((_PROGRAM, "the program"), (_TASK, "tasks: gerunds"), (_MATERIAL, "materials: nouns"))


def floors() -> list[list[str]]:
    """The folders of each floor, the top one first, as import-linter is told them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def picture() -> str:
    """The floors as an SVG: imports run from upper floors to lower ones alone."""
    rows = floors()
    height = len(rows) * (_ROW + _GAP) + 70
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="system-ui, sans-serif">',
        f"<title>The {len(rows)} floors of tare</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *_arrow(height),
    ]
    for place, names in enumerate(rows):
        parts += _floor(len(rows) - place, names, 20 + place * (_ROW + _GAP))
    parts += _legend(height - 34)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _floor(number: int, names: list[str], top: int) -> list[str]:
    width = (_WIDTH - _LEFT - 20 - _GAP * (len(names) - 1)) / len(names)
    parts = [f'<text x="62" y="{top + _ROW / 2 + 5}" font-size="15" fill="#555555" text-anchor="middle">{number}</text>']
    for place, name in enumerate(names):
        left = _LEFT + place * (width + _GAP)
        middle = left + width / 2
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW}" rx="6" fill="{_colour(name)}" stroke="#8a8a8a"/>'
        )
        place_of_text = f'x="{middle:.1f}" y="{top + _ROW / 2 + 6}" text-anchor="middle"'
        parts.append(f'<text {place_of_text} font-size="17" fill="#1a1a1a">{escape(name)}</text>')
    return parts


def _colour(name: str) -> str:
    if name in ("__main__", "cli"):
        return _PROGRAM
    return _TASK if name.endswith("ing") else _MATERIAL


def _arrow(height: int) -> list[str]:
    end = height - 66
    return [
        f'<line x1="26" y1="24" x2="26" y2="{end}" stroke="#555555" stroke-width="2"/>',
        f'<path d="M 19 {end - 10} L 26 {end + 4} L 33 {end - 10} Z" fill="#555555"/>',
        f'<text x="26" y="{end / 2}" font-size="13" fill="#555555" transform="rotate(-90 20 {end / 2})" text-anchor="middle">'
        "imports</text>",
    ]


def _legend(top: int) -> list[str]:
    parts = []
    for place, (colour, text) in enumerate(_LEGEND):
        left = _LEFT + place * 190
        parts.append(f'<rect x="{left}" y="{top}" width="16" height="16" rx="3" fill="{colour}" stroke="#8a8a8a"/>')
        parts.append(f'<text x="{left + 24}" y="{top + 13}" font-size="14" fill="#333333">{text}</text>')
    return parts


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
