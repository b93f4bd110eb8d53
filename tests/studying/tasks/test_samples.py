from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.studying.tasks.samples import Samples, least_tested, pool_size, seeded_split
from tare.studying.tasks.task import TASKS, task_named


def made(count: int = 40, classes: int = 4, dtype: str = "uint8") -> Samples:
    rng = np.random.default_rng(0)
    return Samples("made", rng.integers(0, 255, (count, 6, 6, 1)).astype(dtype), np.arange(count) % classes)


@given(seed=st.integers(0, 50), pool=st.integers(4, 36))
def test_training_and_test_samples_are_disjoint_and_all_there_are(seed: int, pool: int) -> None:
    train, test = seeded_split(made(), pool, seed)
    assert len(train) == pool
    assert sorted([*train, *test]) == list(range(40))


@given(seed=st.integers(0, 50))
def test_the_first_training_samples_have_every_class(seed: int) -> None:
    target = made()
    train, _ = seeded_split(target, 20, seed)
    assert set(target.labels[train[:4]]) == {0, 1, 2, 3}


def test_another_pool_keeps_the_order() -> None:
    small, large = seeded_split(made(), 10, 3)[0], seeded_split(made(), 30, 3)[0]
    np.testing.assert_array_equal(small, large[:10])


def test_the_pool_is_half_the_data_unless_a_size_asks_for_more() -> None:
    assert (pool_size(made(), 5), pool_size(made(), 30)) == (20, 30)
    assert least_tested(made()) == 8


def test_words_become_unit_values_and_bytes_stay() -> None:
    words = Samples("words", np.full((1, 2, 2, 1), 65535, np.uint16), np.zeros(1, np.int64))
    assert words.tensor().max() == pytest.approx(1.0)
    assert made().tensor().dtype.is_floating_point is False


def test_a_digest_sees_values_labels_shape_and_dtype() -> None:
    base = made()
    others = [
        made(dtype="uint16"),
        Samples("made", base.values, base.labels[::-1]),
        Samples("made", base.values[::-1], base.labels),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == 4
    assert made().digest() == base.digest()


@pytest.mark.parametrize("name", list(TASKS))
def test_built_in_tasks_build_what_they_name(name: str) -> None:
    import torch

    from tare.networks.batch_norm import batch_norms

    task = task_named(name)
    target = task.target()
    assert task.source is not None
    assert set(task.networks) <= set(task.known)
    for network in task.known:
        module = task.build(network, target.channels, target.classes)
        with torch.inference_mode():
            logits = module.eval()(target.take(np.arange(2)).tensor().float())
        assert logits.shape == (2, target.classes)
        assert bool(batch_norms(module)) == (network in task.normed)


def test_the_laboratories_share_no_sample() -> None:
    task = task_named("signals")
    assert task.source is not None
    first, second = task.source().values, task.target().values
    assert not {row.tobytes() for row in first} & {row.tobytes() for row in second}
