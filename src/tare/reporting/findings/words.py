"""A finding about a file in one line, for formats that have one field for it."""

from __future__ import annotations

from tare.checking.repository.result import CodeFinding
from tare.system.terminal.harmless import visible


def message_of(finding: CodeFinding) -> str:
    """Message, cost and remedy; the place in a notebook, whose cells have no lines of the file; the evidence."""
    place = f"code cell {finding.place.cell}, line {finding.place.line}: " if finding.place.cell else ""
    cost = f"; {finding.cost}" if finding.cost else ""
    because = f" (because: {' -> '.join(map(str, finding.evidence))})" if finding.evidence else ""
    return visible(f"{place}{finding.message}{cost}; {finding.remedy}{because}")
