from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.system import scratch
from tare.system.scratch import scratch_memory


def address(buffer: NDArray[np.uint8]) -> int:
    return buffer.ctypes.data


def test_memory_is_used_again_once_nobody_looks_at_it() -> None:
    first = scratch_memory(1000, "pixels")
    place = address(first)
    del first
    assert address(scratch_memory(900, "pixels")) == place


def test_memory_that_a_view_lies_in_is_not_given_away() -> None:
    view = scratch_memory(1000, "pixels")[10:500:3]
    base = view.base
    assert base is not None
    place = address(base)
    del base
    others = [scratch_memory(1000, "pixels") for _ in range(5)]
    assert place not in map(address, others)
    assert len({address(other) for other in others}) == 5


def test_two_images_in_turn_need_two_buffers() -> None:
    seen = set()
    held = scratch_memory(5000, "pixels")
    for _ in range(10):
        new = scratch_memory(5000, "pixels")
        seen.add(address(new))
        held = new  # noqa: F841 - the image before lives until here
        del new
    assert len(seen) == 2


def test_an_image_that_was_let_go_leaves_its_memory_to_the_next() -> None:
    seen = set()
    for _ in range(10):
        file, image = scratch_memory(700, "file"), scratch_memory(5000, "pixels")
        seen.add((address(file), address(image)))
        del file, image
    assert len(seen) == 1


def test_threads_do_not_share() -> None:
    places: list[int] = []
    mine = scratch_memory(2000, "pixels")
    place = address(mine)
    del mine
    thread = threading.Thread(target=lambda: places.append(address(scratch_memory(2000, "pixels"))))
    thread.start()
    thread.join()
    assert places != [place]


def test_memory_of_huge_images_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_LARGEST", 1 << 12)
    before = list(map(id, scratch._kept.buffers["pixels"]))
    assert scratch_memory(1 << 13, "pixels").size == 1 << 13
    assert list(map(id, scratch._kept.buffers["pixels"])) == before
