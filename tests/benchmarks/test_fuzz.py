"""Seeded mutations of good inputs, without a fuzzer: every parser takes them or refuses them with a typed error."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from fuzz.__main__ import Fuzzed, table
from fuzz.mutation import mutated
from fuzz.targets import Target, _npy_seed, targets

TARGETS = targets()
TRIES = 100


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_target_begins_from_is_good(name: str) -> None:
    target = TARGETS[name]
    assert target(target.seeds[0]), name


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_it_is_given_nothing_but_a_typed_error_comes_out(name: str) -> None:
    target, generator = TARGETS[name], random.Random(f"tare {name}")
    taken = sum(_tried(target, generator) for _ in range(TRIES))
    assert taken < TRIES, "no mutation was refused: the target reads nothing"


def _tried(target: Target, generator: random.Random) -> bool:
    data = mutated(generator.choice(target.seeds), generator, is_json=target.is_json)
    try:
        return target(data)
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error} for {data[:600]!r}") from error


#: What the fuzzer found: a field that tare does not know with an infinity, a negative axis, no axis, blocks of no bytes.
FOUND = (
    ("spec JSON", b'{"schema": "tare.spec/2", "../std": [Infinity]}'),
    (
        "npy",
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '|u1', 'fortran_order': False, 'shape': (5, 6, 6,-6), }".ljust(117)
        + b"\n"
        + b"0" * 8,
    ),
    ("npy", _npy_seed(np.array(3, np.uint8))),
    ("WAV", b"RIFFT\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 11, 1, 8000, 92, 0, 0) + b"data0\0\0\0" + bytes(48)),
)


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_the_fuzzer_found_is_refused(name: str, data: bytes) -> None:
    assert not TARGETS[name](data)


@pytest.mark.parametrize(
    ("seconds", "runs", "limits"),
    [(60, None, "60 seconds"), (None, 2000, "2,000 inputs"), (60, 2000, "60 seconds or 2,000 inputs")],
)
def test_the_table_counts_targets_and_names_the_limits(seconds: int | None, runs: int | None, limits: str) -> None:
    found = [Fuzzed("IDX", 1500, 90, ""), Fuzzed("tar", 2000, 150, "a crash")]
    *_, idx, tar, total, _, last = table(found, seconds, runs).splitlines()
    assert idx == "| IDX | 1,500 | 90 | 0 |"
    assert tar == "| tar | 2,000 | 150 | 1 |"
    assert total == "| **all** | **3,500** | | **1** |"
    assert last == f"At most {limits} each."
