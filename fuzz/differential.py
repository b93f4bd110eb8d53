"""``python -m fuzz.differential [--rounds N] [--seed N] [--only WORD] [--ray] [--write FILE]``: the same data by every way.

The same random values are written in every format that can hold them and read by every way: as a stream with one and with two
workers, by index from the last sample to the first, interrupted and resumed from a checkpoint, and on Ray. All must give the same
bits.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from fuzz.formats import FAMILIES, Family, Format, Values

#: Types whose sums are exact, however the values are cut into chunks.
_EXACT = ("uint8", "uint16", "bool")


@dataclass
class Tally:
    """How often each family was read in how many formats, how often the bits were those of the first, and what differed.

    Sums of values other than 8- and 16-bit levels are rounded once a chunk, about the chunk's own mean. Where a format cuts the
    same values otherwise, figures agree to rounding and not to the last bit; such readings are ``rounded``.
    """

    read: Counter[str] = field(default_factory=Counter)
    rounded: Counter[str] = field(default_factory=Counter)
    formats: dict[str, set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def main() -> None:
    """Compare, print what differs, and print or write the table; exit code 1 if anything differs."""
    arguments = _parsed()
    logging.disable(logging.WARNING)
    tally = Tally()
    for number in range(arguments.rounds):
        for family in FAMILIES:
            if not arguments.only or arguments.only in family.name:
                compare(family, arguments.seed + number, tally, ray=arguments.ray and number == 0)
    for fault in tally.faults:
        print(fault, file=sys.stderr)
    text = table(tally, arguments.rounds, arguments.seed)
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "differential", text)
    sys.exit(1 if tally.faults else 0)


def compare(family: Family, seed: int, tally: Tally, *, ray: bool = False) -> None:
    """Read one draw of each type of a family in every format by every way, and note what differs from the first."""
    for kind in family.dtypes:
        dtype = np.dtype(kind)
        generator = np.random.default_rng([seed, *family.name.encode(), *kind.encode()])
        values = family.draw(generator, dtype)
        first: Read | None = None
        for each in family.formats:
            if not each.here or not each.holds(dtype):
                continue
            tally.formats.setdefault(family.name, set()).add(each.name)
            with tempfile.TemporaryDirectory() as folder:
                found = list(_states(each, values, Path(folder), ray=ray))
            where = f"{family.name}, {kind} {values.shape}, seed {seed}: {each.name}"
            first = first or next(iter(found), None)
            for one in found:
                tally.read[family.name] += 1
                fault = _fault(one, found[0], first, tally, family.name)
                if fault:
                    tally.faults.append(f"{where}, {one.way}: {fault}")


@dataclass(frozen=True)
class Read:
    """What came of one way of reading: the state, or the error."""

    way: str
    state: Any
    error: str = ""


def _fault(one: Read, own: Read, first: Read | None, tally: Tally, name: str) -> str:
    """What is wrong with a reading: an error, other bits than a stream of the same file, or other figures than the first."""
    if one.error or first is None or first.error:
        return one.error
    ours, theirs = bits(one.state), bits(first.state)
    if ours == theirs:
        return ""
    if one.way not in (own.way, "by index") and ours != bits(own.state):
        return f"{_differing(ours, bits(own.state))} by {own.way}"
    if not _agree(one.state, first.state):
        return _differing(ours, theirs)
    tally.rounded[name] += 1
    return ""


def _agree(one: Any, other: Any) -> bool:
    """Whether two states have the same counts and ranges, and moments that differ by rounding alone."""
    if one.groups.keys() != other.groups.keys() or any(layout.dtype in _EXACT for layout in one.groups):
        return False
    for layout, group in one.groups.items():
        for a, b in zip(group.channels, other.groups[layout].channels, strict=True):
            ours, theirs = a.moments, b.moments
            if any(getattr(ours, key) != getattr(theirs, key) for key in ("samples", "count", "nan", "inf", "low", "high")):
                return False
            room = 1e-12 * (abs(theirs.mean) + theirs.std)
            if abs(ours.mean - theirs.mean) > room or abs(ours.std - theirs.std) > room:
                return False
    return True


def _states(each: Format, values: Values, folder: Path, *, ray: bool) -> Iterator[Read]:
    """Each way of reading, and what it gives: the state, or the error."""
    ways = {"stream": _stream, "two workers": _two_workers, "by index": _by_index, "checkpoint": _checkpoint}
    if ray:
        ways["Ray"] = _on_ray
    data, way = None, "writing it"
    try:
        data = each.write(folder, values)
        for way, read in ways.items():
            state = read(data, each.options, folder)
            if state is not None:
                yield Read(way, state)
    except Exception as error:
        yield Read(way, None, f"{type(error).__name__}: {error}")


def bits(state: Any) -> list[Any]:
    """What a state holds of the values themselves, to the last bit, whatever the files state or the samples are called."""
    from tare.statistics.state_json import state_to_json

    groups = state_to_json(state)["groups"]
    return [{key: value for key, value in group.items() if key != "example"} for group in groups] or ["nothing"]


def _source(data: Any, options: dict[str, Any]) -> Any:
    from tare.sources.opening import open_source
    from tare.sources.options import Options

    return open_source(data, Options(**options))


def _stream(data: Any, options: dict[str, Any], folder: Path) -> Any:
    from tare.measuring.one_pass import measure_state

    del folder
    return measure_state(_source(data, options), 1)


def _two_workers(data: Any, options: dict[str, Any], folder: Path) -> Any:
    from tare.measuring.one_pass import measure_state

    del folder
    return measure_state(_source(data, options), 2)


def _by_index(data: Any, options: dict[str, Any], folder: Path) -> Any:
    """Sample by sample, from the last to the first; None for formats that cannot be read by index."""
    from tare.statistics.state import DatasetState

    del folder
    source = _source(data, options)
    indexed = source.indexed()
    if indexed is None:
        return None
    return DatasetState.of(record for index in reversed(range(indexed.number)) for record in indexed.read(index))


def _checkpoint(data: Any, options: dict[str, Any], folder: Path) -> Any:
    """Interrupted after the first chunk, and resumed by another source."""
    from tare.measuring.checkpoint import Checkpoint
    from tare.measuring.one_pass import measure_state

    if not isinstance(data, str | Path):
        return None
    place = folder / "state.json"

    def stop(_: int, count: list[int] = []) -> None:  # noqa: B006 - counts the calls
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt

    try:
        source = _source(data, options)
        return measure_state(source, 1, stop, checkpoint=Checkpoint(place, source, {}))
    except KeyboardInterrupt:
        source = _source(data, options)
        return measure_state(source, 1, checkpoint=Checkpoint(place, source, {}))


def _on_ray(data: Any, options: dict[str, Any], folder: Path) -> Any:
    from tare.measuring.one_pass import measure_state

    del folder
    return measure_state(_source(data, options), 2, engine="ray")


def _differing(ours: Any, theirs: Any) -> str:
    """The first place in which two values differ, in words."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return next(f"{key}.{_differing(ours[key], theirs[key])}" for key in ours if ours[key] != theirs[key])
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(f"{place}.{_differing(one, other)}" for place, (one, other) in pairs if one != other)
    return f"{str(ours)[:60]} instead of {str(theirs)[:60]}"


def table(tally: Tally, rounds: int, seed: int) -> str:
    """How many ways of reading were compared, for each family."""
    heading = "| values | formats | readings compared | the same bits | the same to rounding | that differ |"
    lines = [heading, "|---|--:|--:|--:|--:|--:|"]
    for name, count in tally.read.items():
        faults, rounded = sum(fault.startswith(f"{name},") for fault in tally.faults), tally.rounded[name]
        same = count - faults - rounded
        lines.append(f"| {name} | {len(tally.formats[name])} | {count:,} | {same:,} | {rounded:,} | {faults} |")
    count, faults, rounded = tally.read.total(), len(tally.faults), tally.rounded.total()
    lines.append(f"| **all** | | **{count:,}** | **{count - faults - rounded:,}** | **{rounded:,}** | **{faults}** |")
    return "\n".join([*lines, "", f"{rounds} draws of each type, from seed {seed}."])


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz.differential", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="draws of each type of values")
    parser.add_argument("--seed", type=int, default=0, help="of the first draw; the others follow")
    parser.add_argument("--only", help="values with this in their name")
    parser.add_argument("--ray", action="store_true", help="read on Ray, too, in the first round")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
