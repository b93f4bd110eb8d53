"""Constants of another network than the one that the user states for the files."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, origins
from tare.checking.repository.rules.linking import program_of, programs
from tare.checking.repository.rules.normalisations import Normalisation, all_of, is_undoing
from tare.checking.repository.rules.published import OF_NETWORKS, near, published
from tare.code.facts import Facts
from tare.code.networks.expected import Constants, Expected, listed
from tare.code.networks.table import expected

#: Published constants that belong to networks; those of a dataset of one's own are a choice, not a mistake.
_LARGEST = (1.0, 255.0)


def stated(facts: Facts, network: str) -> Iterator[CodeFinding]:
    """Normalisations with the constants of another network than ``network``, as in ``timm:resnet50``.

    Programs that make a network of their own are left to the rules, which know what it expects.
    """
    library, _, name = network.partition(":")
    wanted = expected(library, name)
    if wanted is None or wanted.constants is None:
        return
    known = {program.path for program in programs(facts) if any(each.expected is not None for each in program.networks)}
    for each in all_of(facts):
        if program_of(each.call) not in known and each.top in _LARGEST and not is_undoing(each.mean, each.std):
            yield from _judged(each, network, wanted, wanted.constants)


def _judged(each: Normalisation, network: str, wanted: Expected, constants: Constants) -> Iterator[CodeFinding]:
    other = _network_of(each)
    if other and not wanted.accepts(each.mean, each.std):
        yield finding(
            "TARE005",
            "error",
            each.call.spot,
            f"mean {listed(each.mean)} and std {listed(each.std)} are those of {other}, and {network}, which is stated for this "
            f"file, was trained with mean {listed(constants.mean)} and std {listed(constants.std)} ({wanted.origin})",
            f"use mean {listed(constants.mean)} and std {listed(constants.std)}, or state another network",
            evidence=origins(each.call.spot, each.means, each.stds),
        )


def _network_of(each: Normalisation) -> str:
    """The name of the published constants of networks that these are; empty for others."""
    mean, std = (values * 3 if len(values) == 1 else values for values in (each.mean, each.std))
    return next((one.name for one in published() if one.name in OF_NETWORKS and near(one.mean, mean) and near(one.std, std)), "")
