"""What a graph takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tare.exporting.inputs import Output
from tare.input_spec.geometry import NOUNS, SampleKind

GraphLayout = Literal["NHWC", "NCHW", "NTC", "NC", "NTF", "NDHWC", "NTHWC"]
_KINDS: Mapping[GraphLayout, SampleKind] = {"NTC": "signal", "NC": "vector", "NTF": "sound", "NDHWC": "volume", "NTHWC": "clip"}


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """What a graph takes and gives; ``with_resize`` puts resize and centre crop inside, for images of any size.

    ``answer`` is what the task's outputs are called; values of a regression come without logits, of which they are a multiple.
    Of signals (``NTC``) it puts cut and padding inside, for any number of steps; rows (``NC``) and spectrograms (``NTF``: frames,
    then mel bins) have none.
    """

    layout: GraphLayout = "NHWC"
    output: Output = "both"
    with_resize: bool = False
    answer: str = "probabilities"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs, in order: what the task answers, such as probabilities, and the logits behind it."""
        if self.answer == "values":
            return (self.answer,)
        return (self.answer, "logits") if self.output == "both" else (self.output,)

    @property
    def takes(self) -> str:
        """What the input is called, and holds: ``images``, ``signals``, ``rows`` or ``recordings``."""
        return NOUNS[_KINDS.get(self.layout, "image")]

    @property
    def dynamic(self) -> dict[int, str]:
        """Names of the input's axes that may have any length."""
        if self.layout in _KINDS:
            return {0: "N", 1: "T"} if self.with_resize else {0: "N"}
        rows = self.layout.index("H")
        return {0: "N", rows: "H", rows + 1: "W"} if self.with_resize else {0: "N"}
