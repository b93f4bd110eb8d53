"""From evidence to a recommendation: which strategy, by which rule, how sure. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tare.advice_accuracy import Folds
from tare.intervals import Interval
from tare.strategies import Strategy

Confidence = Literal["high", "moderate", "low"]
#: Which of the rules decided.
Basis = Literal["same input", "equivalent", "accuracy", "foreign to the network", "default", "source impossible", "nothing else"]

#: The simplest first: of equal gains the earlier one is taken.
_ORDER: tuple[Strategy, ...] = ("blend", "target", "match", "sample")
# Folds of a few samples can agree by chance: no difference is known better than this share.
_SHARPEST = 0.004


@dataclass(frozen=True, slots=True)
class Rule:
    """The constants of the rule, chosen on one half of the benchmark's tasks (``docs/advise.md``).

    Strategies that differ from ``source`` by less than ``same`` input std do not matter. Where dataset1 is foreign to the network
    under ``source`` by f > ``foreign`` nats per channel, a strategy that takes away at least the share ``relief`` of it is
    expected to gain ``gain`` min(ln(f / ``foreign``), ``most``) in accuracy; any other, nothing. How far a gain lies from what is
    expected has the std ``spread``. A gain must exceed ``margin``, and differences shown to lie within ``equal`` do not matter.
    Where only labels speak for a strategy, its gain must also exceed ``errors`` standard errors.
    """

    same: float = 0.02
    foreign: float = 0.3
    relief: float = 0.5
    gain: float = 0.03
    most: float = 1.5
    spread: float = 0.04
    margin: float = 0.01
    equal: float = 0.01
    errors: float = 1.0


RULE = Rule()


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the rule looks at: how far each strategy moves the input, divergences (nats per channel), and folds, if any.

    ``alone`` says that nothing but ``source`` can be computed.
    """

    gaps: Mapping[Strategy, float]
    foreign: Mapping[str, float]
    folds: Folds | None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """A strategy's gain in accuracy over ``source``: expected without labels, cross-validated, and both together."""

    expected: float
    measured: Interval | None
    error: float | None
    combined: float

    @property
    def labels_speak(self) -> bool:
        """Whether the measured gain is larger than its standard error."""
        return self.measured is not None and self.error is not None and self.measured.estimate > self.error

    @property
    def shown(self) -> bool:
        """Whether the interval of the measured gain lies above zero."""
        return self.measured is not None and self.measured.low > 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy to use, whether it matters, which rule decided, how sure it is, and the gains it was chosen by."""

    strategy: Strategy
    matters: bool
    basis: Basis
    confidence: Confidence
    gains: Mapping[Strategy, Gain] = field(default_factory=dict)

    @property
    def gain(self) -> Gain | None:
        """The advised strategy's gain; None for ``source``."""
        return self.gains.get(self.strategy)


def decide(facts: Facts, rule: Rule = RULE) -> Decision:
    """Recommend the strategy with the largest gain over ``source``, if it is worth it.

    The cross-validated gain d with standard error e is shrunk toward the gain m that is expected without labels: (m / s^2 + d /
    e^2) / (1 / s^2 + 1 / e^2), s the rule's ``spread`` (the posterior mean under a normal prior). Few labels thus leave what the
    moments say, and many decide.
    """
    if facts.alone:
        return Decision("source", True, "nothing else", "low")
    rivals = [name for name in _ORDER if facts.gaps.get(name, 0.0) >= rule.same]
    if not rivals:
        return Decision("source", False, "same input", "high")
    gains = {name: _gain(name, facts, rule) for name in rivals}
    worth = [name for name in rivals if _is_worth(gains[name], rule)]
    if not worth:
        return _stays(gains, rule)
    chosen = max(worth, key=lambda name: gains[name].combined)
    won = gains[chosen]
    basis: Basis = "accuracy" if won.labels_speak else "foreign to the network"
    return Decision(chosen, True, basis, _confidence(won, rule), gains)


def _gain(name: Strategy, facts: Facts, rule: Rule) -> Gain:
    expected = _expected(name, facts.foreign, rule)
    if facts.folds is None or name not in facts.folds.accuracy:
        return Gain(expected, None, None, expected)
    measured, error = facts.folds.difference(name)
    if not math.isfinite(error):
        return Gain(expected, measured, error, expected)
    prior, own = rule.spread**-2, max(error, _SHARPEST) ** -2
    return Gain(expected, measured, error, (prior * expected + own * measured.estimate) / (prior + own))


def _expected(name: Strategy, foreign: Mapping[str, float], rule: Rule) -> float:
    start = foreign.get("source", 0.0)
    if start <= rule.foreign or foreign.get(name, math.inf) > (1 - rule.relief) * start:
        return 0.0
    return rule.gain * min(math.log(start / rule.foreign), rule.most)


def _is_worth(gain: Gain, rule: Rule) -> bool:
    if gain.combined <= rule.margin:
        return False
    if gain.expected > 0 or gain.measured is None or gain.error is None:
        return True
    return gain.measured.estimate > rule.errors * gain.error


def _confidence(won: Gain, rule: Rule) -> Confidence:
    if won.shown:
        return "high"
    if won.measured is None:
        return "moderate" if won.expected >= rule.gain else "low"
    agree = won.expected > 0 and won.measured.estimate > 0
    return "moderate" if agree else "low"


def _stays(gains: Mapping[Strategy, Gain], rule: Rule) -> Decision:
    """Source is kept: because the others are shown to be alike, or shown not to be better, or because nothing is shown."""
    measured = [one.measured for name, one in gains.items() if one.measured is not None and name != "sample"]
    if measured and all(-rule.equal < one.low and one.high < rule.equal for one in measured):
        return Decision("source", False, "equivalent", "high", gains)
    settled = bool(measured) and all(one.high < 2 * rule.equal for one in measured)
    return Decision("source", True, "default", "moderate" if settled else "low", gains)
