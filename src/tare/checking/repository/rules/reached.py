"""The map from the values of a file's image to what code makes of them: what divisions, means, stds and pipelines did on the way.

Only what is certain has a map: an image whose reader is known, and operations whose effect on 8-bit values is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from tare.checking.repository.rules.normalisations import FUNCTIONS, Normalisation, of_step, step_of_function
from tare.code.facts import Pipeline
from tare.code.interpreter.values import UNKNOWN, Call, Items, Library, Literal, Value
from tare.code.libraries.flows import before, channel_order, root
from tare.code.libraries.opencv import code_of, is_bgr
from tare.code.libraries.pipelines import step_of
from tare.code.libraries.step import Step, flag, number, numbers, text
from tare.code.types import TypeKind, type_given, type_kind

Numbers = tuple[float, ...]

_DEEPEST = 60
#: Functions that read an image of 8 bits with the channels red, green, blue, by their library.
_READERS = {
    "PIL": ("Image.open",),
    "torchvision": ("io.read_image", "io.decode_image", "io.decode_jpeg"),
    "imageio": ("imread", "v2.imread", "v3.imread"),
    "skimage": ("io.imread",),
    "tensorflow": ("keras.utils.load_img", "keras.preprocessing.image.load_img", "io.decode_jpeg", "image.decode_jpeg"),
    "keras": ("utils.load_img", "preprocessing.image.load_img"),
}
#: Options of a reader that leave values as they are in the file, and those of the channels, with what gives three of them.
_HARMLESS = frozenset(("target_size", "interpolation", "keep_aspect_ratio", "plugin"))
_COLOURS = frozenset(("rgb", "r", "3"))
#: Files whose values often have 16 bits.
_DEEP = (".tif", ".tiff")
#: Calls that leave values as they are, beside those of :mod:`~tare.code.libraries.flows`; their first argument is the image.
_KEEPING = frozenset(
    (
        *("tensor", "as_tensor", "FloatTensor", "Tensor", "Variable", "contiguous", "clone", "half", "type", "pil_to_tensor"),
        *("moveaxis", "movedim", "rollaxis", "swapaxes", "rearrange", "center_crop", "hflip", "thumbnail", "exif_transpose"),
        *("interpolate", "stack", "cat", "concat", "concatenate", "vstack", "pin_memory", "view"),
    )
)
#: Calls after which an image has floats, so that ToTensor does not divide it.
_FLOATING = frozenset(
    ("float", "float16", "float32", "float64", "half", "single", "double", "longdouble", "FloatTensor", "Tensor")
)
_EXCHANGING = frozenset(("COLOR_BGR2RGB", "COLOR_RGB2BGR", "COLOR_BGRA2RGB"))


@dataclass(frozen=True, slots=True)
class Reached:
    """An image on its way: ``value * scale + offset`` for 8-bit values, by channel in the order that it has now.

    ``bgr`` says whether that order is blue, green, red; ``floats`` whether its values are floats, and ``wide`` whether they are
    integers of more than 8 bits; ``steps`` has the calls that changed values, the first one first, and ``pipelines`` those that
    were applied. It is not ``ordered`` if a call on the way may have moved its channels.
    """

    source: Call
    bgr: bool
    scale: Numbers = (1.0, 1.0, 1.0)
    offset: Numbers = (0.0, 0.0, 0.0)
    floats: bool = False
    steps: tuple[Call, ...] = ()
    pipelines: tuple[Call, ...] = ()
    ordered: bool = True
    wide: bool = False

    @property
    def reader(self) -> str:
        """The function that reads the image."""
        return "cv2.VideoCapture" if self.source.function == ".read" else self.source.function

    @property
    def is_raw(self) -> bool:
        """Whether values are still those of the file."""
        return self.scale == (1.0, 1.0, 1.0) and self.offset == (0.0, 0.0, 0.0)

    @property
    def is_unit(self) -> bool:
        """Whether values are 0..1."""
        return all(abs(each * 255 - 1) < 1e-2 for each in self.scale) and self.offset == (0.0, 0.0, 0.0)

    @property
    def constants(self) -> tuple[Numbers, Numbers]:
        """The mean and std for unit values with which values are normalised as they arrive."""
        return (
            tuple(-offset / scale / 255 for offset, scale in zip(self.offset, self.scale, strict=True)),
            tuple(1 / scale / 255 for scale in self.scale),
        )

    def after(self, call: Call, factor: Numbers, shift: Numbers) -> Reached:
        """The image after ``value * factor + shift``."""
        return replace(
            self,
            scale=tuple(each * by for each, by in zip(self.scale, _three(factor), strict=True)),
            offset=tuple(each * by + more for each, by, more in zip(self.offset, _three(factor), _three(shift), strict=True)),
            floats=True,
            wide=False,
            steps=(*self.steps, call),
        )

    def alone(self) -> Reached:
        """The image without the trees of the files, and without its pipelines."""
        steps = tuple(each.alone() for each in self.steps)
        return replace(self, source=self.source.alone(), steps=steps, pipelines=())

    def exchanged(self) -> Reached:
        """The image with red and blue exchanged."""
        return replace(self, bgr=not self.bgr, scale=self.scale[::-1], offset=self.offset[::-1])


def _three(values: Numbers) -> Numbers:
    return values * 3 if len(values) == 1 else values


def reached(value: Value, pipelines: Mapping[int, Pipeline], depth: int = 0) -> Reached | None:
    """The map by which a value was made of an image; ``pipelines`` are the known ones by the identity of their call."""
    if isinstance(value, Items) or (isinstance(value, Call) and value.function == "operator.each"):
        return _alike(value.items if isinstance(value, Items) else value.args, pipelines, depth)
    if not isinstance(value, Call) or depth > _DEEPEST or value.spread:
        return None
    source = _source(value) or _loaded(value, pipelines)
    if source is not None:
        return source
    for read in (_reversed, _converted, _calculated, _transformed, _kept):
        found = read(value, pipelines)
        if found is not None:
            image = reached(found.image, pipelines, depth + 1)
            return None if image is None else found.change(image)
    return None


def _alike(items: Sequence[Value], pipelines: Mapping[int, Pipeline], depth: int) -> Reached | None:
    """The way of several images, if all have the same."""
    found = [reached(each, pipelines, depth + 1) for each in items]
    ways = {(each.scale, each.offset, each.bgr, each.floats) for each in found if each is not None}
    return found[0] if len(ways) == 1 and None not in found else None


def _reads_colours(call: Call) -> bool:
    """Whether a call reads an image of 8 bits with the channels red, green, blue."""
    library, _, name = call.function.partition(".")
    if name not in _READERS.get(library, ()) or not call.args or text(call.args[0]).lower().endswith(_DEEP):
        return False
    return all(_of_colours(each) for each in (*call.args[1:], *_options(call)))


def _options(call: Call) -> Iterator[Value]:
    return (value for key, value in call.keywords.items() if key not in _HARMLESS)


def _of_colours(option: Value) -> bool:
    if isinstance(option, Library):
        return option.name.endswith("ImageReadMode.RGB")
    return isinstance(option, Literal) and str(option.value).lower() in _COLOURS


def _source(call: Call) -> Reached | None:
    """An image as it is read, if its reader gives 8 bits and three channels."""
    if _reads_colours(call):
        return Reached(call, bgr=False)
    if call.function == "cv2.imdecode":
        flags = call.argument(1, "flags")
        return Reached(call, bgr=True) if isinstance(flags, Library) and flags.name == "cv2.IMREAD_COLOR" else None
    return Reached(call, bgr=True) if before(call) is None and is_bgr(call) else None


def _loaded(call: Call, pipelines: Mapping[int, Pipeline]) -> Reached | None:
    """The images that a loader gives of a folder of images, after the transform of its dataset."""
    folder = folder_of(call)
    transform = None if folder is None else folder.argument(1, "transform")
    steps = None if transform is None else _steps(transform, pipelines)
    return None if steps is None or folder is None else _through(steps, transform, Reached(folder, bgr=False))


def folder_of(call: Call) -> Call | None:
    """The folder of images of which a call is a batch, as a loader gives it, or a sample; None for any other call."""
    if call.function not in ("operator.part", "operator.item") or number(call.args[1]) != 0:
        return None
    batch = call.args[0]
    while isinstance(batch, Call) and batch.function in ("operator.element", "operator.part", "enumerate", "tqdm.tqdm"):
        batch = batch.args[0]
    if isinstance(batch, Call) and batch.last == "DataLoader" and batch.args:
        # A function that puts the samples together may do anything with them.
        if batch.argument(6, "collate_fn") is not None or batch.spread:
            return None
        batch = batch.args[0]
    return batch if isinstance(batch, Call) and batch.function == "torchvision.datasets.ImageFolder" else None


class _Change(NamedTuple):
    """What one call does to the image that it is given."""

    image: Value
    change: Callable[[Reached], Reached | None]


def _unchanged(image: Reached) -> Reached:
    return image


def _unknown(image: Reached) -> None:
    """No map: what the call does to values is not known."""


def _reversed(call: Call, _: Mapping[int, Pipeline]) -> _Change | None:
    """``image[..., ::-1]``, other orders of the channels, and one of them; a reversal along another axis may be a flip."""
    order = channel_order(call)
    if order == "kept":
        return None
    image = call.receiver if call.function.startswith(".") else call.argument(0) or UNKNOWN
    return _Change(image, Reached.exchanged if order == "reversed" else _unknown)


def _converted(call: Call, _: Mapping[int, Pipeline]) -> _Change | None:
    """Conversions of colours, and to another type."""
    if call.function == "cv2.cvtColor":
        return _Change(call.args[0], Reached.exchanged if code_of(call) in _EXCHANGING else _unknown) if call.args else None
    if call.function == ".convert":
        return _Change(call.receiver, _unchanged if [text(each) for each in call.args] == ["RGB"] else _unknown)
    kind = type_given(call)
    if kind is not None:
        return _Change(call.receiver if call.function.startswith(".") else call.args[0], _typed(kind, call.function))
    if call.last in ("convert_image_dtype", "to_dtype") and call.args:
        return _Change(call.args[0], _other_type(call))
    if call.last in _FLOATING:
        return _Change(call.receiver if call.function.startswith(".") else call.argument(0) or UNKNOWN, _floating)
    return None


def _typed(kind: Value, method: str = "") -> Callable[[Reached], Reached | None]:
    """Floats and wide integers, which ToTensor does not divide; bytes cut floats off; ``.to(device)`` changes nothing."""
    made: dict[TypeKind, Callable[[Reached], Reached | None]] = {"bytes": _unless_floats, "wide": _widened, "floats": _floating}
    return made.get(type_kind(kind), _unchanged if method == ".to" else _unknown)


def _widened(image: Reached) -> Reached | None:
    """An image of integers of more than 8 bits."""
    return replace(image, wide=True) if image.is_raw and not image.floats else None


def _unless_floats(image: Reached) -> Reached | None:
    return None if image.floats else replace(image, wide=False)


def _floating(image: Reached) -> Reached:
    return replace(image, floats=True, wide=False)


def _calculated(call: Call, _: Mapping[int, Pipeline]) -> _Change | None:
    """Arithmetic with constants, by operators, methods and functions."""
    name = _OPERATIONS.get(call.function) or _OPERATIONS.get(call.last)
    if name is None:
        return None
    given = (call.receiver, *call.args) if call.function.startswith(".") else call.args
    if len(given) != 2:
        return None
    orders = (given, given[::-1]) if name in "*+" else (given,)
    for image, other in orders:
        constant = numbers(root(other))
        if constant is not None and len(constant) in (1, 3):
            return _Change(image, partial(_calculate, call, name, constant))
    return None


_OPERATIONS = {
    **{f"operator.{each}": each for each in "+-*/"},
    **{"div": "/", "div_": "/", "true_divide": "/", "divide": "/", "sub": "-", "sub_": "-", "subtract": "-"},
    **{"mul": "*", "mul_": "*", "multiply": "*", "add_": "+"},
}


def _calculate(call: Call, name: str, constant: Numbers, image: Reached) -> Reached | None:
    if name in "+-":
        return image.after(call, (1.0,), constant if name == "+" else tuple(-each for each in constant))
    if 0.0 in constant:
        return None
    return image.after(call, constant if name == "*" else tuple(1 / each for each in constant), (0.0,))


def _transformed(call: Call, pipelines: Mapping[int, Pipeline]) -> _Change | None:
    """A pipeline or a step that is called, and the functions of torchvision and scikit-image that scale."""
    if call.function == "()":
        image = call.keywords.get("image") or call.argument(0)
        steps = _steps(call.receiver, pipelines)
        return None if image is None or steps is None else _Change(image, partial(_through, steps, call.receiver))
    if not call.args:
        return None
    if call.function in _TO_TENSOR:
        return _Change(call.args[0], partial(_through, (Step("to_tensor", call.last, call),), None))
    if call.function in FUNCTIONS:
        return _Change(call.args[0], partial(_through, (step_of_function(call),), None))
    if call.function in ("skimage.transform.resize", "skimage.transform.rotate"):
        kept = flag(call.keywords.get("preserve_range"))
        return _Change(call.args[0], _unchanged if kept else partial(_through, (Step("to_float", call.last, call),), None))
    return None


def _other_type(call: Call) -> Callable[[Reached], Reached | None]:
    """To floats of 0..1, as ``convert_image_dtype`` does and ``to_dtype`` where it is told to scale; to floats as they are."""
    kind = call.argument(1, "dtype")
    if kind is not None and type_kind(kind) != "floats":
        return _unknown
    scales = call.last == "convert_image_dtype" or flag(call.argument(2, "scale"))
    if scales:
        return partial(_through, (Step("to_float", call.last, call),), None)
    return _floating if flag(call.argument(2, "scale") or Literal(False)) is False else _unknown


_TO_TENSOR = frozenset(f"torchvision.transforms.{each}functional.to_tensor" for each in ("", "v2."))


def _steps(receiver: Value, pipelines: Mapping[int, Pipeline]) -> tuple[Step, ...] | None:
    """The steps of a pipeline without branches, or the one step that a value is."""
    pipeline = pipelines.get(id(receiver))
    if pipeline is not None:
        return pipeline.variants[0].steps if len(pipeline.variants) == 1 else None
    step = step_of(receiver) if isinstance(receiver, Call) else None
    return None if step is None else (step,)


def _through(steps: tuple[Step, ...], pipeline: Value | None, image: Reached) -> Reached | None:
    """The image after every step; None as soon as one is not known."""
    found: Reached | None = image
    for each in steps:
        found = None if found is None else after_step(each, found)
    applied = isinstance(pipeline, Call) and found is not None
    return replace(found, pipelines=(*found.pipelines, pipeline)) if applied else found  # type: ignore[type-var, union-attr]


def after_step(step: Step, image: Reached) -> Reached | None:
    """The image after a step; None if what the step does is not known."""
    if step.kind in ("identity", "convert", "geometric", "photometric", "erase"):
        return _unordered(image) if step.name == "ChannelShuffle" else image
    if image.wide and step.kind in ("to_tensor", "to_float"):
        return image if step.kind == "to_tensor" else None  # to_float divides by the largest value of the type
    if step.kind in ("to_tensor", "to_float"):
        return image if image.floats else image.after(step.call, (1 / 255,), (0.0,))
    if step.kind == "rescale":
        factor, offset = number(step.values.get("factor")), number(step.values.get("offset"))
        return None if not factor or offset is None else image.after(step.call, (factor,), (offset,))
    known = list(of_step(step, frozenset())) if step.kind == "normalize" else []
    return normalised(known[0], image) if len(known) == 1 else None


def normalised(by: Normalisation, image: Reached) -> Reached | None:
    """The image after a normalisation; None for one of another number of channels, or with a std of zero."""
    if {len(by.mean), len(by.std)} - {1, 3} or 0.0 in (*by.std, by.top):
        return None
    mean, std = _three(by.mean), _three(by.std)
    shift = tuple(-each / one for each, one in zip(mean, std, strict=True))
    return image.after(by.call, tuple(1 / one / by.top for one in std), shift)


def composed(steps: Sequence[Step]) -> tuple[Numbers, Numbers] | None:
    """The mean and std of the one normalisation that several steps are together; None if a step is not known.

    They are in units of what the first step gets: Normalize(mean, 1) and Normalize(0, std) are Normalize(mean, std).
    """
    if not steps:
        return None
    image: Reached | None = Reached(steps[0].call, bgr=False, scale=(1 / 255,) * 3, floats=True)
    for each in steps:
        image = None if image is None else after_step(each, image)
    return None if image is None else image.constants


def _kept(call: Call, _: Mapping[int, Pipeline]) -> _Change | None:
    """Calls that leave values as they are."""
    earlier = before(call)
    if earlier is not None:
        return _Change(earlier, _unordered if _may_move(call) else _unchanged)
    if call.last not in _KEEPING or call.function.startswith("@"):
        return None
    image = call.receiver if call.function.startswith(".") else call.argument(0)
    return None if image is None else _Change(image, _unchanged)


def _unordered(image: Reached) -> Reached:
    return replace(image, ordered=False)


def _may_move(call: Call) -> bool:
    """Whether a call that leaves values as they are may put channels elsewhere, where :func:`channel_order` sees none moved.

    What an index is may not be known, and a flip may be along any axis.
    """
    return call.last == "flip" or (call.function == "operator.item" and not isinstance(call.args[1], Literal))
