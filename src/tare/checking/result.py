"""The report that ``tare.check`` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tare.checking.inputs import Stage
from tare.checking.rules.finding import Finding
from tare.input_spec.spec import InputSpec

SCHEMA = "tare.check/1"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The findings about a pipeline, with the specification that it was compared with.

    ``form`` says how the pipeline takes images; ``notes`` say what could not be checked, and why.
    """

    findings: tuple[Finding, ...]
    pipeline: str
    network: str
    stages: tuple[Stage, ...]
    spec: InputSpec
    form: str = ""
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing but notes was found."""
        return not any(finding.fails for finding in self.findings)

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
        }
