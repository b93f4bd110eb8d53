"""How images are read, in the words of the options, apart from what reads them."""

from typing import Literal

ColourMode = Literal["stored", "grey", "rgb"]
AlphaMode = Literal["drop", "composite"]
