"""Comments that leave findings out: ``# tare: ignore``, ``# tare: ignore[CODE, CODE]``, ``# tare: ignore-file``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from tare.code.files.document import WHOLE_FILE
from tare.code.files.parsing import MOST_CHARACTERS

Comments = Iterable[tuple[int, str]]

_MARK = re.compile(r"#\s*tare:\s*ignore(?P<file>-file)?\s*(?:\[(?P<codes>[^\]\n]{0,1000})\]|(?![\w\[-]))", re.IGNORECASE)
# Strings of TOML, whose "#" begins no comment, and comments. One that is not closed ends with the text or its line: a search
# for its end from every later quote would take time that grows with the square of the text.
_TOML = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)|\'\'\'.*?(?:\'\'\'|\Z)|"(?:\\.|[^"\\\n])*+"?|\'[^\'\n]*+\'?|(?P<comment>#[^\n]*)',
    re.DOTALL,
)


def ignores_of_python(text: str) -> Mapping[int, frozenset[str]]:
    """What the comments of Python code leave out, by line; what looks like a comment inside a string is none."""
    return _ignores(_python_comments(text)) if _may_have_one(text) else {}


def ignores_of_configuration(text: str, suffix: str) -> Mapping[int, frozenset[str]]:
    """What the comments of a YAML or TOML file leave out, by line; JSON has no comments."""
    if suffix == ".json" or not _may_have_one(text):
        return {}
    return _ignores(_toml_comments(text) if suffix == ".toml" else _yaml_comments(text))


def _may_have_one(text: str) -> bool:
    # Tokenising takes longer than parsing, and few files have such a comment; larger files are not parsed either.
    return len(text) <= MOST_CHARACTERS and _MARK.search(text) is not None


def _ignores(comments: Comments) -> Mapping[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for line, comment in comments:
        for mark in _MARK.finditer(comment):
            place = WHOLE_FILE if mark["file"] else line
            codes = frozenset(re.findall(r"\w+", (mark["codes"] or "").upper()))
            if mark["codes"] is None:
                found[place] = frozenset()
            elif codes and found.get(place, codes):  # brackets with nothing in them name no code
                found[place] = found.get(place, codes) | codes
    return found


def _python_comments(text: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):  # the parser says what is wrong with the file
        return


def _toml_comments(text: str) -> Iterator[tuple[int, str]]:
    return _numbered(text, (match for match in _TOML.finditer(text) if match["comment"]))


def _yaml_comments(text: str) -> Iterator[tuple[int, str]]:
    """Each "#" outside scalars that begins a line or follows a space, up to the end of its line."""
    return _numbered(text, _outside(_scalars(text), re.finditer(r"(?:^|(?<=\s))#[^\n]*", text, re.MULTILINE)))


def _scalars(text: str) -> list[tuple[int, int]]:
    """Where scalars begin and end; nothing but one long one if the text is no YAML."""
    import yaml

    try:
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return [(each.start_mark.index, each.end_mark.index) for each in events if isinstance(each, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return [(0, len(text))]


def _outside(spans: list[tuple[int, int]], matches: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """The matches that begin in none of the spans; both are in the order of the text."""
    index = 0
    for match in matches:
        while index < len(spans) and spans[index][1] <= match.start():
            index += 1
        if index == len(spans) or match.start() < spans[index][0]:
            yield match


def _numbered(text: str, matches: Iterable[re.Match[str]]) -> Iterator[tuple[int, str]]:
    """Each match with the number of its line."""
    line, before = 1, 0
    for match in matches:
        line += text.count("\n", before, match.start())
        before = match.start()
        yield line, match.group()
