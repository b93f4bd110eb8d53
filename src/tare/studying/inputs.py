"""What ``tare.study`` is asked."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tare.datasets.options import ChosenBands, LabelPlaces
from tare.errors import SpecError
from tare.networks.inputs import StatedInput
from tare.normalisation.inputs import StatedWindow
from tare.system.engines.local import Engine
from tare.system.options import MOST_WORKERS, Configured, OptionGroup, declared, option, whole_number, words
from tare.system.trackers.inputs import Tracked

_OUT = "The study's directory; results in it are kept."
RUN, FOLDER, TABLE = "Run a study", "On your own images, with networks that come pretrained", "Analyse a table from elsewhere"
OWN = "Of anything that you can score"


def whole_numbers(text: str, name: str) -> list[int]:
    """Whole numbers with commas between. Raises :class:`SpecError` for anything else."""
    parts = words(text, name)
    numbers = [whole_number(part) for part in parts]
    if None in numbers:
        wrong = parts[numbers.index(None)]
        raise SpecError(f"whole numbers with commas for {name}", f"{wrong[:80]!r}", "for example 20,80,320")
    return [number for number in numbers if number is not None]


@dataclass(frozen=True, kw_only=True)
class PlanOptions(StatedWindow, StatedInput, ChosenBands, LabelPlaces):
    """What replaces keys of a plan; None leaves the plan's own."""

    strategies: Sequence[str] | None = option(None, "Strategies, with commas.", panel=RUN, reads=words)
    shifts: Sequence[str] | None = option(
        None,
        "content, gain:0.5, offset:0.25, gain:0.5+offset:0.25, bits:4, invert, swap, blur:1, units:10.",
        panel=RUN,
        reads=words,
    )
    sizes: Sequence[int] | None = option(None, "Numbers of target samples to learn from.", panel=RUN, reads=whole_numbers)
    networks: Sequence[str] | None = option(None, "Networks, such as cnn-batch,cnn-none.", panel=RUN, reads=words)
    protocols: Sequence[str] | None = option(None, "probe, finetune, scratch.", panel=RUN, reads=words)
    batchnorm: Sequence[str] | None = option(
        None, "With probe: eval (stored moments), reestimate (training samples).", panel=RUN, reads=words
    )
    seeds: int | None = option(None, "Repetitions; each draws its own samples.", panel=RUN, least=2)
    margin: float | None = option(
        None, "Differences smaller than this many points (or percent of a score above 1) count as equal.", panel=RUN, shown="1.0"
    )
    data: Any = option(
        None,
        "A folder with a folder per class, or a labelled manifest, .tar, .parquet or .npz.",
        panel=FOLDER,
        metavar="DATA",
        kind=str | None,
    )
    weights: str | None = option(None, "pretrained, none, or a .safetensors or .pth file.", panel=FOLDER)
    evaluate: Any = option(
        None,
        "Your own function: it gets a normalisation, samples and a seed, and returns one or several numbers.",
        panel=OWN,
        metavar="FILE.py:NAME",
        kind=str | None,
    )
    lower: Sequence[str] | None = option(
        None, "Names of its scores that are better when lower, such as loss.", panel=OWN, reads=words
    )

    def keys(self) -> dict[str, Any]:
        """The keys that are stated."""
        values = ((entry, getattr(self, entry.name)) for entry in fields(PlanOptions))
        return {entry.name: value for entry, value in values if value is not entry.default}


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Tracked, PlanOptions):
    """The keys of a plan, and where its cells are measured."""

    workers: int | None = option(
        None, "Processes that measure cells; the result does not depend on their number.", panel=RUN, above=0, most=MOST_WORKERS
    )
    engine: Engine = option("local", "Measure cells on this machine, or on Ray (RAY_ADDRESS names a cluster).", panel=RUN)


@dataclass(frozen=True, kw_only=True)
class TableOptions(OptionGroup):
    """A table of scores from elsewhere, and what its columns mean."""

    analyse: Path | None = option(None, "A CSV, TSV, Parquet or JSON table of scores.", panel=TABLE)
    strategy_column: str = option("strategy", "The column that is compared.", panel=TABLE)
    score_column: str = option("accuracy", "The column of scores.", panel=TABLE)
    pair_columns: str = option("seed", "Columns whose values two paired rows share.", panel=TABLE)
    group_columns: str = option("", "Columns that make comparisons of their own.", panel=TABLE)
    size_column: str | None = option(None, "The column of sizes, for crossovers.", panel=TABLE)
    baseline: str = option("source", "The strategy that the others are compared with.", panel=TABLE)


@dataclass(frozen=True, kw_only=True)
class StudyRequest(StudyOptions):
    """A plan, what replaces its keys, and the directory of the study."""

    plan: str | os.PathLike[str] | Mapping[str, Any] | Any = field(
        default="digits", kw_only=False, metadata=declared("digits, signals, a YAML file, or the plan itself.", kind=str)
    )
    out: str | os.PathLike[str] = field(metadata=declared(_OUT, kind=Path))
    watch: Any = None
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class StudyCommand(Configured, TableOptions, StudyOptions):
    """Everything that ``tare study`` can be asked: to run a study, to say what it would measure, or to analyse a table."""

    plan: str | None = option(None, "digits, signals, or a plan as a YAML file.", is_argument=True, metavar="NAME|PLAN")
    out: Path | None = option(None, _OUT, panel=RUN)
    dry_run: bool = option(False, "Say what would be measured, and how long it would take.", panel=RUN)
    model: Sequence[str] | None = option(
        None,
        "A network as `tare transfer --model` takes it; more than once for several.",
        panel=FOLDER,
        kind=list[str] | None,
    )
