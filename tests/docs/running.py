"""Run what a page shows, in order, as a reader would who tries all of it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tare.cli import start as cli
from tests.docs.pages import Shown
from tests.docs.policy import IN_PROGRAMS, MAY_FIND, MORE, NO_WEIGHTS, NOT_RUN, PRELUDE, REFUSED, SUBSTITUTED_IN, SUBSTITUTES


def reason_not_to_run(item: Shown) -> tuple[str, str] | None:
    """The entry of the policy that keeps an item from being run."""
    for page, start in NOT_RUN:
        fits = item.text.startswith(start) if item.kind == "command" else start in item.text and not start.startswith("tare ")
        if page == item.page and fits:
            return page, start
    return None


def command_run(item: Shown) -> str:
    """The command with its substitutes."""
    before, _, rest = item.text.partition("tare ")
    name = rest.split()[0]
    body, mark, shell = rest.partition(" | ") if " | " in rest else rest.partition(" > ")
    words = shlex.split(body)
    if name in SUBSTITUTED_IN:
        replaced = [SUBSTITUTES.get(word, word) for word in words]
        words = replaced + (list(NO_WEIGHTS.get(name, ())) if replaced != words else [])
    text = f"tare {shlex.join(words)}"
    more = next((options for start, options in MORE.items() if text.startswith(start)), ())
    return f"{before}{shlex.join(['tare', *words, *more])}{mark}{shell}"


def run_page(items: list[Shown], folder: Path) -> list[str]:
    """Run the items in ``folder``; what failed, a line each."""
    failed = []
    names: dict[str, Any] = {"__name__": "__main__"}
    for item in items:
        if reason_not_to_run(item) is None:
            said = run_command(item, folder) if item.kind == "command" else run_program(item, folder, names)
            failed += [said] if said else []
    return failed


def run_command(item: Shown, folder: Path) -> str:
    """What went wrong, or nothing."""
    command = command_run(item)
    words = shlex.split(command)
    if "--out" in words and "--resume" not in words:
        _clear(folder / words[words.index("--out") + 1])
    plain = item.text.startswith("tare ") and not {"|", ">"} & set(words)
    code, said = _in_process(words[1:], folder) if plain else _in_shell(command, folder)
    name = item.words()[0]
    shown = " ".join(item.text.split())
    refusal = next((text for (page, piece), text in REFUSED.items() if page == item.page and piece in shown), None)
    if refusal is not None:
        return "" if code == 2 and refusal in said else f"`{command}` was not refused with {refusal!r}: {said.strip()[-600:]}"
    allowed = {0, 1} if name in MAY_FIND else {0}
    return "" if code in allowed else f"`{command}` (for `{item.text}`) left with {code}: {said.strip()[-600:]}"


def run_program(item: Shown, folder: Path, names: dict[str, Any]) -> str:
    """Run a program in the names that the page's earlier ones left."""
    text = item.text
    for shown, run in IN_PROGRAMS.items():
        text = text.replace(shown, run)
    for out in re.findall(r'\bout="([^"]+)"', text):
        _clear(folder / out)
    with _at(folder), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(PRELUDE.get(item.page, ""), names)  # noqa: S102 - our own text
            exec(compile(text, item.page, "exec"), names)  # noqa: S102 - the page's own program
        except Exception as error:
            return f"the program {item.text.strip()[:80]!r} raised {type(error).__name__}: {error}"
    return ""


class _Said(io.TextIOWrapper):
    """A standard output that takes text and bytes."""

    def getvalue(self) -> str:
        """All that was said so far."""
        buffer: Any = self.buffer
        return str(buffer.getvalue().decode("utf-8", "replace"))


def _in_process(words: list[str], folder: Path) -> tuple[int, str]:
    said = _Said(io.BytesIO(), "utf-8", write_through=True)
    before = sys.argv
    sys.argv = ["tare", *words]
    try:
        with _at(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            cli.main()
    except SystemExit as left:
        return int(left.code or 0), said.getvalue()
    except Exception as error:
        return -1, f"{type(error).__name__}: {error}"
    finally:
        sys.argv = before
    return 0, said.getvalue()


def _in_shell(command: str, folder: Path) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(  # noqa: S603 - the page's own command
        ["/bin/bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


@contextlib.contextmanager
def _at(folder: Path) -> Any:
    """In the folder, from which modules of the reader's own are imported; they are forgotten afterwards."""
    modules = set(sys.modules)
    with contextlib.chdir(folder):
        sys.path.insert(0, str(folder))
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            for name in set(sys.modules) - modules:
                if str(folder) in str(getattr(sys.modules[name], "__file__", None)):
                    del sys.modules[name]


def _clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
