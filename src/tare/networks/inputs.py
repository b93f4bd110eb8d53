"""What the user says of a network: its weights, and what it expects of its input where it does not say so itself."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tare.errors import SpecError
from tare.system.options import OptionGroup, declared, option

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec

NET = "The network"
NORM = "Normalisation"

SPEC_HELP = "What the network expects: a file of `tare identify --out` or `tare spec --json`, or a name that `tare spec` reads."


def numbers(text: str, name: str) -> list[float]:
    """Numbers with commas or blanks between, as ``--mean`` takes them. Raises :class:`SpecError` for a word."""
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"numbers after {name}", f"{text!r}", "write them as 0.485,0.456,0.406") from None


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(OptionGroup):
    """The network to start from, and what its user states about its input.

    What is stated here takes the place of what the network states. ``mean`` and ``std`` are in unit values.
    """

    model: str = field(
        kw_only=False,
        metadata=declared(
            "timm:NAME, torchvision:NAME, the directory of an earlier run, or FILE.py:FACTORY (runs that file); tare:cnn1d for "
            "signals, tare:mlp for rows of numbers (-layer, -none: without batch norm).",
            panel=NET,
        ),
    )
    weights: str = option("pretrained", "pretrained, none, a .safetensors or .pth file, or an earlier run.", panel=NET)
    mean: Sequence[float] | None = option(
        None,
        "Source mean in unit values, if the network states none or a wrong one: 0.5,0.5,0.5 or 0.5",
        panel=NORM,
        reads=numbers,
    )
    std: Sequence[float] | None = option(None, "Source std in unit values: 0.5,0.5,0.5 or 0.5", panel=NORM, reads=numbers)
    spec: "str | os.PathLike[str] | InputSpec | None" = option(
        None, SPEC_HELP, panel=NET, metavar="SPEC", reads=lambda text, _: text
    )
    size: int | None = option(None, "Input size in pixels, if not the network's own.", panel=NET, above=0)
    interpolation: str | None = option(None, "bilinear, bicubic, nearest or lanczos, if not its own.", panel=NET)
    crop: float | None = option(None, "Share of the edge that the centre crop keeps, if not its own.", panel=NET)
    length: int | None = option(
        None, "Steps of a signal, if not the earlier run's or the median of the training split.", panel=NET, above=0
    )
