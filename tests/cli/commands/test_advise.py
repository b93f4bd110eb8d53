from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tare.cli.main import app
from tare.cli.start import main
from tests.advising.test_api import textured

NET = ["--model", "timm:test_resnet", "--weights", "none", "--mean", "0.45", "--std", "0.25", "--size", "32", "--workers", "1"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return textured(tmp_path_factory.mktemp("photos"))


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False, env={"COLUMNS": "100"})
    assert result.exit_code == 0
    return result.stdout


def test_the_terminal_page_has_the_recommendation_the_rule_the_reasons_and_the_doubts(photos: Path) -> None:
    said = run("advise", str(photos), *NET)
    for heading in ("Rule:", "Because", "What would change it", "Cost of being wrong", "Use it: tare transfer --strategy"):
        assert heading in said
    assert re.search(r"blend: [+-]\d+\.\d points \([+-]", said)


def test_json_is_one_object(photos: Path) -> None:
    assert json.loads(run("advise", str(photos), *NET, "--json", "--no-labels"))["schema"] == "tare.advice/1"
    assert json.loads(run("explain", str(photos), *NET, "--json"))["schema"] == "tare.explanation/1"


def test_the_page_is_self_contained_and_escaped(tmp_path: Path) -> None:
    data = textured(tmp_path / "<b>photos")
    page = tmp_path / "advice.html"
    run("advise", str(data), *NET, "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "<b>photos" not in text
    assert "&lt;b&gt;photos" in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_the_page_of_an_explanation_says_first_that_it_is_an_example(tmp_path: Path) -> None:
    page = tmp_path / "explain.html"
    run("explain", *NET, "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.index("Example: no data given") < text.index("<h1>")
    assert "What is left of the difference behind each layer" in text
    assert "vegaEmbed" not in text


def test_explain_draws_the_first_layers_and_names_what_freezing_changes() -> None:
    said = run("explain", *NET)
    for text in ("input 3 x 32 x 32", "survives:", "Example: no data given", "In eval mode, or frozen", "scale"):
        assert text in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["advise", "nothing", *NET], "nothing"),
        (
            ["advise", ".", "--model", "timm:test_resnet", "--weights", "none", "--mean", "x", "--std", "1"],
            "numbers or the name of a catalog entry after --mean",
        ),
        (["explain", "--model", "timm:test_resnet", "--weights", "none", "--mean", "0.5"], "both --mean and --std"),
        (["explain", "--model", "tare:mlp"], "weights for tare:mlp"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["tare", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: expected")
    assert message in error
    assert error.count("\n") == 1
