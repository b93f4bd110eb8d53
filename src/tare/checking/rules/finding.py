"""What ``tare check`` and ``tare.watch`` report: a finding with a stable code, the numbers seen, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

#: The gravest first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, or a fact worth knowing: ``message`` has the numbers seen, ``remedy`` what to do, ``where`` the place.

    After an ``error`` the network receives input that it was not trained on; after a ``warning`` it very likely does. A ``note``
    is worth knowing and does not fail a check.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    where: str = ""

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
        }

    def __str__(self) -> str:
        """The finding as one line, in the form of a linter's output."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.code} {self.severity}: {self.message}; {self.remedy}"
