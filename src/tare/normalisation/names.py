"""The strategies by name, apart from what computes them: a command line lists them without loading it."""

from typing import Literal, get_args

Strategy = Literal["source", "target", "match", "blend", "sample", "none"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
