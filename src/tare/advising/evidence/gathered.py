"""Gather the evidence for advice: the strategies that can be computed, how much their inputs differ, and how they score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.advising.evidence.accuracy import Folds, cross_validated
from tare.advising.evidence.altered_copies import altered
from tare.advising.evidence.foreignness import Foreignness, foreignness, layer_divergences
from tare.advising.evidence.leep import class_credit
from tare.advising.evidence.passes import Passed, passed
from tare.checking.gate import judged
from tare.checking.rules.feed import Feed
from tare.comparing.result import Comparison
from tare.comparing.shift import compare_stats
from tare.errors import DataError, StrategyError
from tare.input_spec.spec import InputSpec
from tare.networks.absorption import LayerShare, absorbed
from tare.normalisation.applied import Normalisation, same_inputs
from tare.normalisation.input_layer import padded_input
from tare.normalisation.names import Kind, Strategy
from tare.normalisation.strategies import Constants, normalisation
from tare.statistics.dataset_stats import ChannelStats, DatasetStats
from tare.system.progress import SILENT, Reporter

#: The strategies among which advice chooses, the simplest first.
CANDIDATES: tuple[Strategy, ...] = ("source", "blend", "target", "match", "sample")
#: What is measured beside them where the raw values make it sensible; the rule was not calibrated for these and chooses none.
BESIDE: Mapping[Kind, tuple[Strategy, ...]] = {
    "photo": (),
    "raster": ("percentile", "log1p", "sample-percentile"),
    "signal": ("quantile", "sample-percentile"),
    "row": ("quantile", "log1p"),
}
#: Samples that are passed through the network when two normalisations are compared layer by layer.
COMPARED = 32
#: With at most this many samples, heads are fitted and judged on altered copies, too.
_FEW = 60


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network and dataset1's training samples as they reach it, before normalisation.

    ``samples`` are raw bytes or unit floats ``(N, C, ...)``; ``labels`` are ``(N,)`` or None. ``target`` has the statistics of
    all training samples, and ``dataset0`` the measured or published ones of the pretraining data, or None. ``head_trained`` says
    that the module's outputs are its old classes. ``spec`` states what the constants are of; ``allow`` has codes of findings
    about an input that do not speak against it; ``own`` says that the network states the constants itself.
    """

    module: nn.Module
    head: str
    constants: Constants
    dataset0: DatasetStats | None
    target: DatasetStats
    samples: torch.Tensor
    labels: NDArray[np.int64] | None
    head_trained: bool = True
    spec: InputSpec = field(default_factory=InputSpec)
    allow: tuple[str, ...] = ()
    own: bool = False

    @property
    def kind(self) -> Kind:
        """What the samples are: 8-bit images, images of more bits or floats, signals, or rows."""
        if self.samples.ndim == 4:
            return "photo" if self.target.dtype == "uint8" else "raster"
        return "signal" if self.samples.ndim == 3 else "row"

    @property
    def seen(self) -> Constants | None:
        """Dataset0's pooled moments in unit values, if known."""
        known = self.dataset0
        return None if known is None else Constants(known.mean, known.std, known.source)


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All evidence, before the rule decides.

    ``choices`` are the strategies that can be computed; ``refused`` says why the others cannot. ``twins`` maps a strategy to an
    earlier one that feeds the network the same input. ``gaps`` is each strategy's distance from ``source`` at the network's input
    (root mean square, input std).

    ``comparison`` is between dataset1 and dataset0, or the constants if dataset0 is not known (``against_constants``). It is None
    if they cannot be compared; ``uncompared`` is the reason. ``constant`` names dataset1's channels without spread. ``layers``
    has each strategy's divergence at every place. ``labelled`` says whether there are labels; if there are too few to compare
    accuracies, ``folds`` is None.
    """

    samples: int
    choices: Mapping[Strategy, Normalisation]
    refused: Mapping[Strategy, str]
    twins: Mapping[Strategy, Strategy]
    gaps: Mapping[Strategy, float]
    comparison: Comparison | None
    against_constants: bool
    uncompared: str
    constant: tuple[str, ...]
    scores: Mapping[str, Foreignness]
    layers: Mapping[str, Mapping[str, float]]
    shares: Mapping[Strategy, tuple[LayerShare, ...]]
    folds: Folds | None
    labelled: bool


def gather(subject: Subject, *, seed: int = 0, reporter: Reporter = SILENT) -> Gathered:
    """Measure all evidence; features are computed once per strategy.

    Raises :class:`StrategyError` if ``source`` itself cannot be computed.
    """
    choices, refused = choices_of(subject)
    if "source" not in choices:
        raise StrategyError("constants that dataset1 can be normalised with", refused["source"], "use --strategy target")
    twins = same_inputs(list(choices.values()), tolerance=1e-4)
    rivals = [name for name in choices if name not in twins]
    expected = _expected(subject)
    passes: dict[str, Passed] = {}
    with reporter.counting("passing samples through the network", "samples", len(rivals) * len(subject.samples)) as advance:
        for name in rivals:
            passes[name] = passed(subject.module, subject.head, subject.samples, choices[name], expected, advance)
    first = subject.samples[:COMPARED]
    fed = {name: padded_input(choices[name], first) for name in choices}
    comparison, reason = compared(subject)
    return Gathered(
        samples=subject.target.samples,
        choices=choices,
        refused=refused,
        twins=twins,
        gaps={name: float(((fed[name] - fed["source"]) ** 2).mean().sqrt()) for name in choices},
        comparison=comparison,
        against_constants=subject.dataset0 is None,
        uncompared=reason,
        constant=tuple(channel.name for channel in subject.target.channels if channel.std == 0),
        scores=foreignness(passes, seed),
        layers={name: layer_divergences(one) for name, one in passes.items()},
        shares={name: absorbed(subject.module, fed["source"], fed[name]) for name in rivals if name in ("target", "match")},
        folds=_folds(subject, choices, passes, seed, reporter),
        labelled=subject.labels is not None,
    )


def compared(subject: Subject) -> tuple[Comparison | None, str]:
    """Compare dataset1 with dataset0, or with the constants, leaving constant channels out; None and the reason if impossible."""
    if subject.dataset0 is None and subject.constants.value_map != "identity":
        return None, f"they are constants of {subject.constants.value_map} of values"
    dataset0 = subject.dataset0 or _as_stats(subject.constants, subject.target)
    pairs = [(a, b) for a, b in zip(dataset0.channels, subject.target.channels, strict=True) if a.std != 0 and b.std != 0]
    if not pairs:
        return None, "every channel is constant"
    first, second = zip(*pairs, strict=True)
    try:
        return compare_stats(replace(dataset0, channels=first), replace(subject.target, channels=second)), ""
    except DataError as error:
        return None, str(error)


def _as_stats(constants: Constants, like: DatasetStats) -> DatasetStats:
    """The constants as statistics of an unknown number of samples, without errors of rounding."""
    nothing = float("nan")
    channels = tuple(
        ChannelStats(channel.name, 0, mean, std, 0.0, 0.0, nothing, nothing, nothing)
        for channel, mean, std in zip(like.channels, constants.mean, constants.std, strict=True)
    )
    return DatasetStats(0, channels, source=f"the constants ({constants.origin})")


def choices_of(subject: Subject) -> tuple[dict[Strategy, Normalisation], dict[Strategy, str]]:
    """The strategies that can be computed, and why the others cannot."""
    choices: dict[Strategy, Normalisation] = {}
    refused: dict[Strategy, str] = {}
    channels = len(subject.constants.mean)
    for name in (*CANDIDATES, *_beside(subject)):
        if name == "sample" and subject.samples.ndim < 3:
            refused[name] = "a row of numbers has no moments of its own"
            continue
        try:
            choices[name] = normalisation(
                name, channels, source=subject.constants, target=subject.target, source_seen=subject.seen
            )
        except StrategyError as error:
            refused[name] = str(error)
            continue
        found = judged(Feed(subject.target, choices[name], own=subject.own), subject.spec, "the network")
        impossible = [one for one in found if one.severity == "error" and one.code not in subject.allow]
        if impossible:
            del choices[name]
            refused[name] = f"{impossible[0].code}: {impossible[0].message}"
    return choices, refused


def _beside(subject: Subject) -> tuple[Strategy, ...]:
    """What is sensible beside the candidates; a logarithm only of values that have one, whose moments are known."""
    logged = all("log1p" in channel.mapped for channel in subject.target.channels)
    return tuple(name for name in BESIDE[subject.kind] if name != "log1p" or logged)


def _expected(subject: Subject) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std per channel that dataset0 had at the network's input: 0 and 1 where they are not known."""
    constants, seen = subject.constants, subject.dataset0
    if seen is not None:
        means, stds = constants.convention().moments_fed(seen)
        if all(map(math.isfinite, (*means, *stds))):
            return means, stds
    return (0.0,) * len(constants.mean), (1.0,) * len(constants.std)


def _folds(
    subject: Subject, choices: Mapping[Strategy, Normalisation], passes: Mapping[str, Passed], seed: int, reporter: Reporter
) -> Folds | None:
    labels = subject.labels
    if labels is None:
        return None
    features = {name: one.features for name, one in passes.items()}
    if len(labels) <= _FEW:
        features = _with_copies(subject, choices, features, seed, reporter)
    with reporter.counting("cross-validating", "strategies", len(features)) as advance:
        found = cross_validated(features, labels, seed, advance)
    if found is None or not subject.head_trained:
        return found
    answered = {name: one.answers for name, one in passes.items() if one.answers is not None}
    return replace(found, by_classes={name: class_credit(answers, labels) for name, answers in answered.items()})


def _with_copies(
    subject: Subject,
    choices: Mapping[Strategy, Normalisation],
    features: Mapping[str, NDArray[np.float32]],
    seed: int,
    reporter: Reporter,
) -> dict[str, NDArray[np.float32]]:
    """Features ``(V, N, D)`` of the samples and of their altered copies."""
    copies = altered(subject.samples, seed)
    found: dict[str, NDArray[np.float32]] = {}
    with reporter.counting("passing altered copies", "samples", len(features) * len(copies) * len(subject.samples)) as advance:
        for name, chosen in choices.items():
            if name in features:
                others = [passed(subject.module, subject.head, copy, chosen, None, advance).features for copy in copies]
                found[name] = np.stack([features[name], *others])
    return found
