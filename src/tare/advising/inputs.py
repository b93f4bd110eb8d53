"""The request of ``tare.advise``."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tare.datasets.options import LabelOptions
from tare.networks.inputs import NetworkOptions
from tare.sources.reading import Readers, Skipping
from tare.system.options import Seeded, option
from tare.system.progress import SILENT, Reporter

if TYPE_CHECKING:
    from tare.statistics.dataset_stats import DatasetStats


@dataclass(frozen=True, kw_only=True)
class AdviceRequest(Skipping, Readers, Seeded, LabelOptions, NetworkOptions):
    """A network, your data, and whether the labels of the data may be used."""

    labels: bool | None = option(
        None,
        "Require labels, or ignore them; by default the labels are used if the data have any.",
        names=("--labels/--no-labels",),
    )
    source_stats: "str | os.PathLike[str] | DatasetStats | None" = option(
        None,
        "Statistics of the pretraining data: a file of `tare measure --out`, a catalog name such as imagenet-pooled, or data.",
        kind=str | None,
    )
    protocol: Literal["probe", "finetune"] | None = option(
        None,
        "What you will train on the data: probe: a head on the frozen network; finetune: all weights. Default: probe.",
        what="a protocol",
    )
    reporter: Reporter = SILENT
