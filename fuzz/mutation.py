"""Change an input at random: bytes as bytes, and documents as documents, so that what a parser reads later is reached too."""

from __future__ import annotations

import json
import random
from typing import Any

_BYTES = (
    b"",
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"-1",
    b"nan",
    b"1e999",
    b"\n",
    b'"',
    b"../",
)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 255, 2**31, 2**63, 10**30, -0.0, 0.5, 1e308, 1e-320, float("nan"), float("inf"), "", "0.5",
    "RGB", "BGR", "\ud800", "x" * 300, [], {}, [0.5], [0.5] * 3, [0.5] * 4, [1, 2], [None], [[0.5]], {"a": 1}, {"schema": 1},
)  # fmt: skip


def mutated(data: bytes, generator: random.Random, *, is_json: bool) -> bytes:
    """``data`` with one to four changes."""
    for _ in range(generator.randint(1, 4)):
        changed = _changed_document(data, generator) if is_json and generator.random() < 0.8 else None
        data = changed if changed is not None else _changed_bytes(data, generator)
    return data


def _changed_bytes(data: bytes, generator: random.Random) -> bytes:
    place = generator.randint(0, len(data))
    length = generator.choice((0, 1, 1, 2, 4, 8, 64))
    kind = generator.randrange(5)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + data[place + length :]
    if kind == 2:
        return data[:place] + data[place : place + length] + data[place:]
    if kind == 3:
        return data[:place] + generator.choice(_BYTES) + data[place + length :]
    return data[:place] + generator.randbytes(length) + data[place + length :]


def _changed_document(data: bytes, generator: random.Random) -> bytes | None:
    """The document with a part replaced, removed or repeated; None if it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    holder, key = _somewhere(document, generator)
    if holder is None:
        return json.dumps(generator.choice(_VALUES)).encode()
    kind = generator.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, generator.choice(_VALUES))
    elif kind == 2 and isinstance(holder, dict):
        holder[generator.choice(list(holder))] = holder[key]
    else:
        holder[key] = generator.choice(_VALUES)
    return json.dumps(document).encode()


def _somewhere(document: Any, generator: random.Random) -> tuple[Any, Any]:
    """A list or mapping inside the document, and a place in it; None if there is no such place."""
    found, key = None, None
    at = document
    while isinstance(at, dict | list) and at:
        found, key = at, generator.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if generator.random() < 0.3:
            break
        at = found[key]
    return found, key
