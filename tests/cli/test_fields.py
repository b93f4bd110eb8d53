import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from tare.cli.fields import command, load
from tare.system.options import OptionGroup, declared, option


def halves(text: str, name: str) -> list[float]:
    assert name == "--mean"
    return [float(word) / 2 for word in text.split(",")]


@dataclass(frozen=True, kw_only=True)
class Request(OptionGroup):
    data: Any = field(kw_only=False, metadata=declared("The data.", is_argument=True, kind=str))
    out: str | Path = field(metadata=declared("Where.", panel="Second", kind=Path))
    mode: Literal["a", "b"] | Literal["auto"] = option("a", "How.", panel="Second")
    count: int | None = option(None, "How many.", above=0, panel="First")
    share: float = option(0.5, "A share.", above=0, most=1)
    fast: bool = option(False, "Faster.")
    place: Path | None = option(None, "A folder.", of_folder=True)
    size: int | Sequence[int] | None = option(None, "One number, or two.", above=0, kind=int | None)
    labels: bool | None = option(None, "Labels.", names=("--labels/--no-labels",))
    mean: Any = option(None, "Numbers.", reads=halves)
    listener: Any = None


seen: list[Request] = []


@command(Request, panels=("First", "Second"))
def work(request: Request, times: Annotated[int, typer.Option(help="The command's own.")] = 1) -> None:
    """Do the work."""
    seen.extend([request] * times)


app = typer.Typer()
app.command()(work)
runner = CliRunner()


def run(*words: str) -> Any:
    seen.clear()
    return runner.invoke(app, list(words))


def test_defaults_are_those_of_the_fields() -> None:
    assert run("x", "--out", "o").exit_code == 0
    assert seen == [Request("x", out=Path("o"))]


def test_every_kind_of_value_is_read() -> None:
    words = ["--mode", "auto", "--count", "3", "--share", "1", "--fast", "--no-labels", "--mean", "1,2", "--times", "2"]
    assert run("x", "--out", "o", *words).exit_code == 0
    expected = Request("x", out=Path("o"), mode="auto", count=3, share=1.0, fast=True, labels=False, mean=[0.5, 1.0])
    assert seen == [expected, expected]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mode", "c"], "'c' is not one of"),
        (["--count", "0"], "greater than or equal to 1"),
        (["--share", "2"], "less than or equal to 1"),
        (["--size", "0"], "greater than or equal to 1"),
        (["--place", __file__], "for '--place'"),
        (["--listener", "1"], "No such"),
    ],
)
def test_what_the_parser_can_refuse_it_refuses(words: list[str], said: str) -> None:
    done = run("x", "--out", "o", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_panels_stand_in_the_stated_order_and_required_options_come_first() -> None:
    text = run("--help").output
    assert text.index("First") < text.index("Second")
    assert text.index("--out") < text.index("--mode")
    assert "Do the work." in text


def test_a_task_loads_without_the_collector_which_then_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loaded_for_a_task.py").write_text("import gc\nwas = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    load("")
    load("loaded_for_a_task")
    assert not sys.modules["loaded_for_a_task"].was
    assert gc.isenabled()
    gc.unfreeze()
