"""The request of ``tare.identify``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tare.networks.inputs import RemoteCode
from tare.normalisation.inputs import StatedConstants, constants_option
from tare.system.options import Seeded, declared, option
from tare.system.progress import SILENT, Reporter


@dataclass(frozen=True, kw_only=True)
class IdentifyRequest(RemoteCode, Seeded, StatedConstants):
    """An architecture, weights, and probe images."""

    model: str | None = option(
        None,
        "The architecture: timm:NAME, torchvision:NAME, hf:DIR_OR_ID, or FILE.py:FACTORY (runs that file). Default: the one "
        "whose tensors fit.",
        metavar="ARCH",
        kind=str | None,
    )
    checkpoint: str | os.PathLike[str] = field(
        metadata=declared("Its weights: a .safetensors or .pth file.", metavar="FILE", kind=str)
    )
    data: Any = field(
        metadata=declared(
            "Images of the kind the network takes, best of its training data: a folder, or another source of `tare measure`.",
            is_argument=True,
            kind=str,
        )
    )
    labels: str | os.PathLike[str] | None = option(
        None,
        "Rank by known classes: `folders`, or a CSV file of file name and class index. Required without batch norm.",
        kind=str | None,
    )
    in_domain: bool = option(False, "The images are from the network's training data: fewer candidates remain.")
    size: int | None = option(None, "Input size in pixels, if the network does not state its own.", above=0, most=16384)
    samples: int = option(128, "How many images to read.", least=8)
    confidence: float = option(0.95, "Confidence of the ambiguity set.", least=0.5, most=0.999)
    mean: Sequence[float] | None = constants_option(
        "Mean of unit values that you suspect, 0.5,0.5,0.5 or 0.5 for all channels, given once or once per channel: one more "
        "candidate beside those of the catalog."
    )
    std: Sequence[float] | None = constants_option("Std that you suspect, like --mean.")
    reporter: Reporter = SILENT
