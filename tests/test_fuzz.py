"""Seeded mutations of good inputs, without a fuzzer: every parser takes them or refuses them with a typed error."""

from __future__ import annotations

import random

import pytest
from fuzz.mutation import mutated
from fuzz.targets import Target, targets

TARGETS = targets()
TRIES = 250


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
