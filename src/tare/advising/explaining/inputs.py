"""The request of ``tare.explain``."""

from dataclasses import dataclass, field
from typing import Any

from tare.datasets.options import LabelOptions
from tare.networks.inputs import NetworkOptions
from tare.sources.reading import Readers, Skipping
from tare.system.options import Seeded, declared
from tare.system.progress import SILENT, Reporter


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(Skipping, Readers, Seeded, LabelOptions, NetworkOptions):
    """A network, and data whose statistics are compared with its constants."""

    data: Any = field(
        default=None,
        kw_only=False,
        metadata=declared(
            "Images, signals or rows of numbers. Without them an example shift is explained.",
            is_argument=True,
            kind=str | None,
            metavar="[DATA]",
        ),
    )
    reporter: Reporter = SILENT
