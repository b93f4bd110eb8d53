"""Call a pipeline of any library with an image. Each library takes and returns images in its own form."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import NoImageError, PipelineError, SpecError
from tare.system.user_code import one_line

#: A function from a raw RGB image, ``(H, W, 3)`` uint8, to the pipeline's output: the array of one image.
Call = Callable[[NDArray[np.uint8]], NDArray[Any]]

_CHANNELS = frozenset((1, 3, 4))
_RESULT_KEYS = ("pixel_values", "image", "images", "input", "inputs", "x")


def call_of(pipeline: Any) -> tuple[Call, str]:
    """A function that runs ``pipeline`` on an image, and the form of the images that the pipeline takes.

    Some libraries take one form only. For the others, forms are tried in this order: PIL image, uint8 array ``(H, W, C)``, uint8
    tensor ``(C, H, W)``, float tensor of unit values, path of a PNG file, clip of one frame ``(T, C, H, W)``, two such clips.
    Raises :class:`PipelineError` with the reason of the first form if all forms fail, and :class:`SpecError` if ``pipeline``
    cannot be called.
    """
    forms = _forms(pipeline)
    if not forms:
        raise SpecError("a pipeline that can be called with an image", type(pipeline).__name__, "name the transform")
    probe = np.full((256, 320, 3), 120, np.uint8)
    first: PipelineError | None = None
    for name, call in forms:
        try:
            call(probe)
        except PipelineError as refused:
            first = first or refused
        else:
            return call, name
    raise first or failure("nothing")


def _forms(pipeline: Any) -> list[tuple[str, Call]]:
    if isinstance(pipeline, list | tuple) and pipeline and all(map(callable, pipeline)):  # timm's separate=True
        parts = pipeline
        pipeline = lambda x: functools.reduce(lambda made, part: part(made), parts, x)  # noqa: E731
    homes = {cls.__module__.partition(".")[0] for cls in type(pipeline).__mro__}
    names = {cls.__name__ for cls in type(pipeline).__mro__}
    if names & {"BaseImageProcessor", "ImageProcessingMixin"}:
        return [("PIL image", _guarded(lambda x: _not_in_rows(pipeline(images=_pil(x), return_tensors="pt"))))]
    if "albumentations" in homes:
        return [("uint8 array", _guarded(lambda x: pipeline(image=x)))]
    if "kornia" in homes:
        return [("unit float tensor", _guarded(lambda x: pipeline(_tensor(x)[None].float() / 255)))]
    if not callable(pipeline):
        return []
    forms = [
        ("PIL image", _guarded(lambda x: pipeline(_pil(x)))),
        ("uint8 array", _guarded(pipeline)),
        ("uint8 tensor", _guarded(lambda x: pipeline(_tensor(x)))),
        ("unit float tensor", _guarded(lambda x: pipeline(_tensor(x).float() / 255))),
        ("path of a file", _guarded(lambda x: _with_file(pipeline, x))),
        ("clip of uint8 tensors", _guarded(lambda x: pipeline(_tensor(x)[None]))),
        ("two uint8 tensors", _guarded(lambda x: pipeline(_tensor(x)[None], _tensor(x)[None]))),
    ]
    if "torchvision" in homes:  # its v2 classes return arrays unchanged, as a pipeline that does nothing would
        forms = [form for form in forms if form[0] not in ("uint8 array", "path of a file")]
    return forms


def _not_in_rows(result: Any) -> Any:
    """Return a processor's result; raise :class:`NoImageError` if it has one row of values per patch instead of images.

    Most processors return a mapping; that of Idefics returns the batch itself.
    """
    for name, values in result.items() if hasattr(result, "items") else [("pixel_values", result)]:
        if "pixel_values" in name and getattr(values, "ndim", 4) < 4:
            raise _no_image(f"patches in rows, shape {tuple(values.shape)}, not an image")
    return result


def _guarded(call: Callable[[Any], Any]) -> Call:
    def run(image: NDArray[np.uint8]) -> NDArray[Any]:
        try:
            return one_image(call(image))
        except PipelineError:
            raise
        except Exception as error:  # the user's code may raise any error
            raise failure(one_line(error)) from error

    return run


def one_image(result: Any) -> NDArray[Any]:
    """The image in a pipeline's result: a tensor, array or PIL image, alone or in a batch, a mapping or a tuple.

    If the result is a batch or tiles, the first image is returned. Raises :class:`NoImageError` if the result holds no image.
    """
    if isinstance(result, Mapping) or hasattr(result, "pixel_values"):
        return one_image(result[_image_key(result)])
    if isinstance(result, list | tuple) and result:
        return one_image(result[0])
    image = _first_of_batch(_numbers_in(result))
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


def _first_of_batch(array: NDArray[Any]) -> NDArray[Any]:
    """The first image of a batch or of tiles, or the frame of a clip ``(C, 1, H, W)``; other arrays unchanged."""
    if array.ndim == 4 and array.shape[1] == 1 and array.shape[0] in _CHANNELS:
        array = array[:, 0]
    while array.ndim > 3 and array.shape[0] and _CHANNELS & {array.shape[-1], array.shape[-3]}:
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


def failure(reason: str) -> PipelineError:
    """The error for a pipeline that could not be run."""
    return PipelineError(
        "a pipeline that takes one RGB image", reason, "run the pipeline on one image yourself, then check again"
    )


def _with_file(pipeline: Callable[[str], Any], image: NDArray[np.uint8]) -> Any:
    """Run a pipeline that reads its image itself, with cv2.imread for example."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.png")
        _pil(image).save(path)
        return pipeline(path)


def _pil(image: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(image)


def _tensor(image: NDArray[np.uint8]) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
