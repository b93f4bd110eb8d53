"""A document as a configuration."""

from __future__ import annotations

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
    if len(document.text) > MOST_CHARACTERS:
        reason = f"it has {len(document.text):,} characters, more than the {MOST_CHARACTERS:,} of a configuration that is read"
        return Skipped(document.path, reason)
    suffix = f".{document.path.rpartition('.')[2].lower()}"
    try:
        return Configuration(document.path, _READERS.get(suffix, yaml_value)(document.path, document.text))
    except ConfigurationError as error:
        return Skipped(document.path, str(error))
