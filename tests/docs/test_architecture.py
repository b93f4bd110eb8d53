"""The architecture page shows the contracts that are proved, and every folder that there is."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def floors() -> ModuleType:
    spec = importlib.util.spec_from_file_location("floors", ROOT / "docs" / "hooks" / "floors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_drawn_from_the_contract(floors: ModuleType) -> None:
    assert floors.PICTURE.read_text(encoding="utf-8") == floors.picture(), "run python docs/hooks/floors.py"


def test_the_table_has_every_folder_on_its_floor(floors: ModuleType) -> None:
    rows = floors.floors()
    proved = [(len(rows) - place, name) for place, names in enumerate(rows) for name in names]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = [
        (int(floor), name)
        for floor, names in re.findall(r"^\| (\d+) \| (`[^|]+`) \|", page, re.M)
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert shown == proved


def test_the_places_that_the_contributor_is_sent_to_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## Where does it go?") : text.index("Its tests go")]
    named = {name.rstrip("/") for name in re.findall(r"`([\w/]+(?:\.\w+)?/?)`", table) if "/" in name}
    missing = {name for name in named if not (ROOT / name).exists() and not (ROOT / "src" / "tare" / name).exists()}
    assert len(named) > 10
    assert missing == set()
