"""The text of a file's bytes, in the encoding that the file declares."""

from __future__ import annotations

import io
import re
import tokenize

from tare.errors import reason_of

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# Their decoders take time that grows with the square of the length.
_SLOW = {"punycode", "idna"}
_LINE_END = re.compile("\r\n|\r")


class UnreadableTextError(ValueError):
    """Bytes that are no text; the message is the reason for which their file is skipped."""


def python_text(data: bytes) -> str:
    """The text of Python code: UTF-8, or what its first two lines declare (PEP 263).

    Raises :class:`UnreadableTextError` for an encoding that is not known, for bytes that it does not have, and for NUL bytes.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        missing = "invalid or missing" in str(error)
        reason = "it is not utf-8, and declares no encoding" if missing else f"its encoding: {reason_of(error)}"
        raise UnreadableTextError(reason) from None
    return decoded(data, encoding)


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    r"""Bytes as text without a byte order mark, each line ending with ``\n``. Raises :class:`UnreadableTextError`."""
    if encoding.lower() in _SLOW:
        raise UnreadableTextError(f"its encoding: {encoding} is none for a file")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start] if error.start < len(data) else 0
        raise UnreadableTextError(f"it is not {encoding}: byte 0x{byte:02x} in line {line}") from None
    except (LookupError, UnicodeError) as error:
        raise UnreadableTextError(f"its encoding: {reason_of(error)}") from None
    if "\0" in text:
        raise UnreadableTextError("it has NUL bytes: it is binary")
    return _LINE_END.sub("\n", text.removeprefix(_BYTE_ORDER_MARK))


def in_one_line(text: str, *words: str) -> bool:
    """Whether a line has all the words in their order. The time grows with the text alone, which that of a pattern may not."""
    start = text.find(words[0])
    while start >= 0:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        place = start
        for word in words:
            place = text.find(word, place, end)
            if place < 0:
                break
            place += len(word)
        else:
            return True
        start = text.find(words[0], end)
    return False
