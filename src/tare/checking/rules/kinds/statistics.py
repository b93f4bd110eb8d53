"""Rules on statistics: how their std is defined, their split, their number of samples, and whether they are applied at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence, is_described
from tare.checking.rules.finding import Fix
from tare.checking.rules.rule import Problem, rule
from tare.checking.rules.words import listed
from tare.statistics.dataset_stats import DatasetStats

# Published constants are rounded to four digits, and people round more.
_ROUNDED = 1.5e-3
_LARGEST_ERROR = 0.05


@rule(
    "TARE009",
    "std-of-images",
    "warning",
    wrong="std = torch.stack([image.std(dim=(1, 2)) for image in images]).mean(0)",
    right="tare measure DATA",
)
def std_of_single_images(evidence: Evidence) -> Iterator[Problem]:
    """The std is a mean of the stds of single images.

    The mean of the stds of single images leaves out how images differ from one another, so it is too small (CIFAR-10: .2023
    instead of .2470). A network that was trained with such constants must keep them, but statistics of your own data should not
    repeat the mistake.
    """
    stats = _fed_statistics(evidence)
    if stats is None or evidence.diagnosis is None or evidence.measured is None:
        return
    train, std = evidence.measured.train, evidence.diagnosis.implied_std
    averaged = tuple(channel.mean_of_sample_std for channel in train.channels)
    if _near(std, train.std) or not _near(std, averaged):
        return
    yield Problem(
        f"the std {listed(std)} is the mean of the stds of single images; the std of the data is {listed(train.std)}: inputs "
        f"come out {max(p / s for p, s in zip(train.std, std, strict=True)):.2f} times as wide as intended",
        "take the pooled std: tare measure DATA",
        fix=_constants_of(train),
    )


@rule("TARE060", "held-out-statistics", "warning", wrong="tare measure data/", right="tare measure data/train")
def held_out_statistics(evidence: Evidence) -> Iterator[Problem]:
    """Statistics of validation or test data.

    If mean and std are computed before the split, they describe the test data, too. The effect on the score is small, but the
    test data are no longer unseen.
    """
    measured, diagnosis = evidence.measured, evidence.diagnosis
    if (
        measured is None
        or diagnosis is None
        or evidence.approximate
        or evidence.mistake not in ("unexplained", "other_constants")
    ):
        return
    fed = (diagnosis.implied_mean, diagnosis.implied_std)
    distance = {
        name: _distance(fed, stats)
        for name, stats in (("train", measured.train), ("held out", measured.held_out), ("all", measured.everything))
        if stats is not None
    }
    if len(distance) < 2 or min(distance.values()) > _ROUNDED:
        return
    nearest = min(distance, key=lambda name: distance[name])
    if nearest != "train" and distance["train"] > 2 * distance[nearest] + 1e-4:
        which = "the held-out splits" if nearest == "held out" else "all splits together"
        yield Problem(
            f"mean and std are those of {which} (they agree to {distance[nearest]:.2g}; with the training split to "
            f"{distance['train']:.2g}): the held-out data have influenced the network's input",
            f"use the training split's: mean {listed(measured.train.mean)}, std {listed(measured.train.std)}",
            fix=_constants_of(measured.train),
        )


@rule(
    "TARE062",
    "few-samples",
    "note",
    wrong="Normalize with the mean and std of 12 images",
    right="tare transfer --strategy blend",
)
def uncertain_statistics(evidence: Evidence) -> Iterator[Problem]:
    """Statistics of too few samples.

    The pixels of one image resemble one another. Ten images say as much about the mean as ten numbers, not as a million numbers.
    """
    stats = _fed_statistics(evidence)
    if stats is None:
        return
    mean_error = max(channel.mean_se / channel.std for channel in stats.channels if channel.std > 0)
    std_error = max(channel.std_se / channel.std for channel in stats.channels if channel.std > 0)
    if math.isnan(mean_error) or max(mean_error, std_error) > _LARGEST_ERROR:
        yield Problem(
            f"the pipeline normalises with statistics of {stats.samples} samples: the mean is known to "
            f"±{1.96 * mean_error:.2g} and the std to ±{1.96 * std_error:.2g} of a std (95%)",
            "measure more samples, keep the network's own constants, or shrink toward them (strategy blend)",
        )


@rule(
    "TARE061",
    "declared-not-applied",
    "warning",
    wrong='{"do_normalize": false, "image_mean": [0.485, 0.456, 0.406]}',
    right='{"do_normalize": true, "image_mean": [0.485, 0.456, 0.406]}',
)
def declared_but_not_applied(evidence: Evidence) -> Iterator[Problem]:
    """Statistics stated and not applied.

    A configuration states mean and std beside do_normalize: false, or a Normalize is applied with p=0.5.
    """
    for _, step in evidence.steps_of("normalize"):
        if step.random:
            yield Problem(
                f"{step.name} is applied at random: mean and std are stated and often not applied",
                "set p=1",
                step.where,
            )
    declared, diagnosis = evidence.declared, evidence.diagnosis
    if declared is not None and (diagnosis is None or diagnosis.kind != "same"):  # some networks do take plain values
        yield Problem(
            f"mean {listed(declared.mean)} and std {listed(declared.std)} are stated and not applied: {declared.switch}",
            "switch the normalisation on, or remove the numbers",
        )


def _constants_of(stats: DatasetStats) -> tuple[Fix, ...]:
    return (Fix("set_constants", tuple(stats.mean), tuple(stats.std)),)


def _fed_statistics(evidence: Evidence) -> DatasetStats | None:
    """The training split's statistics, if the pipeline normalises with them (under any definition of std), else None."""
    measured, diagnosis = evidence.measured, evidence.diagnosis
    if (
        measured is None
        or diagnosis is None
        or evidence.approximate
        or evidence.mistake not in ("unexplained", "other_constants")
    ):
        return None
    fed = diagnosis.implied_mean, diagnosis.implied_std
    return measured.train if is_described(measured.train, *fed) else None


def _distance(fed: tuple[tuple[float, ...], tuple[float, ...]], stats: DatasetStats) -> float:
    pairs = [*zip(fed[0], stats.mean, strict=False), *zip(fed[1], stats.std, strict=False)]
    return max(abs(a - b) for a, b in pairs)


def _near(mine: tuple[float, ...], theirs: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= _ROUNDED for a, b in zip(mine, theirs, strict=False))
