"""YAML with the places of its values; tags construct nothing, and aliases are counted."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tare.code.files.configuration.value import DEEPEST, MOST_VALUES, ConfigurationError, Scalar, Value
from tare.code.place import Place
from tare.errors import reason_of

_MERGE = "<<"
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "yes": True, "on": True}
_WORDS |= {"false": False, "no": False, "off": False}
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9_]*)", re.ASCII)
# With 1e-5, which YAML 1.1 takes for a text and the libraries' own configurations for a number.
_FLOAT = re.compile(r"[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_LONGEST_NUMBER = 64
# Line ends to YAML 1.1, and to no editor.
_ENDS_OF_YAML = re.compile("[\x85\u2028\u2029]")
_ENDS = re.compile("\r\n|\r|\n")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not read yet; ``key`` is the key of a mapping that waits for its value."""

    event: Any
    is_mapping: bool
    items: list[Value] = field(default_factory=list)
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    key: Value | None = None

    def add(self, value: Value) -> None:
        if not self.is_mapping:
            self.items.append(value)
        elif self.key is None:
            self.key = value
        else:
            self.pairs.append((self.key, replace(value, key=self.key.place)))
            self.key = None


@dataclass(slots=True)
class _Reader:
    """What was read so far: the open lists and mappings, the anchors with their sizes, and the number of values.

    ``starts`` are the places where the lines of an editor begin, if YAML's are others.
    """

    path: str
    starts: Sequence[int] = ()
    stack: list[_Open] = field(default_factory=list)
    roots: list[Value] = field(default_factory=list)
    anchors: dict[str, Value] = field(default_factory=dict)
    count: int = 0

    def at(self, mark: Any) -> tuple[int, int]:
        """The line and the column of a mark, from 0."""
        if not self.starts:
            return mark.line, mark.column
        line = bisect_right(self.starts, mark.index) - 1
        return line, mark.index - self.starts[line]

    def done(self, value: Value, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = value
        if self.stack:
            self.stack[-1].add(value)
        else:
            self.roots.append(value)

    @property
    def wants_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].is_mapping and self.stack[-1].key is None

    def counted(self, more: int) -> None:
        self.count += more
        if self.count > MOST_VALUES or len(self.stack) > DEEPEST:
            raise ConfigurationError(f"it has more than {MOST_VALUES:,} values, aliases counted, or more than {DEEPEST} levels")


def yaml_value(path: str, text: str) -> Value:
    """The value of a YAML text; several documents make a list. Raises :class:`ConfigurationError`."""
    import yaml

    others = _ENDS_OF_YAML.search(text) is not None
    reader = _Reader(path, [0, *(end.end() for end in _ENDS.finditer(text))] if others else ())
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            _take(reader, event)
    except ConfigurationError:
        raise
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigurationError(f"{line}it is no YAML: {reason_of(error.problem or '')}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"it is no YAML: {reason_of(error)}") from None
    if len(reader.roots) == 1:
        return reader.roots[0]
    return Value(tuple(reader.roots), Place(path), exact=False)


def _take(reader: _Reader, event: Any) -> None:
    import yaml

    if isinstance(event, yaml.ScalarEvent):
        reader.counted(1)
        content = str(event.value) if reader.wants_key else _scalar(event)
        alone = not (event.anchor or event.tag)  # whose text is a part of the place
        reader.done(Value(content, _place(reader, event, event), exact=alone), event.anchor)
    elif isinstance(event, yaml.AliasEvent):
        reader.done(_alias(reader, event), None)
    elif isinstance(event, yaml.CollectionStartEvent):
        reader.stack.append(_Open(event, isinstance(event, yaml.MappingStartEvent)))
        reader.counted(1)
    elif isinstance(event, yaml.CollectionEndEvent):
        closed = reader.stack.pop()
        place = _place(reader, closed.event, event)
        reader.done(Value(_mapping(reader, closed) if closed.is_mapping else tuple(closed.items), place), closed.event.anchor)
    elif isinstance(event, yaml.DocumentStartEvent):
        reader.anchors.clear()


def _alias(reader: _Reader, event: Any) -> Value:
    value = reader.anchors.get(event.anchor)
    if value is None:  # unknown, or inside itself
        raise ConfigurationError(
            f"line {event.start_mark.line + 1}: it is no YAML: the alias {reason_of(event.anchor, 40)!r} has no value"
        )
    for _ in value.walk():
        reader.counted(1)
    return value


def _mapping(reader: _Reader, closed: _Open) -> dict[str, Value]:
    """A mapping's values by their keys as text; merged ones (``<<``) stand behind its own."""
    own = {str(key.content): value for key, value in closed.pairs if isinstance(key.content, Scalar) and key.content != _MERGE}
    merged: dict[str, Value] = {}
    for key, value in closed.pairs:
        if key.content == _MERGE:
            for name, each in _merged(value):
                reader.counted(1)
                merged.setdefault(name, each)
    return {**merged, **own} if merged else own


def _merged(value: Value) -> Iterator[tuple[str, Value]]:
    mappings = value.content if isinstance(value.content, tuple) else (value,)
    for each in mappings:
        if isinstance(each.content, dict):
            yield from each.content.items()


def _scalar(event: Any) -> Scalar:
    """The value of a scalar: quoted ones and ones with a tag of their own are text."""
    text = str(event.value)
    tag = event.tag or ""
    is_plain = event.implicit[0] or tag in {"tag:yaml.org,2002:float", "tag:yaml.org,2002:int"}
    if not is_plain:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text


def _place(reader: _Reader, first: Any, last: Any) -> Place:
    (line, column), (end_line, end_column) = reader.at(first.start_mark), reader.at(last.end_mark)
    if first is not last and end_column == 0:  # a block ends where the next line begins
        return Place(reader.path, line + 1, column + 1, max(end_line, line + 1), 0)
    return Place(reader.path, line + 1, column + 1, end_line + 1, end_column + 1)
