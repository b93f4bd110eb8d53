"""Commands whose modules load on demand, in a group whose help loads no command."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tare.cli.entries import ENTRIES, Entry
from tare.errors import TareError, reason_of
from tare.system.terminal.harmless import visible

_LOADED = ("params", "callback", "help")


class LazyCommand(TyperCommand):
    """A command that knows its name and summary; its options, function and full help load on first access."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            entry.name,
            short_help=entry.summary,
            epilog=entry.epilog,
            rich_markup_mode="rich",
            rich_help_panel=entry.panel,
        )
        self._entry = entry
        for name in _LOADED:
            delattr(self, name)

    def __getattr__(self, name: str) -> Any:
        if name not in _LOADED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        function = getattr(
            importlib.import_module(f"tare.cli.commands.{self._entry.module or self._entry.name}"), self._entry.name
        )
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
        alone.command(self._entry.name)(function)
        whole = typer.main.get_command(alone)
        self.params, self.callback, self.help = whole.params, whole.callback, _unwrapped(whole.help or "")
        return getattr(self, name)


def _unwrapped(text: str) -> str:
    """Each paragraph as one line, so that the terminal wraps it at its own width."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """Spell out what would command the terminal in the message of a mistake of usage: it repeats what was given."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "format_message", None)  # of any mistake of usage; typer's versions have classes of their own
        if message is not None:
            told = visible(message())
            error.format_message = lambda: told  # type: ignore[attr-defined]
        raise


class LazyGroup(TyperGroup):
    """The program ``tare``: every command of the table, with the manual page as its help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for entry in ENTRIES:
            self.add_command(LazyCommand(entry))

    def make_context(self, *given: Any, **more: Any) -> Any:
        """The same as usual; what a mistake names is shown harmless."""
        with _harmless():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what a mistake of usage names is shown harmless.

        A command states its exit code by ``typer.Exit``. What ends the program otherwise is code of the user's that it ran.
        """
        with _harmless():
            try:
                return super().invoke(ctx)
            except SystemExit as end:
                found = "SystemExit" if end.code is None else f"SystemExit: {reason_of(end)}"
                remedy = "take sys.exit out of that code, or keep it behind `if __name__ == '__main__'`"
                raise TareError("code that is run to come to its end", found, remedy) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the manual page; ``formatter`` writes plain text and is not used."""
        del formatter
        from tare.cli.manual import print_manual

        options = [record for parameter in self.get_params(ctx) if (record := parameter.get_help_record(ctx)) is not None]
        print_manual(ENTRIES, options)
