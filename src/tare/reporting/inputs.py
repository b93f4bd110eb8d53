"""The request of ``tare.report``."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tare.system.options import OptionGroup, declared, option


@dataclass(frozen=True, kw_only=True)
class ReportRequest(OptionGroup):
    """A study, and the files to write from its results."""

    study: str | os.PathLike[str] = field(
        kw_only=False,
        metadata=declared("The directory of a study.", is_argument=True, metavar="DIR", kind=Path),
    )
    html: str | os.PathLike[str] | None = option(None, "The page to write; DIR/report.html by default.", kind=Path | None)
    png: str | os.PathLike[str] | None = option(None, "Also write the learning curves as a PNG, for slides.", kind=Path | None)
    svg: str | os.PathLike[str] | None = option(None, "Also write the learning curves as an SVG, for papers.", kind=Path | None)
