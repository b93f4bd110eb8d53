"""The page about speech shows what a check of its script prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.sandbox import read_only

PAGE = ROOT / "docs" / "howto" / "speech.md"


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "transcribe.py").write_text(read_only(PAGE, "transcribe.py"))
    program = [sys.executable, "-m", "tare", "check", "transcribe.py", "--no-cache"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1, done.stderr
    assert done.stdout in re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
