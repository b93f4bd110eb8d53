"""Whether the numbers of a mean and std are those of unit values or of code values such as 0..255."""

from __future__ import annotations

from collections.abc import Sequence

from tare.errors import SpecError

#: Above it a mean or std belongs to code values, below it to unit values, which lie in [0, 1].
UNIT_CONSTANT = 2.0
_CODE_CONSTANT = 20.0
_LARGEST_CODES = (255, 4095, 65535)


def check_one_scale(mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise :class:`SpecError` for constants of colours of which some are unit values and others code values.

    A mean of 0.4 beside one of 120 is a slip: no colour's mean is a hundredth of another's. 0 and 1 belong to either.
    """
    for name, values in (("mean", mean), ("std", std)):
        large = [value for value in values if abs(value) > _CODE_CONSTANT]
        small = [value for value in values if 0 < abs(value) < 1]
        if large and small:
            found = f"{small[0]:g} beside {large[0]:g} in the {name}"
            remedy = "divide the large ones by 255"
            raise SpecError("constants of one scale: all unit values, or all code values", found, remedy)


def code_range(mean: Sequence[float], std: Sequence[float]) -> int | None:
    """The largest code value (255, 4095 or 65535) of the values that the constants are of; None if they may be unit values."""
    largest = max(map(abs, (*mean, *std)), default=0.0)
    if largest <= UNIT_CONSTANT:
        return None
    return next((code for code in _LARGEST_CODES if largest <= code), _LARGEST_CODES[-1])


def as_code_values(mean: Sequence[float], std: Sequence[float], *, takes_scale: bool = True) -> SpecError | None:
    """The error for constants of code values where unit values are meant; None if they may be unit values.

    ``takes_scale`` says that the command has an option ``--scale``.
    """
    largest = code_range(mean, std)
    if largest is None:
        return None
    means, stds = (", ".join(f"{value / largest:.4g}" for value in values) for values in (mean, std))
    found = f"constants of 0..{largest} values: mean {_listed(mean)}, std {_listed(std)}"
    ones = all(value == 1 for value in std)
    remedy = f"in unit values they are --mean {means.replace(' ', '')} --std {stds.replace(' ', '')}"
    if ones:
        remedy = f"in unit values the mean is {means}; a std of 1 of 0..{largest} values is {1 / largest:.4g}"
    other = ", or state the --scale that they are of" if takes_scale else ""
    return SpecError("a mean and std of unit values, which lie in [0, 1]", found, f"{remedy}{other}")


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
