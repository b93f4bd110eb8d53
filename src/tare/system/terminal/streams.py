"""The standard streams of the program: never missing, told in one line where they cannot be written, able to show any text."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO, cast

from tare.errors import OutputError

#: The narrowest and the widest terminal that tables are drawn for; a width of none or zero is not known.
_NARROWEST, _WIDEST = 40, 1000
#: What stands for characters that a terminal of few characters does not have; others are spelled as ``\\xe9``.
_STAND_INS = {
    "\N{PLUS-MINUS SIGN}": "+-", "\N{MULTIPLICATION SIGN}": "x", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{RIGHTWARDS ARROW}": "->",
    "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{SUPERSCRIPT TWO}": "^2", "\N{ALMOST EQUAL TO}": "~",
    "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{MIDDLE DOT}": "*", "\N{BULLET}": "*",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_BRAILLE, _BOXES = range(0x2800, 0x2900), range(0x2500, 0x25A0)


class ReaderGone(BaseException):
    """Whoever read our standard output went away, as ``| head`` does. It is no failure, so that nothing handles it as one."""


class _Output(io.FileIO):
    """Standard output. What cannot be written raises :class:`OutputError`, which no library takes for a failure of its own."""

    given_up = False

    def write(self, data: Any) -> int:
        """Write bytes; a stream that does not wait is waited for."""
        if self.given_up:
            return len(memoryview(data).cast("B"))
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            remedy = "redirect it to a place that has room"
            raise OutputError("a standard output that can be written", error.strerror or str(error), remedy) from None
        return written


class _Errors(io.FileIO):
    """Standard error. Nobody could be told that it cannot be written, so nothing is; the exit code tells."""

    def write(self, data: Any) -> int:
        """Write bytes, or drop them."""
        with contextlib.suppress(OSError):
            while (written := super().write(data)) is None:
                select.select([], [self], [])
            return written
        return len(memoryview(data).cast("B"))


class _Aside(io.TextIOBase):
    """What code of others has for standard output: it goes to standard error, and closing it closes nothing."""

    def __init__(self, own: TextIO) -> None:
        super().__init__()
        self.own = own

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of standard error."""
        return sys.stderr.encoding

    @property
    def buffer(self) -> BinaryIO:
        """That of standard error."""
        return sys.stderr.buffer

    def write(self, text: str) -> int:
        """Write to standard error."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush standard error."""
        sys.stderr.flush()

    def close(self) -> None:
        """Close nothing: standard error is still needed."""

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether the program's own output is a terminal, which progress asks."""
        return self.own.isatty()

    def fileno(self) -> int:
        """That of standard error."""
        return sys.stderr.fileno()


#: The program's own standard output while code of others prints elsewhere.
_kept: list[TextIO] = []


@contextlib.contextmanager
def others_aside() -> Iterator[None]:
    """Let code of others print on standard error, also code that closes or replaces standard output.

    Only :func:`output` is standard output meanwhile, so that a document such as JSON on it holds nothing else.
    """
    own = sys.stdout
    if isinstance(own, _Aside):
        yield
        return
    _kept.append(own)
    sys.stdout = cast("TextIO", _Aside(own))
    try:
        yield
    finally:
        _kept.pop()
        sys.stdout = own


def output() -> TextIO:
    """Where the program writes its own output."""
    return _kept[-1] if _kept else sys.stdout


def prepare() -> None:
    """Put streams of this module in place of the standard streams, and make the terminal's stated width one that can be used.

    A stream that a test or a notebook has put there is left alone.
    """
    codecs.register_error("tare", _stood_in)
    # A closed descriptor would be given to the next file that is opened, and what is printed would go into that file.
    closed = {number: _opened(number) for number in (0, 1, 2) if not _is_open(number)}
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - it lasts as long as the program
    sys.stdout = _replaced(sys.stdout, sys.__stdout__, _Output, closed.get(1, 1))
    sys.stderr = _replaced(sys.stderr, sys.__stderr__, _Errors, closed.get(2, 2))
    _state_widths()


def standard_output() -> BinaryIO | None:
    """Standard output for bytes, after all text that was printed; None where it is not a stream of this module."""
    buffer = getattr(output(), "buffer", None)
    if not isinstance(getattr(buffer, "raw", None), _Output):
        return None
    output().flush()
    return cast("BinaryIO", buffer)


def flush() -> None:
    """Write what is still held back. Raises :class:`OutputError` or :class:`ReaderGone`."""
    output().flush()


def give_up() -> None:
    """Drop what standard output holds back, so that the end of the program does not try again."""
    raw = getattr(getattr(output(), "buffer", None), "raw", None)
    if isinstance(raw, _Output):
        raw.given_up = True


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _opened(number: int) -> int:
    """Stand in for a stream that is closed: nothing comes from it, output fails, and errors vanish."""
    opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    os.set_inheritable(opened, True)
    return opened


def _replaced(now: TextIO | None, own: TextIO | None, kind: type[_Output | _Errors], number: int) -> TextIO:
    """A stream of ``kind`` on a descriptor; ``now`` where it is not the interpreter's ``own`` stream, or is one already."""
    if now is not None:
        if now is not own or isinstance(getattr(getattr(now, "buffer", None), "raw", None), kind):
            return now
        with contextlib.suppress(OSError):
            now.flush()
    elif number < 3:  # the stream was closed when the program began; another file may have its number by now
        number = _opened(1 if kind is _Output else 2)
    raw = kind(number, "w", closefd=False)
    encoding = "utf-8" if now is None else now.encoding
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "tare", line_buffering=kind is _Errors or raw.isatty())


def _stood_in(error: UnicodeError) -> tuple[str, int]:
    """The handler of characters that a stream's encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_stand_in, error.object[error.start : error.end])), error.end


def _stand_in(letter: str) -> str:
    point = ord(letter)
    if point in _BRAILLE or point in _BOXES:  # what spins, and lines
        return "*" if point in _BRAILLE else "-"
    return _STAND_INS.get(letter) or letter.encode("ascii", "backslashreplace").decode()


def _state_widths() -> None:
    """Of a stated width use what tables can be drawn in; of a terminal that is narrower than that, state it."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        given = os.environ.get(name)
        if given is None:
            continue
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else 0
        if number == 0:
            del os.environ[name]
        else:
            os.environ[name] = str(min(max(number, 1 if name == "LINES" else _NARROWEST), _WIDEST))
    if "COLUMNS" not in os.environ:
        with contextlib.suppress(OSError, ValueError):
            if 0 < os.get_terminal_size(1).columns < _NARROWEST:
                os.environ["COLUMNS"] = str(_NARROWEST)
