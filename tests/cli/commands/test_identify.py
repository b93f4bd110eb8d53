from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tare.cli.main import app
from tare.cli.start import main
from tests.identifying.test_api import FACTORY, checkpoint, images, of

__all__ = ["images"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["identify", *arguments])
    return result.exit_code, result.stdout


def test_the_page_names_the_kind_and_the_json_is_one_object(tmp_path: Path, images: Path) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    weights = checkpoint(tmp_path, of("inception"))
    common = ("--model", f"{tmp_path}/nets.py:net", "--checkpoint", str(weights), str(images), "--in-domain", "--samples", "64")
    code, page = run(*common, "--out", str(tmp_path / "spec.json"), "--html", str(tmp_path / "page.html"))
    assert code == 0
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Likelihood of each candidate" in written
    assert "<h1>0..1 -1..1, RGB" in written or "<h1>x / 127.5" in written
    assert "0..1 -1..1, RGB" in page
    assert "Estimated" in page
    assert (tmp_path / "spec.json").is_file()
    code, text = run(*common, "--json")
    assert code == 0
    assert json.loads(text)["ranking"][0]["name"] == "inception"


def test_a_missing_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], images: Path) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    arguments = ["identify", "--model", f"{tmp_path}/nets.py:net", "--checkpoint", "none.safetensors", str(images)]
    with pytest.raises(SystemExit) as raised:
        main(lambda: app(arguments, standalone_mode=False))
    assert raised.value.code == 2
    assert "does not exist" in capsys.readouterr().err
