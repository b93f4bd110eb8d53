"""The gate: what is about to be fed to a network is judged before the first batch, by the rules of ``tare check``.

Everything that feeds a network calls :func:`passed`. An impossible input is refused with the finding's code, the numbers and the
remedy; an unusual one is a finding that goes into the report and ``tare.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.feed import Feed
from tare.checking.rules.finding import Finding
from tare.checking.rules.table import FEEDING, findings, rule_named
from tare.errors import InputError
from tare.input_spec.spec import InputSpec

#: The finding for raw values of another type than the network was trained on.
RAW_KIND = "TARE090"


@dataclass(frozen=True, slots=True)
class Passed:
    """What was found about an input that may be fed: warnings, and findings that were ``allowed`` although they refuse."""

    findings: tuple[Finding, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The findings, a line each."""
        return tuple(
            f"{one.code} ({'allowed' if one.code in self.allowed else one.severity}): {one.message}; {one.remedy}"
            for one in self.findings
        )

    def to_json(self) -> dict[str, Any]:
        """The findings as a JSON object."""
        return {"findings": [one.to_json() for one in self.findings], "allowed": list(self.allowed)}


def judged(feed: Feed, spec: InputSpec, network: str) -> tuple[Finding, ...]:
    """What the rules find about the input."""
    return tuple(findings(Evidence(spec, network, feed=feed), FEEDING))


def allowed_codes(allow: Sequence[str]) -> tuple[str, ...]:
    """The codes of the findings that are allowed, by code or name. Raises :class:`SpecError` for an unknown one."""
    return tuple(rule_named(name).code for name in allow)


def passed(feed: Feed, spec: InputSpec, network: str, allow: Sequence[str] = (), *, compares: bool = False) -> Passed:
    """Judge the input; ``allow`` has codes or names of rules that are to let it pass.

    Where strategies are compared (``compares``), what one of them makes impossible is evidence against it, and no reason to
    refuse the comparison.

    Raises :class:`InputError` for an input that the rules call impossible, :class:`SpecError` for an unknown code.
    """
    codes = allowed_codes(allow)
    found = judged(feed, spec, network)
    for one in found:
        if one.severity == "error" and one.code not in codes and not compares:
            name = rule_named(one.code).name
            remedy = f"{one.remedy}; --allow {one.code} feeds it all the same"
            raise InputError(f"input that {network} can use", f"{one.code} {name}: {one.message}", remedy)
    kept = tuple(replace(one, severity="warning") if one.severity == "error" else one for one in found)
    return Passed(kept, tuple(dict.fromkeys(one.code for one in found if one.code in codes)))
