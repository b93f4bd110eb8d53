"""All rules, in the order of their codes: every function in these modules that :func:`rule` decorates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import SEVERITIES, Finding
from tare.checking.rules.kinds import channels, code, constants, feeding, geometry, order, statistics, stds, values
from tare.checking.rules.rule import Rule
from tare.errors import SpecError, did_you_mean

_MODULES = (values, constants, stds, order, channels, statistics, geometry, feeding, code)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (each for module in _MODULES for each in vars(module).values() if isinstance(each, Rule)),
        key=lambda rule: rule.code,
    )
)


#: The rules that judge what is about to be fed, from statistics of the data.
FEEDING = tuple(each for each in RULES if each in vars(feeding).values())


#: The rules whose mistakes only code shows.
OF_CODE = tuple(each for each in RULES if each in vars(code).values())


def findings(evidence: Evidence, rules: Sequence[Rule] = RULES) -> Iterator[Finding]:
    """Everything that the rules find, the gravest first."""
    found = [finding for rule in rules for finding in rule.findings(evidence)]
    yield from sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def rule_named(name: str) -> Rule:
    """The rule of a code (TARE003) or name (normalised-twice). Raises :class:`SpecError` with the closest match."""
    for rule in RULES:
        if name.upper() == rule.code or name == rule.name:
            return rule
    known = [word for rule in RULES for word in (rule.code, rule.name)]
    raise SpecError("the code or name of a rule", f"{name!r}", did_you_mean(name, known, "see `tare rule`", cutoff=0.4))
