"""Options that name a network and its weights, and state its input specification where the network does not."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tare.errors import SpecError
from tare.normalisation.inputs import NORM, StatedConstants
from tare.samples.constants import as_code_values
from tare.system.options import OptionGroup, declared, option, words

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec

NET = "The network"

SPEC_HELP = "Input specification: a file from `tare identify --out` or `tare spec --json`, or a name that `tare spec` reads."


#: Prefixes of networks for images; the others may take signals or rows, whose values have any scale.
_IMAGES = ("timm:", "torchvision:", "hf:", "keras:")


def factor(text: str, name: str) -> float:
    """Read a factor as a number or a fraction: 1/4095. Raises :class:`SpecError` for anything else."""
    above, slash, below = text.partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise SpecError(f"a number or a fraction after {name}", f"{text!r}", "write it as 1/4095") from None


@dataclass(frozen=True, kw_only=True)
class Gated(OptionGroup):
    """What is fed to a network is judged before; findings that are meant can be allowed."""

    allow: Sequence[str] = option(
        (),
        "Go on although the input is refused for this finding, such as TARE050; recorded.",
        panel=NORM,
        metavar="CODE",
        reads=words,
        repeats=True,
    )


@dataclass(frozen=True, kw_only=True)
class StatedInput(StatedConstants):
    """The statements of the user about a network's input, which override the network's own."""

    spec: "str | os.PathLike[str] | InputSpec | None" = option(
        None, SPEC_HELP, panel=NET, metavar="SPEC", reads=lambda text, _: text
    )


@dataclass(frozen=True, kw_only=True)
class FedInput(Gated, StatedInput):
    """What is stated about a network's input and about the raw values that are to be fed."""

    scale: float | None = option(
        None,
        "Factor from raw values to the unit values that mean and std are of: 1/4095 for 12 bits in uint16, 1 for floats in "
        "[0, 1]. Default: 1/255 for 8-bit images; other raw values need it.",
        panel=NORM,
        metavar="FACTOR",
        above=0,
        reads=factor,
    )

    def check(self) -> None:
        """Raise :class:`SpecError` for constants of 0..255 values of a network for images, without the scale that they are of."""
        super().check()
        model = getattr(self, "model", None)
        images = isinstance(model, str) and model.startswith(_IMAGES)
        if images and self.scale is None and self.mean is not None and self.std is not None:
            wrong = as_code_values(self.mean, self.std)
            if wrong is not None:
                raise wrong


@dataclass(frozen=True, kw_only=True)
class RemoteCode(OptionGroup):
    """Whether code that a repository brings is run."""

    trust_remote_code: bool = option(
        False, "Run the Python code that a repository hf:DIR_OR_ID brings (auto_map). It may do all that you may: read it first.",
        panel=NET,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StoredModel(RemoteCode, Gated):
    """A model that was trained before, and what built its network."""

    run: str | os.PathLike[str] = field(
        kw_only=False,
        metadata=declared("A run directory of `tare transfer`, or its model/.", is_argument=True, kind=Path),
    )
    factory: str | None = option(
        None,
        "FILE.py:FACTORY of a network that timm does not know; runs that file. hf:DIR_OR_ID of one whose code was trusted.",
        names=("--model",),
    )


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(RemoteCode, FedInput):
    """The network to start from, and how it takes its input."""

    model: str = field(
        kw_only=False,
        metadata=declared(
            "timm:NAME, torchvision:NAME, hf:DIR_OR_ID, an earlier run, or FILE.py:FACTORY (runs that file); tare:cnn1d for "
            "signals, tare:mlp for rows of numbers (-layer, -none: without batch norm).",
            panel=NET,
        ),
    )
    weights: str = option("pretrained", "pretrained, none, a .safetensors or .pth file, or an earlier run.", panel=NET)
    in_channels: int | None = option(
        None,
        "Build the network for this many input channels, such as 13 bands; pretrained weights are adapted by timm's rule.",
        panel=NET,
        above=0,
        most=65536,
    )
    size: int | None = option(None, "Input size in pixels. Default: as the network states.", panel=NET, above=0, most=16384)
    interpolation: str | None = option(None, "bilinear, bicubic, nearest or lanczos. Default: as the network states.", panel=NET)
    crop: float | None = option(
        None, "Share of the resized edge that the centre crop keeps. Default: as the network states.", panel=NET
    )
    frames: int | None = option(
        None, "Frames of a clip of each video. Default: as the network states, else 16.", panel=NET, above=0
    )
    stride: int | None = option(
        None, "Take every so many frames around the middle of a video. Default: evenly spread over all of it.", panel=NET, above=0
    )
    length: int | None = option(
        None, "Steps of each signal. Default: the earlier run's, else the median of the training split.", panel=NET, above=0
    )
