"""Data as a network sees them: after its own resize and crop, before its normalisation.

The steps are those of :func:`tare.datasets.image_batches.evaluation_transform`, the same as in timm and torchvision: 8-bit
images stay 8-bit images, and deeper ones become unit values.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.image_batches import UnsizableError, as_taken, evaluation_transform
from tare.errors import DataError, SpecError
from tare.input_spec.geometry import MOST_PIXELS, Geometry
from tare.input_spec.model_file import model_file
from tare.input_spec.spec import InputSpec
from tare.samples.records import Record, Sample, Skipped, Stack
from tare.sources.base import Source
from tare.sources.derived import SameChannels
from tare.system.local.opened import text_of

_SIZE = re.compile(r"([0-9]+)(?:x([0-9]+))?")
#: Digits of the longest edge; more are no number of pixels.
_DIGITS = 9
#: Files of a directory of transformers that state how images are prepared.
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
#: The colour around an image that is padded, in unit values.
Border = tuple[float, ...] | None

_REMEDY = "name a spec file, a model directory, or a size such as 224 or 224x160"


@dataclass(frozen=True)
class AsSeen(SameChannels):
    """The images of another source after the resize and crop that ``geometry`` states.

    ``border`` is the colour around an image that is padded, in unit values: one for each channel, or None for black.
    """

    geometry: Geometry
    border: Border = None

    def changed(self, record: Record) -> Iterator[Record]:
        """Resize and crop each image. Raises :class:`DataError` for samples other than images."""
        see = _transform(self.geometry, self.border)
        if isinstance(record, Sample | Stack):
            self._check_border(record)
        if isinstance(record, Sample) and record.values.ndim == 3:
            bands = tuple(fact for fact in record.facts if fact[0] == "bands")  # others are of raw values as stored
            try:
                yield Sample(record.path, seen(record.values, see), record.label, record.notes, bands)
            except UnsizableError as error:
                yield Skipped(record.path, error.found)
        elif isinstance(record, Stack) and record.values.ndim == 4:
            images = np.moveaxis(record.values, 1, -1) if record.channels_first else record.values
            yield Stack(record.path, np.stack([seen(image, see) for image in images]), record.labels)
        elif isinstance(record, Skipped):
            yield record
        else:
            raise DataError("images to resize and crop", f"other samples in {record.path!r}", "leave out --as-seen")

    def _check_border(self, record: Sample | Stack) -> None:
        """Raise :class:`DataError` for an image whose channels are not those that the colour of the border is of."""
        channels = record.channels if isinstance(record, Stack) else record.values.shape[-1]
        if self.border is not None and len(self.border) not in (1, channels):
            found = f"{channels} in {record.path!r}"
            raise DataError(f"images of the network's {len(self.border)} channels", found, "convert them with --channels")


@lru_cache(maxsize=8)
def _transform(geometry: Geometry, border: Border) -> Callable[[Any], torch.Tensor]:
    return evaluation_transform(geometry, border)  # building it costs more than using it on a small image


def seen(values: NDArray[Any], see: Callable[[Any], torch.Tensor]) -> NDArray[Any]:
    """Resize and crop one image ``(H, W, C)``: uint8 stays uint8, other values become float32 unit values."""
    return np.ascontiguousarray(see(as_taken(np.ascontiguousarray(values))).permute(1, 2, 0).numpy())


def stated_geometry(stated: Any) -> tuple[Geometry, str]:
    """Read the geometry of a network's input; also return where it was stated.

    ``stated`` is a size (``224``, ``"224x160"``, height first), a :class:`Geometry`, an :class:`InputSpec`, a spec file, a model
    directory that ``tare transfer`` wrote, or a directory of transformers (with or without ``hf:``). A size alone means timm's
    defaults: bicubic, and a centre crop of 0.875.

    Raises :class:`SpecError` for anything else, or if size, interpolation or crop is not stated.
    """
    found, _, origin = _seen_as(stated)
    return found, origin


def as_seen(source: Source[Any], stated: Any) -> tuple[AsSeen, dict[str, Any]]:
    """The source as a network sees it that ``stated`` names as for :func:`stated_geometry`, and a record of how it does."""
    geometry, border, origin = _seen_as(stated)
    record: dict[str, Any] = {**asdict(geometry), "size": list(geometry.size), "origin": origin}
    return AsSeen(source, geometry, border), record if border is None else {**record, "border": list(border)}


def _seen_as(stated: Any) -> tuple[Geometry, Border, str]:
    found, border, origin = _stated(stated)
    if max(found.size) > MOST_PIXELS:
        said = " x ".join(map(str, found.size))
        raise SpecError(f"a height and width of at most {MOST_PIXELS:,} pixels", said, _REMEDY)
    return found, border, origin


def _stated(stated: Any) -> tuple[Geometry, Border, str]:
    if isinstance(stated, Geometry):
        return stated, None, "stated"
    if isinstance(stated, InputSpec):
        return *_of_spec(stated), "a spec"
    if isinstance(stated, int):
        return _of_size(stated, stated), None, "a stated size"
    if isinstance(stated, tuple) and len(stated) == 2:
        return _of_size(*stated), None, "a stated size"
    text = os.fspath(stated) if isinstance(stated, str | os.PathLike) else repr(stated)
    size = _SIZE.fullmatch(text)
    if size is not None and not Path(text).exists():
        if len(text) > 2 * _DIGITS:
            raise SpecError("a height and width in pixels", f"{text[:80]!r}", _REMEDY)
        return _of_size(int(size[1]), int(size[2] or size[1])), None, "a stated size"
    return *_of_spec(_load(Path(text.removeprefix("hf:")))), text


def _of_size(height: int, width: int) -> Geometry:
    if min(height, width) < 1:
        raise SpecError("a height and width of at least one pixel", f"{height} x {width}", _REMEDY)
    return Geometry((height, width))


def _of_spec(spec: InputSpec) -> tuple[Geometry, Border]:
    remedy = "state it in the spec file, or pass a size"
    crop = spec.require("crop", remedy)
    geometry = Geometry.of(spec.require("size", remedy), spec.require("interpolation", remedy), crop)
    return geometry, spec.border() if crop.mode == "border" else None


def _load(path: Path) -> InputSpec:
    if not path.exists():
        raise SpecError("a spec file, a model directory or a size", f"{str(path)!r}", _REMEDY)
    files = [path] if path.name in _PROCESSORS else [path / name for name in _PROCESSORS] if path.is_dir() else []
    processor = next((file for file in files if file.is_file()), None)
    if processor is not None and model_file(path) is None:
        return _of_processor(processor)
    return InputSpec.from_json(_spec_in(path)) if path.is_dir() else InputSpec.load(path)


def _of_processor(path: Path) -> InputSpec:
    """What the image processor of a directory of transformers states, by itself or within a processor of text and images."""
    try:
        document = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError("the configuration of an image processor", f"{str(path)!r}: {error!r}", _REMEDY) from None
    inner = document.get("image_processor") if isinstance(document, dict) else None
    return InputSpec.from_hf(inner if isinstance(inner, dict) else document, str(path))


def _spec_in(folder: Path) -> Any:
    """The spec in the ``tare.json`` of a model directory, or of the ``model`` folder of a run."""
    path = model_file(folder)
    if path is None:
        raise SpecError("a model directory with a tare.json", f"none in {str(folder)!r}", _REMEDY)
    try:
        return json.loads(text_of(path))["spec"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SpecError("a tare.json with a spec", f"{str(path)!r}: {error!r}", "transfer again") from None
