"""``tare.check_code``: read files and folders, judge what they say about preprocessing, and select what is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tare.checking.linting.baseline import Looked, unknown, write_baseline
from tare.checking.linting.cache import keep, kept, key_of
from tare.checking.linting.inputs import CodeRequest
from tare.checking.linting.networks import check_networks
from tare.checking.linting.selection import chosen, selected
from tare.checking.linting.settings import Settings, settings_for
from tare.checking.repository.result import IN_PART, CodeFinding, CodeReport, Judged
from tare.code.files.document import Document, Found, Skipped
from tare.code.files.reading import documents_in
from tare.errors import DataError, SpecError
from tare.system.options import verb


@verb(CodeRequest)
def check_code(request: CodeRequest) -> CodeReport:
    """Find what is wrong with the preprocessing in files of code, notebooks and configurations, without running them.

    ``model`` states the network; otherwise the files say which networks they use. Settings are read from ``[tool.tare]`` in the
    nearest pyproject.toml above the paths; the options come before them.

    Raises :class:`DataError` for a path at which nothing is and if no file can be read, :class:`SpecError` for settings, codes
    and baselines that mean nothing.
    """
    return code_checked(request)


def code_checked(request: CodeRequest) -> CodeReport:
    """Carry out a request; see :func:`check_code`."""
    settings = settings_for(request.places)
    (report, looked), baseline = _all_found(request, settings), _baseline(request, settings)
    return report if baseline is None else _without_known(report, baseline, looked)


def made_known(request: CodeRequest) -> tuple[Path, int]:
    """Write the findings to the baseline of the request or the settings; where it is, and how many it has.

    Raises :class:`SpecError` if neither names one, and what :func:`check_code` raises.
    """
    settings = settings_for(request.places)
    baseline = _baseline(request, settings)
    if baseline is None:
        raise SpecError("a file for --write-baseline", "no --baseline", "for example: --baseline tare-baseline.json")
    report, looked = _all_found(request, settings)
    write_baseline(baseline, report.findings, looked)
    return baseline, len(report.findings)


def _all_found(request: CodeRequest, settings: Settings) -> tuple[CodeReport, Looked]:
    """The findings that options, settings and comments leave, known ones included, and what was looked at."""
    check_networks(request, settings)
    read = documents_of(request, settings)
    documents = read.documents
    judged = _judged(request, settings, read)
    cut = [each for each in judged.skipped if each.reason in IN_PART]
    whole = [each for each in judged.skipped if each.reason not in IN_PART]
    skipped = sorted({*read.skipped, *(judged.skipped if request.pedantic else whole)}, key=lambda each: (each.path, each.reason))
    files = {each.path for each in documents} - {each.path for each in whole}
    if not files:
        raise _nothing_read(request.places, skipped)
    found = sorted(judged.findings, key=lambda finding: (finding.place, finding.code))
    selection = selected(found, documents, request, settings)
    fail_on = request.fail_on or settings.fail_on or "warning"
    notes = selection.notes if request.pedantic or not cut else (*selection.notes, _in_part(cut))
    report = CodeReport(
        selection.findings,
        len(files),
        tuple(skipped),
        notes,
        fail_on,
        selection.ignored,
        paths=tuple(map(str, request.places)),
        options=tuple(_options(request)),
    )
    return report, Looked(files, chosen(request, settings))


def _options(request: CodeRequest) -> Iterator[str]:
    """The options of a request that choose among findings, as words of the command."""
    several = {"--select": request.select, "--ignore": request.ignore, "--exclude": request.exclude}
    yield from (word for name, values in several.items() for value in values or () for word in (name, value))
    for name, one in {"--baseline": request.baseline, "--model": request.model}.items():
        if one is not None:
            yield from (name, os.fsdecode(one))


def _in_part(cut: Sequence[Skipped]) -> str:
    if len(cut) == 1:
        return f"{cut[0].path}: {cut[0].reason}"
    return f"{len(cut)} files are too long or nested too deeply to follow: parts of them were not judged; --pedantic names them"


def _baseline(request: CodeRequest, settings: Settings) -> Path | None:
    """The file of known findings that the request or the settings name."""
    if request.baseline is not None:
        return Path(request.baseline)
    return None if settings.baseline is None or settings.root is None else settings.root / settings.baseline


def documents_of(request: CodeRequest, settings: Settings) -> Found:
    """The files of the paths, without those that options and settings exclude."""
    left_out = settings.left_out
    found = documents_in(
        [Path(path) for path in request.places], exclude=request.exclude or (), left_out=(left_out,) if left_out else ()
    )
    baseline = _baseline(request, settings)
    own = () if baseline is None else (os.path.relpath(baseline).replace(os.sep, "/"),)
    return replace(found, documents=tuple(each for each in found.documents if each.path not in own))


def _nothing_read(places: Sequence[str], skipped: Sequence[Skipped]) -> DataError:
    reason = f": {skipped[0].path!r}: {skipped[0].reason}" if skipped else ""
    where = ", ".join(map(repr, places))
    return DataError("files of code, notebooks or configurations", f"none that can be read in {where}{reason}", "check the paths")


def _judged(request: CodeRequest, settings: Settings, read: Found) -> Judged:
    """What the rules find, or found when they last saw the same files."""
    networks = networks_of(request, settings, read.documents)
    stated = (sorted(networks.items()), request.pedantic, sorted(read.links.targets.items()))
    key = key_of(read.documents, *map(repr, stated))
    known = kept(request.places, key) if request.cache else None
    if known is not None:
        return known
    found = by_network(read, networks, request.pedantic)
    if request.cache:
        keep(request.places, key, found)
    return found


def networks_of(request: CodeRequest, settings: Settings, documents: Sequence[Document]) -> dict[str, str]:
    """The network that is stated for each file, by path."""
    return {each.path: name for each in documents if (name := request.model or settings.network_for(each.path))}


def by_network(read: Found, networks: Mapping[str, str], pedantic: bool) -> Judged:
    """The findings about each file, for its own network; every network is looked at together with all files."""
    from tare.checking.repository.api import judged  # findings that are kept need none of it

    names = dict.fromkeys(networks.get(each.path) for each in read.documents)
    by_path = {each.path: each for each in read.documents}
    each_judged = {name: judged(read.documents, network=name, pedantic=pedantic, links=read.links) for name in names}
    found = [
        _with_source(finding, by_path.get(finding.place.path))
        for name, one in each_judged.items()
        for finding in one.findings
        if len(names) == 1 or networks.get(finding.place.path) == name
    ]
    return Judged(found, [*dict.fromkeys(skipped for one in each_judged.values() for skipped in one.skipped)])


def _with_source(finding: CodeFinding, document: Document | None) -> CodeFinding:
    """The finding with its whole source line, to which its columns refer."""
    if document is None:
        return finding
    place = finding.place
    before = document.cells[place.cell - 1] - 1 if 0 < place.cell <= len(document.cells) else 0
    return replace(finding, source=document.line(place.line + before).rstrip())


def _without_known(report: CodeReport, baseline: Path, looked: Looked) -> CodeReport:
    if not baseline.exists():
        raise SpecError("an existing baseline", f"{str(baseline)!r} does not exist", "write it with --write-baseline")
    new = unknown(baseline, report.findings, looked)
    known = "1 known finding" if new.gone == 1 else f"{new.gone} known findings"
    gone = f"{known} of {str(baseline)!r} {'is' if new.gone == 1 else 'are'} gone; --write-baseline renews it"
    return replace(report, findings=new.findings, known=new.known, notes=report.notes + ((gone,) if new.gone else ()))
