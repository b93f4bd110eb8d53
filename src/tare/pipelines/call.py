"""Call a pipeline of any library with an image. Each library takes and returns images in its own form."""

from __future__ import annotations

import functools
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import NoImageError, PipelineError, SpecError
from tare.pipelines.probe import Probe
from tare.system.seeds import seeded
from tare.system.user_code import one_line, users_own

#: A sample drawn as levels 0 to 255, ``(H, W, C)``, to the pipeline's output: a tensor or array of one image.
Call = Callable[[NDArray[np.uint8]], NDArray[Any]]

#: What a pipeline is fed unless the network says otherwise.
RGB = Probe()
_CHANNELS = frozenset((1, 3, 4))
#: How often a pipeline is run that fails.
_DRAWS = 3
_RESULT_KEYS = ("pixel_values", "image", "images", "input", "inputs", "x")


def call_of(pipeline: Any, probe: Probe = RGB) -> tuple[Call, str]:
    """A function that runs ``pipeline`` on a sample drawn as levels ``(H, W, C)``, and the form in which it wants samples.

    Forms of images are tried from the most usual on: what the library fixes, else PIL image, uint8 array ``(H, W, C)``, uint8
    tensor ``(C, H, W)``, float tensor of unit values, path of a PNG file; then clips. A one-channel network's pipeline is given
    grey images first. Volumes, signals and rows are arrays and tensors. Raises :class:`PipelineError` with the first form's
    reason if all fail, and :class:`SpecError` for something that cannot be called.
    """
    forms = _forms(pipeline, probe)
    if not forms:
        raise SpecError("a pipeline that can be called with an image", type(pipeline).__name__, "name the transform")
    grey = np.full((256, 320, probe.channels), 120, np.uint8)
    first: PipelineError | None = None
    for name, once in forms:
        call = once if isinstance(once, Sample) else functools.partial(_patiently, once)
        try:
            with seeded(0):
                call(grey)
        except PipelineError as refused:
            first = first or refused
        else:
            return call, name
    raise first or failure("nothing")


@contextmanager
def own_generators_seeded(pipeline: Any, seed: int) -> Iterator[None]:
    """Seed the generators that an Albumentations pipeline has of its own, and give it its old ones back."""
    if not (hasattr(pipeline, "set_random_state") and hasattr(pipeline, "py_random")):
        yield
        return
    kept = pipeline.random_generator, pipeline.py_random
    pipeline.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311 - draws of a trial
    try:
        yield
    finally:
        pipeline.set_random_state(*kept)


def _patiently(call: Call, levels: NDArray[np.uint8]) -> NDArray[Any]:
    """Run a pipeline again that fails: one that draws at random may fail for one draw in hundreds (timm's posterize)."""
    for _ in range(_DRAWS - 1):
        try:
            return call(levels)
        except PipelineError:
            continue
    return call(levels)


def _forms(pipeline: Any, probe: Probe) -> list[tuple[str, Call]]:
    if isinstance(pipeline, list | tuple) and pipeline and all(map(callable, pipeline)):  # timm's separate=True
        parts = pipeline
        pipeline = lambda x: functools.reduce(lambda made, part: part(made), parts, x)  # noqa: E731
    if not callable(pipeline):
        return []
    if not probe.is_image:
        return _sample_forms(pipeline, probe)
    forms = _image_forms(pipeline, probe)
    if probe.channels == 1 and probe.is_plain:  # else colour images, whose grey level is the one channel
        in_colour = _image_forms(pipeline, RGB)
        forms += [(f"{name} in colour", functools.partial(_in_colour, call)) for name, call in in_colour]
    return forms + (_sample_forms(pipeline, probe) if probe.axes == "THW" else [])


def _in_colour(call: Call, levels: NDArray[np.uint8]) -> NDArray[Any]:
    return call(np.repeat(levels, 3, axis=-1))


def _sample_forms(pipeline: Any, probe: Probe) -> list[tuple[str, Call]]:
    return [(name, Sample(pipeline, make, probe)) for name, make in probe.samples()]


class Sample:
    """A pipeline of samples that are no single image; ``layout`` and ``shape`` are those of its latest result."""

    def __init__(self, pipeline: Callable[[Any], Any], make: Callable[[NDArray[np.uint8]], Any], probe: Probe) -> None:
        """Feed ``pipeline`` what ``make`` makes of levels ``(H, W, C)``."""
        self._pipeline, self._make, self._probe = pipeline, make, probe
        self.layout = ""
        self.shape: tuple[int, ...] = ()

    def __call__(self, levels: NDArray[np.uint8]) -> NDArray[Any]:
        """The result for these levels, as ``(C, pixels, 1)``."""
        try:
            given = self._make(levels)
            with users_own(self._pipeline):
                returned = self._pipeline(given)
            planes, self.layout, self.shape = self._probe.planes(_numbers_in(_unwrapped(returned)))
        except PipelineError:
            raise
        except Exception as error:  # whatever the user's code raises
            raise failure(one_line(error), self._probe.words) from error
        return planes


def _unwrapped(result: Any) -> Any:
    """The tensor in a mapping, or the first of a tuple."""
    if isinstance(result, Mapping) or hasattr(result, "pixel_values"):
        return _unwrapped(result[_image_key(result)])
    return _unwrapped(result[0]) if isinstance(result, list | tuple) and result else result


def _image_forms(pipeline: Any, probe: Probe) -> list[tuple[str, Call]]:
    homes = {cls.__module__.partition(".")[0] for cls in type(pipeline).__mro__}
    names = {cls.__name__ for cls in type(pipeline).__mro__}
    counts = _CHANNELS | {probe.channels}

    def guarded(call: Callable[[Any], Any]) -> Call:
        return _guarded(pipeline, lambda levels: call(probe.raw(levels)), counts, probe)

    if names & {"BaseImageProcessor", "ImageProcessingMixin"} and probe.is_plain:
        return [("PIL image", guarded(lambda x: _not_in_rows(pipeline(images=_pil(x), return_tensors="pt"))))]
    if "albumentations" in homes:
        return [("uint8 array" if probe.dtype == "uint8" else f"{probe.dtype} array", guarded(lambda x: pipeline(image=x)))]
    if "kornia" in homes:
        return [("unit float tensor", guarded(lambda x: pipeline(_unit(x)[None])))]
    kind = probe.dtype
    forms = [(f"{kind} array", guarded(pipeline)), (f"{kind} tensor", guarded(lambda x: pipeline(_tensor(x))))]
    if kind.startswith("uint"):
        forms.append(("unit float tensor", guarded(lambda x: pipeline(_unit(x)))))
    if probe.channels == 1:
        forms.insert(0, (f"{kind} array (H, W)", guarded(lambda x: pipeline(x[..., 0]))))
    if probe.is_plain:
        forms = [
            ("PIL image", guarded(lambda x: pipeline(_pil(x)))),
            *forms,
            ("path of a file", guarded(lambda x: _with_file(pipeline, x))),
        ]
        if probe.axes == "HW":
            forms += [
                ("clip of uint8 tensors", guarded(lambda x: pipeline(_tensor(x)[None]))),
                ("two uint8 tensors", guarded(lambda x: pipeline(_tensor(x)[None], _tensor(x)[None]))),
            ]
    if "torchvision" in homes:  # its v2 classes pass arrays on untouched, which would look like a pipeline that does nothing
        forms = [form for form in forms if "array" not in form[0] and form[0] != "path of a file"]
    return forms


def _not_in_rows(result: Any) -> Any:
    """Return a processor's result; raise :class:`NoImageError` if it has one row of values per patch instead of images.

    Most processors return a mapping; that of Idefics returns the batch itself.
    """
    for name, values in result.items() if hasattr(result, "items") else [("pixel_values", result)]:
        if "pixel_values" in name and getattr(values, "ndim", 4) < 4:
            raise _no_image(f"patches in rows, shape {tuple(values.shape)}, not an image")
    return result


def _guarded(pipeline: Any, call: Callable[[Any], Any], counts: frozenset[int], probe: Probe) -> Call:
    def run(image: NDArray[np.uint8]) -> NDArray[Any]:
        try:
            with users_own(pipeline):
                returned = call(image)
            return one_image(returned, counts)
        except PipelineError:
            raise
        except Exception as error:  # whatever the user's code raises
            raise failure(one_line(error), None if probe.is_plain else probe.words) from error

    return run


def one_image(result: Any, counts: frozenset[int] = _CHANNELS) -> NDArray[Any]:
    """The image in what a pipeline returned: a tensor, array or PIL image, alone, in a batch, a mapping or a tuple.

    If the result is a batch or tiles, the first image is returned. Raises :class:`NoImageError` if the result holds no image.
    """
    if isinstance(result, Mapping) or hasattr(result, "pixel_values"):
        return one_image(result[_image_key(result)], counts)
    if isinstance(result, list | tuple) and result:
        return one_image(result[0], counts)
    image = _first_of_batch(_numbers_in(result), counts)
    if image.ndim not in (2, 3) or not image.size:
        raise _no_image(f"an array of shape {image.shape}, not one image")
    return image


def _image_key(result: Any) -> Any:
    """The key of the image in a mapping."""
    named = [key for key in result if "pixel_values" in str(key)]
    key = next((key for key in (*_RESULT_KEYS, *named) if key in result), None)
    if key is None:
        raise _no_image(f"a mapping with the keys {sorted(map(str, result))[:6]}, none of them {_RESULT_KEYS[0]!r} or 'image'")
    return key


def _numbers_in(result: Any) -> NDArray[Any]:
    """A tensor, array or PIL image as an array of numbers."""
    array = _as_array(result)
    if not isinstance(array, np.ndarray):
        raise _no_image(f"an object of type {type(array).__name__}, not an image")
    if array.dtype.kind not in "buif":
        raise _no_image(f"an array of {'text' if array.dtype.kind in 'US' else array.dtype}, not of numbers")
    return array


def _first_of_batch(array: NDArray[Any], counts: frozenset[int] = _CHANNELS) -> NDArray[Any]:
    """The first image of a batch or of tiles, the frame of a clip ``(C, 1, H, W)``, anything else as it is."""
    if array.ndim == 4 and array.shape[1] == 1 and array.shape[0] in counts:
        array = array[:, 0]
    while array.ndim > 3 and array.shape[0] and counts & {array.shape[-1], array.shape[-3]}:
        array = array[0]
    return np.asarray(array)


def _as_array(result: Any) -> Any:
    """A tensor or PIL image as an array; other objects unchanged."""
    if hasattr(result, "detach"):
        result = result.detach().cpu()
        return result.float().numpy() if "bfloat16" in str(result.dtype) else result.numpy()
    return np.asarray(result) if hasattr(result, "getbands") else result


def _no_image(what: str) -> NoImageError:
    return NoImageError("a pipeline that returns one image", f"it returned {what}", "return the image that the network receives")


def failure(reason: str, fed: str | None = None) -> PipelineError:
    """The error for a pipeline that could not be run on what was ``fed``."""
    expected = "a pipeline that takes one RGB image" if fed is None else f"a pipeline that takes {fed}"
    return PipelineError(expected, reason, "run the pipeline on one image yourself, then check again")


def _with_file(pipeline: Callable[[str], Any], image: NDArray[np.uint8]) -> Any:
    """Run a pipeline that reads its image itself, with cv2.imread for example."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.png")
        _pil(image).save(path)
        return pipeline(path)


def _pil(image: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _tensor(image: NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def _unit(image: NDArray[Any]) -> Any:
    """Raw integers as a tensor of unit values; floats as they are."""
    given = image.astype(np.float32)
    return _tensor(given / np.iinfo(image.dtype).max if image.dtype.kind == "u" else given)
