"""The strategies, each declared once: what it means, what the field calls it, and what it takes.

This module is apart from their computation: the command line lists them without loading NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal[
    "source", "target", "match", "blend", "sample", "none",
    "minmax", "quantile", "bounds", "percentile", "stretch", "window", "log1p", "dB", "sample-percentile",
]  # fmt: skip
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
#: Raw data that a strategy is sensible for: 8-bit images, images of more bits or floats, signals, rows of a table.
Kind = Literal["photo", "raster", "signal", "row"]
#: Whose constants a strategy applies: the source's, the target's training split's, both, the user's, or none of a dataset.
Whose = Literal["source", "target", "both", "user", "nobody"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a strategy is, apart from its formula.

    ``known_as`` is what the field calls it. ``folds`` says whether it is one affine map per channel, the same for all samples,
    which a first layer can take in. ``apart`` says that it normalises each sample by its own values.
    """

    meaning: str
    known_as: str
    whose: Whose
    kinds: tuple[Kind, ...] = ("photo", "raster", "signal", "row")
    folds: bool = True
    apart: bool = False


_DEEP: tuple[Kind, ...] = ("raster", "signal", "row")

DECLARED: Mapping[Strategy, Declaration] = {
    "source": Declaration(
        "the mean and std that the network was pretrained with", "the pretrained model's Normalize, as with ImageNet's", "source"
    ),
    "target": Declaration(
        "the target's mean and std, measured on its training split", "z-score, standardisation, StandardScaler", "target"
    ),
    "match": Declaration(
        "maps the target's mean and std onto those of the inputs in pretraining", "moment matching, first-order CORAL", "both"
    ),
    "blend": Declaration(
        "the target's mean and std, shrunk toward the source's according to their standard errors",
        "shrinkage, empirical Bayes",
        "both",
    ),
    "sample": Declaration(
        "each sample's own mean and std",
        "per-image standardisation, instance normalisation, the first half of RevIN",
        "nobody",
        ("photo", "raster", "signal"),
        folds=False,
        apart=True,
    ),
    "none": Declaration("unit values, not normalised", "ToTensor alone, rescale by 1/255", "nobody"),
    "minmax": Declaration(
        "the target's smallest and largest value to 0 and 1", "min-max scaling, MinMaxScaler", "target", _DEEP
    ),
    "quantile": Declaration(
        "the target's 1% and 99% quantiles to -1 and 1, values beyond them kept",
        "quantile normalisation with q01 and q99, as robot policies have it",
        "target",
        ("signal", "row"),
    ),
    "bounds": Declaration(
        "the target's 1% and 99% quantiles to -1 and 1, values beyond them cut off",
        "BOUNDS_Q99 of robot data",
        "target",
        ("signal", "row"),
        folds=False,
    ),
    "percentile": Declaration(
        "the target's 1st and 99th percentiles to 0 and 1, values beyond them cut off",
        "percentile clipping, robust min-max",
        "target",
        ("raster", "row"),
        folds=False,
    ),
    "stretch": Declaration(
        "the target's 2nd and 98th percentiles to 0 and 1, values beyond them cut off",
        "2% linear stretch, cumulative count cut",
        "target",
        ("raster",),
        folds=False,
    ),
    "window": Declaration(
        "a stated window of raw values to 0 and 1, values beyond it cut off",
        "window and level of CT, ScaleIntensityRange",
        "user",
        ("raster",),
        folds=False,
    ),
    "log1p": Declaration(
        "the logarithm of 1 + the raw value, by its mean and std over the target",
        "log transform of counts, then z-score",
        "target",
        ("raster", "row"),
        folds=False,
    ),
    "dB": Declaration(
        "10 log10 of the raw value, by its mean and std over the target",
        "decibels of radar backscatter or of a power spectrum, then z-score",
        "target",
        ("raster", "signal"),
        folds=False,
    ),
    "sample-percentile": Declaration(
        "each sample's own 1st and 99th percentiles to 0 and 1, values beyond them cut off",
        "per-image percentile normalisation, ScaleIntensityRangePercentiles",
        "nobody",
        ("photo", "raster", "signal"),
        folds=False,
        apart=True,
    ),
}  # fmt: skip

#: What each strategy normalises with, for reports and cards.
MEANINGS: Mapping[str, str] = {name: declared.meaning for name, declared in DECLARED.items()}
#: Those that are a mean and std, or none: what the question of the project is about.
BASIC: tuple[Strategy, ...] = STRATEGIES[: STRATEGIES.index("none") + 1]
