"""The entry point of ``tare``. Its manual page loads no parser, and an expected failure is one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable

from tare.system.offline import ask_no_network, import_nothing_from_here


def _command_line() -> None:
    if sys.argv[1:] == ["--help"] and "_TARE_COMPLETE" not in os.environ:
        from tare.cli.entries import ENTRIES
        from tare.cli.manual import OPTIONS, print_manual

        print_manual(ENTRIES, OPTIONS)
        sys.exit()
    from tare.cli.main import app

    app()


def main(run: Callable[[], None] = _command_line) -> None:
    """Run the command line; every expected failure is one line on standard error and exit code 2."""
    ask_no_network()
    import_nothing_from_here()
    # A bad file is reported by name elsewhere, so Pillow's warnings about it are left out.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.exit(141)
    except Exception as error:
        from tare.errors import TareError

        told = _missing(error) if isinstance(error, ModuleNotFoundError) else error
        if not isinstance(told, TareError):
            raise
        from tare.reporting import console

        console.error(str(told))
        sys.exit(2)


def _missing(error: ModuleNotFoundError) -> Exception | None:
    from tare.system.optional import missing

    return missing(error)
