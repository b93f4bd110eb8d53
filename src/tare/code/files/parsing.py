"""Python code as a syntax tree, whatever the code is."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from dataclasses import dataclass

from tare.errors import reason_of

#: The most characters of code that are parsed: a tree takes a hundred times the memory of its text.
MOST_CHARACTERS = 2 * 1024 * 1024

_TOO_DEEP = "its expressions are nested too deeply"
# A later Python may read it: the version that runs tare decides.
_NO_PYTHON = f"it is not Python {sys.version_info[0]}.{sys.version_info[1]}"
_PYTHON_2 = re.compile(
    r"""^[ \t]*(?:
        print[ \t]+(?:["'\w%>]|$)       # print "text"
      | exec[ \t]+["'\w]                # exec code
      | raise[ \t]+[\w.]+[ \t]*,        # raise Error, "text"
      | except[ \t]+[\w.()]+[ \t]*,[ \t]*\w+[ \t]*:  # except Error, name:
    ) | <> | (?<!\w)0[0-7]+(?![\w.]) | (?<!\w)[uU][rR]["']""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class NoTree:
    """Why a text has no syntax tree, and the line that stopped the parser (0: no certain one)."""

    reason: str
    line: int = 0


def tree_of(text: str) -> ast.Module | NoTree:
    """The syntax tree of Python code, or why it has none; without a warning.

    It may be as deep as Python's own parser allows, some thousands of levels: who walks it must not call itself for each.
    """
    if len(text) > MOST_CHARACTERS:
        return NoTree(f"it has {len(text):,} characters of code, more than the {MOST_CHARACTERS:,} that are parsed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an invalid escape in somebody's string
            return ast.parse(text)
    except SyntaxError as error:
        return _no_tree(error, text)
    except (RecursionError, MemoryError):
        return NoTree(_TOO_DEEP)
    except ValueError as error:
        return NoTree(f"{_NO_PYTHON}: {reason_of(error)}")


def _no_tree(error: SyntaxError, text: str) -> NoTree:
    line = error.lineno or 0
    where = f"line {line}: " if line else ""
    if "nested parentheses" in str(error.msg) or "too many levels" in str(error.msg):
        return NoTree(f"{where}{_TOO_DEEP}", line)
    if _is_python_2(error, text):
        return NoTree(f"{where}it is Python 2", line)
    return NoTree(f"{where}{_NO_PYTHON}: {reason_of(error.msg)}", line)


def _is_python_2(error: SyntaxError, text: str) -> bool:
    """Whether the line of a syntax error, or the one before, is written as in Python 2."""
    last = error.lineno or 1
    lines = text.split("\n")[max(last - 2, 0) : last]
    return any(_PYTHON_2.search(line) for line in lines)
