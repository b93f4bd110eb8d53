"""Options that name a network and its weights, and state its input specification where the network does not."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tare.errors import SpecError
from tare.system.options import OptionGroup, declared, option

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec

NET = "The network"
NORM = "Normalisation"

SPEC_HELP = "Input specification: a file from `tare identify --out` or `tare spec --json`, or a name that `tare spec` reads."


def numbers(text: str, name: str) -> list[float]:
    """Parse numbers separated by commas or blanks, as in ``--mean``. Raises :class:`SpecError` for anything else."""
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"numbers after {name}", f"{text!r}", "write them as 0.485,0.456,0.406") from None


@dataclass(frozen=True, kw_only=True)
class StatedInput(OptionGroup):
    """The statements of the user about a network's input, which override the network's own."""

    mean: Sequence[float] | None = option(
        None,
        "Mean that the network was pretrained with, in unit values: 0.5,0.5,0.5 or 0.5. Default: as the network states.",
        panel=NORM,
        reads=numbers,
    )
    std: Sequence[float] | None = option(
        None, "Std that the network was pretrained with, like --mean.", panel=NORM, reads=numbers
    )
    spec: "str | os.PathLike[str] | InputSpec | None" = option(
        None, SPEC_HELP, panel=NET, metavar="SPEC", reads=lambda text, _: text
    )

    def check(self) -> None:
        """Raise :class:`SpecError` for a mean or std that is no sequence of finite numbers."""
        super().check()
        stated: tuple[tuple[str, Any], ...] = (("--mean", self.mean), ("--std", self.std))
        for name, values in stated:
            listed = isinstance(values, Iterable) and all(isinstance(value, Real) and math.isfinite(value) for value in values)
            if values is not None and not listed:
                raise SpecError(f"finite numbers for {name}, one per channel or one", f"{values!r}", "write them as [0.5]")


@dataclass(frozen=True, kw_only=True)
class StoredModel(OptionGroup):
    """A model that was trained before, and what built its network."""

    run: str | os.PathLike[str] = field(
        kw_only=False,
        metadata=declared("A run directory of `tare transfer`, or its model/.", is_argument=True, kind=Path),
    )
    factory: str | None = option(
        None, "FILE.py:FACTORY of a network that timm does not know; runs that file.", names=("--model",)
    )


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(StatedInput):
    """The network to start from, and how it takes its input."""

    model: str = field(
        kw_only=False,
        metadata=declared(
            "timm:NAME, torchvision:NAME, the directory of an earlier run, or FILE.py:FACTORY (runs that file); tare:cnn1d for "
            "signals, tare:mlp for rows of numbers (-layer, -none: without batch norm).",
            panel=NET,
        ),
    )
    weights: str = option("pretrained", "pretrained, none, a .safetensors or .pth file, or an earlier run.", panel=NET)
    size: int | None = option(None, "Input size in pixels. Default: as the network states.", panel=NET, above=0)
    interpolation: str | None = option(None, "bilinear, bicubic, nearest or lanczos. Default: as the network states.", panel=NET)
    crop: float | None = option(
        None, "Share of the resized edge that the centre crop keeps. Default: as the network states.", panel=NET
    )
    length: int | None = option(
        None, "Steps of each signal. Default: the earlier run's, else the median of the training split.", panel=NET, above=0
    )
