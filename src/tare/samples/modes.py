"""Values of the options for reading images, in a module that imports no decoder."""

from typing import Literal

ColourMode = Literal["stored", "grey", "rgb"]
AlphaMode = Literal["drop", "composite"]
ExifMode = Literal["ignore", "apply"]
PageMode = Literal["samples", "channels"]
