"""The request of ``tare.compare``."""

from dataclasses import dataclass, field
from typing import Any

from tare.measuring.inputs import MeasuringOptions
from tare.sources.reading import Readers, Skipping
from tare.system.options import declared, option
from tare.system.progress import Advance

_SIDE = "A statistics file of `tare measure --out`, a catalog name such as cifar10, or data as `tare measure` takes it."


@dataclass(frozen=True, kw_only=True)
class CompareRequest(Skipping, Readers, MeasuringOptions):
    """Two datasets, and the options of measuring for those given as data."""

    source: Any = field(kw_only=False, metadata=declared(_SIDE, is_argument=True, kind=str, metavar="A"))
    target: Any = field(kw_only=False, metadata=declared(_SIDE, is_argument=True, kind=str, metavar="B"))
    confidence: float = option(0.95, "Confidence of the intervals.", on_command_line=False, above=0, most=0.9999)
    progress: Advance | None = None

    def stated(self) -> dict[str, Any]:
        """Options that apply to measuring alone, by name; they need a dataset that is measured."""
        return {"columns": self.columns, "exclude_nan": self.exclude_nan, "as_seen": self.as_seen}
