"""What the rules of ``tare check`` look at: what the network expects, a pipeline's steps, and what running it showed."""

from __future__ import annotations

from dataclasses import dataclass

from tare.checking.inputs import Stage
from tare.checking.rules.feed import Feed
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.diagnosis import EIGHT_BITS, GROSS, Convention, Diagnosis, DiagnosisKind, RawRange
from tare.pipelines.observation import Observation
from tare.pipelines.step import Step
from tare.statistics.dataset_stats import DatasetStats

# The largest difference that rounding of constants explains.
_ROUNDED = 2e-3
# What a mean and std may resemble that come from elsewhere.
_RESEMBLING: tuple[DiagnosisKind, ...] = (
    "swapped",
    "std_is_mean",
    "variance_for_std",
    "reversed_constants",
    "std_factor",
    "std_not_applied",
    "raw_std_missing",
    "raw_mean",
    "raw_std",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Statistics of your data: of the training split, and of the held-out splits if the data has them."""

    train: DatasetStats
    held_out: DatasetStats | None = None
    everything: DatasetStats | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A mean and std that are written down, and the ``switch`` that keeps them from being applied."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    switch: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one pipeline at one stage.

    ``steps`` are read from the object and ``seen`` comes from running it; either may be missing. ``stated`` is the spec that the
    steps, or a configuration file, amount to. ``diagnosis`` explains how the map that is fed differs from the expected one;
    ``alpha`` is the number of channels that an RGBA image comes out with; ``declared`` are constants that a configuration states
    and switches off. ``sibling`` is the other stage's evidence. ``raw`` is the range of the raw values that were fed.
    ``of_data``: what is fed is a slip in the statistics of the user's data, and ``spec`` states those instead of the network's
    constants.
    ``feed`` is what is about to be fed, where statistics of the data take the place of a pipeline.
    """

    spec: InputSpec
    network: str
    stage: Stage = "eval"
    steps: tuple[Step, ...] = ()
    seen: Observation | None = None
    stated: InputSpec | None = None
    fed: Affine | None = None
    diagnosis: Diagnosis | None = None
    alpha: int | None = None
    measured: Measured | None = None
    declared: Declared | None = None
    sibling: Evidence | None = None
    conventions: tuple[Convention, ...] = ()
    feed: Feed | None = None
    raw: RawRange = EIGHT_BITS
    of_data: bool = False

    @property
    def approximate(self) -> bool:
        """Whether ``fed`` is known only roughly: fitted to a pipeline that draws values at random, not read from its steps."""
        return self.seen is not None and self.seen.approximate and self.fed == self.seen.affine

    @property
    def expected(self) -> Affine | None:
        """The map that the network expects, None if nobody stated it."""
        return self.spec.affine_if_known()

    @property
    def is_curved(self) -> bool:
        """Whether the network's own convention is no affine map: a window, a logarithm, each sample by its own values."""
        stated = (self.spec.value_map, self.spec.clip, self.spec.per_sample)
        return self.expected is None and any(isinstance(each, Known) for each in stated)

    @property
    def mistake(self) -> DiagnosisKind | None:
        """The kind of mistake that the diagnosis names, None without one or if the map is known too roughly to tell.

        Constants that are statistics of the user's own data are unexplained by the network, whatever else they resemble.
        """
        if self.diagnosis is None or (self.approximate and self.diagnosis.kind not in GROSS):
            return None
        kind = self.diagnosis.kind
        return "unexplained" if kind in _RESEMBLING and self.feeds_measured else kind

    @property
    def feeds_measured(self) -> bool:
        """Whether the pipeline normalises with statistics of the user's own data."""
        measured, diagnosis = self.measured, self.diagnosis
        if measured is None or diagnosis is None:
            return False
        splits = (measured.train, measured.held_out, measured.everything)
        return any(is_described(stats, diagnosis.implied_mean, diagnosis.implied_std) for stats in splits if stats is not None)

    @property
    def raw_dtype(self) -> str:
        """The type of raw values that the pipeline is fed: the stated one, else 8 bits."""
        return self.spec.raw_dtype.value if isinstance(self.spec.raw_dtype, Known) else "uint8"

    @property
    def channels(self) -> int | None:
        """Number of channels the network expects, if stated."""
        return self.spec.channel_count()

    def steps_of(self, *kinds: str) -> list[tuple[int, Step]]:
        """The steps of these kinds, each after its index in the pipeline."""
        return [(index, step) for index, step in enumerate(self.steps) if step.kind in kinds]

    @property
    def normalised_at(self) -> int | None:
        """The index of the first step that normalises; None if no step does."""
        return next((index for index, _ in self.steps_of("normalize", "normalize_by_image")), None)


def is_described(stats: DatasetStats, mean: tuple[float, ...], std: tuple[float, ...]) -> bool:
    """Whether mean and std are those of the data, under any definition of the std, up to rounding."""
    if len(mean) != len(stats.mean):
        return False
    definitions = (
        stats.std,
        tuple(channel.mean_of_sample_std for channel in stats.channels),
        tuple(channel.root_mean_sample_variance for channel in stats.channels),
    )
    pairs = (zip((*mean, *std), (*stats.mean, *each), strict=False) for each in definitions)
    return any(all(abs(a - b) <= _ROUNDED for a, b in each) for each in pairs)
