"""What ``tare demo`` is asked."""

import os
from dataclasses import dataclass
from pathlib import Path

from tare.system.options import OptionGroup, option

#: What a demo writes beside the files of a run.
FILES = ("differences.png", "photographs/*", "weights.safetensors")


@dataclass(frozen=True, kw_only=True)
class DemoRequest(OptionGroup):
    """The directory of the demo, and how much is measured."""

    out: str | os.PathLike[str] = option(Path("tare-demo"), "The directory for the report and the model.", kind=Path)
    seeds: int = option(20, "Number of small networks that are compared.", least=2, most=20)
    overwrite: bool = option(False, "Replace the files of an earlier demo.")
