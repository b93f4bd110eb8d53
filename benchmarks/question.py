"""``python -m benchmarks.question``: what strategies gain over ``source``, by condition, on the tasks of the advice benchmark.

Every task is measured twice: a new head on the frozen network, and the whole network fine-tuned. A gain is the accuracy of a
strategy less that of ``source`` with the same training samples, the mean of all seeds. Intervals are Student's over tasks, since
the tasks differ more than the seeds of one task do.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from benchmarks.advice_regret import Record, accuracies, advised, complete_record
from benchmarks.advice_tasks import WITH_BATCH_NORM, AdviceTask, tasks
from benchmarks.marks import insert_between
from tare.advising.rule import AdvisedProtocol
from tare.reporting.charts import PALETTE
from tare.statistics.intervals import Interval, mean_interval
from tare.system.files import write_text

_BEGIN, _END = "<!-- conditions: begin -->", "<!-- conditions: end -->"
_FIXED = ("target", "match", "blend", "sample")
_ADVICE = "following `advise`"
#: Pairs whose two datasets were recorded by different instruments; the raw values of the other pairs differ by content alone.
_OTHER_INSTRUMENT = ("jackson's digits to theo's", "gestures 2003 to 2018")
_SMALL, _MIDDLE = 40, 160
_PROTOCOLS: tuple[AdvisedProtocol, ...] = ("probe", "finetune")


@dataclass(frozen=True, slots=True)
class Row:
    """One task under one protocol: the mean accuracy under ``source``, and each way's mean gain over it, in points."""

    task: AdviceTask
    size: int
    tuned: bool
    source: float
    gains: Mapping[str, float]
    draws: int = 1

    @property
    def other_instrument(self) -> bool:
        """Whether dataset1's raw values mean something else than dataset0's."""
        return self.task.shift != "content" or self.task.pair.name in _OTHER_INSTRUMENT

    @property
    def batch_norm(self) -> bool:
        """Whether the network has batch norm."""
        return self.task.network in WITH_BATCH_NORM


#: A condition's title, and which rows meet it.
Condition = tuple[str, Callable[[Row], bool]]

_CONDITIONS: tuple[Condition, ...] = tuple(
    (
        f"{'fine-tuned' if tuned else 'frozen'}, {'another' if other else 'the same'} instrument, "
        f"{'with' if norm else 'without'} batch norm",
        lambda row, tuned=tuned, other=other, norm=norm: (
            (row.tuned, row.other_instrument, row.batch_norm)  # type: ignore[misc]
            == (tuned, other, norm)
        ),
    )
    for tuned in (False, True)
    for other in (False, True)
    for norm in (True, False)
)
_SIZES: tuple[Condition, ...] = tuple(
    (
        f"{'fine-tuned' if tuned else 'frozen'}, {name} samples",
        lambda row, tuned=tuned, low=low, high=high: row.tuned == tuned and low < row.size <= high,  # type: ignore[misc]
    )
    for tuned in (False, True)
    for name, low, high in (("at most 40", 0, _SMALL), ("41 to 160", _SMALL, _MIDDLE), ("more than 160", _MIDDLE, 10**9))
)
_ALL: tuple[Condition, ...] = (("frozen, all tasks", lambda row: not row.tuned), ("fine-tuned, all tasks", lambda row: row.tuned))


def main() -> None:
    """Measure what is not measured yet, print the table, and write it into the page if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.question", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="draws of training samples a task")
    parser.add_argument("--cache", type=Path, default=Path("build/advice"), help="where records are kept, by content")
    parser.add_argument("--write", type=Path, help="put the table into this page")
    parser.add_argument("--kept-only", action="store_true", help="leave out what is not in the cache")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = list(rows_of(given.seeds, given.cache, kept_only=given.kept_only))
    text = table(rows)
    Console(width=200).print(text, markup=False)
    if given.write:
        write_text(given.write.with_name("question-conditions.svg"), picture(rows))
        insert_between(given.write, text, _BEGIN, _END)


def rows_of(seeds: int, cache: Path, *, kept_only: bool) -> Iterator[Row]:
    """The rows of all tasks that have been measured, frozen and fine-tuned."""
    console = Console(stderr=True)
    for task in track(tasks(), "measuring", console=console, disable=not console.is_terminal):
        found = [complete_record(task, seed, cache, kept_only=kept_only) for seed in range(seeds)]
        records = [record for record in found if record is not None]
        for protocol in _PROTOCOLS if records else ():
            yield _row(task, records, protocol)


def _row(task: AdviceTask, records: Sequence[Record], protocol: AdvisedProtocol) -> Row:
    gains: dict[str, list[float]] = {}
    levels = []
    for record in records:
        found = accuracies(record, protocol)
        levels.append(found["source"])
        chosen = {**{name: name for name in _FIXED}, _ADVICE: advised(record, protocol=protocol).strategy}
        for way, strategy in chosen.items():
            gains.setdefault(way, []).append(100 * (found.get(strategy, found["source"]) - found["source"]))
    means = {way: float(np.mean(values)) for way, values in gains.items()}
    return Row(task, int(records[0]["size"]), protocol == "finetune", float(np.mean(levels)), means, len(records))


def table(rows: Sequence[Row]) -> str:
    """The table as Markdown, once by network and instrument, once by number of samples: a line a condition, in points."""
    ways = (*_FIXED, _ADVICE)
    lines: list[str] = []
    for first, conditions in (("network and data", _CONDITIONS), ("number of samples", (*_SIZES, *_ALL))):
        head = [first, "tasks", "`source`", *(f"`{way}`" if way in _FIXED else way for way in ways)]
        lines += [*([""] if lines else []), f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for title, holds in conditions:
            met = [row for row in rows if holds(row)]
            if len(met) > 1:
                cells = [_cell(mean_interval([row.gains[way] for row in met])) for way in ways]
                level = float(np.mean([row.source for row in met]))
                lines.append(f"| {title} | {len(met)} | {level:.0%} | {' | '.join(cells)} |")
    draws = sorted(row.draws for row in rows)
    lines += ["", f"Draws of training samples for each task: {draws[0]} to {draws[-1]}, median {draws[len(draws) // 2]}."]
    return "\n".join(lines)


def picture(rows: Sequence[Row]) -> str:
    """The gains of ``target`` and of the advice, with their intervals, a line a condition."""
    import altair as alt
    import vl_convert

    shown = []
    for (title, holds), way in product(_CONDITIONS, ("target", _ADVICE)):
        found = mean_interval([row.gains[way] for row in rows if holds(row)])
        name = "target" if way == "target" else "advise"
        shown.append({"condition": title, "way": name, "gain": found.estimate, "low": found.low, "high": found.high})
    order = [title for title, _ in _CONDITIONS]
    legend = alt.Legend(orient="top", columnPadding=30)
    colour = alt.Color("way:N", title=None, sort=["target", "advise"], legend=legend, scale=alt.Scale(range=list(PALETTE[1:3])))
    y = alt.Y("condition:N", sort=order, title=None, axis=alt.Axis(labelLimit=400, labelPadding=8))
    base = alt.Chart(_data(shown)).encode(y=y, yOffset=alt.YOffset("way:N", sort=["target", "advise"]), color=colour)
    axis = alt.X("low:Q", title="points gained over source, 95% interval")
    zero = alt.Chart(_data([{"zero": 0}])).mark_rule(strokeDash=[4, 4], color="#808088").encode(x="zero:Q")
    ranges = base.mark_rule(strokeWidth=2).encode(x=axis, x2="high:Q")
    drawn = alt.layer(zero, ranges, base.mark_point(filled=True, size=60).encode(x="gain:Q"))
    # The text is measured in another font than a browser takes, so the margin is wide.
    whole = drawn.properties(
        width=420, height=alt.Step(14), background="white", padding={"left": 70, "right": 30, "top": 8, "bottom": 8}
    )
    return str(vl_convert.vegalite_to_svg(whole.configure_view(stroke="transparent").to_json()))


def _data(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _cell(found: Interval) -> str:
    """A mean gain with half of its interval; bold if the interval does not contain zero."""
    text = f"{found.estimate:+.1f} ± {found.high - found.estimate:.1f}"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
