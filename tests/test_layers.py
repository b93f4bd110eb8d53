"""What import-linter's contracts do not say: which names stand in the shop window, and that a wrong import is found."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from functools import cache
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
    assert len(tare.__all__) <= 27
    for name in tare.__all__:
        assert getattr(tare, name) is not None


def test_every_command_of_one_verb_is_a_function_of_the_same_name() -> None:
    from tare.cli.entries import ENTRIES

    assert {entry.name for entry in ENTRIES} - set(tare.__all__) == {"demo", "monitor"}  # tare.Monitor is a class


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


@cache
def shop_windows() -> set[str]:
    """The packages that show names of other modules: those with a stub of their own."""
    return {".".join(("tare", *path.parent.relative_to(ROOT).parts)) for path in ROOT.rglob("__init__.pyi")}


def names_from_windows(source: str) -> list[str]:
    """What a module takes from a shop window, and not from the module that defines it; relative imports, too."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            modules = {".".join((node.module or "", alias.name)) for alias in node.names}
            places = {module for module in modules if (ROOT.parent / module.replace(".", "/")).with_suffix(".py").exists()}
            packages = {module for module in modules if (ROOT.parent / module.replace(".", "/")).is_dir()}
            if node.level or (node.module in shop_windows() and modules - places - packages - {"tare.__version__"}):
                found.append(ast.unparse(node))
    return found


def test_nobody_imports_from_a_shop_window() -> None:
    sources = (path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    assert [line for source in sources for line in names_from_windows(source)] == []


@pytest.mark.parametrize(
    "line",
    ["from tare import measure", "from tare.folding import fold", "from . import exact", "def f():\n    from tare import fold"],
)
def test_an_import_from_a_shop_window_would_be_found(line: str) -> None:
    assert len(names_from_windows(line)) == 1


def test_a_folder_has_at_most_twelve_modules() -> None:
    """A stranger finds a module by reading a folder's list; commands are one file each."""
    folders = {path.parent for path in ROOT.rglob("*.py")} - {ROOT / "cli" / "commands"}
    counts = {str(folder.relative_to(ROOT)): len([*folder.glob("*.py")]) - 1 for folder in folders}
    assert {name: count for name, count in counts.items() if count > 12} == {}
