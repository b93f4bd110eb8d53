"""Rows that an estimator is given, checked as scikit-learn checks them, whichever release is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import validation

from tare.errors import DataError, reason_of
from tare.sources.arrays.masked import check_unmasked
from tare.system.handed.tensors import host_array, is_tensor

#: Whether the release has ``validate_data``, and the names of arguments that came with it (1.6).
_NEW = hasattr(validation, "validate_data")


def fitted_rows(
    estimator: BaseEstimator, rows: ArrayLike, *, reset: bool, finite: bool | str = False, own: bool | None = None
) -> Any:
    """Rows ``(N, C)`` of floats, with the number and names of the columns remembered (``reset``) or compared.

    ``finite`` is False or ``"allow-nan"``. With ``own`` given the rows may be written to, and are a copy if it is true.
    """
    rows = _plain(rows)
    with _named():
        return _fitted_rows(estimator, rows, reset=reset, finite=finite, own=own)


def _fitted_rows(estimator: BaseEstimator, rows: Any, *, reset: bool, finite: bool | str, own: bool | None) -> Any:
    if _NEW:
        written: dict[str, Any] = {} if own is None else {"copy": own, "force_writeable": True}
        return validation.validate_data(
            estimator, rows, dtype=validation.FLOAT_DTYPES, ensure_all_finite=finite, reset=reset, **written
        )
    checked = estimator._validate_data(rows, dtype=validation.FLOAT_DTYPES, force_all_finite=finite, reset=reset, copy=bool(own))
    return checked if own is None else _writeable(checked)


def plain_rows(estimator: BaseEstimator, rows: ArrayLike, *, own: bool) -> NDArray[Any]:
    """Rows ``(N, C)`` of floats, NaN allowed, that may be written to; the estimator's columns are not compared."""
    rows = _plain(rows)
    options: dict[str, Any] = {"dtype": validation.FLOAT_DTYPES, "copy": own, "estimator": estimator}
    if _NEW:
        with _named():
            found: NDArray[Any] = validation.check_array(rows, ensure_all_finite="allow-nan", force_writeable=True, **options)
        return found
    with _named():
        return _writeable(validation.check_array(rows, force_all_finite="allow-nan", **options))


@contextmanager
def _named() -> Iterator[None]:
    """Raise :class:`DataError` for numbers that no float holds, and for objects that fail to give their values."""
    try:
        yield
    except (OverflowError, RuntimeError, OSError) as error:
        raise DataError("rows of numbers", f"{type(error).__name__}: {reason_of(error)}", "correct them") from None


def _plain(rows: ArrayLike) -> Any:
    """Tensors as arrays; the rest is for scikit-learn to judge, but masks, which it passes over."""
    check_unmasked(rows)
    if is_tensor(rows):
        return host_array(rows)
    return rows


def _writeable(rows: NDArray[Any]) -> NDArray[Any]:
    return rows if rows.flags.writeable else rows.copy()
