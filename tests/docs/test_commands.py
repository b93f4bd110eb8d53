"""Whatever the documents show exists, and runs."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from tare.cli.main import app
from tests.docs.pages import PAGES, ROOT, Shown, inline_commands, name_of, shown_on
from tests.docs.policy import IN_PROGRAMS, MORE, NOT_RUN, PRELUDE, SUBSTITUTES
from tests.docs.running import command_run, reason_not_to_run, run_page
from tests.docs.sandbox import make_sandbox

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ROOT_OPTIONS = {"--help", "--version", "--install-completion", "--show-completion"}
SHOWN = {page: list(shown_on(page)) for page in PAGES}
WITH_SOMETHING_TO_RUN = [page for page, items in SHOWN.items() if any(reason_not_to_run(item) is None for item in items)]


def all_shown() -> list[Shown]:
    return [item for items in SHOWN.values() for item in items]


@pytest.mark.parametrize("page", [page for page in PAGES if SHOWN[page]], ids=name_of)
def test_every_command_shown_is_understood_with_its_arguments(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for item in SHOWN[page]:
        if item.kind == "command":
            name, *words = item.words()
            if "--config" in words:  # which is read while the words are
                file = tmp_path / words[words.index("--config") + 1]
                file.parent.mkdir(exist_ok=True)
                file.write_text("model: net.py:build\ndata: photos\n")
            if name in ROOT_OPTIONS:
                continue
            assert name in COMMANDS, f"{item.page} shows `tare {name}`"
            try:
                COMMANDS[name].make_context(name, words)
            except Exception as error:
                pytest.fail(f"{item.page} shows `{item.text}`: {getattr(error, 'message', error)}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_named_in_a_sentence_exist_with_their_options(page: Path) -> None:
    for text in inline_commands(page):
        name = text.split()[1]
        assert name in COMMANDS or name == "command", f"{name_of(page)} names `{text}`"
        if name in COMMANDS:
            known = {option for parameter in COMMANDS[name].params for option in parameter.opts} | {"--help"}
            used = set(re.findall(r"(?<!\S)--[a-z-]+", text))
            assert used <= known, f"{name_of(page)} names `{text}`: no {sorted(used - known)}"


@pytest.mark.parametrize("page", [page for page in PAGES if any(i.kind == "python" for i in SHOWN[page])], ids=name_of)
def test_every_program_shown_compiles(page: Path) -> None:
    for item in SHOWN[page]:
        if item.kind == "python":
            compile(item.text, item.page, "exec")


@pytest.mark.long
@pytest.mark.parametrize("page", WITH_SOMETHING_TO_RUN, ids=name_of)
def test_everything_that_a_page_shows_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # Keras cannot be imported without the library of its backend
    items = SHOWN[page]
    needed = [item for item in items if reason_not_to_run(item) is None]
    for module in ("keras", "ray", "onnx", "transformers", "albumentations", "kornia"):
        if any(module in item.text for item in needed):
            pytest.importorskip(module, reason=f"{module} is not installed")
    for name, module in (("tiles/", "rasterio"), ("scans/", "nibabel"), ("hf:ast", "transformers")):
        if any(name in item.text for item in needed):
            pytest.importorskip(module, reason=f"{module} is not installed")
    make_sandbox(tmp_path, "\n".join(item.text for item in needed))
    failed = run_page(items, tmp_path)
    assert not failed, "\n".join(failed)


def test_no_exception_of_the_policy_is_stale() -> None:
    used = {entry for item in all_shown() if (entry := reason_not_to_run(item)) is not None}
    assert set(NOT_RUN) <= used, f"nothing shown fits {sorted(set(NOT_RUN) - used)}"
    assert set(PRELUDE) <= {item.page for item in all_shown() if item.kind == "python"}
    commands = [item.text for item in all_shown() if item.kind == "command"]
    assert all(any(word in text for text in commands) for word in SUBSTITUTES)
    programs = [item.text for item in all_shown() if item.kind == "python"]
    assert all(any(piece in text for text in programs) for piece in IN_PROGRAMS)
    run = [command_run(item) for item in all_shown() if item.kind == "command" and "--" not in item.words()[0]]
    assert all(any(start in text for text in run) for start in MORE)


def test_the_documents_do_show_commands() -> None:
    names = {item.words()[0] for item in all_shown() if item.kind == "command"}
    assert set(COMMANDS) <= names, f"no page shows {sorted(set(COMMANDS) - names)}"


def test_an_unknown_option_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\ntare measure photos/ --no-such-option   # a comment\n```\n")
    with pytest.raises(Exception, match="no-such-option"):
        COMMANDS["measure"].make_context("measure", _first(page).words()[1:])


def test_a_failing_command_would_be_seen(tmp_path: Path) -> None:
    missing = Shown("README.md", "command", "tare measure nowhere/")
    (failed,) = run_page([missing], tmp_path)
    assert "left with 2" in failed
    assert "nowhere" in failed


def _first(page: Path) -> Shown:
    (language, block) = re.findall(r"```(\w+)\n(.*?)```", page.read_text(), re.DOTALL)[0]
    assert language == "sh"
    return Shown("page.md", "command", block.partition(" #")[0].strip())


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/index.md"])
def test_make_targets_that_the_documents_name_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([\w-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name} names `make {target}`"


def test_programs_of_benchmarks_that_the_documents_name_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"python -m (benchmarks\.\w+)", page.read_text(encoding="utf-8")):
            assert find_spec(name) is not None, f"{name_of(page)} names {name}"
