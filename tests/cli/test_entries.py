"""The table of commands says what the commands say themselves, and loads none of them."""

from __future__ import annotations

import importlib
import inspect
import itertools
import os
import shlex
import subprocess
import sys
from dataclasses import fields

import pytest
import typer

from tare.cli.entries import ENTRIES, Entry
from tare.cli.main import app
from tare.cli.start import main
from tare.system.options import OptionGroup

BY_NAME = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def completed(line: str) -> list[str]:
    """What bash is offered after ``line``."""
    asked = {"_TARE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    program = "from tare.cli.main import app; app(prog_name='tare')"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@BY_NAME
def test_a_summary_is_the_first_sentence_of_the_commands_docstring(entry: Entry) -> None:
    function = getattr(importlib.import_module(f"tare.cli.commands.{entry.module or entry.name}"), entry.name)
    assert " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split()) == entry.summary


@BY_NAME
def test_an_example_is_a_command_line_that_is_understood(entry: Entry) -> None:
    group = typer.main.get_command(app)
    for example in entry.examples:
        program, name, *words = shlex.split(example.partition(" > ")[0])
        assert (program, name) == ("tare", entry.name)
        command = group.commands[name]  # type: ignore[attr-defined]
        command.make_context(name, words)


def test_commands_of_a_group_stand_together() -> None:
    panels = [entry.panel for entry in ENTRIES]
    changes = 1 + sum(before != after for before, after in itertools.pairwise(panels))
    assert changes == len(set(panels))


def test_the_page_names_every_command_and_loads_none() -> None:
    program = (
        "import sys\nfrom tare.cli.start import main\nsys.argv[1:] = ['--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('typer' in sys.modules, *(name for name in sys.modules if name.startswith('tare.cli.')))"
    )
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    page, loaded = done.stdout.rsplit("\n", 2)[0], done.stdout.splitlines()[-1].split()
    assert max(map(len, page.splitlines())) <= 80
    for entry in ENTRIES:
        assert f"│ {entry.name} " in page
    assert set(loaded) == {"False", *(f"tare.cli.{name}" for name in ("entries", "manual", "start"))}


def test_the_options_of_all_commands_load_no_numeric_library() -> None:
    program = (
        "import sys, typer\nfrom tare.cli.main import app\n"
        "options = [command.params for command in typer.main.get_command(app).commands.values()]\n"
        "print(len(options), *(name for name in ('numpy', 'scipy', 'PIL', 'torch', 'timm') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == [str(len(ENTRIES))]


def test_no_command_declares_an_option_that_the_library_declares() -> None:
    for entry in ENTRIES:
        function = getattr(importlib.import_module(f"tare.cli.commands.{entry.module or entry.name}"), entry.name)
        request, *own = inspect.signature(inspect.unwrap(function), eval_str=True).parameters.values()
        assert isinstance(request.annotation, type)
        assert issubclass(request.annotation, OptionGroup)
        assert {each.name for each in own}.isdisjoint(each.name for each in fields(request.annotation))


def test_the_page_is_the_one_that_the_parser_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tare", "--help"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    own = capsys.readouterr().out
    app(["--help"], standalone_mode=False)
    assert capsys.readouterr().out.split() == own.split()


def test_paragraphs_of_a_commands_help_are_not_broken_where_the_source_is() -> None:
    for entry in ENTRIES:
        command = typer.main.get_command(app).commands[entry.name]  # type: ignore[attr-defined]
        assert all("\n" not in paragraph for paragraph in command.help.split("\n\n"))


def test_a_command_is_an_attribute_error_for_what_it_has_not() -> None:
    command = typer.main.get_command(app).commands["demo"]  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'LazyCommand' object has no attribute 'absent'"):
        command.absent  # noqa: B018 - looking at it is the test


def test_the_shell_completes_commands_and_their_options() -> None:
    assert completed("tare me") == ["measure"]
    assert {"--confidence", "--columns"} <= set(completed("tare measure --co"))
