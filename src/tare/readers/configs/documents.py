"""YAML files, walks over nested documents, and numbers as configurations write them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of, short_repr
from tare.input_spec.fields import Field, Known, parsed
from tare.input_spec.spec import InputSpec
from tare.system.local.opened import document_text

_MOST_BYTES = 1 << 20
_MOST_MERGED = 1 << 12
_MOST_NODES = 200_000
_DEEPEST = 60
# PyYAML reads 1e-5 as a text, since YAML 1.1 wants a dot and a sign; the libraries' own configurations hold such numbers.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_REMEDY = "check the path, or name a smaller file"

Place = tuple[str, ...]


def read_text(path: Path, kind: str) -> str:
    """The text of a file of at most 1 MiB. Raises :class:`SpecError` if it is not there, too large or not UTF-8."""
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise SpecError(f"a {kind} file of at most {_MOST_BYTES} bytes", f"{size} in {str(path)!r}", _REMEDY)
        return document_text(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise SpecError(f"a readable {kind} file", f"{str(path)!r}: {reason_of(error)}", _REMEDY) from None


def read_yaml(path: Path) -> Any:
    """The document of a YAML file, without the tags that make objects. Raises :class:`SpecError` if it cannot be read."""
    return yaml_of(read_text(path, "YAML"), str(path))


def yaml_of(text: str, source: str) -> Any:
    """The document that YAML text holds, as :func:`read_yaml` reads it from the file ``source``."""
    import yaml

    try:
        return _loader()(text).get_single_data()  # of a SafeLoader, which builds plain values only
    except (ValueError, TypeError, OverflowError, RecursionError, yaml.YAMLError) as error:
        raise SpecError("a readable YAML file", f"{source!r}: {reason_of(error)}", "repair the file") from None


@functools.cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """A SafeLoader that refuses merges (``<<``) of merges, which double at each step."""

        def flatten_mapping(self, node: Any) -> None:
            for key, value in node.value:
                many = key.tag == "tag:yaml.org,2002:merge" and isinstance(value, yaml.SequenceNode)
                if many and len(value.value) > 64:
                    raise yaml.YAMLError("more than 64 mappings merged into one")
            super().flatten_mapping(node)
            if len(node.value) > _MOST_MERGED:
                raise yaml.YAMLError(f"more than {_MOST_MERGED} keys merged into one mapping")

    return Loader


def walk(document: Any, source: str) -> Iterator[tuple[Place, Any]]:
    """Every value of a nested document with its place, outer values first.

    Raises :class:`SpecError` for more than 200,000 values or 60 levels, such as aliases of aliases make.
    """
    waiting: list[tuple[Place, Any]] = [((), document)]
    seen = 0
    while waiting:
        place, value = waiting.pop()
        seen += 1
        if seen > _MOST_NODES or len(place) > _DEEPEST:
            expected = f"at most {_MOST_NODES} values and {_DEEPEST} levels in {source}"
            raise SpecError(expected, "more, aliases counted where they stand", "name a plain configuration file")
        yield place, value
        inner: Sequence[tuple[Any, Any]] = ()
        if isinstance(value, Mapping):
            inner = list(value.items())
        elif isinstance(value, list | tuple):
            inner = list(enumerate(value))
        waiting.extend(((*place, str(key)[:80]), item) for key, item in reversed(inner))


def dotted(place: Place) -> str:
    """A place as text: ``model.data_preprocessor``."""
    return ".".join(place) or "the document"


def number(value: Any) -> Any:
    """A number that YAML read as a text, as a number; any other value as it is."""
    if isinstance(value, str) and len(value) <= 40 and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


def listed(value: Any) -> Any:
    """A list of numbers, ``((a,), (b,))`` flattened and one number as a list; any other value as it is."""
    items = value if isinstance(value, list | tuple) else [value]
    for _ in range(2):
        if items and all(isinstance(item, list | tuple) and len(item) == 1 for item in items):
            items = [item[0] for item in items]
    return [number(item) for item in items]


def stated(name: str, value: Any, origin: str) -> Known[Any]:
    """A field of a spec, parsed. Raises :class:`SpecError` if the value cannot be."""
    found = f"{short_repr(value)} (nothing)"
    try:
        made = parsed(name, value, origin)
    except ValueError as error:
        found = str(error)
    else:
        if isinstance(made, Known):
            return made
    raise SpecError(f"a valid {name!r} in {origin}", found, "correct the file")


def known(value: Any, origin: str) -> Known[Any]:
    """A value of the reader's own, with its origin."""
    return Known(value, origin)


def made(fields: Mapping[str, Field[Any]], source: str, extra: Mapping[str, Any] | None = None) -> InputSpec:
    """The spec of ``fields``, checked. Raises :class:`SpecError` that names the source for statements that contradict."""
    counts = [len(field.value) for name in ("mean", "std") if isinstance(field := fields.get(name), Known)]
    if len(counts) == 2 and counts[0] != counts[1] and 1 not in counts:
        raise SpecError(f"as many means as stds in {source}", f"{counts[0]} and {counts[1]}", "correct the file")
    return InputSpec(**fields, extra=dict(extra or {})).checked()


def spread(mean: Known[Any], std: Known[Any]) -> tuple[Known[Any], Known[Any]]:
    """Mean and std of one length: one number stands for all channels."""
    count = max(len(mean.value), len(std.value))
    wide = [Known(field.value * count if len(field.value) == 1 else field.value, field.origin) for field in (mean, std)]
    return wide[0], wide[1]


def one_of_all(found: Sequence[tuple[Place, InputSpec]], source: str, choice: str = "") -> InputSpec:
    """The one spec that all places state, or that of the place that ``choice`` names.

    Raises :class:`SpecError` with the list of places if they contradict one another or none is the one chosen.
    """
    chosen = [(place, spec) for place, spec in found if not choice or _within(choice, dotted(place))]
    names = ", ".join(dict.fromkeys(dotted(place)[:80] for place, _ in found[:8]))
    if not chosen:
        raise SpecError(f"the part {choice!r} of {source}", f"{names or 'none'}", "name one as PATH#PART")
    first = _values(chosen[0][1])
    if any(_values(spec) != first for _, spec in chosen[1:]):
        raise SpecError(f"one normalisation in {source}", f"different ones at {names}", "name one as PATH#PART")
    return chosen[0][1]


def _within(choice: str, place: str) -> bool:
    return place == choice or place.startswith(f"{choice}.")


def _values(spec: InputSpec) -> dict[str, Any]:
    return {name: field.value if isinstance(field, Known) else None for name, field in spec.fields().items()}
