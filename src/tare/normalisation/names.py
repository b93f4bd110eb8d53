"""The strategies by name and meaning, apart from their computation: the command line lists them without loading NumPy."""

from collections.abc import Mapping
from typing import Literal, get_args

Strategy = Literal["source", "target", "match", "blend", "sample", "none"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

#: What each strategy normalises with, for reports and cards.
MEANINGS: Mapping[str, str] = {
    "source": "the mean and std that the network was pretrained with",
    "target": "the target's mean and std, measured on its training split",
    "match": "maps the target's mean and std onto those of the inputs in pretraining",
    "blend": "the target's mean and std, shrunk toward the source's according to their standard errors",
    "sample": "each sample's own mean and std",
    "none": "unit values, not normalised",
}
