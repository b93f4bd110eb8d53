"""What ``tare.check`` and ``tare rule`` are asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tare.errors import SpecError
from tare.normalisation.inputs import StatedConstants
from tare.system.options import OptionGroup, Seeded, declared, option

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec
    from tare.statistics.dataset_stats import DatasetStats

Stage = Literal["train", "eval"]


@dataclass(frozen=True, kw_only=True)
class CheckOptions(StatedConstants):
    """A pipeline, what its network expects, and your data."""

    pipeline: Any = field(
        kw_only=False,
        metadata=declared(
            "FILE.py:NAME or package.module:NAME, the pipeline or a function without arguments that returns it; naming it "
            "RUNS that code. Or a configuration, which is only read: preprocessor_config.json, timm's args.yaml, a run.",
            is_argument=True,
            metavar="pipeline",
            kind=str,
        ),
    )
    model: Any = field(
        default=None,
        kw_only=False,
        metadata=declared("The network, as `tare spec` reads it: timm:NAME, hf:DIR, ...", metavar="MODEL", kind=str | None),
    )
    spec: "str | os.PathLike[str] | InputSpec | None" = option(
        None, "What the network expects, as a spec file.", kind=Path | None
    )
    data: "str | os.PathLike[str] | DatasetStats | None" = option(
        None, "The target's folder, or statistics of `tare measure --out`.", metavar="DATA", kind=str | None
    )
    stage: Stage = option("eval", "Which stage a single pipeline is for.")
    size: int | Sequence[int] | None = option(
        None, "Input size that you use, if it differs from the network's.", above=0, most=16384, kind=int | None
    )

    def check(self) -> None:
        """Raise :class:`SpecError` unless the network is stated once, and mean and std together."""
        super().check()
        stated = [given for given in (self.model, self.spec) if given is not None]
        if len(stated) == 2 or not (stated or self.mean is not None):
            found = "both" if stated else "neither"
            raise SpecError("one of --model and --spec, or --mean and --std", found, "say what the network expects")
        if isinstance(self.size, Sequence) and len(self.size) != 2:
            raise SpecError("one number, or height and width, for --size", f"{self.size!r}", "write it as (224, 224)")


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Seeded, CheckOptions):
    """A check, and the seed of the images that the pipeline is given."""


@dataclass(frozen=True, kw_only=True)
class RuleRequest(OptionGroup):
    """The finding to tell about; :func:`tare.rule` tells about one, the command also lists all."""

    code: str | None = option(
        None, "A code or name, such as TARE003; without one, all are listed.", is_argument=True, metavar="code"
    )
    paths: Sequence[str] | None = option(
        None,
        "Files and folders: the places where they have this finding are shown below its story.",
        is_argument=True,
        metavar="PATH...",
        kind=list[str] | None,
    )
