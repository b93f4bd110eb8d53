"""Arrays that share their values with others: parts of them, and other forms."""

from __future__ import annotations

from collections.abc import Iterator

from tare.code.interpreter.values import Call

#: Calls whose result shares the values of what they are given.
VIEWS = frozenset(
    (
        *("operator.item", "operator.slice", "operator.part", "operator.element"),
        *("@data", "@T", ".select", ".view", ".unbind", ".narrow", ".reshape", ".permute", ".transpose", ".squeeze"),
        *(".unsqueeze", ".detach", ".numpy", ".flatten", ".chunk", ".split", ".values", ".items", ".view_as", ".contiguous"),
        *("torch.from_numpy", "torch.as_tensor", "numpy.asarray", "torch.unbind", "torch.chunk", "numpy.ascontiguousarray"),
        *("builtins.enumerate", "builtins.zip", "enumerate", "zip"),
    )
)
#: How many arrays one after the other share their values.
MOST_BASES = 12


def base_of(value: Call) -> Call | None:
    """The array of which one is a part or another form; None if it has its values for itself."""
    if value.function not in VIEWS:
        return None
    base = value.args[0] if value.args and not value.function.startswith((".", "@")) else value.receiver
    return base if isinstance(base, Call) else None


def bases(value: object) -> Iterator[Call]:
    """The arrays of which one is a part or another form, the nearest one first."""
    for _ in range(MOST_BASES):
        value = base_of(value) if isinstance(value, Call) else None
        if value is None:
            return
        yield value
