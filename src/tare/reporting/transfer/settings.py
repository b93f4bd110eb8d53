"""The settings of a run, those first that differ from the defaults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from tare.reporting import html
from tare.transferring.inputs import TransferRequest
from tare.transferring.result import TransferRun

#: What the page says elsewhere: the network, the data, the samples and the constants.
_ELSEWHERE = ("model", "data", "files", "strategy", "protocol", "mean", "std", "seed")
_DIGESTS = ("training ", "validation ", "test ", "values of ", "code of ", "weights of ")
_NAMED = 3


def settings_fold(run: TransferRun) -> str:
    """What differs from the defaults as a table, and below it the number of settings that do not."""
    stated = {key: value for key, value in run.settings.items() if key not in _ELSEWHERE and not key.startswith(_DIGESTS)}
    defaults = {field.name: field.default for field in fields(TransferRequest) if field.default is not MISSING}
    changed = {key: value for key, value in stated.items() if key not in defaults or not _same(value, defaults[key])}
    rows = [(key.replace("_", " "), setting_text(value), _default(key, defaults)) for key, value in changed.items()]
    left = f"{len(stated) - len(changed)} other settings have their defaults; run.json has all."
    table = [html.table("", ("setting", "value", "default"), rows)] if rows else []
    return html.fold("Settings", _gist(changed), [*table, html.paragraph(left)])


def setting_text(value: Any) -> str:
    """A setting in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {setting_text(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(setting_text, value))
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)


def _gist(changed: Iterable[str]) -> str:
    names = [name.replace("_", " ") for name in changed]
    if not names:
        return "all are the defaults"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}; the others are the defaults"


def _same(value: Any, default: Any) -> bool:
    return bool(value == default or (isinstance(value, list | tuple) and list(value) == list(default or ())))


def _default(key: str, defaults: dict[str, Any]) -> str:
    return setting_text(defaults[key]) if key in defaults and defaults[key] is not None else ""
