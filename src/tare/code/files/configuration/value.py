"""A value of a configuration, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tare.code.place import Place

#: The most values of one configuration, aliases counted where they stand, and how deep they may be nested.
MOST_VALUES = 100_000
DEEPEST = 60

Scalar = str | int | float | bool | None
Keys = tuple[str | int, ...]


class ConfigurationError(ValueError):
    """A text that is no configuration; the message is the reason for which its file is skipped."""


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar, a list or a mapping, and where it stands; ``key`` is where the key of a mapping stands that leads to it.

    ``exact`` says that the text at ``place`` is this value and nothing else, so that an edit can replace it.
    """

    content: Scalar | tuple[Value, ...] | Mapping[str, Value]
    place: Place
    key: Place | None = None
    exact: bool = True

    def get(self, *keys: str | int) -> Value | None:
        """The value below keys of mappings and positions in lists; None if there is none."""
        value: Value | None = self
        for key in keys:
            inner = value.content if value is not None else None
            if isinstance(inner, Mapping) and isinstance(key, str):
                value = inner.get(key)
            elif isinstance(inner, tuple) and isinstance(key, int) and -len(inner) <= key < len(inner):
                value = inner[key]
            else:
                return None
        return value

    def plain(self) -> Any:
        """The value in lists, dictionaries and scalars of Python."""
        if isinstance(self.content, Mapping):
            return {key: value.plain() for key, value in self.content.items()}
        if isinstance(self.content, tuple):
            return [value.plain() for value in self.content]
        return self.content

    def numbers(self) -> tuple[float, ...] | None:
        """The numbers of a list, with lists of one inside it opened (``((a,), (b,))``), or of one number; None for others."""
        items = self.content if isinstance(self.content, tuple) else (self,)
        while items and all(isinstance(item.content, tuple) and len(item.content) == 1 for item in items):
            items = tuple(inner for item in items if isinstance(item.content, tuple) for inner in item.content)
        numbers = [item.content for item in items]
        found = [float(each) for each in numbers if isinstance(each, int | float) and not isinstance(each, bool)]
        return tuple(found) if found and len(found) == len(numbers) else None

    def walk(self) -> Iterator[tuple[Keys, Value]]:
        """This value and every one inside it with the keys that lead there, in the order of the text, outer values first."""
        waiting: list[tuple[Keys, Value]] = [((), self)]
        while waiting:
            keys, value = waiting.pop()
            yield keys, value
            inner = value.content
            if isinstance(inner, Mapping):
                waiting.extend(((*keys, key), each) for key, each in reversed([*inner.items()]))
            elif isinstance(inner, tuple):
                waiting.extend(((*keys, index), inner[index]) for index in reversed(range(len(inner))))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration's file and its outermost value; several YAML documents in one file are a list."""

    path: str
    root: Value
