from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tare.networks.heads.batched import fit_heads
from tare.networks.heads.reference import LinearHead, features_of, fit_head
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.studying.cells import cell as measuring_cells
from tare.studying.cells.cell import STRENGTH, Result, cell_normalisation, measure_cells, pooled, row_of
from tare.studying.cells.pretraining import source_moments
from tare.studying.plan import Cell, StudyPlan, plan_of
from tare.studying.tasks import task as tasks
from tare.studying.tasks.samples import Samples, seeded_split
from tare.studying.tasks.shifts import shift_named
from tare.studying.tasks.task import Pretrained, Task

SHIFT = "gain:0.5"


def plan_with(**changes: Any) -> StudyPlan:
    return plan_of({"study": "digits", "networks": "cnn-batch", "sizes": [10, 40], "shifts": SHIFT, "seeds": 2, **changes})


@pytest.fixture(scope="module")
def source() -> Pretrained:
    """A network as it is drawn: what is tested here does not depend on its training."""
    task = tasks.task_named("digits")
    assert task.source is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = task.build("cnn-batch", 1, 5)
    return Pretrained(module.eval(), *source_moments(task.source(), 0))


def measured(plan: StudyPlan, source: Pretrained, task: Task | None = None) -> dict[Cell, Result]:
    cells = [cell for cell in plan.cells() if cell.seed == 0]
    return {result.cell: result for result in measure_cells(task or plan.task, source, cells, plan.pool)}


@pytest.mark.parametrize("mode", ["eval", "reestimate"])
def test_what_is_shared_equals_what_is_computed_for_each_cell_alone(source: Pretrained, mode: str) -> None:
    plan = plan_with(batchnorm=mode)
    together = measured(plan, source)
    alone = [measure_cells(plan.task, source, [cell], plan.pool)[0] for cell in together]
    assert alone == list(together.values())
    assert all(result.error == "" for result in alone)


def test_a_cell_is_what_a_plain_script_would_compute(source: Pretrained) -> None:
    plan = plan_with(strategies=["source", "target"])
    target = plan.task.target()
    train, test = seeded_split(target, plan.pool, 0)
    values = shift_named(SHIFT).apply(target.values)
    for cell, result in measured(plan, source).items():
        part = Samples("part", values[train[: cell.size]], target.labels[train[: cell.size]])
        applied = InputLayer(cell_normalisation(cell.strategy, source, part.measure()))
        fitted, tested = (
            features_of(source.module, "head", [Samples("", values[chosen], target.labels[chosen]).tensor()], applied)
            for chosen in (train[: cell.size], test)
        )
        head = fit_head(fitted, part.labels, strength=STRENGTH)
        expected = float((head.predict(tested) == target.labels[test]).mean())
        assert result.accuracy == pytest.approx(expected, abs=1.5 / len(test))
        fed = applied(part.tensor()).double()
        assert (result.fed_mean, result.fed_std) == pytest.approx((float(fed.mean()), float(fed.std(correction=0))), abs=1e-5)


@pytest.mark.parametrize("mode", ["eval", "reestimate"])
def test_nothing_that_is_fitted_depends_on_the_test_samples(
    source: Pretrained, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_with(batchnorm=mode, sizes=40)
    task = plan.task
    target = task.target()
    _, test = seeded_split(target, plan.pool, 0)
    values = target.values.copy()
    values[test] = np.random.default_rng(1).integers(0, 256, values[test].shape)
    spoiled = replace(task, target=lambda: Samples(target.name, values, target.labels))
    fits: list[LinearHead] = []

    def noted(*data: Any, **options: Any) -> list[LinearHead]:
        found = fit_heads(*data, **options)
        fits.extend(found)
        return found

    monkeypatch.setattr(measuring_cells, "fit_heads", noted)
    honest, odd = measured(plan, source), measured(plan, source, spoiled)
    assert len(fits) == 2 * len(honest)
    for before, after in zip(fits[: len(honest)], fits[len(honest) :], strict=True):
        np.testing.assert_array_equal(before.weight, after.weight)
        np.testing.assert_array_equal(before.bias, after.bias)
    assert [r.fed_mean for r in honest.values()] == [r.fed_mean for r in odd.values()]
    assert [r.accuracy for r in honest.values()] != [r.accuracy for r in odd.values()]


def test_re_estimating_batch_norm_leaves_the_network_itself_alone(source: Pretrained) -> None:
    before = {name: tensor.clone() for name, tensor in source.module.state_dict().items()}
    found = measured(plan_with(batchnorm=["eval", "reestimate"], strategies=["source", "target"], sizes=40), source)
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.module.state_dict().items())
    assert len({result.accuracy for result in found.values()}) > 1


@pytest.mark.long
@pytest.mark.parametrize("protocol", ["finetune", "scratch"])
def test_training_gives_the_same_twice_and_leaves_the_network_alone(source: Pretrained, protocol: str) -> None:
    plan = plan_with(protocols=protocol, sizes=10, strategies=["source", "target"])
    before = {name: tensor.clone() for name, tensor in source.module.state_dict().items()}
    assert measured(plan, source) == measured(plan, source)
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.module.state_dict().items())


@pytest.mark.parametrize("protocol", ["finetune", "scratch"])
def test_all_weights_are_trained_also_those_that_a_network_comes_with_frozen(
    source: Pretrained, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_with(protocols=protocol, sizes=10, strategies=["source", "target"])
    build = plan.task.build
    task = replace(plan.task, build=lambda *of: build(*of).requires_grad_(False))
    frozen = replace(source, module=copy.deepcopy(source.module).requires_grad_(False))
    seen = list[bool]()
    monkeypatch.setattr(
        measuring_cells, "train", lambda module, *_, **__: seen.extend(w.requires_grad for w in module.parameters())
    )
    assert not any(result.error for result in measured(plan, frozen, task).values())
    assert len(seen) > 4
    assert all(seen)


def test_training_a_network_without_a_linear_classifier_is_refused_by_what_it_has(source: Pretrained) -> None:
    plan = plan_with(protocols="finetune", sizes=10, strategies=["source", "target"])
    head = next(name for name, layer in source.module.named_modules() if isinstance(layer, torch.nn.Conv2d))
    (error,) = {result.error for result in measured(plan, replace(source, head=head)).values()}
    assert f"expected a linear classifier at {head!r}, found Conv2d; name another network, or use the protocol probe" in error


def test_a_cell_that_fails_is_recorded_and_the_others_are_measured(source: Pretrained, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(strategy: Strategy, *rest: Any) -> Any:
        if strategy == "blend":
            raise RuntimeError("a\nlong story")
        return cell_normalisation(strategy, *rest)

    monkeypatch.setattr(measuring_cells, "cell_normalisation", chosen)
    rows = [row_of(result) for result in measured(plan_with(sizes=10), source).values()]
    assert {row["strategy"]: row["error"] for row in rows if row["error"]} == {"blend": "RuntimeError: a long story"}
    assert all((row["accuracy"] is None) == bool(row["error"]) for row in rows)


def test_features_that_seeds_share_are_computed_once(source: Pretrained) -> None:
    kept: dict[tuple[str, str], Any] = {}

    class Shared:
        def load(self, shift: str, strategy: str) -> Any:
            return kept.get((shift, strategy))

        def save(self, shift: str, strategy: str, features: Any) -> None:
            assert (shift, strategy) not in kept
            kept[(shift, strategy)] = features

    plan = plan_with(strategies=["source", "none"])
    for seed in (0, 1):
        cells = [cell for cell in plan.cells() if cell.seed == seed]
        shared, alone = (
            measure_cells(plan.task, source, cells, plan.pool, Shared()),
            measure_cells(plan.task, source, cells, plan.pool),
        )
        assert shared == alone
    assert set(kept) == {(SHIFT, "source"), (SHIFT, "none")}


def test_pooled_moments_are_those_of_all_channels_together() -> None:
    values = np.random.default_rng(0).normal([0, 3, -1], [1, 2, 0.5], (500, 3))
    found = pooled(tuple(values.mean(axis=0)), tuple(values.std(axis=0)))
    assert found == pytest.approx((values.mean(), values.std()))
