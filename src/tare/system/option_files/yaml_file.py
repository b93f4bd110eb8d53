"""Read a YAML file of keys and values: nothing in it is executed, and its size and depth are limited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of
from tare.system.local.opened import document_text

_MOST_BYTES = 1 << 20


def read_yaml(path: Path, what: str, example: str) -> dict[Any, Any]:
    """Read the keys of a YAML file (of which JSON is a part), unchecked; ``what`` it is and an ``example`` key are for messages.

    Tags that name Python objects are refused, and so are aliases: a few lines of them can stand for more than memory holds.
    Raises :class:`SpecError` if the file is not there, too large, or no mapping.
    """
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(f"a {what} of at most {_MOST_BYTES} bytes", f"{path.stat().st_size}", "shorten it")
        text = document_text(path, _MOST_BYTES)
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise SpecError(f"a {what} without aliases", f"an alias (*NAME) in {str(path)!r}", "write the value out")
        document = yaml.safe_load(text)
        _check_keys(yaml.compose(text, yaml.SafeLoader), path)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = reason_of(error)
        raise SpecError(f"a readable YAML {what}", f"{str(path)!r}: {reason}", "check the file") from None
    if not isinstance(document, dict):
        found = f"{type(document).__name__} in {str(path)!r}"
        raise SpecError(f"a {what} with keys such as {example}", found, "see docs")
    return document


def _check_keys(node: Any, path: Path) -> None:
    """Raise :class:`SpecError` for a key that stands twice, of which YAML would take the last."""
    keys = [key.value for key, _ in node.value] if node is not None and node.id == "mapping" else []
    twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
    if twice is not None:
        raise SpecError(f"each key once in {str(path)!r}", f"{twice!r} twice", "leave one out")
