"""The names of the strategies, apart from their computation: the command line lists them without loading NumPy."""

from typing import Literal, get_args

Strategy = Literal["source", "target", "match", "blend", "sample", "none"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
