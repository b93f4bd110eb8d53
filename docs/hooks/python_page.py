"""The reference of the Python names: what ``tare`` exports, and the classes that its functions return."""

from __future__ import annotations

import tare

#: What the exported functions return, beside the exported classes, and where it lives.
RETURNED = (
    "tare.checking.result.CheckReport",
    "tare.comparing.result.Comparison",
    "tare.advising.result.Advice",
    "tare.identifying.result.Identification",
    "tare.transferring.result.TransferRun",
    "tare.networks.stored.directory.TransferredModel",
    "tare.studying.result.StudyRun",
    "tare.exporting.result.Exported",
    "tare.watching.handle.Watch",
    "tare.checking.rules.finding.Finding",
)
ERRORS = "tare.errors"
_FUNCTIONS = ("measure", "compare", "read_spec", "check", "watch", "identify", "advise", "transfer", "study")
_FUNCTIONS_OF_MODELS = ("fold", "export", "load_model")

_HEAD = """# Python

`import tare` gives the names below and loads nothing heavy; what is behind a name loads when it is used. The functions bear the
names of the commands, and their keywords those of the options.
"""


def python_page() -> str:
    """Functions, then classes, then errors."""
    functions = [*_FUNCTIONS, *_FUNCTIONS_OF_MODELS]
    classes = [name for name in tare.__all__ if name not in functions and name != "TareError"]
    parts = [_HEAD, "## Functions", *(_entry(name) for name in functions)]
    parts += ["## Classes", *(_entry(name) for name in classes), *map(_path, RETURNED)]
    return "\n\n".join([*parts, "## Errors", _module(ERRORS)]) + "\n"


def _entry(name: str) -> str:
    return _path(f"{getattr(tare, name).__module__}.{name}")


def _path(path: str) -> str:
    return f"::: {path}"


def _module(path: str) -> str:
    options = ["show_root_heading: false", "heading_level: 3", "show_bases: true", "filters: ['!^_', '!^reason_of$']"]
    return "\n      ".join([f"::: {path}\n    options:", *options])
