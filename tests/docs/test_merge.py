from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tare
from tests.images import rgb_folder

PAGE = Path(__file__).parents[2] / "docs" / "merge.md"


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The page's programs by their heading."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+?)\n.*?```python\n(.*?)```", text, flags=re.MULTILINE | re.DOTALL))


def test_the_example_of_processes_gives_the_bits_of_measure(tmp_path: Path, blocks: dict[str, str]) -> None:
    rgb_folder(tmp_path / "photos", 130)
    program = tmp_path / "program.py"
    program.write_text(blocks["concurrent.futures"] + "\n    exec(open('json_too.py').read())")
    (tmp_path / "json_too.py").write_text(blocks["Between programs"])
    subprocess.run([sys.executable, program], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
    stats = tare.DatasetStats.load(tmp_path / "stats.json")
    assert stats.channels == tare.measure(tmp_path / "photos").channels


@pytest.mark.long
def test_the_example_of_dask_gives_the_bits_of_measure(tmp_path: Path, blocks: dict[str, str]) -> None:
    pytest.importorskip("dask.bag", reason="the dask extra is not installed")
    rgb_folder(tmp_path / "photos", 130)
    imports = "".join(f"{line}\n" for line in blocks["concurrent.futures"].splitlines() if line.startswith("from tare"))
    program = tmp_path / "program.py"
    program.write_text(imports + blocks["Dask"])
    subprocess.run([sys.executable, program], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
    stats = tare.DatasetStats.load(tmp_path / "stats.json")
    assert stats.channels == tare.measure(tmp_path / "photos").channels


@pytest.mark.parametrize("name", ["Dask", "Spark", "Beam"])
def test_the_other_examples_are_short_and_compile(blocks: dict[str, str], name: str) -> None:
    compile(blocks[name], name, "exec")
    assert len([line for line in blocks[name].splitlines() if line.strip()]) <= 10
