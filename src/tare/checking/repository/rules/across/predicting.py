"""Files that only predict and scale images in another way than every file of the repository that trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.across import reading, stored, writing
from tare.checking.repository.rules.across.stored import Read, Written
from tare.checking.repository.rules.feeds import with_own_weights
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.scalings import RESULTS, scalings
from tare.code.facts import Facts
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call


class Scaling(NamedTuple):
    """A file that trains or predicts, the places where it scales images, by what they bring them to, and its networks' files."""

    trains: bool
    places: Mapping[str, list[Spot]]
    reads: tuple[Read, ...]
    written: tuple[Written, ...]


_NOT_KNOWN = ""


def read(facts: Facts) -> list[Scaling]:
    """The files of a group that train or predict, without their trees."""
    texts = {each.path: each.document.text for each in facts.sources}
    own = list(with_own_weights(facts))
    written = writing.of_group(facts)
    found = []
    for program in programs(facts, every=True):
        text = texts.get(program.path, "")
        trains = ".fit(" in text or ".fit_generator(" in text
        if trains or ".predict(" in text or "load_model(" in text:
            places = _places(program)
            wanted = set() if trains else _wanted(program, own)
            kinds = {kind: spots for kind, spots in places.items() if kind not in wanted}
            found.append(Scaling(trains, kinds, reading.reads(facts, program), written))
    return found


def _wanted(program: Program, own: Sequence[Callable[[Call], bool]]) -> set[str]:
    """What pretrained networks of a file want as they are published: they were not trained here."""
    networks = [each for each in program.networks if each.library == "keras" and each.pretrained and each.scaling in RESULTS]
    published = [each for each in networks if not any(loads(each.call) for loads in own)]
    return {RESULTS[each.scaling] for each in published if each.scaling in RESULTS}


def _places(program: Program) -> dict[str, list[Spot]]:
    """Where a file scales images, by what they are brought to.

    A file with a network that scales 0..255 itself, and no scaling, may feed these or what another file has scaled.
    """
    found: dict[str, list[Spot]] = {}
    for place in scalings(program):
        found.setdefault(RESULTS[place.kind], []).append(place.spot.alone())
    for network in program.networks if not found else ():
        if network.library == "keras" and network.pretrained and network.scaling == "inside":
            found.setdefault(_NOT_KNOWN, []).append(network.call.spot.alone())
    return found


def judge(groups: Sequence[Sequence[Scaling]]) -> Iterator[CodeFinding]:
    """Files that predict with one scaling, where every file that trains has another."""
    files = [each for group in groups for each in group]
    training = [(kind, spots[0]) for each in files if each.trains for kind, spots in each.places.items()]
    if len({kind for kind, _ in training}) != 1 or training[0][0] == _NOT_KNOWN:
        return
    kind, first = training[0]
    written = list(dict.fromkeys(one for each in files for one in each.written))
    for each in files:
        if not each.trains and len(each.places) == 1 and not {kind, _NOT_KNOWN} & set(each.places):
            is_another = bool(each.reads) and all(stored.tied(read, written) is False for read in each.reads)
            for other, spot in ((other, spot) for other, spots in each.places.items() for spot in spots):
                yield stored.untold(each.reads[0], spot) if is_another else _otherwise(other, spot, kind, first)


def _otherwise(other: str, spot: Spot, kind: str, training: Spot) -> CodeFinding:
    return finding(
        "TARE050",
        "warning",
        spot,
        f"this file brings images to {other}, and every file of the repository that trains brings them to {kind}",
        f"scale as in training: to {kind}",
        evidence=(step(f"training with {kind}", training),),
    )
