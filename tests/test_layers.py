"""What import-linter's contracts do not say: which names stand in the shop window, and that a wrong import is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tare

ROOT = Path(tare.__file__).parent
PROJECT = Path(__file__).parents[1]


def test_no_module_bears_the_name_of_an_exported_function() -> None:
    """Such a module would replace the function on the package once it is imported."""
    modules = {path.stem for path in ROOT.iterdir()}
    assert modules & set(tare.__all__) == set()


def test_the_shop_window_is_small_and_everything_in_it_exists() -> None:
    assert len(tare.__all__) <= 21
    for name in tare.__all__:
        assert getattr(tare, name) is not None


def test_every_command_of_one_verb_is_a_function_of_the_same_name() -> None:
    from tare.cli.entries import ENTRIES

    assert {entry.name for entry in ENTRIES} - set(tare.__all__) == {"demo"}


def lint(src: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the project's contracts, on the package below ``src``."""
    program = f"import sys; sys.path.insert(0, {str(src)!r}); from importlinter.cli import lint_imports_command as lint; lint()"
    words = [sys.executable, "-c", program, "--no-cache", "--no-logo", str(PROJECT / "pyproject.toml")]
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT, tmp_path / "tare", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tare"


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("statistics/moments.py", "def f():\n    from tare.measuring.api import measure", "One direction: down BROKEN"),
        ("system/files.py", "from tare.errors import TareError\nimport tare.cli.start", "One direction: down BROKEN"),
        ("predicting/api.py", "import tare.watching.api", "One direction: down BROKEN"),
        ("new_folder/thing.py", "x = 1", "One direction: down BROKEN"),
        ("sources/base.py", "import tare.sources.opening", "No circle at any depth BROKEN"),
        ("samples/jpeg.py", "import torch", "Samples and statistics know no network library BROKEN"),
        ("reporting/exports.py", "import tare.exporting.api", "Pages show results and call no task BROKEN"),
    ],
)
def test_a_wrong_import_is_found(copy: Path, module: str, line: str, found: str) -> None:
    place = copy / module
    place.parent.mkdir(exist_ok=True)
    (place.parent / "__init__.py").touch()
    with place.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint(copy.parent)
    assert done.returncode == 1
    assert found in done.stdout + done.stderr


def test_the_package_as_it_is_keeps_the_contracts(copy: Path) -> None:
    done = lint(copy.parent)
    assert done.returncode == 0, done.stdout + done.stderr
