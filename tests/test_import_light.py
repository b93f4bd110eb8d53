from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tare

HEAVY = ("torch", "torchvision", "timm", "lightning", "ray", "transformers", "datasets", "sklearn", "altair", "polars", "onnx")
NUMERIC = ("numpy", "scipy", "numba", "PIL", "pyarrow", "rich", "typer")


def loaded_by(statement: str, candidates: tuple[str, ...]) -> list[str]:
    """The candidates that a fresh interpreter has loaded after ``statement``."""
    program = f"{statement}\nimport sys\nprint(*(name for name in {candidates!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.split()


def test_the_bare_import_loads_nothing_heavy() -> None:
    assert loaded_by("import tare", HEAVY + NUMERIC) == []


@pytest.mark.parametrize("name", ["measure", "DatasetStats", "InputSpec", "TareError"])
def test_what_needs_no_network_loads_no_model_library(name: str) -> None:
    assert loaded_by(f"import tare; tare.{name}", HEAVY) == []


def test_the_command_line_loads_no_model_library_before_a_command_needs_one() -> None:
    assert loaded_by("import tare.cli", HEAVY) == []


def test_reading_code_loads_no_numeric_library(tmp_path: Path) -> None:
    code = "T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])])"
    (tmp_path / "train.py").write_text(f"from torchvision import transforms as T\nval = {code}\n")
    (tmp_path / "config.yaml").write_text("mean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0.5]\n")
    words = ["tare", "check", str(tmp_path), "--no-cache"]
    statement = f"""
import contextlib, io, sys
from tare.cli.main import app
sys.argv = {words!r}
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    app()
assert "2 files read" in out.getvalue(), out.getvalue()
"""
    assert loaded_by(statement, (*HEAVY, "numpy", "scipy", "numba", "PIL", "pyarrow")) == []


def test_the_check_sees_what_is_loaded() -> None:
    assert loaded_by("import json", ("json", "torch")) == ["json"]


def test_a_name_that_is_not_in_the_window_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="No tare attribute normalise"):
        tare.normalise  # type: ignore[attr-defined]  # noqa: B018 - looking at it is the test


def test_the_window_lists_what_it_shows() -> None:
    assert set(tare.__all__) <= set(dir(tare))
