"""Rendering for the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tare.dataset_stats import DatasetStats
from tare.progress import Advance
from tare.records import Skipped

if TYPE_CHECKING:  # torch loads with it, and `tare measure` needs none
    from tare.transferring import TransferRun

_LISTED = 20

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def shown(text: str) -> str:
    """Text that any terminal can print: markup escaped, undecodable bytes of file names spelled out."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


def error(message: str) -> None:
    """Print a failure in one line on standard error."""
    err.print(f"[bold red]error:[/] {shown(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Print a remark in one line on standard error."""
    err.print(f"[yellow]note:[/] {shown(message)}", soft_wrap=True)


@contextmanager
def counting(what: str, unit: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on standard error with ``unit`` per second and, where ``total`` is known, the time left."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + " {task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            bar.update(task, advance=count)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance


def print_run(run: TransferRun) -> None:
    """Print what a transfer gave and how to load it."""
    chosen = run.normalisation
    out.print(f"[bold]{shown(str(run.out))}[/]: validation accuracy {run.val_accuracy:.1%}, strategy {chosen.strategy}")
    if chosen.per_sample:
        out.print("every image is normalised by its own mean and std; timm's config cannot say so, tare.json does")
    else:
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in chosen.mean)})")
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in chosen.std)})")
    if run.is_timm:
        out.print(f"load it in timm: timm.create_model('local-dir:{shown(str(run.model_dir))}', pretrained=True)")
    else:
        out.print(f"load it: tare.load_model('{shown(str(run.model_dir))}', 'FILE.py:FACTORY').network.module")


def print_stats(stats: DatasetStats) -> None:
    """Print a dataset's statistics as a table, followed by what can be pasted and what was skipped."""
    out.print(f"[bold]{shown(stats.source)}[/]: {stats.samples:,} images, {stats.dtype}", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("channel", "mean ± se", "std ± se", "min", "max", "std per image"):
        table.add_column(heading, justify="left" if heading == "channel" else "right")
    for channel in stats.channels:
        table.add_row(
            channel.name,
            f"{number(channel.mean)} ± {number(channel.mean_se)}",
            f"{number(channel.std)} ± {number(channel.std_se)}",
            *(number(value) for value in (channel.min, channel.max, channel.mean_of_sample_std)),
        )
    out.print(table)
    out.print("Unit values ([0, 1]); mean and std pooled over all pixels; standard errors count images, not pixels.")
    out.print(f"mean = ({', '.join(f'{value:.6g}' for value in stats.mean)})")
    out.print(f"std  = ({', '.join(f'{value:.6g}' for value in stats.std)})")
    print_skipped(stats.skipped)


def print_skipped(skipped: tuple[Skipped, ...]) -> None:
    """List what could not be read, and count the files that never claimed to be samples."""
    unreadable = [item for item in skipped if not item.foreign]
    for item in unreadable[:_LISTED]:
        err.print(f"[yellow]skipped[/] {shown(item.path)}: {shown(item.reason)}", soft_wrap=True)
    if len(unreadable) > _LISTED:
        err.print(f"[yellow]skipped[/] {len(unreadable) - _LISTED} more; --json lists them all")
    foreign = Counter(item.path.rpartition(".")[2] if "." in item.path else "no suffix" for item in skipped if item.foreign)
    if foreign:
        kinds = ", ".join(f"{count} {shown(kind)}" for kind, count in foreign.most_common(5))
        err.print(f"[yellow]ignored[/] {foreign.total()} files that are no images ({kinds})", soft_wrap=True)


def number(value: float) -> str:
    """Four decimals, or a dash for what cannot be known."""
    return "-" if math.isnan(value) else f"{value:.4f}"
