"""Configurations of the repository as the values that code gets which loads them."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration
from tare.code.files.configuration.value import Value as Stated
from tare.code.files.document import Document
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import UNKNOWN, Entries, Items, Literal, Table, Value, named
from tare.code.place import Place

#: A file with more values than this holds data.
_MOST = 3000
_DEEPEST = 12
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_AT_THE_ROOT = re.compile(r"#\s*@package\s+_global_")


class _Written(ast.AST):
    """A node that stands for a value of a configuration."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.written = place


class ConfigurationSource(Source):
    """A configuration where the interpreter needs a source: its nodes know their places."""

    def __init__(self, document: Document) -> None:
        super().__init__(document, ast.Module([], []))

    def place(self, node: ast.AST) -> Place:
        """Where a value stands."""
        return node.written if isinstance(node, _Written) else self.document.place(1)

    def line(self, node: ast.AST) -> str:
        """The line in which a value stands."""
        return self.document.line(self.place(node).line)

    def alone(self, node: ast.AST) -> Spot:
        """The same place: nothing else hangs on it."""
        return Spot(self, node)


class Configurations:
    """The YAML, JSON and TOML files of a repository, read when code asks for one."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._values: dict[str, Value | None] = {}

    def at(self, path: str, folder: str, *, only: bool = False) -> Value | None:
        """The file that a path names, as seen from a folder, from one above it, or by its end if one file alone has it.

        With ``only`` the folder is not known for certain, and a file counts only by its end.
        """
        bare = posixpath.normpath(path)
        while not only:
            found = posixpath.normpath(posixpath.join(folder, bare))
            if found in self._documents:
                return self._value(found)
            if not folder:
                break
            folder = posixpath.dirname(folder)
        end = "/" + re.sub(r"^(?:\.\./)+|^/", "", bare)
        alike = [each for each in self._documents if f"/{each}".endswith(end)]
        return self._value(alike[0]) if len(alike) == 1 else None

    def _value(self, path: str) -> Value | None:
        if path not in self._values:
            document = self._documents[path]
            read = configuration(document)
            self._values[path] = None
            if isinstance(read, Configuration) and len(list(islice(read.root.walk(), _MOST + 1))) <= _MOST:
                self._values[path] = _Conversion(ConfigurationSource(document), read.root).value(read.root)
        return self._values[path]

    def composed(self, folder: str, name: str, depth: int = 0) -> Table | None:
        """What Hydra composes: a file of a folder, with the files that its ``defaults`` name, one a group."""
        path = next((each for each in self._names(folder, name) if each in self._documents), None)
        own = self._value(path) if path is not None and depth < _DEEPEST else None
        if path is None or not isinstance(own, Table):
            return None
        entries: Entries = {}
        for each in self._defaults(own):
            entries = _merged(entries, own.entries if each == ("_self_", "") else self._of_group(folder, *each, depth))
        if ("_self_", "") not in list(self._defaults(own)):
            entries = _merged(entries, own.entries)
        return Table({key: value for key, value in entries.items() if key != "defaults"}, own.spot)

    def _names(self, folder: str, name: str) -> list[str]:
        stem = posixpath.normpath(posixpath.join(folder, name))
        return [stem, f"{stem}.yaml", f"{stem}.yml"]

    def _defaults(self, own: Table) -> list[tuple[str, str]]:
        """The group and the name of each entry of ``defaults``; entries that replace others are left out."""
        stated = own.entries.get("defaults")
        found: list[tuple[str, str]] = []
        for each in stated.items if isinstance(stated, Items) else ():
            if isinstance(each, Literal) and isinstance(each.value, str):
                found.append((each.value, ""))
            elif isinstance(each, Table):
                found += [
                    (str(key).removeprefix("optional "), value.value)
                    for key, value in each.entries.items()
                    if isinstance(value, Literal) and isinstance(value.value, str) and not str(key).startswith("override ")
                ]
        return found

    def _of_group(self, folder: str, group: str, name: str, depth: int) -> Entries:
        where, _, package = group.partition("@")
        inside = self.composed(posixpath.join(folder, where) if name else folder, name or where, depth + 1)
        if inside is None:
            return {}
        paths = self._names(posixpath.join(folder, where), name) if name else self._names(folder, where)
        text = next((self._documents[each].text for each in paths if each in self._documents), "")
        if not name or package == "_global_" or _AT_THE_ROOT.search(text[:200]):
            return inside.entries
        keys = package.split(".") if package else where.strip("/").split("/")
        value: Table = inside
        for key in reversed(keys):
            value = Table({key: value}, inside.spot)
        return value.entries


def _merged(one: Entries, other: Entries) -> Entries:
    """Entries with those of another mapping on top, dictionaries inside them merged as well."""
    found = dict(one)
    for key, value in other.items():
        before = found.get(key)
        if isinstance(before, Table) and isinstance(value, Table):
            found[key] = replace(before, entries=_merged(before.entries, value.entries))
        else:
            found[key] = value
    return found


class _Conversion:
    """One configuration turned into values; ``${a.b}`` is the value under these keys of the same file."""

    def __init__(self, source: ConfigurationSource, root: Stated) -> None:
        self._source = source
        self._root = root

    def value(self, stated: Stated, depth: int = 0) -> Value:
        """The value of the code that loads it."""
        spot = Spot(self._source, _Written(stated.place))
        content = stated.content
        if depth > _DEEPEST:
            return UNKNOWN
        if isinstance(content, Mapping):
            return Table({key: named(self.value(each, depth + 1), key) for key, each in content.items()}, spot)
        if isinstance(content, tuple):
            return Items(tuple(self.value(each, depth + 1) for each in content), spot)
        if isinstance(content, str) and "${" in content:
            return self._referred(content, depth)
        return Literal(content, spot)

    def _referred(self, text: str, depth: int) -> Value:
        whole = _REFERENCE.fullmatch(text)
        found = self._root.get(*whole[1].split(".")) if whole else None
        return UNKNOWN if found is None else self.value(found, depth + 1)
