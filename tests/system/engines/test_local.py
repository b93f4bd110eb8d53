from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tare.system.engines.local import default_workers, ordered_map


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    def slow_if_even(item: int) -> int:
        time.sleep(0.002 if item % 2 == 0 else 0.0)
        return item * item

    assert list(ordered_map(slow_if_even, range(40), workers)) == [i * i for i in range(40)]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_items_give_no_results(workers: int) -> None:
    assert list(ordered_map(abs, [], workers)) == []


def test_few_items_are_taken_ahead_of_the_results() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    results = ordered_map(abs, items(), workers=3)
    for done in range(1, 50):
        next(results)
        assert taken - done <= 2 * 3


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_reaches_the_caller_and_nothing_new_begins(workers: int) -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def fail_at_five(item: int) -> int:
        with lock:
            begun.append(item)
        if item == 5:
            raise RuntimeError("broken at five")
        return item

    with pytest.raises(RuntimeError, match="broken at five"):
        list(ordered_map(fail_at_five, range(1000), workers))
    assert len(begun) <= 5 + 2 * workers + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tare_")]


def test_leaving_early_ends_the_threads() -> None:
    results = ordered_map(abs, range(1000), workers=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tare_")]


def test_there_is_at_least_one_worker() -> None:
    assert default_workers() >= 1
