"""Learners of fastai whose data are normalised for another network, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.learners import Learner, learner, stated
from tare.checking.repository.rules.published import OF_NETWORKS, near, published, told
from tare.code.facts import Facts
from tare.code.networks.expected import listed


def learners(facts: Facts) -> Iterator[CodeFinding]:
    """``Normalize.from_stats`` with other constants than the network's, and learners that are left without a Normalize."""
    for call in facts.calls:
        made = learner(call)
        if made is None or made.expected.range in ("unit", "raw", "unknown"):
            continue
        if made.normalize is not None:
            yield from _other(made)
        elif not made.adds:
            yield from _without(made)


def _other(made: Learner) -> Iterator[CodeFinding]:
    found = stated(made.normalize) if made.normalize is not None else None
    if found is None or made.expected.accepts(*found.constants):
        return
    mean, std = found.constants
    name = next((each.name for each in published() if near(each.mean, mean) and near(each.std, std)), "")
    if name in OF_NETWORKS:
        yield finding(
            "TARE005",
            "error",
            found.call.spot,
            f"mean {listed(mean)} and std {listed(std)} are those of {told(name)}, and {made.name} was trained with "
            f"{made.expected.wanted}; a learner adds its network's own Normalize only where the data have none",
            "leave this Normalize out" if made.adds else f"use the constants of {made.name}",
            evidence=(step(f"{made.name} ({made.expected.origin})", made.call.spot),),
        )


def _without(made: Learner) -> Iterator[CodeFinding]:
    refused = made.call.last != "Learner"
    remedy = (
        "leave normalize=False out" if refused else f"add Normalize.from_stats to batch_tfms, with the constants of {made.name}"
    )
    yield finding(
        "TARE004",
        "warning",
        made.call.spot,
        f"the data have no Normalize, and {made.call.last} adds none{' with normalize=False' if refused else ''}; {made.name} "
        f"was trained with {made.expected.wanted}",
        remedy,
    )
