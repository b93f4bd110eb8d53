"""A document as a configuration."""

from __future__ import annotations

from functools import lru_cache

from tare.code.files.configuration.json_text import json_value
from tare.code.files.configuration.toml_text import toml_value
from tare.code.files.configuration.value import Configuration, ConfigurationError
from tare.code.files.configuration.yaml_text import yaml_value
from tare.code.files.document import Document, Skipped

#: The most characters of a configuration; files that are larger hold data.
MOST_CHARACTERS = 1024 * 1024
_READERS = {".json": json_value, ".toml": toml_value}


def configuration(document: Document) -> Configuration | Skipped:
    """The values of a YAML, JSON or TOML document with their places, or why it has none."""
    return _read(document.path, document.text)


@lru_cache(maxsize=4096)
def _read(path: str, text: str) -> Configuration | Skipped:
    """A file is parsed once, although several rules, and the code that loads it, ask for it."""
    if len(text) > MOST_CHARACTERS:
        reason = f"it has {len(text):,} characters, more than the {MOST_CHARACTERS:,} of a configuration that is read"
        return Skipped(path, reason)
    suffix = f".{path.rpartition('.')[2].lower()}"
    try:
        return Configuration(path, _READERS.get(suffix, yaml_value)(path, text))
    except ConfigurationError as error:
        return Skipped(path, str(error))


def let_go() -> None:
    """Keep no configuration any longer: whoever has read all files of a repository needs none of them again."""
    _read.cache_clear()
