"""What ``tare check`` and ``tare.watch`` report: a finding with a stable code, the numbers seen, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

#: The gravest first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing: ``message`` has the numbers seen, ``remedy`` what to do, ``where`` the place.

    An ``error`` feeds the network something it was not trained on; a ``warning`` very likely does; a ``note`` is worth knowing
    and does not fail a check.
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
        """One line, as a linter writes it."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.code} {self.severity}: {self.message}; {self.remedy}"
