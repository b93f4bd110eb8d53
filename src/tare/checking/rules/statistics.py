"""Rules on where statistics come from: which definition, which split, how many samples, and whether they are used at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import Said
from tare.checking.rules.values import agrees
from tare.statistics.dataset_stats import DatasetStats

# Published constants are rounded to four digits, and people round more.
_ROUNDED = 1.5e-3
_LARGEST_ERROR = 0.05


def std_of_single_images(evidence: Evidence) -> Iterator[Said]:
    """The data's std as the mean of per-image stds."""
    stats = _fed_statistics(evidence)
    if stats is None or evidence.diagnosis is None or evidence.measured is None:
        return
    train, std = evidence.measured.train, evidence.diagnosis.implied_std
    averaged = tuple(channel.mean_of_sample_std for channel in train.channels)
    if _near(std, train.std) or not _near(std, averaged):
        return
    yield Said(
        f"the std {_list(std)} is the mean of the stds of single images; the std of the data is {_list(train.std)}: inputs come "
        f"out {max(p / s for p, s in zip(train.std, std, strict=True)):.2f} times as wide as intended",
        "take the pooled std: tare measure DATA",
    )


def held_out_statistics(evidence: Evidence) -> Iterator[Said]:
    """Statistics that only data outside the training split can give."""
    measured, diagnosis = evidence.measured, evidence.diagnosis
    if measured is None or diagnosis is None or evidence.approximate or diagnosis.kind not in ("unexplained", "other_constants"):
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
        yield Said(
            f"mean and std are those of {which} (they agree to {distance[nearest]:.2g}; with the training split to "
            f"{distance['train']:.2g}): what the network is tested on has shaped its input",
            f"use the training split's: mean {_list(measured.train.mean)}, std {_list(measured.train.std)}",
        )


def uncertain_statistics(evidence: Evidence) -> Iterator[Said]:
    """Target statistics of too few samples."""
    stats = _fed_statistics(evidence)
    if stats is None:
        return
    mean_error = max(channel.mean_se / channel.std for channel in stats.channels if channel.std > 0)
    std_error = max(channel.std_se / channel.std for channel in stats.channels if channel.std > 0)
    if math.isnan(mean_error) or max(mean_error, std_error) > _LARGEST_ERROR:
        yield Said(
            f"the pipeline is fed statistics of {stats.samples} samples: the mean is known to ±{1.96 * mean_error:.2g} and "
            f"the std to ±{1.96 * std_error:.2g} of a std (95%)",
            "measure more samples, keep the network's own constants, or shrink toward them (strategy blend)",
        )


def declared_but_not_applied(evidence: Evidence) -> Iterator[Said]:
    """A mean and std that are written down and never used."""
    for _, step in evidence.steps_of("normalize"):
        if step.random:
            yield Said(
                f"{step.name} is applied at random: mean and std are stated and often not applied",
                "set p=1",
                step.where,
            )
    declared, diagnosis = evidence.declared, evidence.diagnosis
    if declared is not None and (diagnosis is None or diagnosis.kind != "same"):  # some networks do take plain values
        yield Said(
            f"mean {_list(declared.mean)} and std {_list(declared.std)} are stated and not applied: {declared.switch}",
            "switch the normalisation on, or remove the numbers",
        )


def _fed_statistics(evidence: Evidence) -> DatasetStats | None:
    """The training split's statistics, if their mean is what is fed with any definition of std, and the network's are not."""
    measured, diagnosis = evidence.measured, evidence.diagnosis
    if measured is None or diagnosis is None or evidence.approximate or diagnosis.kind not in ("unexplained", "other_constants"):
        return None
    train = measured.train
    definitions = (
        train.std,
        tuple(channel.mean_of_sample_std for channel in train.channels),
        tuple(channel.root_mean_sample_variance for channel in train.channels),
    )
    fed = diagnosis.implied_mean, diagnosis.implied_std
    return train if any(agrees(*fed, (train.mean, std)) for std in definitions) else None


def _distance(fed: tuple[tuple[float, ...], tuple[float, ...]], stats: DatasetStats) -> float:
    pairs = [*zip(fed[0], stats.mean, strict=False), *zip(fed[1], stats.std, strict=False)]
    return max(abs(a - b) for a, b in pairs)


def _near(mine: tuple[float, ...], theirs: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= _ROUNDED for a, b in zip(mine, theirs, strict=False))


def _list(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
