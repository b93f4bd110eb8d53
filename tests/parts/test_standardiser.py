from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tare.errors import DataError, SpecError, StrategyError
from tare.input_spec.spec import InputSpec
from tare.measuring.api import measure
from tare.normalisation.strategies import Constants, blended
from tare.parts.columns import mean_and_std, moments_of_columns
from tare.parts.standardiser import Standardiser
from tests.made_stats import stated_stats, stats_of


def rows(count: int = 200, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal([1, -3, 1e6], [2, 0.5, 7], (count, 3))


ESTIMATORS = [Standardiser(), Standardiser(constant="refuse", with_mean=False), Standardiser(with_std=False)]


@parametrize_with_checks(ESTIMATORS)  # type: ignore[untyped-decorator]
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    if estimator.constant == "refuse" and "1sample" in check.func.__name__:
        pytest.skip("one sample makes every column constant, which this one refuses with tare's own error")
    check(estimator)


@pytest.mark.parametrize("flags", [{}, {"with_mean": False}, {"with_std": False}, {"with_mean": False, "with_std": False}])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_it_gives_the_numbers_of_standard_scaler(flags: dict[str, Any], kind: Any) -> None:
    matrix = rows().astype(kind)
    matrix[:, 0] = 4  # a constant column is only centred
    mine, reference = Standardiser(**flags).fit(matrix), StandardScaler(**flags).fit(matrix.astype(np.float64))
    tolerance: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4} if kind == np.float32 else {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(mine.transform(matrix), reference.transform(matrix.astype(np.float64)), **tolerance)
    assert mine.transform(matrix).dtype == StandardScaler(**flags).fit_transform(matrix).dtype
    np.testing.assert_allclose(mine.inverse_transform(mine.transform(matrix)), matrix, **tolerance)
    for name in ("mean_", "scale_", "var_"):
        expected = getattr(reference, name)
        assert (getattr(mine, name) is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(getattr(mine, name), expected, rtol=1e-4 if kind == np.float32 else 1e-9)


def test_nan_is_left_out_and_stays_as_in_standard_scaler() -> None:
    matrix = rows()
    matrix[::3, 1] = np.nan
    mine, reference = Standardiser().fit(matrix), StandardScaler().fit(matrix)
    np.testing.assert_allclose(mine.transform(matrix), reference.transform(matrix), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(mine.n_samples_seen_, reference.n_samples_seen_)


def test_infinities_are_refused() -> None:
    matrix = rows()
    matrix[5, 2] = -np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        Standardiser().fit(matrix)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.permutations(range(5)), st.integers(0, 2**32 - 1))
def test_batches_in_any_order_and_merged_parts_give_the_same_bits(sizes: list[int], order: list[int], seed: int) -> None:
    parts = [rows(size, seed % 1000 + index) for index, size in enumerate(sizes)]
    one_by_one, merged = Standardiser(), None
    for part in parts:
        one_by_one.partial_fit(part)
    for index in (index for index in order if index < len(parts)):
        fitted = Standardiser().fit(parts[index])
        merged = fitted if merged is None else fitted.merge(merged)
    assert merged is not None
    assert merged.moments_ == one_by_one.moments_
    np.testing.assert_array_equal(merged.scale_, one_by_one.scale_)
    whole = np.concatenate(parts)
    np.testing.assert_allclose(merged.mean_, whole.mean(axis=0), rtol=1e-12)


def test_one_batch_has_the_bits_that_its_exact_moments_have() -> None:
    matrix = rows(500)
    once = Standardiser().fit(matrix)
    again = pickle.loads(pickle.dumps(once))  # noqa: S301 - our own bytes
    empty = once.merge(Standardiser().fit(matrix))
    assert once.moments_ == moments_of_columns(matrix) == again.moments_
    exact = np.array([mean_and_std(moments) for moments in once.moments_]).T
    np.testing.assert_array_equal([once.mean_, once.scale_], exact)
    assert empty.n_samples_seen_ == 1000
    with pytest.raises(AttributeError, match="fit the Standardiser on rows first"):
        _ = Standardiser().moments_


def test_a_large_mean_costs_no_digits() -> None:
    matrix = 1e9 + np.random.default_rng(0).normal(0, 1e-3, (10_000, 1))
    assert Standardiser().fit(matrix).scale_[0] == pytest.approx(float((matrix - 1e9).std()), rel=1e-12)


def test_columns_that_differ_by_rounding_alone_are_constant() -> None:
    matrix = np.array([[0.3], [0.1 + 0.2], [0.3]])
    assert Standardiser().fit(matrix).scale_[0] == 1.0


def test_fit_forgets_and_partial_fit_goes_on() -> None:
    fitted = Standardiser().fit(rows(seed=1))
    assert fitted.fit(rows()).n_samples_seen_ == 200
    assert fitted.partial_fit(rows(50)).n_samples_seen_ == 250


def test_it_works_in_a_pipeline_with_cross_validation_and_survives_clone_and_pickle() -> None:
    matrix, labels = rows(), np.arange(200) % 2
    matrix[:, 0] += 5 * labels
    assert cross_val_score(make_pipeline(Standardiser(), LogisticRegression()), matrix, labels).mean() > 0.7
    fitted = clone(Standardiser(with_mean=False)).fit(matrix)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.transform(matrix), fitted.transform(matrix))
    assert again.partial_fit(matrix).n_samples_seen_ == 400


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_names_and_other_names_are_refused(library: str) -> None:
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})
    fitted = Standardiser().set_output(transform=library).fit(frame)
    assert list(fitted.transform(frame).columns) == ["a", "b"]
    assert fitted.get_feature_names_out().tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(frame.rename({"b": "c"}) if library == "polars" else frame.rename(columns={"b": "c"}))


def test_constant_columns_are_refused_by_name_where_that_is_asked_for() -> None:
    frames = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"more than one value.*found 'b'"):
        Standardiser(constant="refuse").fit(frames.DataFrame({"a": [1.0, 2.0], "b": [3.0, 3.0]}))


def test_a_refused_batch_changes_nothing() -> None:
    fitted = Standardiser(constant="refuse").fit(rows())
    before = fitted.moments_
    with pytest.raises(ValueError, match="infinity"):
        fitted.partial_fit(np.full((2, 3), np.inf))
    with pytest.raises(DataError, match="more than one value"):
        clone(fitted).fit(np.ones((4, 3)))
    assert fitted.moments_ == before
    fresh = Standardiser(constant="refuse")
    with pytest.raises(DataError, match="more than one value"):
        fresh.partial_fit(np.ones((4, 3)))
    assert fresh.partial_fit(rows()).n_samples_seen_ == 200


def test_source_and_blend_use_the_given_constants() -> None:
    matrix, given_constants = rows(20), ([0.0, 0.0, 0.0], [1.0, 1.0, 2.0])
    fitted = Standardiser(strategy="source", source=given_constants).fit(matrix)
    np.testing.assert_allclose(fitted.transform(matrix), matrix / [1, 1, 2])
    blend = Standardiser(strategy="blend", source=given_constants).fit(matrix)
    own = Standardiser().fit(matrix)
    between = (np.minimum(0, own.mean_) <= blend.mean_) & (blend.mean_ <= np.maximum(0, own.mean_))
    assert between.all()
    few = Standardiser(strategy="blend", source=(own.mean_, own.scale_)).fit(matrix)
    np.testing.assert_allclose(few.mean_, own.mean_)


def test_blend_is_that_of_the_strategies() -> None:
    fitted = Standardiser(strategy="blend", source=([0.5, -3.1, 1e6], [2.0, 0.4, 7.0])).fit(rows(30))
    own = [moments.mean for moments in fitted.moments_]
    assert not np.allclose(fitted.mean_, own)
    stats = stats_of([*rows(30)])
    mean, std = blended(Constants((0.5, -3.1, 1e6), (2.0, 0.4, 7.0), ""), stats)
    np.testing.assert_allclose(fitted.mean_, mean, rtol=1e-9)
    np.testing.assert_allclose(fitted.scale_, std, rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"strategy": "best"}, StrategyError, "strategy 'target' or 'source' or 'blend'"),
        ({"constant": "drop"}, StrategyError, "constant 'centre' or 'refuse'"),
        ({"strategy": "blend"}, StrategyError, "found none"),
        ({"source": ([0], [1])}, StrategyError, "does not use"),
        ({"strategy": "source", "source": ([0], [1])}, SpecError, "3 means and stds"),
        ({"strategy": "source", "source": 3}, SpecError, "a pair of mean and std"),
        ({"strategy": "source", "source": ([0, 0, float("nan")], [1, 1, 1])}, SpecError, "finite means"),
        ({"strategy": "source", "source": ([0, 0, 0], [1, 0, 1])}, SpecError, "positive stds"),
    ],
)
def test_choices_that_cannot_be_are_refused(parameters: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Standardiser(**parameters).fit(rows())


def test_sample_weights_are_refused() -> None:
    with pytest.raises(TypeError, match="sample_weight"):
        Standardiser().fit(rows(), sample_weight=np.ones(200))  # type: ignore[call-arg]


def test_estimators_of_other_columns_or_parameters_are_not_merged() -> None:
    fitted = Standardiser().fit(rows())
    with pytest.raises(DataError, match="the same columns"):
        fitted.merge(Standardiser().fit(rows()[:, :2]))
    with pytest.raises(DataError, match="the same parameters"):
        fitted.merge(Standardiser(with_mean=False).fit(rows()))
    near, far = (Standardiser(strategy="source", source=(np.full(3, mean), np.ones(3))).fit(rows()) for mean in (0.0, 1.0))
    with pytest.raises(DataError, match="the same parameters"):
        near.merge(far)
    assert near.merge(clone(near).fit(rows())).n_samples_seen_ == 400
    with pytest.raises(DataError, match="fitted on rows"):
        fitted.merge(Standardiser())
    with pytest.raises(DataError, match="3 columns, as in fit"):
        fitted.inverse_transform(rows()[:, :2])


def test_statistics_of_a_dataset_make_a_fitted_estimator_for_its_raw_values() -> None:
    matrix = rows()
    made = Standardiser.from_stats(stats_of([*matrix]))
    named = polars.DataFrame(matrix, schema=made.get_feature_names_out().tolist())
    np.testing.assert_allclose(made.transform(named), StandardScaler().fit_transform(matrix), rtol=1e-6, atol=1e-6)
    with pytest.raises(DataError, match="fitted on rows"):
        made.merge(made)


def test_a_specification_of_the_rows_says_the_same() -> None:
    matrix = rows()
    fitted = Standardiser().fit(matrix)
    spec = fitted.to_spec()
    assert isinstance(spec, InputSpec)
    np.testing.assert_allclose(spec.input_map().apply(matrix), fitted.transform(matrix), atol=1e-6)
    again = Standardiser(strategy="source", source=spec).fit(matrix)
    named = Standardiser().fit(polars.DataFrame(matrix, schema=["a,b", "c", "d"])).to_spec()
    assert named.require("channels") == "a;b,c,d"
    np.testing.assert_allclose(again.mean_, fitted.mean_)


def test_statistics_and_specifications_are_sources_in_raw_values() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 5, 3), dtype=np.uint8)
    pixels, stats = images.reshape(-1, 3).astype(np.float64), stats_of([*images])
    own = Standardiser().fit(pixels)
    spec = InputSpec.of(stats.mean, stats.std, raw_dtype="uint8")
    for source in (stats, spec):
        fitted = Standardiser(strategy="source", source=source).fit(pixels)
        np.testing.assert_allclose(fitted.transform(pixels), own.transform(pixels), atol=1e-9)
    raw = Standardiser.from_stats(stats, strategy="blend", source=stats)
    np.testing.assert_allclose(raw.mean_, own.mean_, rtol=1e-9)
    with pytest.raises(SpecError, match="columns in the order of the rows"):
        Standardiser(strategy="source", source=InputSpec.of(stats.mean, stats.std, raw_dtype="uint8", channels="BGR")).fit(pixels)


def test_a_source_whose_columns_are_in_other_places_is_refused() -> None:
    rows = np.random.default_rng(0).normal([0, 100, -40], [1, 5, 20], (90, 3))
    frame = polars.DataFrame(rows, schema=["p", "q", "r"])
    other = frame.select("r", "p", "q")
    spec = Standardiser().fit(other).to_spec()
    for source in (spec, measure(other)):
        for strategy in ("source", "blend"):
            with pytest.raises(SpecError, match="in the order of the statistics, p, q, r, found 'r' where 'p' is"):
                Standardiser(strategy=strategy, source=source).fit(frame)
        with pytest.raises(SpecError, match="'r' where 'p' is"):
            Standardiser.from_stats(measure(frame), strategy="source", source=source)
    same = Standardiser(strategy="source", source=measure(frame)).fit(frame)
    np.testing.assert_allclose(same.mean_, rows.mean(axis=0))


def test_statistics_without_a_mean_name_the_channel() -> None:
    stats = stated_stats((0.5, float("nan")), (0.2, 0.1))
    with pytest.raises(DataError, match="none of channel 'c1'"):
        Standardiser.from_stats(stats)
