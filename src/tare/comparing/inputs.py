"""What ``tare.compare`` is asked."""

from dataclasses import dataclass, field
from typing import Any

from tare.measuring.inputs import MeasuringOptions
from tare.sources.reading import Readers, Skipping
from tare.system.options import declared, option
from tare.system.progress import Advance

_SIDE = "A statistics file of `tare measure --out`, a catalog name such as cifar10, or data as `tare measure` takes it."


@dataclass(frozen=True, kw_only=True)
class CompareRequest(Skipping, Readers, MeasuringOptions):
    """Two datasets, and how those of the two that are data are measured."""

    source: Any = field(kw_only=False, metadata=declared(_SIDE, is_argument=True, kind=str, metavar="A"))
    target: Any = field(kw_only=False, metadata=declared(_SIDE, is_argument=True, kind=str, metavar="B"))
    confidence: float = option(0.95, "Confidence of the intervals.", on_command_line=False)
    progress: Advance | None = None

    def stated(self) -> dict[str, Any]:
        """What was said of how to measure, by name: it needs a side that is measured."""
        return {"columns": self.columns, "exclude_nan": self.exclude_nan, "as_seen": self.as_seen}
