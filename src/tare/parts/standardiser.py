"""The normalisation of rows as a scikit-learn estimator, with exact mergeable sums and tare's strategies."""

from __future__ import annotations

import copy as copying
from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from tare.errors import DataError, SpecError, StrategyError
from tare.input_spec.consistency import channels_of, check_source_places
from tare.input_spec.fields import Known
from tare.input_spec.spec import InputSpec
from tare.normalisation.strategies import Constants, blended
from tare.parts.columns import ColumnSums, mean_and_std, moments_of_columns, sums_of_columns
from tare.parts.validation import fitted_rows, plain_rows
from tare.samples.layout import Doubles, unit_scale
from tare.statistics.dataset_stats import ChannelStats, DatasetStats
from tare.statistics.moments import Moments
from tare.system.handed.arguments import of_kind

#: By which constants rows are standardised.
RowStrategy = Literal["target", "source", "blend"]
#: What becomes of a column whose values are all equal.
Constant = Literal["centre", "refuse"]
#: Values that differ by less, as a share of the largest, differ by rounding.
_NOISE = 2.0**-51


class Standardiser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standardise the columns of rows ``(N, C)`` by ``(x - mean) / std``, as scikit-learn's ``StandardScaler`` does.

    The moments of each batch are summed about a pivot and merged exactly: the same batches give the same bits in any order, over
    any number of machines (:meth:`merge`), and a mean of 1e9 costs no digits. NaN is left out of the moments and stays NaN.

    ``strategy`` says by which constants: ``target`` (the rows' own mean and std, ddof 0), ``source`` (those given as ``source``)
    or ``blend`` (the rows' own, shrunk toward ``source`` according to their standard errors). ``source`` is a pair of mean and
    std, a :class:`tare.DatasetStats` or a :class:`tare.InputSpec`. A column whose values are all equal has no std: it is only
    centred, as in ``StandardScaler``, or refused with ``constant="refuse"``. Sample weights are not supported.

    Attributes: ``mean_``, ``scale_`` and ``var_`` per column (None where ``with_mean`` or ``with_std`` is False),
    ``n_samples_seen_`` (one number, or one per column where NaN was left out), ``moments_`` (the exact state), and
    scikit-learn's ``n_features_in_`` and ``feature_names_in_``.
    """

    _kept: ColumnSums | tuple[Moments, ...]
    mean_: Any
    scale_: Any
    var_: Any
    n_samples_seen_: Any

    def __init__(
        self,
        *,
        strategy: RowStrategy = "target",
        source: Any = None,
        constant: Constant = "centre",
        with_mean: bool = True,
        with_std: bool = True,
        copy: bool = True,
    ) -> None:
        self.strategy = strategy
        self.source = source
        self.constant = constant
        self.with_mean = with_mean
        self.with_std = with_std
        self.copy = copy

    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: N803
        """Measure rows ``(N, C)``, forgetting what was measured before; ``y`` is ignored.

        Raises :class:`StrategyError` for an unknown strategy or one without its ``source``, :class:`DataError` for a constant
        column that is to be refused, and ValueError as scikit-learn does for anything but a matrix of numbers.
        """
        self.__dict__.pop("_kept", None)
        return self.partial_fit(X, y)

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002, N803
        """Measure some more rows ``(N, C)``; ``y`` is ignored. Raises as :meth:`fit` does."""
        self._check_choices()
        first = "_kept" not in self.__dict__
        rows = fitted_rows(self, X, reset=first)
        sums = sums_of_columns(rows) if first and self.strategy == "target" else None
        if sums is not None:
            return self._summed(sums)
        found = moments_of_columns(rows)
        if any(each.inf or np.inf in (each.high, -each.low) for each in found if each.count or each.inf):
            assert_all_finite(rows, allow_nan=True, estimator_name="Standardiser", input_name="X")
        return self._settled(found if first else tuple(map(Moments.merge, self.moments_, found)))

    @property
    def moments_(self) -> tuple[Moments, ...]:
        """The exact moments of each column, made of the sums of the first batch when they are first asked for."""
        if "_kept" not in self.__dict__:
            raise AttributeError("moments_: fit the Standardiser on rows first")
        if isinstance(self._kept, ColumnSums):
            self._kept = self._kept.moments()
        return self._kept

    def merge(self, other: Standardiser) -> Standardiser:
        """Return a fitted estimator for the rows of both, exactly; merging is associative and commutative.

        Raises :class:`DataError` unless both were fitted on rows, with the same parameters and the same columns.
        """
        for each in (self, other):
            if not hasattr(each, "moments_"):
                raise DataError("two estimators that were fitted on rows", "one without moments", "fit both first")
        mine, theirs = ((len(each.moments_), *getattr(each, "feature_names_in_", ())) for each in (self, other))
        if mine != theirs:
            raise DataError("the same columns in both", f"{mine} and {theirs}", "choose the same columns in the same order")
        if self._chosen() != other._chosen():
            raise DataError("the same parameters of both", f"{self!r} and {other!r}", "clone one of them for all parts")
        return copying.copy(self)._settled(tuple(map(Moments.merge, self.moments_, other.moments_)))

    def transform(self, X: ArrayLike) -> Any:  # noqa: N803
        """Standardise rows ``(N, C)``; float32 stays float32, NaN stays NaN."""
        check_is_fitted(self)
        rows = fitted_rows(self, X, reset=False, finite="allow-nan", own=self.copy)
        if self.with_mean:
            rows -= self.mean_
        if self.with_std:
            rows /= self.scale_
        return rows

    def inverse_transform(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the rows that :meth:`transform` maps to ``X``."""
        check_is_fitted(self)
        rows: NDArray[Any] = plain_rows(self, X, own=self.copy)
        if rows.shape[1] != self.n_features_in_:
            found = f"{rows.shape[1]} columns"
            raise DataError(f"{self.n_features_in_} columns, as in fit", found, "give what transform returned")
        if self.with_std:
            rows *= self.scale_
        if self.with_mean:
            rows += self.mean_
        return rows

    @classmethod
    def from_stats(cls, stats: DatasetStats, **parameters: Any) -> Standardiser:
        """Return a fitted estimator for raw values of the dataset that ``stats`` describe; ``tare.measure`` returns them.

        Columns are named as the channels are. Statistics hold figures and no sums, so that ``partial_fit`` begins anew.
        Raises :class:`DataError` for a channel without mean and std, and as :meth:`fit` does.
        """
        of_kind(stats, DatasetStats, "statistics of a dataset", "measure them: tare.measure(data)", DataError)
        made = cls(**parameters)
        made._check_choices()
        unit = float(unit_scale(stats.dtype or "float64"))
        names = [channel.name for channel in stats.channels]
        unknown = next((c.name for c in stats.channels if not (np.isfinite(c.mean) and np.isfinite(c.std))), None)
        if unknown is not None:
            remedy = "measure it without NaN, with --exclude-nan"
            raise DataError("a mean and std for each channel", f"none of channel {unknown!r}", remedy)
        made.n_features_in_ = len(names)
        made.feature_names_in_ = np.array(names, dtype=object)
        made._take(stats, np.array([channel.count for channel in stats.channels]), unit)
        return made

    def to_spec(self) -> InputSpec:
        """Return the specification of a network for such rows, for example to make a :class:`tare.Normaliser` of it."""
        check_is_fitted(self)
        count = self.n_features_in_
        names = [str(name) for name in getattr(self, "feature_names_in_", [f"c{index}" for index in range(count)])]
        channels = ",".join(name.replace(",", ";") for name in names)  # a comma separates the names of a specification
        mean = self.mean_ if self.with_mean else np.zeros(count)
        std = self.scale_ if self.with_std else np.ones(count)
        return InputSpec.of(
            mean.tolist(), std.tolist(), scale=1.0, channels=channels, raw_dtype="float64", layout="NC",
            origin=f"tare's Standardiser, strategy {self.strategy!r}",
        )  # fmt: skip

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn up to 1.5."""
        return {"allow_nan": True, "preserves_dtype": ["float64", "float32"]}

    def _check_choices(self) -> None:
        for name, known in (("strategy", get_args(RowStrategy)), ("constant", get_args(Constant))):
            if getattr(self, name) not in known:
                found = repr(getattr(self, name))
                raise StrategyError(f"{name} {' or '.join(map(repr, known))}", found, "choose one of them")
        if (self.source is None) != (self.strategy == "target"):
            found = "none" if self.source is None else "one that 'target' does not use"
            raise StrategyError(
                f"a source for the strategies 'source' and 'blend' alone, here {self.strategy!r}", found, "correct it"
            )

    def _chosen(self) -> dict[str, Any]:
        """The parameters, in values that can be compared."""
        others = {name: value for name, value in self.get_params(deep=False).items() if name not in ("source", "copy")}
        return {
            **others,
            "source": None
            if self.source is None
            else _source(self.source, getattr(self, "feature_names_in_", [""] * self.n_features_in_), 1.0),
        }

    def _settled(self, moments: tuple[Moments, ...]) -> Self:
        """Keep the moments with the constants that the strategy makes of them; what is refused changes nothing."""
        names = getattr(self, "feature_names_in_", [f"c{index}" for index in range(len(moments))])
        errors = self.strategy == "blend"
        channels = tuple(_channel(str(name), each, errors) for name, each in zip(names, moments, strict=True))
        samples = max((each.count + each.nan for each in moments), default=0)
        self._take(DatasetStats(samples, channels), np.array([each.count for each in moments]), 1.0)
        self._kept = moments
        return self

    def _summed(self, sums: ColumnSums) -> Self:
        """Keep the sums of the first batch, with the mean and std that :meth:`_settled` would give them, to the bit."""
        mean, std = sums.mean_and_std()
        *_, low, high = sums.sums
        constant = (low == high) | (std <= _NOISE * np.maximum(np.abs(low), np.abs(high)))
        self._use(mean, std, constant, np.full(len(mean), sums.rows))
        self._kept = sums
        return self

    def _take(self, stats: DatasetStats, counts: NDArray[np.int64], unit: float) -> None:
        """Set the constants; ``unit`` is the factor from the rows' values to those of ``stats``."""
        mean, std = _constants(self.strategy, self.source, stats, unit)
        constant = np.zeros(len(std), bool) if self.strategy == "source" else np.array([*map(_is_constant, stats.channels)])
        self._use(mean / unit, std / unit, constant, counts)

    def _use(self, mean: Doubles, std: Doubles, constant: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
        """Set the constants of the rows' own values. Raises :class:`DataError` for a constant column that is to be refused."""
        if constant.any() and self.constant == "refuse":
            names = getattr(self, "feature_names_in_", [f"c{index}" for index in range(len(std))])
            named = [repr(str(name)) for name, is_one in zip(names, constant, strict=True) if is_one]
            expected = "columns with more than one value, since a constant one has no std"
            raise DataError(expected, ", ".join(named[:5]), "drop them, or use constant='centre'")
        scale = np.where(constant, 1.0, std)
        self.mean_ = mean if self.with_mean or self.with_std else None
        self.scale_, self.var_ = (scale, np.where(constant, 0.0, scale**2)) if self.with_std else (None, None)
        self.n_samples_seen_ = int(counts[0]) if len(set(counts.tolist())) == 1 else counts


def _channel(name: str, each: Moments, errors: bool) -> ChannelStats:
    """The figures of a column; standard errors take time, and only ``blend`` needs them."""
    mean, std = mean_and_std(each)
    mean_se, std_se = (each.mean_se, each.std_se) if errors else (np.nan, np.nan)
    return ChannelStats(
        name, each.count, mean, std, mean_se, std_se, each.low, each.high, mean_of_sample_std=0.0, constant=each.constant
    )


def _is_constant(channel: ChannelStats) -> bool:
    """Whether the values of a column differ by rounding at most."""
    return channel.constant or channel.std <= _NOISE * max(abs(channel.min), abs(channel.max))


def _constants(strategy: RowStrategy, source: Any, stats: DatasetStats, unit: float) -> tuple[Doubles, Doubles]:
    """Mean and std of the strategy in the units of ``stats``, as arrays."""
    if strategy == "target":
        return np.array(stats.mean), np.array(stats.std)
    given = _source(source, [channel.name for channel in stats.channels], unit)
    mean, std = (given.mean, given.std) if strategy == "source" else blended(given, stats)
    return np.array(mean), np.array(std)


def _source(source: Any, names: Sequence[str], unit: float) -> Constants:
    """The constants that a user gave, times ``unit``.

    Raises :class:`SpecError` unless they are a finite mean and a positive std for each of the columns, in their places.
    """
    if isinstance(source, InputSpec) and isinstance(source.channels, Known):
        check_source_places(channels_of(source.channels.value), [*map(str, names)])
    if isinstance(source, DatasetStats):
        check_source_places([channel.name for channel in source.channels], [*map(str, names)])
    mean, std = map(np.array, _of_spec(source) if isinstance(source, InputSpec) else _pair(source))
    if not len(mean) == len(std) == len(names):
        raise SpecError(
            f"{len(names)} means and stds in source", f"{len(mean)} and {len(std)}", "state as many as there are columns"
        )
    if not (np.isfinite([mean, std]).all() and (std > 0).all()):
        raise SpecError("finite means and positive stds in source", f"{mean.tolist()} and {std.tolist()}", "correct it")
    return Constants(tuple((mean * unit).tolist()), tuple((std * unit).tolist()), "source")


def _of_spec(spec: InputSpec) -> tuple[Sequence[float], Sequence[float]]:
    """The mean and std of raw values."""
    affine = spec.affine()
    if affine.order != tuple(range(len(affine.order))):
        raise SpecError("columns in the order of the rows", f"the order {affine.order}", "state mean and std in that order")
    return [-b / a for a, b in zip(affine.scale, affine.shift, strict=True)], [1 / a for a in affine.scale]


def _pair(source: Any) -> tuple[Sequence[float], Sequence[float]]:
    if isinstance(source, DatasetStats):
        factor = float(unit_scale(source.dtype or "float64"))
        return [value / factor for value in source.mean], [value / factor for value in source.std]
    try:
        mean, std = source
        return [float(value) for value in mean], [float(value) for value in std]
    except Exception:  # an object of the user's own, or a number that no float holds
        kinds = "a pair of mean and std, DatasetStats or an InputSpec"
        raise SpecError(f"{kinds} as source", type(source).__name__, "give ([mean, ...], [std, ...])") from None
