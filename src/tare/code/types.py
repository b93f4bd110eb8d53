"""The types that calls bring images to."""

from __future__ import annotations

import re
from typing import Literal as Word

from tare.code.interpreter.values import Call, Library, Value
from tare.code.libraries.step import text

#: Bytes, integers of more bits, floats; "" for a type that is not known, or none of these.
TypeKind = Word["bytes", "wide", "floats", ""]

#: NumPy's and torch's names of types, and the letters of NumPy.
_BYTES = re.compile(r"u?byte|uint8|u1|B|ByteTensor")
_WIDE = re.compile(r"u?int(?:16|32|64|c|p|_)?|u?short|u?long(?:long)?|intp|int_|[iu][248]|[hHiIlLqQpP]")
_FLOATS = re.compile(r".*[fF]loat.*|half|single|(?:long)?double|[fg]|e|d|f(?:2|4|8|16)")
#: Functions that make arrays of images, of a type that they may be told.
_ARRAYS = frozenset(f"numpy.{each}" for each in ("array", "asarray", "asanyarray", "ascontiguousarray", "require"))


def type_given(call: Call) -> Value | None:
    """The type that a call brings an image to, as it is written; None for a call that names none."""
    if call.function in (".astype", ".to", ".type"):
        return call.argument(0, "dtype")
    return call.argument(1, "dtype") if call.function in _ARRAYS and call.args else None


def type_kind(value: Value) -> TypeKind:
    """What kind of type a value names: ``np.float32``, ``"float32"``, ``"<f4"``, ``np.dtype("float32")``, ``float``."""
    if isinstance(value, Call) and value.function == "numpy.dtype" and value.args:
        return type_kind(value.args[0])
    name = (value.name.rpartition(".")[2] if isinstance(value, Library) else text(value)).lstrip("<>=|")
    if _BYTES.fullmatch(name) and name != "byte":  # NumPy's byte has a sign
        return "bytes"
    return "wide" if _WIDE.fullmatch(name) else "floats" if _FLOATS.fullmatch(name) else ""
