"""The report that ``tare.check`` returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tare.checking.inputs import Stage
from tare.checking.rules.finding import SEVERITIES, Finding
from tare.input_spec.spec import InputSpec
from tare.system.shown import Shown

SCHEMA = "tare.check/1"


@dataclass(frozen=True, slots=True, repr=False)
class CheckReport(Shown):
    """The findings about a pipeline, with the specification that it was compared with.

    ``form`` says how the pipeline takes images; ``notes`` say what could not be run, and why. ``not_judged`` says what of the
    values that reach the network was not judged, and why; ``judged`` are the stages of which they were.
    """

    findings: tuple[Finding, ...]
    pipeline: str
    network: str
    stages: tuple[Stage, ...]
    spec: InputSpec
    form: str = ""
    notes: tuple[str, ...] = ()
    judged: tuple[Stage, ...] = ()
    not_judged: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether anything but notes was found."""
        return any(finding.fails for finding in self.findings)

    @property
    def clean(self) -> bool:
        """Whether everything was judged and nothing but notes was found."""
        return not self.fails and not self.not_judged

    def summary(self) -> str:
        """The number of findings of each severity, the pipeline and the network."""
        counts = [
            f"{count} {severity}{'s' if count > 1 else ''}"
            for severity in SEVERITIES
            if (count := sum(finding.severity == severity for finding in self.findings))
        ]
        found = ", ".join(counts) if counts else "nothing found in what was judged" if self.not_judged else "no findings"
        return f"{found} in {self.pipeline} ({' and '.join(self.stages)}) for {self.network}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each finding."""
        names = ("code", "severity", "where", "message", "remedy")
        return [{name: getattr(finding, name) for name in names} for finding in self.findings]

    def points(self) -> list[dict[str, Any]]:
        """How often each code was found."""
        codes = Counter(finding.code for finding in self.findings)
        return [{"panel": "findings", "name": code, "value": count} for code, count in sorted(codes.items())]

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object with schema ``tare.check/1``."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "network": self.network,
            "stages": list(self.stages),
            "clean": self.clean,
            "findings": [finding.to_json() for finding in self.findings],
            "spec": self.spec.to_json(),
            "form": self.form,
            "notes": list(self.notes),
            "judged": list(self.judged),
            "not_judged": list(self.not_judged),
        }
