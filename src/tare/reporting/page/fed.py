"""A picture of what a network is fed: mean and std of its input under each strategy, beside those of its pretraining."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tare.comparing.result import Comparison
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import Strategy
from tare.reporting import html
from tare.reporting.page.rows import Colour, Mark, Row, drawn, scale_of
from tare.statistics.dataset_stats import DatasetStats

#: Channels drawn: those with the largest shifts.
_MOST = 3
_COLOURS: Mapping[str, Colour] = {"red": "red", "green": "green", "blue": "blue"}
_ORDER: tuple[Colour, ...] = ("blue", "orange", "green")


def fed_picture(
    normalisations: Mapping[Strategy, Normalisation], comparison: Comparison | None, chosen: Strategy | None = None
) -> list[str]:
    """Rows of mean and one std to both sides, a mark a channel; empty without the statistics of both datasets."""
    if comparison is None or "source" not in normalisations:
        return []
    ranked = sorted(range(len(comparison.channels)), key=lambda place: -abs(comparison.channels[place].shift.estimate))
    drawn_channels = sorted(ranked[:_MOST])
    source, target = comparison.source, comparison.target
    rows = [_row("pretraining", normalisations["source"], source, drawn_channels, known=False)]
    rows += [
        _row(name, one, target, drawn_channels, known=True, chosen=name == chosen)
        for name, one in normalisations.items()
        if all(math.isfinite(value) for values in one.moments_fed(target) for value in values)
    ]
    scale = scale_of(rows, "input of the network: mean, and one std to both sides", zero=0.0)
    names = [channel.name for channel in comparison.channels]
    left_out = f" The {len(drawn_channels)} channels with the largest shifts of {len(names)}." if len(names) > _MOST else ""
    listed = ", ".join(names[place] for place in drawn_channels)
    caption = (
        f"From top to bottom in each row: {listed}.{left_out} The nearer a strategy's marks are to those of the pretraining, the "
        "more your data look to the network like what it was trained on."
    )
    return [drawn(rows, scale, "What the network is fed under each strategy"), html.paragraph(caption, "faint")]


def _row(
    name: str, chosen_map: Normalisation, stats: DatasetStats, channels: list[int], *, known: bool, chosen: bool = False
) -> Row:
    means, stds = chosen_map.moments_fed(stats)
    marks = []
    for place, channel in enumerate(channels):
        mean, std = means[channel], stds[channel]
        label = stats.channels[channel].name
        colour = _COLOURS.get(label, _ORDER[place]) if known else "grey"
        marks.append(Mark(mean, mean - std, mean + std, colour, said=f"{label}: mean {mean:+.2f}, std {std:.2f}"))
    figures = [f"{means[place]:+.2f} ± {stds[place]:.2f}" for place in channels]
    return Row(name, marks, figures[0], _remark(stats, known=known), "\n".join(figures[1:]), chosen)


def _remark(stats: DatasetStats, *, known: bool) -> str:
    if known:
        return ""
    return "as measured" if stats.dtype else "as published"
