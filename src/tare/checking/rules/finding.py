"""What ``tare check`` and ``tare.watch`` report: a finding with a stable code, the numbers seen, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

#: The gravest first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


Action = Literal[
    "set_constants",
    "add_normalize",
    "remove_normalize",
    "scale_values",
    "reverse_channels",
    "remove_clamp",
    "permute",
    "to_float32",
]


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the pipeline that a program can make: applied, it makes its finding go away and causes no other error.

    ``set_constants`` and ``add_normalize`` carry the ``mean`` and ``std``, for values of which ``top`` is the largest (255 for
    raw 8-bit values, 1 for unit values). ``scale_values`` multiplies values by ``factor`` before they are normalised. ``where``
    is the step, if it is known.
    """

    action: Action
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    top: float = 1.0
    factor: float = 1.0
    where: str = ""

    def to_json(self) -> dict[str, Any]:
        """The change as a JSON object, with the keys that its action needs."""
        document: dict[str, Any] = {"action": self.action}
        if self.mean:
            document |= {"mean": list(self.mean), "std": list(self.std), "top": self.top}
        if self.action == "scale_values":
            document["factor"] = self.factor
        return document | ({"where": self.where} if self.where else {})


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, or a fact worth knowing: ``message`` has the numbers seen, ``remedy`` what to do, ``where`` the place.

    An ``error`` feeds the network something it was not trained on; a ``warning`` very likely does; a ``note`` is worth knowing
    and does not fail a check. ``fix`` has the changes that a program can make, to be made together; empty where a person
    decides.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    where: str = ""
    fix: tuple[Fix, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether a check with this finding is not clean."""
        return self.severity != "note"

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "where": self.where,
            "fix": [each.to_json() for each in self.fix],
        }

    def __str__(self) -> str:
        """The finding as one line, in the form of a linter's output."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.code} {self.severity}: {self.message}; {self.remedy}"
