"""The terminal: output, errors, progress and tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from tare.system.pacing.bar import barred
from tare.system.pacing.logged import logged
from tare.system.terminal.harmless import beginning, visible, visible_lines
from tare.system.terminal.streams import output

if TYPE_CHECKING:  # importing them loads numeric libraries, which an error message does not need
    from tare.normalisation.catalog import Match
    from tare.samples.records import Skipped
    from tare.statistics.dataset_stats import ChannelStats, DatasetStats

_NAMED = 5
_LISTED = 20
_MATCHES = 3
_WIDEST = 1000
_COLOURS = {"grey", "red", "green", "blue"}
_CLOSENESS = {"equal": "[green]equals[/]", "compatible": "[green]matches[/]", "close": "is close to"}
_DEFINITIONS = {
    "pooled": "pooled std",
    "mean_of_sample_std": "mean of per-image std",
    "root_mean_sample_variance": "root of the mean per-image variance",
}


class Update(Protocol):
    """How progress is told."""

    def __call__(self, count: float, remark: str = "", left: float | None = None) -> None:
        """Count ``count`` more steps, and show ``remark``; ``left`` are the seconds left, where the work knows better."""

    def expect(self, total: float) -> None:
        """Say how many steps there are in all."""


class _Own(Console):
    """The program's own output, wherever code of others prints meanwhile."""

    @property
    def file(self) -> IO[str]:
        """The stream of this moment."""
        found = self._file or output()
        proxied: IO[str] = getattr(found, "rich_proxied_file", found)
        return proxied

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file


out = _Own(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def shown(text: str) -> str:
    """Text of others in one line, for places where markup is read: it is escaped, and commands nothing of a terminal."""
    return escape(visible(text))


def begun(text: str) -> str:
    """The same for text that begins a line, where CI servers look for commands."""
    return escape(beginning(text))


def shown_lines(text: str) -> str:
    """The same for text of several lines that are its own."""
    return escape(visible_lines(text))


def tell(text: str) -> None:
    """Print lines for people on standard output; nothing in them commands the terminal."""
    write(visible_lines(text))


def write(text: str) -> None:
    """Print a whole document of a format for programs, such as JSON, on standard output."""
    output().write(f"{text}\n")


def error(message: str) -> None:
    """Print a failure in one line on standard error."""
    err.print(f"[bold red]error:[/] {shown(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Print a remark in one line on standard error."""
    err.print(f"[yellow]note:[/] {shown(message)}", soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on standard error what is being done until the block ends."""
    with counting(what, ""):
        yield


@contextmanager
def counting(what: str, unit: str, total: float | None = None) -> Iterator[Update]:
    """Show on standard error how far work is: a bar on a terminal, else a line a minute; nothing if there is nothing to count.

    Without a ``unit`` only the share is shown. The time left is told once a tenth is done (:mod:`tare.system.pacing.pace`). Of
    work within work only the inner is shown.
    """
    if total == 0:
        yield _Nothing()
    elif err.is_terminal:
        with barred(what, unit, total, err, visible) as bar:
            yield bar
    else:
        with logged(what, unit, total, lambda line: err.print(shown(line), soft_wrap=True)) as lines:
            yield lines


class _Nothing:
    """Progress of no work at all."""

    def __call__(self, count: float, remark: str = "", left: float | None = None) -> None:
        """Show nothing."""

    def expect(self, total: float) -> None:
        """Show nothing."""


def print_stats(stats: DatasetStats, matches: tuple[Match, ...] = ()) -> None:
    """Print a dataset's statistics: a table, mean and std to paste, published constants that match, and skipped samples."""
    noun = sample_noun(stats)
    out.print(f"[bold]{begun(stats.source)}[/]: {stats.samples:,} {noun}, {stats.dtype}", soft_wrap=True)
    if "as_seen" in stats.extra:
        out.print(_seen(stats.extra["as_seen"]), soft_wrap=True)
    if "sampled" in stats.extra:
        out.print(_sampled(stats.extra["sampled"], noun), soft_wrap=True)
    _print_tables(stats, noun.removesuffix("s"))
    units = "Unit values ([0, 1])" if stats.dtype in ("uint8", "uint16", "bool") else "Values as stored"
    out.print(f"{units}; mean and std pooled over all values; standard errors count {_counted(stats, noun)}.", soft_wrap=True)
    _print_raw_kind(stats)
    if all(math.isfinite(value) for value in (*stats.mean, *stats.std)):
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in stats.mean)})", soft_wrap=True)
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in stats.std)})", soft_wrap=True)
    for match in matches[:_MATCHES]:
        out.print(f"{_CLOSENESS[match.closeness]} {_described(match)}", soft_wrap=True)
    for what, count in stats.extra.get("notes", {}).items():
        out.print(f"{count:,} {noun}: {shown(what)}", soft_wrap=True)
    for remark in stats.extra.get("remarks", ()):
        out.print(begun(str(remark)), soft_wrap=True)
    print_skipped(stats.skipped)


def _counted(stats: DatasetStats, noun: str) -> str:
    """What standard errors count."""
    clusters = stats.extra.get("clusters")
    return f"the {clusters:,} clusters of {noun}" if isinstance(clusters, int) else noun


def _print_raw_kind(stats: DatasetStats) -> None:
    """Print what of the raw values was left out or is not in use."""
    from tare.samples.raw_kind import Known

    if isinstance(stats.units, Known):
        out.print(f"raw values are {shown(stats.units.value)}", soft_wrap=True)
    if isinstance(stats.nodata, Known):
        out.print(f"left out as no data: raw {', '.join(f'{value:g}' for value in stats.nodata.value)}", soft_wrap=True)
    if (bits := _bits(stats)) is not None:
        out.print(bits, soft_wrap=True)
    for channel in stats.channels:
        if channel.nan or channel.inf:
            out.print(_not_finite(channel), soft_wrap=True)


def print_skipped(skipped: tuple[Skipped, ...]) -> None:
    """List the samples that could not be read, and count the files of other kinds."""
    unreadable = [item for item in skipped if not item.foreign]
    for item in unreadable[:_LISTED]:
        err.print(f"[yellow]skipped[/] {shown(item.path)}: {shown(item.reason)}", soft_wrap=True)
    if len(unreadable) > _LISTED:
        err.print(f"[yellow]skipped[/] {len(unreadable) - _LISTED} more; --json lists them all")
    columns = [item for item in skipped if item.foreign and item.reason.startswith("a column")]
    for item in columns[:_LISTED]:
        err.print(f"[yellow]left out[/] {shown(item.path)}: {shown(item.reason)}", soft_wrap=True)
    others = [item.path for item in skipped if item.foreign and item not in columns]
    if others:
        foreign = Counter(path.rpartition(".")[2] if "." in path.rpartition("/")[2] else "no suffix" for path in others)
        kinds = ", ".join(f"{count} {shown(kind)}" for kind, count in foreign.most_common(5))
        named = ", ".join(map(shown, others[:_NAMED])) + (", ..." if len(others) > _NAMED else "")
        err.print(f"[yellow]ignored[/] {foreign.total()} files that are not samples ({kinds}): {named}", soft_wrap=True)


def sample_noun(stats: DatasetStats) -> str:
    """The word for the samples: images if the channels are colours, else samples."""
    return "images" if {channel.name for channel in stats.channels} <= _COLOURS else "samples"


def _print_tables(stats: DatasetStats, sample: str) -> None:
    """Print one table, or two where one would be too wide: moments, then ranges."""
    single = all(channel.count == stats.samples for channel in stats.channels)  # a sample of one value a channel has no std
    moments, ranges = ("mean ± se", "std ± se"), ("min", "max", f"std/{sample}")[: 2 if single else 3]
    rows = [_figures(channel)[: 5 if single else 6] for channel in stats.channels]
    whole = table(("channel", *moments, *ranges), rows)
    if Measurement.get(out, out.options.update(max_width=_WIDEST), whole).maximum <= out.width:
        out.print(whole)
        return
    out.print(table(("channel", *moments), [row[:3] for row in rows]))
    out.print(table(("channel", *ranges), [(row[0], *row[3:]) for row in rows]))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], named: int = 0) -> Table:
    """A table of numbers. Column ``named`` holds names, which are escaped, left-justified and wrapped."""
    made = Table(box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="left" if place == named else "right", no_wrap=place != named, overflow="fold")
    for row in rows:
        made.add_row(*(shown(cell) if place == named else cell for place, cell in enumerate(row)))
    return made


def _figures(channel: ChannelStats) -> tuple[str, ...]:
    moments = _with_error(channel.mean, channel.mean_se), _with_error(channel.std, channel.std_se)
    return channel.name, *moments, *map(number, (channel.min, channel.max, channel.mean_of_sample_std))


def _with_error(value: float, error: float) -> str:
    small = 0 < error < 0.001  # two significant digits suffice for an error
    return f"{number(value)} ± {f'{error:.2g}' if small else number(error)}"


def _seen(geometry: Mapping[str, Any]) -> str:
    if "front_end" in geometry:
        name = shown(str(geometry["front_end"].get("feature_extractor_type")))
        return f"as heard through {name}, before its normalisation ({shown(str(geometry['origin']))})"
    height, width = geometry["size"]
    how = f"{geometry['interpolation']}, {geometry['crop_mode']} crop {geometry['crop_fraction']:g}"
    return f"as seen after resize and crop to {height} x {width} ({how}; {shown(str(geometry['origin']))})"


def _sampled(record: Mapping[str, Any], noun: str) -> str:
    read = (
        f"read {record['samples']:,} of {record['total']:,} {noun} ({record['share']:.1%}), in the order of seed {record['seed']}"
    )
    if record["complete"]:
        return f"{read}: all were read, so the figures are exact"
    # The kinds of sample of which so many draws hold none with a probability of 5%, "rule of three": Hanley 1983.
    rare = math.ceil(1 / (1 - 0.05 ** (1 / record["samples"])))
    return (
        f"{read}: all means and stds together are within {record['tolerance']:g} with {record['confidence']:.0%} confidence, "
        f"unless {noun} of a kind rarer than 1 in {rare:,} are far from the others: they may not be among those that were read"
    )


def _bits(stats: DatasetStats) -> str | None:
    """Bits in use, where they are fewer than those of the dtype."""
    from tare.samples.raw_kind import Known

    width = {"uint8": 8, "uint16": 16}.get(stats.dtype)
    if width is None or not isinstance(stats.bits, Known) or stats.bits.value >= width:
        return None
    return f"{stats.bits.value} of {width} bits in use: {stats.bits.origin}; unit values are still shares of {(1 << width) - 1:,}"


def _not_finite(channel: ChannelStats) -> str:
    found = f"{channel.nan:,} NaN and {channel.inf:,} infinite values of {channel.nan + channel.inf + channel.count:,}"
    left_out = "left out" if math.isfinite(channel.mean) else "so the channel has no mean; --exclude-nan leaves them out"
    return f"[yellow]{begun(channel.name)}[/]: {found}, {left_out}"


def _described(match: Match) -> str:
    split = f" {match.entry.split}" if match.entry.split else ""
    text = f"{match.entry.dataset}{split} ({match.entry.name}) under the definition {_DEFINITIONS[match.definition]}"
    return f"{text}, {match.distance:.2%} of its std away" if match.closeness != "equal" else text


def number(value: float) -> str:
    """A number with four decimals, or with significant digits if it is very small or large; a dash if it is NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 100 else f"{value:.3g}" if abs(value) < 1 else f"{value:.6g}"
