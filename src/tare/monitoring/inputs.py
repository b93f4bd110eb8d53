"""The requests of ``tare.Monitor`` and ``tare.drift``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tare.errors import SpecError
from tare.measuring.inputs import Axes, ChoosingOptions, numbers_of
from tare.sources.reading import Readers, Skipping
from tare.system.options import OptionGroup, declared, option
from tare.system.progress import Advance

#: What the numbers of a batch are: as stored, scaled to [0, 1], or as the network takes them.
Values = Literal["raw", "unit", "fed"]


@dataclass(frozen=True, kw_only=True)
class MonitorOptions(OptionGroup):
    """The promise of a monitor."""

    alpha: float = option(0.05, "Probability of any false alarm, ever, over all channels and statistics.", above=0, most=0.5)
    tolerance: float = option(
        0.0, "A change of a statistic that is no alarm, in units of its spread over samples, such as 0.02.", least=0, most=1
    )
    memory: int | None = option(
        None,
        "Batches further apart than this are independent (0: all batches, but not their samples); in drift it is measured "
        "whether neighbouring samples are alike, in a monitor they count as independent without it.",
        least=0,
        shown="as measured",
    )


@dataclass(frozen=True, kw_only=True)
class ServedOptions(OptionGroup):
    """The network that is served."""

    factory: str | None = option(
        None, "Function that built the network of the run, if timm did not (runs that file).", names=("--model",),
        metavar="FILE.py:FACTORY",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MonitorRequest(ServedOptions):
    """Files of monitors, and how they are shown."""

    states: Any = field(
        kw_only=False,
        metadata=declared(
            "Files that tare.Monitor.open keeps, one of each worker of a service; several are merged.",
            is_argument=True,
            kind=list[str],
        ),
    )
    run: str | None = option(None, "The run of the served network: say how much of a change it feels.", metavar="RUN")
    images: str | None = option(
        None,
        "Some of the images that arrive now: with --run, recover constants from what its batch norm remembers of its training.",
        metavar="FOLDER",
    )
    html: Path | None = option(None, "Also write the page to this file.", of_file=True, kind=Path | None)
    serve: bool = option(False, "Show the page and metrics on this machine, as the files are renewed, until interrupted.")
    port: int = option(9464, "Port of --serve, on the loopback address alone; 0 chooses a free one.", least=0, most=65535)
    refresh: int = option(10, "Seconds after which a browser loads the page of --serve again.", least=1)


@dataclass(frozen=True, kw_only=True)
class DriftRequest(ServedOptions, MonitorOptions, Skipping, Readers, Axes, ChoosingOptions):
    """A reference, data that arrived later, and the promise of the test."""

    reference: Any = field(
        kw_only=False,
        metadata=declared(
            "A reference file, a run or model directory, or the training data themselves.", is_argument=True, kind=str
        ),
    )
    data: Any = field(
        kw_only=False,
        metadata=declared("Data that arrived later, in their order: files, folders or tables.", is_argument=True, kind=list[str]),
    )
    nodata: float | Sequence[float] | None = option(
        None, "Raw values that mean no data, such as 0 or -9999; their share is tested.", reads=numbers_of
    )
    batch: int = option(8, "Samples that are looked at together.", least=1)
    psi: float | None = option(
        None, "Also a change: a population stability index above this in any channel, such as 0.2.", above=0
    )
    ks: float | None = option(None, "Also a change: a Kolmogorov-Smirnov distance above this in any channel.", above=0, most=1)
    wasserstein: float | None = option(
        None, "Also a change: a Wasserstein distance above this in any channel, in units of the reference's std.", above=0
    )
    recover: bool = option(
        False,
        "If anything changed, also recover the constants from what the network's batch norm remembers of its training; takes "
        "seconds.",
    )
    progress: Advance | None = None

    def check(self) -> None:
        """Refuse an empty list of data."""
        if isinstance(self.data, list | tuple) and not self.data:
            raise SpecError("data that arrived later", "none", "name files, folders or tables")
