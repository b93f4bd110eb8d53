"""A file of options: read for the command line, and written by a run so that it can be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tare.errors import SpecError, did_you_mean
from tare.system.option_files.yaml_file import read_yaml
from tare.system.options import Configured, flag, option_of

#: What belongs to one run alone, and is not written.
_OF_ONE_RUN = ("config", "out", "overwrite", "resume")
_SCALARS = (str, int, float)


def config_values(path: Path, request: Any) -> dict[str, Any]:
    """The options of a file by the names of a request's fields, as text or lists of text; a switch is True or False.

    A key is a field's name, with ``-`` or ``_`` between words; null leaves the option out. Raises :class:`SpecError` for a file
    that cannot be read, an unknown key (with the closest), and a value that no option can have.
    """
    declared = {entry.name: entry for entry in fields(request) if (known := option_of(entry)) and known.on_command_line}
    found: dict[str, Any] = {}
    for key, value in read_yaml(path, "file of options", "epochs: 20").items():
        name = str(key).replace("-", "_")
        if name not in declared or name == "config":
            known_names = [each for each in declared if each != "config"]
            hint = did_you_mean(name, known_names, f"known are {', '.join(known_names)}", most=1, cutoff=0.6)
            raise SpecError(f"options of this command in {str(path)!r}", f"{key!r}", hint)
        if name in found:
            raise SpecError(f"each option once in {str(path)!r}", f"{name!r} twice", "leave one out")
        if value is not None:
            found[name] = _texts(name, value, is_switch=declared[name].type is bool)
    return found


def config_text(request: Configured) -> str:
    """A request as a file of options that repeats it; objects of Python, which no file can name, are left out with a comment."""
    import yaml

    stated: dict[str, Any] = {}
    unnamed = []
    for entry in fields(request):
        value = getattr(request, entry.name)
        if (known := option_of(entry)) is None or not known.on_command_line or entry.name in _OF_ONE_RUN or value is None:
            continue
        if (plain := _plain(value)) is None:
            unnamed.append(f"# {entry.name}: an object of Python ({type(value).__name__}), which no file can name\n")
        elif plain != []:
            stated[entry.name] = plain
    return "".join(unnamed) + str(yaml.safe_dump(stated, sort_keys=False, allow_unicode=True))


def _texts(name: str, value: Any, is_switch: bool) -> Any:
    """A value as the command line has it."""
    if is_switch:
        if not isinstance(value, bool):
            raise SpecError(f"true or false for {name}", f"{value!r}", "write it without quotes")
        return value
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(each, bool) or not isinstance(each, _SCALARS) for each in values):
        raise SpecError(f"text, a number or a list of them for {name}", f"{value!r}"[:80], f"write it as after {flag(name)}")
    texts = [str(each) for each in values]
    return texts if isinstance(value, list) else texts[0]


def _plain(value: Any) -> Any:
    """A value as YAML has it; None for an object."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (bool, *_SCALARS)):
        return value
    if isinstance(value, Sequence) and all(isinstance(each, _SCALARS) for each in value):
        return list(value)
    return None
