"""The inputs of a Keras model: which one is meant, and the layout, size and channels that their shapes state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.foreign import Fields, known_field

_MOST_AXES = 8
_NAMES_LISTED = 8
_LAYOUTS = {-1: "NHWC", -3: "NCHW"}


@dataclass(frozen=True, slots=True)
class Input:
    """An input by its name (None where the file states none) and its shape without the batch."""

    name: str | None
    shape: tuple[Any, ...]

    @property
    def likely_axis(self) -> int:
        """The axis that holds the channels if no convolution says so: the last, unless only the first is one or three long."""
        return -3 if self._may_be_first and self.shape[-1] not in (1, 3) else -1

    @property
    def is_image(self) -> bool:
        """Whether the shape alone tells an image: three axes, of which the last holds one channel or three."""
        return len(self.shape) == 3 and self.likely_axis == -1 and self.shape[-1] in (1, 3)

    @property
    def _may_be_first(self) -> bool:
        return len(self.shape) == 3 and self.shape[0] in (1, 3)


def chosen_inputs(layers: list[Mapping[str, Any]], source: str, part: str) -> tuple[list[Input], str]:
    """The inputs that are meant, and ``source`` with their names if the model has others or several.

    These are the one that ``part`` names, else those that are images, else all. Raises :class:`SpecError` if ``part`` names none.
    """
    found = _inputs(layers, source)
    if part:
        chosen = [each for each in found if each.name == part]
        if not chosen:
            raise SpecError(f"the part {part!r} of {source}", names_of(found), "name one as PATH#PART")
    else:
        chosen = [each for each in found if len(each.shape) == 3] or found
    if len(found) < 2:
        return chosen or [Input(None, ())], source
    return chosen, f"{source}, {'inputs' if len(chosen) > 1 else 'input'} {names_of(chosen)}"


def names_of(inputs: Sequence[Input]) -> str:
    """The names of inputs as a list, the first eight of them."""
    listed = ", ".join(short_repr(each.name) for each in inputs[:_NAMES_LISTED] if each.name is not None)
    return (listed or "none") + (", ..." if len(inputs) > _NAMES_LISTED else "")


def _inputs(layers: list[Mapping[str, Any]], source: str) -> list[Input]:
    found: list[Input] = []
    for place, layer in enumerate(layers):
        config = layer["config"]
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if (layer["class_name"] != "InputLayer" and place) or not isinstance(shape, list | tuple):
            continue
        if len(shape) > _MOST_AXES or not all(edge is None or isinstance(edge, int) for edge in shape):
            raise SpecError(f"a batch_shape of integers in {source}", short_repr(shape), "correct the model")
        name = layer.get("name") or config.get("name")
        found.append(Input(str(name) if layer["class_name"] == "InputLayer" and name else None, tuple(shape[1:])))
    return found


def fields_of_shape(shape: Sequence[Any], axis: int | None, source: str, said: str) -> Fields:
    """Layout, size and channels of an image whose channels lie along ``axis``, which ``said`` states; unknown if it is None."""
    if axis is None:
        unnamed = Unknown(f"{source} does not say which axis holds the channels")
        size = unnamed if len(shape) == 3 else Unknown(f"{source} states no size")
        return {"layout": unnamed, "size": size, "channels": _channels(None, source)}
    edges = [edge for place, edge in enumerate(shape) if place != len(shape) + axis]
    is_fixed = all(isinstance(edge, int) for edge in edges)
    return {
        "layout": Known(_LAYOUTS[axis], said),
        "size": known_field("size", edges, said) if is_fixed else Unknown(f"{source} takes any size"),
        "channels": _channels(shape[axis], source),
    }


def _channels(count: int | None, source: str) -> Field[str]:
    if count == 1:
        return Known("L", f"{source}, batch_shape")
    if count == 3:
        return Known(
            "RGB", f"{source}, batch_shape: three channels, which Keras's own image loaders return in the order red, green, blue"
        )
    return Unknown(f"{source} does not say what its channels are")
