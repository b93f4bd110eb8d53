"""The options of ``tare.transfer``."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tare.datasets.options import DATA, LabelOptions
from tare.networks.inputs import NetworkOptions
from tare.normalisation.inputs import NORM, StatedWindow, check_window_meant
from tare.normalisation.names import Strategy
from tare.sources.reading import Skipping
from tare.system.options import Configured, declared, option
from tare.system.progress import SILENT, Reporter
from tare.system.trackers.inputs import RUN
from tare.training.options import Machine, Training


@dataclass(frozen=True, kw_only=True)
class TransferRequest(Configured, Skipping, Machine, Training, LabelOptions, StatedWindow, NetworkOptions):
    """A network, labelled data, training options, and the run directory to write."""

    out: str | os.PathLike[str] = field(metadata=declared("The run directory to make.", panel=RUN, kind=Path))
    strategy: Strategy | Literal["auto"] | None = option(
        None,
        "Whose mean and std normalise your data, or another map of it; auto: as `tare advise` recommends. Default: source, or "
        "target for a network that has neither weights nor constants.",
        panel=NORM,
        what="a strategy",
    )
    source_stats: str | os.PathLike[str] | None = option(
        None, "Measured statistics of the pretraining data (dataset0), for match.", panel=NORM, kind=Path | None
    )
    forecast: str | None = option(
        None,
        "The channel that the targets are later values of, by name or number from 0, or one for each target with commas. Implies "
        "--strategy sample; every answer is mapped back by the sample's own mean and std (RevIN).",
        panel=DATA,
        metavar="CHANNEL",
    )
    test: Any = option(
        None,
        "Labelled data to score once, with the weights that are kept; they neither train nor choose an epoch.",
        panel=DATA,
        kind=str | None,
        metavar="PATH",
    )
    overwrite: bool = option(False, "Replace an existing run directory.", panel=RUN)
    resume: bool = option(False, "Continue an interrupted run with the same settings.", panel=RUN)
    reporter: Reporter = SILENT

    def check(self) -> None:
        """Raise :class:`SpecError` for a window without the strategy that cuts to it, or the reverse."""
        super().check()
        check_window_meant(self.strategy, self.window)
