"""Images scaled for another range than the networks of Keras expect that other files of the repository make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.kinds.ranges import (
    OTHER_DATA,
    OTHER_SCALING,
    OWN_NETWORK,
    is_for_others,
    is_one_kind,
    misfed,
    scaled_otherwise,
)
from tare.checking.repository.rules.linking import Program, programs, says
from tare.checking.repository.rules.scalings import Scaled, scales_otherwise, scalings
from tare.code.facts import Facts
from tare.code.files.document import Document
from tare.code.libraries.networks import Network

_TORCH = re.compile(r"\b(?:torch|transformers|torchvision)\b")


class Feeding(NamedTuple):
    """Pretrained networks of Keras of a group of files, whether it makes others, and what its files without a network scale."""

    networks: tuple[Network, ...]
    has_others: bool
    places: tuple[tuple[Scaled, ...], ...]
    documents: tuple[Document, ...]


def read(facts: Facts) -> Feeding:
    """The networks and the scaled images of a group of files, without the trees of the files."""
    made = [each for each in facts.networks if each.library == "keras"]
    trained = [each for each in made if each.pretrained]
    has_others = {id(each.call) for each in made} != {id(each.call) for each in trained}
    documents = tuple(each.document for each in facts.sources)
    return Feeding(tuple(each.alone() for each in trained), has_others, tuple(_places(facts, trained)), documents)


def _places(facts: Facts, networks: list[Network]) -> Iterator[tuple[Scaled, ...]]:
    """The scalings of each program without a network, where they are all of one kind."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts, every=True):
        if not _may_be_fed(program) or _TORCH.search(texts.get(program.path, "")):
            continue
        places = scalings(program)
        files = {program.path, *(each.spot.source.path for each in places)}
        if not scales_otherwise(program) and is_one_kind(places, [texts.get(each, "") for each in files]):
            yield tuple(
                each._replace(spot=each.spot.alone(), call=each.call.alone())
                for each in places
                if not is_for_others(facts, program, each, networks)
            )


def _may_be_fed(program: Program) -> bool:
    return not program.networks and not program.cut and not program.path.endswith(".ipynb")


def judge(groups: Sequence[Feeding]) -> Iterator[CodeFinding]:
    """Programs without a network of their own, in a repository whose every network is one of Keras with pretrained weights."""
    networks = [each for group in groups for each in group.networks]
    if not networks or any(group.has_others for group in groups):
        return
    texts = {each.path: each.text for group in groups for each in group.documents}
    if any(says(OTHER_SCALING, text) or OWN_NETWORK.search(text) for text in texts.values()):
        return
    if any(says(OTHER_DATA, texts.get(each.call.spot.source.path, "")) for each in networks):
        return
    for places in (each for group in groups for each in group.places if each):
        for place, fed in misfed(places, networks):
            near = [each for each in fed if each.call.spot.source.path == place.spot.source.path]
            yield scaled_otherwise(place, near or fed, "warning")
