"""Write ``hf_processors.json`` of ``tare.input_spec.formats``: what each image processor takes where its config is silent.

``python -m benchmarks.hf_processors`` reads the class attributes of the installed transformers; nothing is downloaded.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent / "src" / "tare" / "input_spec" / "formats" / "hf_processors.json"

#: The keys that decide what reaches the network.
KEYS = (
    "crop_pct", "crop_size", "default_to_square", "do_center_crop", "do_flip_channel_order", "do_grayscale", "do_normalize",
    "do_pad", "do_rescale", "do_resize", "image_mean", "image_std", "include_top", "offset", "pad_size", "resample",
    "rescale_factor", "rescale_offset", "size",
)  # fmt: skip


def processor_classes() -> Iterator[type[Any]]:
    """Every image processor class that transformers defines, both backends."""
    import transformers
    from transformers.image_processing_utils import BaseImageProcessor

    root = Path(transformers.__file__).parent / "models"
    for path in sorted(root.glob("*/image_processing_*.py")):
        name = f"transformers.models.{path.parent.name}.{path.stem}"
        if path.parent.name == "auto":
            continue
        for member in vars(import_module(name)).values():
            if inspect.isclass(member) and member.__module__ == name and issubclass(member, BaseImageProcessor):
                yield member


def defaults_of(member: type[Any]) -> dict[str, Any] | None:
    """The values that the class takes by itself; None for one that cannot be made without arguments."""
    try:
        processor = member()
    except TypeError:
        return None
    stated = {**{key: getattr(processor, key, None) for key in KEYS}, **processor.to_dict()}
    found = {key: stated[key] for key in KEYS if stated[key] is not None}
    plain: dict[str, Any] = json.loads(
        json.dumps(found, default=lambda value: dict(value) if hasattr(value, "keys") else list(value))
    )
    return plain


def document() -> dict[str, Any]:
    """Defaults by class name without ``ImageProcessor`` and without backend."""
    import transformers

    classes: dict[str, Any] = {}
    for member in processor_classes():
        name = member.__name__.removesuffix("Pil").removesuffix("ImageProcessor")
        found = defaults_of(member)
        if found is not None and classes.setdefault(name, found) != found:
            raise SystemExit(f"the backends of {name} differ in their defaults")
    return {"transformers": transformers.__version__, "classes": dict(sorted(classes.items()))}


def text() -> str:
    """The file as it is written, one class a line."""
    found = document()
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in found["classes"].items())
    return f'{{"transformers": {json.dumps(found["transformers"])}, "classes": {{\n{lines}\n}}}}\n'


if __name__ == "__main__":
    HOME.write_text(text(), encoding="utf-8")
