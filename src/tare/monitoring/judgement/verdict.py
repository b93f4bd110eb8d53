"""The verdict on a state: the evidence, and once there is an alarm its kind, its beginning and its cure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from tare.comparing.result import some
from tare.monitoring.assay import Assay, starts_of
from tare.monitoring.judgement.classical import distances, hidden
from tare.monitoring.judgement.kinds import Named, live_stats, named
from tare.monitoring.result import Track, Verdict
from tare.monitoring.state import MonitorState
from tare.monitoring.words import command_of, cure_of
from tare.statistics.dataset_stats import ChannelStats
from tare.statistics.intervals import Interval
from tare.statistics.state import DatasetState

_NONE = Named("no change shown", "")


def judged(assay: Assay, state: MonitorState) -> Verdict:
    """Judge a state against the reference of ``assay``."""
    reference, tracks = assay.reference, assay.tracks(state)
    since = _since(assay, state) if state.alarm else None
    live = live_stats(reference, _arrived(state, since))
    strongest = [track.figure for track in sorted(tracks, key=lambda track: -track.evidence)]
    found = named(reference, live, strongest) if state.alarm else _NONE
    command = command_of(found.kind, found.maps, reference)
    values = () if live is None else tuple(zip(reference.stats.channels, live.channels, strict=True))
    return Verdict(
        alarm=state.alarm,
        evidence=assay.evidence(state),
        peak=state.peak,
        threshold=assay.threshold,
        alpha=assay.options.alpha,
        batches=state.batches,
        samples=state.samples,
        kind=found.kind,
        reason=found.reason,
        cure=cure_of(
            found.kind,
            found.maps,
            reference.taking.channels,
            found.order,
            found.affected,
            command=command,
            origin=reference.origin,
        ),
        since=since,
        maps=found.maps,
        order=found.order,
        tracks=tracks,
        distances=() if live is None else distances(reference.stats, live),
        notes=(
            *_notes(assay),
            *_hidden(() if live is None else hidden(reference.stats, live)),
            *_cut(values if reference.taking.rows else (), tracks),
        ),
        values=values,
        affected=tuple(name for name, _ in found.affected),
        command=command,
    )


def _since(assay: Assay, state: MonitorState) -> Interval:
    """The first batch of the change, as it was told at the alarm or as it is told now, whichever has the smaller range."""
    then, now = Interval(*map(float, state.began)), assay.since(state).interval()
    return min((now, then), key=lambda each: each.high - each.low)


def _arrived(state: MonitorState, since: Interval | None) -> DatasetState:
    """The values since the change: those kept from the alarm on, if it tells the beginning, since stretches are coarse."""
    first = 0 if since is None else int(since.estimate) - 1
    kept = since is not None and first == state.began[0] - 1 and bool(state.arrived.groups)
    return state.arrived if kept else served_since(state, first)


def served_since(state: MonitorState, first: int) -> DatasetState:
    """The values of the stretches that begin after ``first`` batches, as far as a ladder tells.

    The change may lie inside the first of them, so that is left out where the others hold as many samples.
    """
    parts = [stretch for start, stretch in zip(starts_of(state), state.ladder, strict=True) if start >= first]
    if first and sum(part.samples for part in parts[1:]) >= sum(part.samples for part in parts[:1]):
        parts = parts[1:]
    return reduce(DatasetState.merge, (part.data for part in parts), DatasetState())


def _cut(values: Sequence[tuple[ChannelStats, ChannelStats]], tracks: Sequence[Track]) -> tuple[str, ...]:
    """That the served means of columns are of values that are cut at the reference's ends, with the means of both as they are."""
    told = {track.figure: track.live for track in tracks}
    cut = [
        f"{live.mean:.4g} of {live.name} (of the reference {known.mean:.4g})"
        for known, live in values
        if (shown := told.get(f"mean of {live.name}")) is not None and not shown.low <= live.mean <= shown.high
    ]
    if not cut:
        return ()
    return (f"figures count values beyond the reference as its ends; the means of what arrived are {some(tuple(cut))}",)


def _hidden(channels: tuple[str, ...]) -> tuple[str, ...]:
    """That the classical distances of channels are not known, and why."""
    if not channels:
        return ()
    named = some(channels)
    why = "a few values far from all others leave the others in a few bins of their histogram"
    return (f"PSI, KS and Wasserstein of {named} are not known: {why}; leave those values out of the reference and of the data",)


def _notes(assay: Assay) -> tuple[str, ...]:
    """What was not judged, and what the promise rests on."""
    taking, options = assay.reference.taking, assay.options
    pairs = "products of two" if taking.rows else "differences and correlations"
    unknown = [
        taking.said(each) for each, held in zip(assay.reference.figures, assay.reference.counts, strict=True) if not held.any()
    ]
    notes = [f"no sample of the reference has a {some(tuple(unknown))}: not judged"] if unknown else []
    notes += [] if taking.paired else [f"{pairs} of {len(taking.channels)} channels are not judged: four at most"]
    known = assay.reference.alike
    if options.memory is None and known.figure:
        notes.append(
            f"neighbouring samples of the reference are alike ({known.words()}): where those that arrive are, too, the "
            f"promise needs --memory {known.memory(8)} for batches of 8 (memory= in Python)"
        )
    elif options.memory is None:
        notes.append(
            "the promise holds for independent samples; where neighbouring batches are alike, state --memory (memory= in Python)"
        )
    return tuple(notes)
