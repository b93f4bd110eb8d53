"""What ``tare fold`` and ``tare respec`` are asked."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tare.errors import SpecError
from tare.measuring.inputs import numbers_of
from tare.networks.inputs import RemoteCode, StatedInput
from tare.normalisation.inputs import StatedConstants, constants_option
from tare.system.options import declared, option

_SPEC = "a spec, config or model file, timm:NAME, catalog:NAME, or whatever `tare spec` reads"
_ITS_OWN = "what the network states"


@dataclass(frozen=True, kw_only=True)
class Rewriting(RemoteCode):
    """The network whose first layers are rewritten, and the model directory to make of it."""

    source: str = field(
        kw_only=False,
        metadata=declared(
            "A run or model directory of `tare transfer`, timm:NAME, hf:DIR_OR_ID, or FILE.py:FACTORY (runs that file).",
            is_argument=True,
            metavar="RUN|MODEL",
        ),
    )
    out: str | os.PathLike[str] = field(
        kw_only=False, metadata=declared("The model directory to make.", kind=Path, of_folder=True)
    )
    weights: str = option("pretrained", "Weights of MODEL: pretrained, none, or a .safetensors or .pth file.")
    factory: str | None = option(
        None, "Function that built the network of RUN, if timm did not.", names=("--model",), metavar="FILE.py:FACTORY"
    )
    overwrite: bool = option(False, "Replace an existing model directory.")


@dataclass(frozen=True, kw_only=True)
class FoldOptions(StatedInput):
    """The normalisation that is folded into a network, and what the network takes then."""

    takes: Literal["unit", "uint8"] = option("unit", "The folded network takes unit values, or raw bytes.", names=("--input",))

    def check(self) -> None:
        """Raise :class:`SpecError` for a mean without a std, or constants beside a spec."""
        super().check()
        if (self.mean is None) != (self.std is None):
            raise SpecError("both --mean and --std, or neither", "only one of them", "state both")
        if self.mean is not None and self.spec is not None:
            raise SpecError("--mean and --std, or --spec", "both", "leave one of them out")


@dataclass(frozen=True, kw_only=True)
class RespecOptions(StatedConstants):
    """How a network's input will be normalised, and how it is now."""

    to_spec: str | None = option(
        None, f"How its input will be normalised: {_SPEC}.", names=("--to",), metavar="SPEC", shown="--mean and --std"
    )
    from_spec: str | None = option(
        None, f"How its input is normalised now: {_SPEC}.", names=("--from",), metavar="SPEC", shown=_ITS_OWN
    )
    mean: Sequence[float] | None = constants_option(
        "In place of --to: mean of unit values that its input will be normalised with, 0.5,0.5,0.5 or 0.5 for all channels, "
        "given once or once per channel, or the name of a catalog entry."
    )
    std: Sequence[float] | None = constants_option("In place of --to: std, like --mean.")
    gain: Sequence[float] | None = option(
        None,
        "In place of --to: the values of each channel arrive as gain * x + offset, and are normalised as before; `tare drift` "
        "says both.",
        reads=numbers_of,
        metavar="NUMBERS",
    )
    offset: Sequence[float] | None = option(
        None, "With --gain: the offset of each channel, in unit values.", reads=numbers_of, metavar="NUMBERS"
    )

    def check(self) -> None:
        """Raise :class:`SpecError` unless the new normalisation is stated once."""
        super().check()
        if self.gain is not None or self.offset is not None:
            self._check_change()
        elif (self.to_spec is None) == (self.mean is None):
            found = "neither" if self.to_spec is None else "both"
            raise SpecError("--to, or --mean and --std", found, "say once how the input will be normalised")

    def _check_change(self) -> None:
        """Raise :class:`SpecError` for a gain without an offset, beside another normalisation, or that cannot be undone."""
        if self.to_spec is not None or self.mean is not None:
            raise SpecError("--gain and --offset alone", "another normalisation beside them", "take one step after the other")
        gain, offset = self.gain or (), self.offset or ()
        if not gain or len(gain) != len(offset):
            found = f"{len(gain)} gains and {len(offset)} offsets"
            raise SpecError("a --gain and an --offset of each channel", found, "state as many of each")
        if not all(map(math.isfinite, (*gain, *offset))) or 0.0 in gain:
            raise SpecError(
                "finite gains other than zero, and finite offsets", "others", "write them as `tare drift` prints them"
            )


@dataclass(frozen=True, kw_only=True)
class FoldRequest(Rewriting, FoldOptions):
    """A network given by name, to be folded into a model directory."""


@dataclass(frozen=True, kw_only=True)
class RespecRequest(Rewriting, RespecOptions):
    """A network given by name, to be rewritten for another normalisation into a model directory."""
