"""What one pretrained network expects as its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Order = Literal["RGB", "BGR", "L", ""]
Inside = Literal["nothing", "scaling", "normalisation"]
Range = Literal["raw", "unit", "signed", "centred", "normalised", "unknown"]

# A rounding to three decimals, as constants are often written.
_SAME = 1.5e-3
_LEVEL = 1 / 255


class Constants(NamedTuple):
    """A mean and std a channel for unit values: the network receives ``(v / 255 - mean) / std`` of an 8-bit value v."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def equal(self, mean: tuple[float, ...], std: tuple[float, ...]) -> bool:
        """Whether these are the same constants but for their rounding; one number stands for all channels."""
        return _equal(self.mean, mean) and _equal(self.std, std)


IMAGENET = Constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = Constants((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLIP = Constants((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
UNIT = Constants((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
RAW = Constants((0.0, 0.0, 0.0), (_LEVEL, _LEVEL, _LEVEL))
#: Keras's mode "caffe": raw levels, blue first, means subtracted and nothing divided.
CAFFE = Constants((103.939 / 255, 116.779 / 255, 123.68 / 255), (_LEVEL, _LEVEL, _LEVEL))
DPN = Constants((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a network expects, in one form for every convention: ``constants`` that its user applies to unit values.

    ``order`` is the order of the channels (empty: not images). ``inside`` says what the network does itself, so that its user
    must not; ``inner`` has the constants that it applies, as far as they are known: its user applies them if the network was
    built without its preprocessing. ``also`` has further constants that are right for this name, since versions of its library
    differ. ``constants`` is None if none would do, as for audio, and ``notes`` say what holds. ``size`` is (height, width).
    """

    library: str
    name: str
    constants: Constants | None
    origin: str
    order: Order = "RGB"
    inside: Inside = "nothing"
    inner: Constants | None = None
    also: tuple[Constants, ...] = ()
    notes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    crop: float | None = None
    interpolation: str = ""

    @property
    def range(self) -> Range:
        """The values that are fed: raw 0..255, unit 0..1, signed -1..1, raw ones with a mean subtracted, or normalised ones."""
        return "unknown" if self.constants is None else range_of(self.constants)

    @property
    def wanted(self) -> str:
        """What is to be fed, in words: ``mean (0.5, 0.5, 0.5) and std (0.5, 0.5, 0.5) on values of 0..1``."""
        if self.constants is None:
            return self.notes[0] if self.notes else "what its own processor makes"
        order = ", blue first" if self.order == "BGR" else ""
        itself = ", which it normalises itself" if self.inside == "normalisation" else ", which it scales itself"
        return f"{words_of(self.constants)}{order}{itself if self.inside != 'nothing' else ''}"

    def accepts(self, mean: tuple[float, ...], std: tuple[float, ...]) -> bool:
        """Whether constants for unit values are those that the network expects, but for their rounding."""
        stated = (self.constants, *self.also) if self.constants else self.also
        return any(each.equal(mean, std) for each in stated)


def range_of(constants: Constants) -> Range:
    """The values that constants for unit values lead to."""
    if constants.equal(RAW.mean, RAW.std):
        return "raw"
    if _equal(constants.std, RAW.std):
        return "centred"
    if constants.equal(UNIT.mean, UNIT.std):
        return "unit"
    return "signed" if constants.equal(HALVES.mean, HALVES.std) else "normalised"


def words_of(constants: Constants) -> str:
    """What constants for unit values make of an image, in words, with the numbers that people write."""
    range_ = range_of(constants)
    if range_ == "raw":
        return "values of 0..255 as they are"
    if range_ == "unit":
        return "values of 0..1"
    if range_ == "centred":
        return f"values of 0..255 less {listed(tuple(each * 255 for each in constants.mean))}"
    return f"mean {listed(constants.mean)} and std {listed(constants.std)} on values of 0..1"


def listed(numbers: tuple[float, ...]) -> str:
    """Numbers in parentheses, to nine digits, which tell all values of float32 apart."""
    return f"({', '.join(f'{number:.9g}' for number in numbers)})"


def _equal(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    count = max(len(one), len(other))
    if not one or not other or not {len(one), len(other)} <= {1, count}:
        return False
    pairs = zip(one * (count // len(one)), other * (count // len(other)), strict=True)
    return all(abs(a - b) <= _SAME * min(1.0, max(abs(a), abs(b)) * 4) for a, b in pairs)
