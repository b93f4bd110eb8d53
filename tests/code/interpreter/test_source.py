"""Which part of a line a finding marks."""

from __future__ import annotations

import ast

import pytest

from tare.code.files.document import Document
from tare.code.interpreter.source import Source, parsed

LONG = "torch.from_numpy(np.array(Image.open('\u00e4.png').convert('RGB')))"
WIDE = ", ".join(["0.485"] * 9)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("model(x[None])", "model(x[None])"),
        (f"{LONG}.float() / 255", "/ 255"),
        (f"({LONG} - mean) / std", "/ std"),
        (f"{LONG}.float().div(255)", "div(255)"),
        (f"{LONG}.float().sub([{WIDE}])", "sub"),
        (f"model({LONG})", "model"),
        (f"transforms.Compose([{WIDE}])", "transforms.Compose"),
        (f"self.net[0]({LONG})", "self.net[0]"),
        (f"[{WIDE}, {WIDE}]", f"[{WIDE}, {WIDE}]"),
    ],
)
@pytest.mark.parametrize("before", ["", "caf\u00e9 = "])
def test_of_a_long_expression_its_own_part_is_marked(text: str, marked: str, before: str) -> None:
    source = parsed(Document("a.py", "python", f"{before}{text}\n"))
    assert isinstance(source, Source)
    (statement,) = source.tree.body
    assert isinstance(statement, ast.Expr | ast.Assign)
    place = source.core(statement.value)
    assert f"{before}{text}"[place.column - 1 : place.end_column - 1] == marked


def test_an_expression_of_several_lines_is_marked_from_its_beginning() -> None:
    source = parsed(Document("a.py", "python", f"model(\n    {LONG}\n)\n"))
    assert isinstance(source, Source)
    node = source.tree.body[0]
    assert source.core(node) == source.place(node)
