"""The terminal output and the page of ``tare compare``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from rich.text import Text

from tare.comparing.overlay import overlay
from tare.comparing.result import ChannelShift, Comparison, some
from tare.reporting import html
from tare.reporting.comparison import blocks
from tare.reporting.comparison.first import first_screen
from tare.reporting.console import note, number, out, print_skipped, sample_noun, shown, table
from tare.reporting.page.frame import Made, framed
from tare.statistics.dataset_stats import ChannelStats, DatasetStats
from tare.statistics.intervals import Interval
from tare.system.files import write_text

_DRAWN = 4
_LONG = 1e5
_INDENT = "  "
_QUANTILES = (
    "Points are the 1, 5, 25, 50, 75, 95 and 99% quantiles. If only gain and offset differ, all points lie on one straight line "
    "(orange: the fitted line); on one curve under another tone curve. Quantiles at the ends of the range, where values are "
    "clipped, are not used. Grey dashes: no difference."
)
_METHOD = (
    "Shift is the target's mean minus the source's, divided by the source's std. Ratio is the target's std divided by the "
    "source's. Standard errors count samples, not pixels, and the intervals hold for all channels at once. The verdict comes "
    "from the histograms: another sensor, unit or tone curve maps values (gain, offset, inversion, gamma), and the target's "
    "histogram is then the source's under that map, to what sampling and rounding explain. Content is what no such map explains."
)


def print_comparison(found: Comparison) -> None:
    """Print the two datasets, the verdict with its reason, the figures, and the histograms."""
    for side, stats in _sides(found):
        out.print(f"{side}  [bold]{shown(stats.source)}[/]: {_size(stats)}", soft_wrap=True)
    for words in found.notes:
        note(words)
    of = f" of {some(found.affected)}" if found.affected else ""
    out.print(f"\n[bold]{found.kind}{shown(of)}[/]: {shown(found.reason)}")
    out.print(table(("channel", *_headings(found)), [_figures(channel) for channel in found.channels]))
    if len(found.channels) > 1:
        out.print(f"Each channel alone: {shown(_by_kind(found))}.")
    for a, b in list(zip(found.source.channels, found.target.channels, strict=True))[:_DRAWN]:
        _print_channel(a, b)
    for sentence in _captions(found):
        out.print(sentence)
    for _, stats in _sides(found):
        print_skipped(stats.skipped)


def write_comparison(found: Comparison, path: Path, command: str) -> None:
    """Write the comparison's self-contained page."""
    from tare.reporting.comparison.charts import histogram_charts, quantile_charts

    histograms, quantiles = histogram_charts(found), quantile_charts(found)
    rest = [
        _figures_fold(found),
        *_charts(found, histograms, quantiles),
        *html.notes(found.notes, "types, units and definitions"),
    ]
    rest.append(html.fold("Method", "how shift, ratio and verdict are found", [html.paragraph(_METHOD)]))
    made = Made(f"{found.source.source} and {found.target.source}", command, dict(_sizes(found)))
    write_text(path, framed("compare", first_screen(found), rest, made, {**histograms, **quantiles}))


def _sizes(found: Comparison) -> list[tuple[str, str]]:
    return [(side.capitalize(), f"{stats.source}, {_size(stats)}") for side, stats in _sides(found)]


def _figures_fold(found: Comparison) -> str:
    headings = ("channel", *_headings(found), "verdict of the channel")
    figures = html.table("Shift and ratio", headings, [(*_figures(channel), channel.kind) for channel in found.channels])
    caption = "Mean and std ± standard error, which counts samples (of a stated constant: its rounding error)"
    moments = html.table(caption, ("channel", *_MOMENTS), _moments(found))
    gist = f"shift, ratio, mean and std of {html.several(len(found.channels), 'channel')}"
    return html.fold("Figures", gist, [figures, moments])


def _charts(found: Comparison, histograms: Mapping[str, Any], quantiles: Mapping[str, Any]) -> list[str]:
    drawn = " ".join(_captions(found, page=True))
    parts = (
        [html.fold("Histograms", "both datasets in one picture a channel", [html.panels(histograms, drawn)])]
        if histograms
        else []
    )
    if not histograms:
        parts.append(html.paragraph(drawn, "faint"))
    if quantiles:
        gist = "on one line if only gain and offset differ"
        parts.append(html.fold("Quantiles against each other", gist, [html.panels(quantiles, _QUANTILES)]))
    return parts


_MOMENTS = ("mean, source", "mean, target", "std, source", "std, target")


def _sides(found: Comparison) -> tuple[tuple[str, DatasetStats], ...]:
    return (("source", found.source), ("target", found.target))


def _size(stats: DatasetStats) -> str:
    if not stats.dtype:  # stated, not measured
        return f"stated for {stats.samples:,} samples" if stats.samples else "stated, number of samples unknown"
    return f"{stats.samples:,} {sample_noun(stats)}, {stats.dtype}"


def _headings(found: Comparison) -> tuple[str, str]:
    return f"shift in source stds, {found.confidence:.0%}", f"ratio of stds, {found.confidence:.0%}"


def _by_kind(found: Comparison) -> str:
    """The verdicts of single channels: ``content (red, blue), no difference shown (green)``."""
    kinds = dict.fromkeys(channel.kind for channel in found.channels)
    members = {kind: [channel.name for channel in found.channels if channel.kind == kind] for kind in kinds}
    return ", ".join(f"{kind} ({', '.join(names)})" for kind, names in members.items())


def _figures(channel: ChannelShift) -> tuple[str, str, str]:
    return channel.name, _interval(channel.shift, "+"), _interval(channel.ratio)


def _interval(found: Interval, sign: str = "") -> str:
    """An interval with as many decimals as show two digits of its half-width."""
    half = (found.high - found.low) / 2
    decimals = min(6, max(0, 1 - math.floor(math.log10(half)))) if 0 < half < math.inf else 4
    text = [f"{value:{sign}.{decimals}f}" if abs(value) < _LONG else f"{value:{sign}.3g}" for value in astuple(found)]
    return f"{text[0]} ({text[1]} to {text[2]})" if math.isfinite(half) else f"{text[0]} (unknown)"


def _moments(found: Comparison) -> list[tuple[str, ...]]:
    rows = []
    for a, b in zip(found.source.channels, found.target.channels, strict=True):
        figures = ((a.mean, a.mean_se), (b.mean, b.mean_se), (a.std, a.std_se), (b.std, b.std_se))
        rows.append((a.name, *(f"{number(value)} ± {error:.2g}" for value, error in figures)))
    return rows


def _print_channel(a: ChannelStats, b: ChannelStats) -> None:
    """Print one channel's moments, and its histograms if they are known."""
    out.print(
        f"[bold]{shown(a.name)}[/]  mean {number(a.mean)} → {number(b.mean)}, std {number(a.std)} → {number(b.std)}",
        soft_wrap=True,
    )
    laid = overlay(a, b)
    for row in blocks.histogram_rows(laid) if laid else ():
        out.print(Text(_INDENT) + row)


def _captions(found: Comparison, *, page: bool = False) -> list[str]:
    """What the pictures show, and what they leave out."""
    laid = [overlay(a, b) for a, b in zip(found.source.channels, found.target.channels, strict=True)]
    drawn = [item for item in (laid if page else laid[:_DRAWN]) if item is not None]
    if not drawn:
        return ["Neither side has a histogram or quantiles to draw."]
    signs = {"source": "blue", "target": "orange"} if page else {"source": "blocks", "target": "dots"}
    missing = [side for side in signs if all(getattr(item, side) is None for item in drawn)]
    parts = [f"{sign}: {side}" for side, sign in signs.items() if side not in missing]
    captions = [f"{', '.join(parts)}; share of values, each channel on its own scale."]
    captions += [f"The {side} is a stated mean and std, with no histogram." for side in missing]
    if any(item.cut for item in drawn):
        captions.append("Bins at an end that are far higher than all other bins are cut off" + ("." if page else " (▲)."))
    if any(item.coarse for item in drawn):
        captions.append("Drawn coarsely from quantiles, because no histogram was kept.")
    if not page and len(laid) > _DRAWN:
        captions.append(f"{len(laid) - _DRAWN} more channels: --html FILE draws them all.")
    return captions
