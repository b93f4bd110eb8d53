"""The reference of the Python names: what ``tare`` exports, and the classes that its functions return."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, fields
from typing import Any

import tare
from tare.system.options import option_of

#: What the exported functions return, beside the exported classes, and where it lives.
RETURNED = (
    "tare.checking.result.CheckReport",
    "tare.comparing.result.Comparison",
    "tare.advising.result.Advice",
    "tare.identifying.result.Identification",
    "tare.advising.explaining.result.Explanation",
    "tare.transferring.result.TransferRun",
    "tare.predicting.result.Prediction",
    "tare.networks.stored.directory.TransferredModel",
    "tare.studying.result.StudyRun",
    "tare.exporting.result.Exported",
    "tare.watching.handle.Watch",
    "tare.checking.repository.result.CodeReport",
    "tare.checking.repository.result.CodeFinding",
    "tare.monitoring.result.Verdict",
    "tare.checking.rules.finding.Finding",
    "tare.checking.rules.rule.Rule",
)
ERRORS = "tare.errors"
_FUNCTIONS = (
    "measure",
    "compare",
    "drift",
    "read_spec",
    "check",
    "check_code",
    "rule",
    "watch",
    "identify",
    "advise",
    "explain",
    "transfer",
)
_FUNCTIONS_OF_STUDIES_AND_MODELS = ("predict", "study", "report", "fold", "respec", "export", "load_model")

_HEAD = """# Python

`import tare` gives the names below and loads nothing heavy; what is behind a name loads when it is used. The functions bear the
names of the commands, and their keywords those of the options. `help(tare.transfer)` lists them; an unknown keyword is refused
with the closest one. `tare.spec` is another name of `tare.read_spec`.
"""


def python_page() -> str:
    """Functions with their options, then classes, then errors."""
    functions = [*_FUNCTIONS, *_FUNCTIONS_OF_STUDIES_AND_MODELS]
    classes = [name for name in tare.__all__ if name not in (*functions, "spec", "TareError")]
    parts = [_HEAD, "## Functions", *(part for name in functions for part in (_entry(name), _options(name)) if part)]
    parts += ["## Classes", *map(_entry, classes), *map(_path, RETURNED)]
    return "\n\n".join([*parts, "## Errors", _module(ERRORS)]) + "\n"


def _entry(name: str) -> str:
    path = _path(f"{getattr(tare, name).__module__}.{name}")
    if not hasattr(getattr(tare, name), "request"):
        return path
    # The function itself takes one request; users give the fields of it as keywords.
    return f"{path}\n    options:\n      show_signature: false\n\n```python\n{_call(name)}\n```"


def _call(name: str) -> str:
    """How a function is called: what must be given, and that there is more."""
    needed = [entry for entry in inspect.signature(getattr(tare, name)).parameters.values() if entry.default is entry.empty]
    positional = [entry.name for entry in needed if entry.kind is not entry.KEYWORD_ONLY]
    keywords = [f"{entry.name}=..." for entry in needed if entry.kind is entry.KEYWORD_ONLY]
    return f"tare.{name}({', '.join([*positional, *keywords, '...'])})"


def _options(name: str) -> str:
    """The keywords of a function that takes them from the fields of a request, with what was declared of each."""
    request = getattr(getattr(tare, name), "request", None)
    rows = [
        f"| `{entry.name}` | {_default(entry)} | {known.help.replace('|', chr(92) + '|')} |"
        for entry in (fields(request) if request else ())
        if (known := option_of(entry)) is not None
    ]
    return (
        "\n".join([f"Keywords of `tare.{name}`:", "", "| keyword | default | what it means |", "|---|---|---|", *rows])
        if rows
        else ""
    )


def _default(entry: Field[Any]) -> str:
    return "required" if entry.default is MISSING else f"`{entry.default!r}`"


def _path(path: str) -> str:
    return f"::: {path}"


def _module(path: str) -> str:
    options = ["show_root_heading: false", "heading_level: 3", "show_bases: true", "filters: ['!^_', '!^reason_of$']"]
    return "\n      ".join([f"::: {path}\n    options:", *options])
