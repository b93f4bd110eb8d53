"""Decide from the evidence: the strategy, the rule that decided, and the confidence. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tare.advising.evidence.accuracy import Folds
from tare.normalisation.names import Strategy
from tare.statistics.intervals import Interval

Confidence = Literal["high", "moderate", "low"]
#: What is known of the advised strategy: measured to be better on these labels; expected to be better; or all are alike.
Outcome = Literal["shown better", "leaning, unproven", "does not matter"]
#: The rule that decided.
Reason = Literal[
    "same input", "equivalent", "absorbed", "accuracy", "foreign to the network", "default", "source impossible", "nothing else"
]
#: What is trained on dataset1: a new head on the frozen network, or all weights.
AdvisedProtocol = Literal["probe", "finetune"]

#: The simplest strategy first; of equal gains the first is taken.
_ORDER: tuple[Strategy, ...] = ("blend", "target", "match", "sample")
# The least probability of being the better choice for high, and for moderate, confidence.
_HIGH, _MODERATE = 0.9, 0.7
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """The constants of the rule, chosen on one half of the benchmark's tasks (``docs/advise.md``).

    A strategy whose input differs from ``source``'s by less than ``same`` input std does not matter.

    Dataset1 is foreign to the network if its divergence f under ``source`` exceeds ``foreign`` nats per channel. Then a strategy
    that removes at least the share ``relief`` of f is expected to gain ``gain`` min(ln(f / ``foreign``), ``most``) in accuracy,
    and any other strategy 0; true gains have the std ``spread`` around the expected one. If f is at most ``foreign``, a strategy
    is expected to lose ``cost``, with the std ``familiar_spread``. For ``sample`` all four are multiplied by ``wilder``, since it
    changes every sample in its own way.

    A gain must exceed ``margin``; differences shown to lie within ``equal`` do not matter.

    With labels, true gains differ from the posterior mean by ``widening`` times its standard deviation: the samples are drawn
    once, and their error is not known to the model of independent samples.

    Batch norm absorbs a difference if at most the share ``absorbed`` of it is left behind the first norm layers in training.
    If all weights are trained, the share ``tuned_share`` of the gain of a frozen network is expected to remain, with the further
    std ``tuned_spread``; with batch norm, nothing remains.
    """

    same: float = 0.02
    foreign: float = 0.3
    relief: float = 0.5
    gain: float = 0.03
    most: float = 1.5
    spread: float = 0.08
    cost: float = 0.015
    familiar_spread: float = 0.03
    wilder: float = 1.5
    margin: float = 0.01
    equal: float = 0.01
    widening: float = 2.2
    absorbed: float = 0.5
    tuned_share: float = 0.6
    tuned_spread: float = 0.06


RULE = DecisionRule()


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """The rule's input: how far each strategy moves the input (input std), divergences (nats per channel), and folds or None.

    ``alone`` says that only ``source`` can be computed; ``protocol`` says what will be trained, and ``batch_norm`` whether the
    network has batch norm that will then take the moments of its batches.
    """

    gaps: Mapping[Strategy, float]
    foreign: Mapping[str, float]
    folds: Folds | None
    alone: bool = False
    protocol: AdvisedProtocol = "probe"
    batch_norm: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """A strategy's gain over ``source`` in accuracy: expected without labels, cross-validated (credit), and combined.

    ``by_classes`` is the gain in how well the network's old classes predict the new ones, or None. ``combined`` is the posterior
    mean of the gain, ``spread`` the widened standard deviation, and ``error`` the standard error of ``measured``.
    """

    expected: float
    measured: Interval | None
    error: float | None
    combined: float
    spread: float
    by_classes: float | None = None

    @property
    def labels_speak(self) -> bool:
        """Whether the measured gain is larger than its standard error."""
        return self.measured is not None and self.error is not None and self.measured.estimate > self.error

    @property
    def shown(self) -> bool:
        """Whether the interval of the measured gain and the range of the combined one both lie above zero."""
        return self.measured is not None and self.measured.low > 0 and self.range.low > 0

    @property
    def shown_worse(self) -> bool:
        """Whether the interval of the measured gain and the range of the combined one both lie below zero."""
        return self.measured is not None and self.measured.high < 0 and self.range.high < 0

    @property
    def range(self) -> Interval:
        """The posterior mean of the gain with its central 95%."""
        half = _NORMAL_95 * self.spread
        return Interval(self.combined, self.combined - half, self.combined + half)

    def chance_above(self, gain: float) -> float:
        """The probability that the strategy gains more than ``gain``, by the normal posterior."""
        return 0.5 * math.erfc((gain - self.combined) / (self.spread * math.sqrt(2)))


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy to use, whether the choice matters, the rule that decided, the confidence, and every strategy's gain.

    Gains are those under ``protocol``; what was measured was measured on the frozen network. ``chance`` is the probability
    that the advice is right, by the normal posterior, where that decided.
    """

    strategy: Strategy
    matters: bool
    basis: Reason
    confidence: Confidence
    gains: Mapping[Strategy, Gain] = field(default_factory=dict)
    protocol: AdvisedProtocol = "probe"
    chance: float | None = None

    @property
    def gain(self) -> Gain | None:
        """The advised strategy's gain; None for ``source``."""
        return self.gains.get(self.strategy)

    @property
    def outcome(self) -> Outcome:
        """What is known: ``source`` is shown better if every other strategy is shown to be worse; where it is impossible, too."""
        if not self.matters:
            return "does not matter"
        if self.basis == "source impossible":
            return "shown better"
        if self.protocol == "finetune":
            return "leaning, unproven"
        won = self.gain
        shown = won.shown if won is not None else bool(self.gains) and all(one.shown_worse for one in self.gains.values())
        return "shown better" if shown else "leaning, unproven"


def absorbs(left: Iterable[float], rule: DecisionRule = RULE) -> bool:
    """Whether the first norm layers, in training, take out most of every difference, by the shares that are ``left`` of them."""
    return all(share <= rule.absorbed for share in left)


def decide(facts: Facts, rule: DecisionRule = RULE) -> Decision:
    """Recommend the strategy with the largest expected gain over ``source``, if it is more than the rule's ``margin``.

    The prior mean m is the gain expected without labels plus the gain by the network's old classes; its std s is the rule's
    spread. The cross-validated gain d with standard error e is shrunk toward m: (m / s^2 + d / e^2) / (1 / s^2 + 1 / e^2), the
    posterior mean under a normal prior. The largest posterior mean has the least expected regret. With few labels the prior
    decides, with many the labels. A strategy that is shown to be better on these labels goes before any that is not.
    """
    protocol = facts.protocol
    if facts.alone:
        return Decision("source", True, "nothing else", "low", {}, protocol)
    rivals = [name for name in _ORDER if facts.gaps.get(name, 0.0) >= rule.same]
    if not rivals:
        return Decision("source", False, "same input", "high", {}, protocol)
    if protocol == "finetune" and facts.batch_norm:
        return Decision("source", False, "absorbed", "high", {}, protocol)
    gains = {name: _gain(name, facts, rule) for name in rivals}
    proven = [name for name in rivals if protocol == "probe" and gains[name].shown]
    chosen = max(proven or rivals, key=lambda name: gains[name].combined)
    won = gains[chosen]
    if won.combined <= rule.margin:
        return _stays(gains, rule, protocol)
    basis: Reason = "accuracy" if won.labels_speak or won.expected <= 0 else "foreign to the network"
    chance = won.chance_above(0.0)
    return Decision(chosen, True, basis, _sure(chance), gains, protocol, chance)


def _gain(name: Strategy, facts: Facts, rule: DecisionRule) -> Gain:
    found = _frozen_gain(name, facts, rule)
    if facts.protocol == "probe":
        return found
    spread = math.hypot(rule.tuned_share * found.spread, rule.tuned_spread)
    return replace(found, combined=rule.tuned_share * found.combined, spread=spread)


def _frozen_gain(name: Strategy, facts: Facts, rule: DecisionRule) -> Gain:
    expected, spread = _expected(name, facts.foreign, rule)
    if facts.folds is None or name not in facts.folds.credit:
        return Gain(expected, None, None, expected, spread)
    classes = facts.folds.gain_by_classes(name)
    before = expected + (classes or 0.0)
    measured, error = facts.folds.gain(name)
    if not math.isfinite(error):
        return Gain(expected, measured, error, before, spread, classes)
    prior, own = spread**-2, error**-2
    combined = (prior * before + own * measured.estimate) / (prior + own)
    return Gain(expected, measured, error, combined, rule.widening * (prior + own) ** -0.5, classes)


def _expected(name: Strategy, foreign: Mapping[str, float], rule: DecisionRule) -> tuple[float, float]:
    """The gain expected without labels, and its standard deviation."""
    factor, start = rule.wilder if name == "sample" else 1.0, foreign.get("source", 0.0)
    if start <= rule.foreign:
        return -factor * rule.cost, factor * rule.familiar_spread
    relieved = foreign.get(name, math.inf) <= (1 - rule.relief) * start
    return factor * rule.gain * min(math.log(start / rule.foreign), rule.most) * relieved, factor * rule.spread


def _sure(chance: float) -> Confidence:
    return "high" if chance >= _HIGH else "moderate" if chance >= _MODERATE else "low"


def _stays(gains: Mapping[Strategy, Gain], rule: DecisionRule, protocol: AdvisedProtocol) -> Decision:
    """Keep ``source``: the others are shown to be equivalent, or no other is expected to gain more than the margin."""
    measured = [one.measured for name, one in gains.items() if one.measured is not None and name != "sample"]
    if measured and all(-rule.equal < one.low and one.high < rule.equal for one in measured):
        return Decision("source", False, "equivalent", "high", gains, protocol)
    chance = 1 - max(one.chance_above(rule.margin) for one in gains.values())
    return Decision("source", True, "default", _sure(chance), gains, protocol, chance)
