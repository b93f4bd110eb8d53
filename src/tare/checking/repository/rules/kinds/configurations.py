"""Constants in configurations that are wrong by themselves, or for the network that the same file names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tare.checking.repository.result import CodeFinding, Edit, Step
from tare.checking.repository.rules.published import OF_NETWORKS, is_published, near, published, slips, told
from tare.checking.rules.finding import Severity
from tare.code.configurations import Named, Stated, named_in, stated_in
from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration, Value
from tare.code.files.document import Document
from tare.code.networks.expected import listed


def configurations(documents: Sequence[Document]) -> Iterator[CodeFinding]:
    """Typos, exchanged and repeated constants, and those of another network, in YAML, JSON and TOML."""
    for document in documents:
        read = configuration(document) if document.kind == "configuration" else None
        if isinstance(read, Configuration):
            networks = named_in(read)
            for each in stated_in(read):
                yield from _of_pair(document, each)
                yield from _of_network(document, each, networks)


def _of_pair(document: Document, each: Stated) -> Iterator[CodeFinding]:
    if len(each.mean) != len(each.std) or len(each.mean) < 3:
        return
    yield from _slip(document, each.mean_value, each.mean, "mean")
    yield from _slip(document, each.std_value, each.std, "std")
    known = next((one for one in published() if near(one.mean, each.std) and near(one.std, each.mean)), None)
    same = next((one for one in published() if each.mean == each.std and near(one.mean, each.mean)), None)
    if known is not None and len(set(each.mean)) > 1:
        said = f"mean {listed(each.mean)} and std {listed(each.std)} are those of {known.name} with mean and std exchanged"
        yield _finding(document, each.mean_value, "TARE006", "error", said, "exchange the two")
    elif same is not None and len(set(each.mean)) > 1:
        said = f"mean and std are the same numbers {listed(each.mean)}, the mean of {same.name}"
        yield _finding(document, each.std_value, "TARE007", "error", said, f"use std {listed(same.std)}")


def _slip(document: Document, value: Value, values: tuple[float, ...], which: str) -> Iterator[CodeFinding]:
    if is_published(values, which):
        return
    for found in slips(values, which):
        written = value.get(found.position) or value
        said = f"{values[found.position]:g} in the {which} {listed(values)} is a slip for {found.wanted:.9g}: {found.because}"
        edits = (Edit(written.place, f"{found.wanted:.9g}"),) if written.exact and written is not value else ()
        yield _finding(document, written, "TARE100", "error", said, f"write {found.wanted:.9g}", edits=edits)
        return


def _of_network(document: Document, each: Stated, networks: Sequence[Named]) -> Iterator[CodeFinding]:
    """Constants that no network named in the file accepts, in any library that has its name."""
    constants = each.constants
    known = [one for one in networks if one.expected and one.pretrained is not False]
    if constants is None or not known or len(known) != len(networks):
        return
    if any(one.constants is None or one.accepts(*constants) for network in known for one in network.expected):
        return
    name = next((one.name for one in published() if near(one.mean, constants.mean) and near(one.std, constants.std)), "")
    if name in OF_NETWORKS:
        first = known[0]
        wanted = first.expected[0].wanted
        yield _finding(
            document,
            each.mean_value,
            "TARE005",
            "warning",
            f"mean {listed(each.mean)} and std {listed(each.std)} are those of {told(name)}, and {first.name} was trained with "
            f"{wanted}",
            f"use the constants of {first.name}",
            evidence=(Step(f"{first.name} ({first.expected[0].origin})", first.value.place),),
        )


def _finding(
    document: Document,
    value: Value,
    code: str,
    severity: Severity,
    message: str,
    remedy: str,
    *,
    evidence: tuple[Step, ...] = (),
    edits: tuple[Edit, ...] = (),
) -> CodeFinding:
    place = value.place
    return CodeFinding(code, severity, message, remedy, place, evidence, "", edits, document.line(place.line))
