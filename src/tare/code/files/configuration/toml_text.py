"""TOML with the places of its keys: each value stands where its key is set."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tare.code.files.configuration.value import DEEPEST, ConfigurationError, Value
from tare.code.place import Place
from tare.errors import reason_of

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\n|[\[\]{}=,]|[^\s\[\]{}=,"\'#]+|[^\S\n]+',
    re.DOTALL,
)
#: What is no key: texts, of which one may be a part of a key, and comments.
_APART = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)
_DOTTED = re.compile(rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{DEEPEST}}}")
Places = dict[tuple[str, ...], Place]


def toml_value(path: str, text: str) -> Value:
    """The value of a TOML text. Raises :class:`ConfigurationError`."""
    try:
        document = toml_document(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigurationError(f"it is no TOML: {reason_of(error)}") from None
    except RecursionError:
        raise ConfigurationError(f"it has more than {DEEPEST} levels") from None
    return _value(document, (), dict(_places(path, text)), Place(path))


def toml_document(text: str) -> dict[str, Any]:
    """The document of a TOML text. Raises ValueError for other texts, RecursionError for one that is too deep.

    The parser keeps every beginning of a dotted key, which takes memory by the square of its parts.
    """
    if _DOTTED.search(_APART.sub(lambda found: "" if found[0].startswith("#") else "x", text)):
        raise RecursionError(f"a key has more than {DEEPEST} parts")
    return tomllib.loads(text)


def _value(content: Any, keys: tuple[str, ...], places: Places, near: Place) -> Value:
    if len(keys) > DEEPEST:
        raise ConfigurationError(f"it has more than {DEEPEST} levels")
    place = places.get(keys, near)
    if isinstance(content, Mapping):
        inner = {str(key): _value(value, (*keys, str(key)), places, place) for key, value in content.items()}
        return Value(inner, place, place, exact=False)
    if isinstance(content, list):
        return Value(
            tuple(_value(item, (*keys, f"[{index}]"), places, place) for index, item in enumerate(content)),
            place,
            place,
            exact=False,
        )
    known = content if isinstance(content, str | int | float | bool) else str(content)
    return Value(known, place, place, exact=False)


def _places(path: str, text: str) -> Iterator[tuple[tuple[str, ...], Place]]:
    """The place of each key outside lists and inline tables, with the tables that it stands in."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    for line, head in _heads(text):
        keys = _keys(head.strip("[] \t"))
        if head.startswith("["):
            table = _table(keys, counts, is_new=head.startswith("[["))
            yield table, Place(path, line)
        else:
            yield (*table, *keys), Place(path, line)


def _table(keys: tuple[str, ...], counts: dict[tuple[str, ...], int], *, is_new: bool) -> tuple[str, ...]:
    """The keys of a table with the position in each list of tables; a header in double brackets begins the next one."""
    found: tuple[str, ...] = ()
    for number, key in enumerate(keys, 1):
        found = (*found, key)
        if is_new and number == len(keys):
            counts[found] = counts.get(found, -1) + 1
        if found in counts:
            found = (*found, f"[{counts[found]}]")
    return found


def _heads(text: str) -> Iterator[tuple[int, str]]:
    """The number and the head of each line outside values of several lines: ``[table]``, or a key without its value."""
    line, depth, head, in_value, first = 1, 0, "", False, 1
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word == "\n" and not depth:
            if head.strip():
                yield first, head.strip()
            head, in_value, first = "", False, line + 1
        elif word == "=" and not depth:
            in_value = True
        elif in_value:
            depth += (word in "[{") - (word in "]}") if len(word) == 1 else 0
        elif not word.startswith(("#", "\n")):
            head += word
        line += word.count("\n")
    if head.strip():
        yield first, head.strip()


def _keys(head: str) -> tuple[str, ...]:
    parts = re.findall(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|[^\s."\']+', head)
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in parts)
