"""The target's data: its split, the statistics of the training split, and digests that identify the data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.datasets.files import LabelledFile, LabelledFiles
from tare.datasets.options import LabelOptions
from tare.datasets.split import Split
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS
from tare.measuring.mapped.logarithms import with_logarithms
from tare.measuring.one_pass import enough_read, measure_state, stats_of
from tare.normalisation.names import Strategy
from tare.samples.modes import ColourMode
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import Reporter


@dataclass(frozen=True, slots=True)
class Target:
    """The measured data: split, statistics of the training split, and digests that differ for other data."""

    split: Split
    stats: DatasetStats
    digests: dict[str, Any]
    notes: tuple[str, ...]

    def with_logarithms(self, strategy: Strategy, colour: ColourMode, workers: int) -> Target:
        """The same with the moments of the logarithms that ``strategy`` needs, measured if they are not known yet."""
        source = _source("training", self.split, self.split.train, colour)
        return replace(self, stats=with_logarithms(self.stats, strategy, source, workers))


def _source(name: str, split: Split, files: Sequence[LabelledFile], colour: ColourMode) -> LabelledFiles:
    return LabelledFiles(f"the {name} split of {split.origin}", tuple(files), colour, split.channel_names)


def measured(
    split: Split, labelled: LabelOptions, colour: ColourMode, workers: int, max_skipped: float, reporter: Reporter
) -> Target:
    """Measure the training split, read the validation split, and leave out unreadable files.

    Raises :class:`DataError` if more than the share ``max_skipped`` is unreadable.
    """
    noun = NOUNS[split.kind]
    sources = [_source(name, split, files, colour) for name, files in (("training", split.train), ("validation", split.val))]
    with reporter.counting("reading and measuring", noun, len(split.train) + len(split.val)) as advance:
        states = [measure_state(source, max(1, workers), advance) for source in sources]
    stats = enough_read(stats_of(states[0], sources[0]), max_skipped)
    bad = [item for state in states for item in state.skipped]
    total = len(split.train) + len(split.val)
    if len(bad) > max_skipped * total:
        raise DataError(
            f"at most {max_skipped:.2%} unreadable {noun}",
            f"{len(bad)} of {total}, the first {bad[0].path!r}: {bad[0].reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
    notes = (f"left out {len(bad)} unreadable {noun}, the first {bad[0].path!r}: {bad[0].reason}",) if bad else ()
    notes = (*split.remarks, *notes)
    split = split.without(bad) if bad else split
    val = stats_of(states[1], sources[1])
    where: dict[str, Any] = {
        "data": labelled.name,
        "label": labelled.label,
        "label_pattern": labelled.label_pattern,
        "array": labelled.array,
        "task": labelled.task,
        **({} if labelled.class_names is None else {"class_names": labelled.class_names}),
        **({} if labelled.ignore is None else {"ignore": labelled.ignore}),
    }
    where |= {} if labelled.bands is None else {"bands": list(labelled.bands)}
    digests = {**where, "files": _digest(split), f"training {noun}": _moments(stats), f"validation {noun}": _moments(val)}
    return Target(split, stats, digests, notes)


def _moments(stats: DatasetStats) -> str:
    """Return exact statistics in one line, so that other pixels under the same file names are recognised as other data."""
    return f"{stats.samples} with mean {', '.join(map(repr, stats.mean))} and std {', '.join(map(repr, stats.std))}"


def _digest(split: Split) -> str:
    listing = json.dumps([[file.path, file.label] for part in (split.train, split.val) for file in part], default=repr)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
