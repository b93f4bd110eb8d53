from __future__ import annotations

import pytest

from tare.networks.heads.pass_size import pass_size


@pytest.mark.parametrize(
    ("shape", "size"), [((3, 224, 224), 4), ((3, 512, 512), 4), ((3, 112, 112), 16), ((1, 28, 28), 64), ((11,), 64), ((), 64)]
)
def test_large_images_pass_in_small_batches(shape: tuple[int, ...], size: int) -> None:
    assert pass_size(shape, 64) == size
