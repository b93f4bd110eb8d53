"""Triton's ``config.pbtxt``: type, layout and size of a model's input; the values of its tensors it does not state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import known, made, read_text, stated

_TOKEN = re.compile(r'\s+|#[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[\w.+-]+|[{}\[\]<>:,;]')
_TYPES = {"TYPE_FP32": "float32", "TYPE_FP16": "float16", "TYPE_BF16": "bfloat16", "TYPE_FP64": "float64", "TYPE_UINT8": "uint8"}
_LAYOUTS = {"FORMAT_NCHW": "NCHW", "FORMAT_NHWC": "NHWC"}
_DEEPEST = 40
_CLOSING = {"{": "}", "<": ">"}


def read_triton(path: Path, tensor: str = "") -> InputSpec:
    """Read a ``config.pbtxt`` for the input that ``PATH#INPUT`` names, or for the only one.

    Raises :class:`SpecError` if it is malformed, or has several inputs and none is named.
    """
    source = str(path)
    message = _Parser(_tokens(read_text(Path(path), "protobuf text"), source), source).message("")
    inputs = [part for value in message.get("input", []) for part in (value if isinstance(value, list) else [value])]
    named = {str(part.get("name", [""])[0]): part for part in inputs if isinstance(part, dict)}
    names = ", ".join(named)[:200] or "none"
    if tensor not in named and (tensor or len(named) != 1):
        expected = f"the input {tensor!r} in {source}" if tensor else f"one input in {source}"
        raise SpecError(expected, names, "name one as PATH#INPUT")
    chosen = tensor or next(iter(named))
    return _spec(named[chosen], f"{source}, input {chosen[:60]!r}")


def _spec(part: dict[str, list[Any]], origin: str) -> InputSpec:
    kind, form = (str(part.get(key, [""])[0]) for key in ("data_type", "format"))
    reason = Unknown(f"{origin}: Triton states a tensor's type and shape, not how its values are made")
    fields: dict[str, Field[Any]] = dict.fromkeys(("channels", "scale", "mean", "std", "raw_dtype", "units"), reason)
    fields["dtype"] = (
        known(_TYPES[kind], f"{origin}, {kind}") if kind in _TYPES else Unknown(f"{origin}: data_type {kind[:60]!r}")
    )
    fields["layout"] = known(_LAYOUTS[form], f"{origin}, {form}") if form in _LAYOUTS else Unknown(f"{origin} states no format")
    dims = [item for value in part.get("dims", []) for item in (value if isinstance(value, list) else [value])]
    if form in _LAYOUTS and len(dims) in (3, 4) and all(isinstance(dim, str) and re.fullmatch(r"\d{1,7}", dim) for dim in dims):
        image = [int(dim) for dim in dims[-3:]]
        fields["size"] = stated("size", image[1:] if form == "FORMAT_NCHW" else image[:2], f"{origin}, dims {', '.join(dims)}")
    else:
        fields["size"] = Unknown(f"{origin}: dims {short_repr(dims)} without a format, or of any size")
    return made(fields, origin)


def _tokens(text: str, source: str) -> list[str]:
    tokens, place = [], 0
    while place < len(text):
        matched = _TOKEN.match(text, place)
        if matched is None:
            raise SpecError(f"protobuf text in {source}", short_repr(text[place : place + 20]), "name Triton's config.pbtxt")
        token = matched[0]
        if not token[0].isspace() and token[0] != "#":
            tokens.append(token)
        place = matched.end()
    return tokens


class _Parser:
    """Protobuf's text format: messages as mappings of lists of values, since every field may be repeated."""

    def __init__(self, tokens: list[str], source: str) -> None:
        self._tokens, self._place, self._source = tokens, 0, source

    def message(self, end: str, depth: int = 0) -> dict[str, list[Any]]:
        fields: dict[str, list[Any]] = {}
        while True:
            name = self._next(end)
            if name == end:
                return fields
            if name in (",", ";"):
                continue
            if not re.fullmatch(r"[\w.-]+", name):
                raise self._error(name)
            if self._peek() == ":":
                self._place += 1
            fields.setdefault(name, []).append(self._value(depth + 1))

    def _value(self, depth: int) -> Any:
        word = self._next("")
        if depth > _DEEPEST:
            raise self._error("more levels than 40")
        if word in _CLOSING:
            return self.message(_CLOSING[word], depth)
        if word == "[":
            return self._list(depth)
        if word in ("", "}", ">", "]", ":", ",", ";"):
            raise self._error(word)
        return word[1:-1] if word[0] in "\"'" else word

    def _list(self, depth: int) -> list[Any]:
        items = []
        while self._peek() != "]":
            if self._peek() == ",":
                self._place += 1
            else:
                items.append(self._value(depth + 1))
        self._place += 1
        return items

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self, end: str) -> str:
        token = self._peek()
        if not token and end:
            raise self._error("")
        self._place += 1
        return token

    def _error(self, found: str) -> SpecError:
        return SpecError(
            f"protobuf text in {self._source}", short_repr(found) if found else "its end", "name Triton's config.pbtxt"
        )
