"""JSON with the places of its values."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tare.code.files.configuration.value import DEEPEST, MOST_VALUES, ConfigurationError, Value
from tare.code.place import Place
from tare.errors import reason_of

_TOKEN = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')


@dataclass(slots=True)
class _Open:
    start: int
    is_mapping: bool
    items: list[Value] = field(default_factory=list)
    pairs: dict[str, Value] = field(default_factory=dict)
    key: tuple[str, Place] | None = None

    def add(self, value: Value) -> None:
        if not self.is_mapping:
            self.items.append(value)
        elif self.key is None:
            self.key = str(value.content), value.place
        else:
            name, place = self.key
            self.pairs[name] = replace(value, key=place)
            self.key = None


def json_value(path: str, text: str) -> Value:
    """The value of a JSON text. Raises :class:`ConfigurationError`."""
    try:
        json.loads(text)  # so the tokens below are known to make sense
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"line {error.lineno}: it is no JSON: {reason_of(error.msg)}") from None
    except RecursionError:
        raise ConfigurationError(f"it has more than {DEEPEST} levels") from None
    except ValueError as error:  # an integer of thousands of digits
        raise ConfigurationError(f"it is no JSON: {reason_of(error)}") from None
    return _Builder(path, text).value()


class _Builder:
    """The values of a text that is known to be JSON."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.stack: list[_Open] = []

    def value(self) -> Value:
        """The outermost value."""
        for count, value in enumerate(self._values()):
            if count > MOST_VALUES or len(self.stack) > DEEPEST:
                break
            if not self.stack:
                return value
            self.stack[-1].add(value)
        raise ConfigurationError(f"it has more than {MOST_VALUES:,} values or {DEEPEST} levels")

    def _values(self) -> Iterator[Value]:
        """Each value when its end is reached; a list or mapping counts again as open when it begins."""
        for token in _TOKEN.finditer(self.text):
            word = token.group()
            if word in "{[":
                self.stack.append(_Open(token.start(), word == "{"))
                if len(self.stack) > DEEPEST:
                    raise ConfigurationError(f"it has more than {DEEPEST} levels")
            elif word in "}]":
                closed = self.stack.pop()
                content = closed.pairs if closed.is_mapping else tuple(closed.items)
                yield Value(content, self._place(closed.start, token.end()))
            else:
                yield Value(json.loads(word), self._place(token.start(), token.end()))

    def _place(self, start: int, end: int) -> Place:
        first, last = bisect_right(self.starts, start), bisect_right(self.starts, end - 1)
        return Place(self.path, first, start - self.starts[first - 1] + 1, last, end - self.starts[last - 1] + 1)
