"""What ``tare.predict`` is asked."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tare.networks.inputs import StoredModel
from tare.sources.reading import Readers
from tare.system.options import DEVICES, declared, option
from tare.system.progress import SILENT, Advance, Reporter


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(Readers):
    """How samples are answered."""

    top: int = option(1, "How many classes each, the most probable first.", above=0)
    masks: str | os.PathLike[str] | None = option(
        None, "Write the masks of a segmentation into this folder, in the images' own sizes.", kind=Path | None, metavar="FOLDER"
    )
    batch_size: int = option(32, "Samples at once; the answers do not depend on it.", above=0)
    device: str = option("cpu", "cpu, cuda, mps or auto.", form=DEVICES, what="auto, cpu, gpu, cuda, cuda:N, xpu, xpu:N or mps")
    reporter: Reporter = SILENT


@dataclass(frozen=True, kw_only=True)
class PredictRequest(AnswerOptions, StoredModel):
    """A trained model, and the samples that it is to answer."""

    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = field(
        kw_only=False,
        metadata=declared(
            "Files, folders, patterns; - reads a list from stdin.", is_argument=True, kind=list[str], metavar="IMAGES..."
        ),
    )
    layout: str | None = option(
        None, "Meaning of an array's axes, such as NHWC, NCHW, NTC or NCT. Default: by the network's channels, where these tell."
    )
    progress: Advance | None = None
