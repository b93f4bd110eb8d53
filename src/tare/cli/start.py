"""The entry point of ``tare``. Its manual page loads no parser, and an expected failure is one line."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from tare.system.offline import ask_no_network, import_nothing_from_here
from tare.system.terminal import streams
from tare.system.threads import notice_lost_threads

#: What libraries say that could not get memory, or a thread.
_NO_MEMORY = (
    "allocate memory",
    "out of memory",
    "bad_alloc",
    "could not create a primitive",
    "failed to map segment",
    "can't start new thread",
)
_NO_FILES = ("TooManyOpenFiles", "Too many open files")
_PANIC = "PanicException"
#: What the largest command opens at once besides its workers' files, several times over.
_FILES = 64
#: Seconds after which an interrupt that was ignored comes again.
_AGAIN = 0.05
_FAILED, _INTERRUPTED, _READER_GONE = 2, 130, 141


def _command_line() -> None:
    if sys.argv[1:] == ["--help"] and "_TARE_COMPLETE" not in os.environ:
        from tare.cli.entries import ENTRIES
        from tare.cli.manual import OPTIONS, print_manual

        print_manual(ENTRIES, OPTIONS)
        sys.exit()
    from tare.cli.main import app

    _show_records_harmless()
    app()


def main(run: Callable[[], None] = _command_line) -> None:
    """Run the command line; every failure is told on standard error and has exit code 2, an expected one in one line.

    Exit code 1 is left to findings. A reader of standard output that goes away, as ``| head`` does, ends the program quietly.
    """
    ask_no_network()
    import_nothing_from_here()
    notice_lost_threads()
    _have_a_home()
    streams.prepare()
    # A bad file is reported by name elsewhere, so Pillow's warnings about it are left out.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.formatwarning = _warning_line  # type: ignore[assignment]
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable
    code = _code_of(lambda: _ran(run))
    lost = _code_of(streams.flush)  # the exit code of a command whose output is lost is not its own
    if lost is not None:
        streams.give_up()
        code = lost if code in (None, 0, 1) else code
    if code is not None:
        sys.exit(code)


def _unraisable(found: Any) -> None:
    """Deliver an interrupt again that came where Python ignores errors, such as the end of an object: Ctrl-C would be lost.

    Nothing is said of a loader whose process died while it was being made: its end fails, and the death itself is told.
    """
    if found.exc_type is KeyboardInterrupt:
        again = threading.Timer(_AGAIN, _interrupt)  # here it would be raised in this function, and be ignored as well
        again.daemon = True
        again.start()
    elif getattr(found.object, "__qualname__", "") != "_MultiProcessingDataLoaderIter.__del__":
        sys.__unraisablehook__(found)


def _interrupt() -> None:
    """Interrupt the main thread, also where it waits for the system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _ran(run: Callable[[], None]) -> None:
    _check_working_directory()
    _check_open_files()
    run()


def _code_of(work: Callable[[], None]) -> str | int | None:
    """The exit code of some work; None if it came to its end."""
    try:
        work()
    except SystemExit as end:
        return 0 if end.code is None else end.code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (BrokenPipeError, streams.ReaderGone):
        streams.give_up()
        return _READER_GONE
    except BaseException as error:
        _tell(_of_others(error))
        return _FAILED
    return None


def _tell(error: BaseException) -> None:
    """Say on standard error what failed: in one line if it was expected, else with the traceback for whoever mends it."""
    from tare.errors import OutputError, TareError
    from tare.reporting import console

    told = _expected(error)
    if isinstance(told, OutputError) and "standard output" in told.expected:
        streams.give_up()
    if isinstance(told, TareError):
        console.error(str(told))
        return
    import traceback

    from tare.system.terminal.harmless import visible_lines

    sys.stderr.write(visible_lines("".join(traceback.format_exception(error))))


def _expected(error: BaseException) -> Exception | None:
    """The failure as one that was expected; None if it was not."""
    from tare.errors import TareError, reason_of

    if isinstance(error, TareError):
        return error
    if isinstance(error, ModuleNotFoundError):
        from tare.system.optional import missing

        return missing(error)
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _NO_MEMORY):
        return TareError("enough memory", reason_of(error) or "none left", "free some, or give the command less at once")
    if type(error).__name__ == _PANIC and any(sign in str(error) for sign in _NO_FILES):
        return TareError("files and resources that the system gives", "too many open files", "free them, or raise the limit")
    if isinstance(error, OSError) and error.errno is not None:
        place = "" if error.filename is None else f" for {os.fsdecode(error.filename)[:200]!r}"
        found = f"{error.strerror or reason_of(error)}{place}"
        return TareError("files and resources that the system gives", found, "free them, or raise the limit")
    return None


def _of_others(error: BaseException) -> BaseException:
    """What code of others raised, as an expected failure if it is no Exception, which nothing but that code knows.

    Not so what a library written in Rust raises where it cannot go on.
    """
    from tare.errors import TareError, reason_of

    if isinstance(error, Exception) or type(error).__name__ == _PANIC:
        return error
    found = f"{type(error).__name__}: {reason_of(error)}".removesuffix(": ")
    return TareError("code that is run to come to its end, or to raise an Exception", found, "repair that code")


def _have_a_home() -> None:
    """Give a user that the system does not know, as in a container that runs under a number, the home that Docker gives it.

    Libraries ask for the user's home when they are imported, and fail without one.
    """
    from pathlib import Path

    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _check_working_directory() -> None:
    """Raise :class:`DataError` if the folder that the command is run in was removed: libraries and relative paths need it."""
    if sys.argv[1:] and {"--help", "--version"}.isdisjoint(sys.argv[1:]):
        try:
            os.getcwd()  # noqa: PTH109
        except OSError as error:
            from tare.errors import DataError

            found = f"{error.strerror} for the current one"
            raise DataError("a working directory", found, "change to a folder that exists") from None


def _check_open_files() -> None:
    """Raise :class:`ResourceError` if few more files can be opened, which libraries of compiled code answer by a panic."""
    held: list[int] = []
    try:
        while len(held) < _FILES:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        from tare.errors import ResourceError

        found = f"{len(held)}: {error.strerror}"
        raise ResourceError(
            f"at least {_FILES} more files that can be opened", found, "raise the limit, as with ulimit -n 1024"
        ) from None
    finally:
        for descriptor in held:
            os.close(descriptor)


def _show_records_harmless() -> None:
    """Spell out what would command the terminal in log records of libraries, which hold names of files."""
    import logging

    from tare.system.terminal.harmless import visible

    class Harmless(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return visible(super().format(record))

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Harmless())


def _warning_line(message: Warning | str, category: type[Warning], *_: object) -> str:
    """A warning of a library in one line."""
    from tare.system.terminal.harmless import visible

    return visible(f"{category.__name__}: {message}") + "\n"
