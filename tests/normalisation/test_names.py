from __future__ import annotations

from pathlib import Path

from tare.normalisation.names import DECLARED, STRATEGIES, Declaration

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
KINDS = {"photo": "8-bit images", "raster": "deeper images", "signal": "signals", "row": "rows"}


def row(name: str, declared: Declaration) -> str:
    kinds = "all" if len(declared.kinds) == len(KINDS) else ", ".join(KINDS[kind] for kind in declared.kinds)
    folds = "yes" if declared.folds else "no"
    return f"| `{name}` | {declared.meaning} | {declared.known_as} | {kinds} | {folds} |"


def test_every_strategy_is_declared_once_and_the_page_has_its_row() -> None:
    assert tuple(DECLARED) == STRATEGIES
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [row(name, declared) for name, declared in DECLARED.items()]
