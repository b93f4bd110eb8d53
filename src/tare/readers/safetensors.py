"""What the header of a safetensors file says about a network's input; no tensor is read.

Header: eight bytes with the length of a JSON object, then that object; ``__metadata__`` in it maps text to text
(huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.foreign import known_field
from tare.input_spec.spec import InputSpec
from tare.readers.documents.constants import check_one_pair, of_pair, pair_of
from tare.system.local.opened import opened

#: The key under which tare keeps its own specification.
KEY = "tare.spec"
_LONGEST = 1 << 26


def read_safetensors(path: Path) -> InputSpec:
    """Read tare's specification out of the metadata, or a pair of mean and std, which say nothing of scale and order.

    Raises :class:`SpecError` if the file is no safetensors file, or its metadata state neither.
    """
    metadata = header_of(path).get("__metadata__") or {}
    if not isinstance(metadata, Mapping):
        raise SpecError(f"__metadata__ of {str(path)!r} as an object", short_repr(metadata), "save the file again")
    if KEY in metadata:
        return InputSpec.from_json(_json(metadata[KEY], f"{KEY} in {str(path)!r}"))
    pair = pair_of(metadata)
    if pair is not None:
        check_one_pair(metadata, f"metadata of {path}", _numbers_if_any)
        return _of_pair(metadata, *pair, f"metadata of {path}")
    keys = ", ".join(str(key)[:40] for key in list(metadata)[:6])
    expected = f"{KEY!r}, or a mean and std, in the metadata of {str(path)!r}"
    remedy = "name the model's configuration instead; tare identify finds out what no file states"
    raise SpecError(expected, f"the keys {keys}" if keys else "neither", remedy)


def header_of(path: Path) -> dict[str, Any]:
    """The JSON object at the beginning of a safetensors file of at most 64 MiB; raises :class:`SpecError` without one."""
    try:
        with opened(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_LONGEST, path.stat().st_size - 8):
                found = f"{length} bytes in a file of {path.stat().st_size}"
                raise SpecError(f"a header of safetensors in {str(path)!r}", found, "check the file")
            header = _json(file.read(length).decode("utf-8"), f"the header of {str(path)!r}")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("a readable safetensors file", f"{str(path)!r}: {error}", "check the path") from None
    if not isinstance(header, dict):
        raise SpecError(f"a JSON object as the header of {str(path)!r}", type(header).__name__, "check the file")
    return header


def _of_pair(metadata: Mapping[str, Any], mean: str, std: str, source: str) -> InputSpec:
    fields: dict[str, Any] = {
        "mean": known_field("mean", _numbers(metadata[mean], f"{mean!r} in {source}"), f"{source}, key {mean!r}"),
        "std": known_field("std", _numbers(metadata[std], f"{std!r} in {source}"), f"{source}, key {std!r}"),
    }
    return of_pair(fields, source)


def _numbers(text: Any, where: str) -> Any:
    """Numbers written as JSON or with commas between them."""
    if isinstance(text, str) and not text.lstrip().startswith("["):
        text = f"[{text.strip().strip('()')}]"
    value = _json(text, where)
    return [value] if isinstance(value, int | float) else value


def _numbers_if_any(text: Any) -> Any:
    """The numbers of a text, else the text."""
    try:
        return _numbers(text, "numbers")
    except SpecError:
        return text


def _json(text: Any, where: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(
            f"JSON as {where}", f"{short_repr(text)} ({' '.join(str(error).split())[:80]})", "save it again"
        ) from None
