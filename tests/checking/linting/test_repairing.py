"""Only changes that make their finding go away are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tare.checking.linting.inputs import CodeRequest
from tare.checking.linting.repairing import repairs
from tare.checking.repository import api as repository
from tare.checking.repository.result import Judged
from tare.code.files.document import Document
from tests.code_findings import RIGHT, WRONG, finding, typos

CODE = f"std = ({WRONG}, 0.224, 0.229)\n"
REQUEST = CodeRequest(paths=".", cache=False)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        Path(name).write_text(CODE)


def repaired(monkeypatch: pytest.MonkeyPatch, judge: Any) -> tuple[list[str], int]:
    """The files that change, and how many findings are left to a person."""
    monkeypatch.setattr(repository, "judged", judge)
    plan, report = repairs(REQUEST)
    assert len(report.findings) == 2
    return [file.path for file in plan.files], len(plan.refused)


def test_changes_that_repair_are_made_and_nothing_is_written_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repaired(monkeypatch, typos) == (["a.py", "b.py"], 0)
    assert Path("a.py").read_text() == CODE


def test_a_change_that_leaves_its_finding_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(documents: Sequence[Document], **_: Any) -> Judged:
        left = [finding(path=each.path, edits=()) for each in documents if each.path == "a.py" and RIGHT in each.text]
        return Judged([*typos(documents).findings, *left], [])

    assert repaired(monkeypatch, stubborn) == (["b.py"], 1)


def test_a_change_that_causes_another_finding_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(documents: Sequence[Document], **_: Any) -> Judged:
        new = [finding("TARE020", path=each.path, edits=()) for each in documents if each.path == "b.py" and RIGHT in each.text]
        return Judged([*typos(documents).findings, *new], [])

    assert repaired(monkeypatch, moved) == (["a.py"], 1)


def test_a_change_that_causes_one_in_another_file_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(documents: Sequence[Document], **_: Any) -> Judged:
        new = [finding("TARE020", path="c.py", edits=()) for each in documents if RIGHT in each.text]
        return Judged([*typos(documents).findings, *new], [])

    assert repaired(monkeypatch, elsewhere) == ([], 2)


def test_the_reason_names_what_a_change_alone_would_bring_up() -> None:
    Path("a.py").unlink()
    Path("b.py").write_text(
        "import timm\nfrom torchvision import transforms as T\n"
        'model = timm.create_model("vit_base_patch16_224.augreg_in21k", pretrained=True)\n'
        f"val = T.Compose([T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, {WRONG}))])\n"
    )
    plan, _ = repairs(REQUEST)
    assert plan.files == ()
    (reason,) = plan.refused
    assert reason.endswith("TARE100 is not repaired, since the change alone would leave TARE005 in b.py; it is left to you")
