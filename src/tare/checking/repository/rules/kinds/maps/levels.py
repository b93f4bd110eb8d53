"""Whether the steps that divide bytes alone, as ToTensor does, get bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tare.checking.repository.rules.linking import says
from tare.checking.repository.rules.reached import reached
from tare.code.facts import Facts, Pipeline
from tare.code.libraries.step import Step

#: Steps that take an image of Pillow, or an array, as it is; the first takes nothing else than an image.
BYTES = ("PILToTensor", "ToImage")
#: What makes arrays of floats, which ToTensor does not divide.
_FLOATS = re.compile(r"float(?:16|32|64)\b|\.(?:float|double|astype)\(|dtype\s*=\s*float|np\.load|fromarray\(|loadtxt\(|\bh5py\b")


def is_of_levels(steps: Sequence[Step], facts: Facts) -> bool:
    """Whether ToTensor, the last of some steps, has divided: it gets an image of Pillow, or nothing makes arrays of floats."""
    *before, tensor = steps
    if tensor.name != "ToTensor" or ".v2." in tensor.call.function:  # which leaves tensors as they are
        return False
    if any(each.kind in ("geometric", "photometric") for each in before):  # on images of Pillow, since ToTensor follows
        return True
    return not _makes_floats(facts)


def gets_bytes(pipeline: Pipeline, steps: Sequence[Step], facts: Facts) -> bool:
    """Whether a step that scales gets 8-bit values: what is fed is seen, or of Pillow, or nothing makes arrays of floats."""
    ways = list(_fed(pipeline, facts))
    if ways:
        return all(ways)
    scaling = next(index for index, each in enumerate(steps) if each.kind in ("to_tensor", "to_float"))
    is_image = steps[scaling].name == "ToTensor" and any(each.kind in ("geometric", "photometric") for each in steps[:scaling])
    return is_image or any(each.name == BYTES[0] for each in steps[:scaling]) or not _makes_floats(facts)


def _fed(pipeline: Pipeline, facts: Facts) -> Iterator[bool]:
    """Of each image that a pipeline is seen to get, whether it has bytes."""
    for each in facts.datasets:
        if each.call.function.startswith("torchvision.datasets.") and any(one is pipeline for _, one in each.pipelines):
            yield True
    for call in facts.calls:
        if call.function == "()" and call.receiver is pipeline.call:
            given = call.keywords.get("image") or call.argument(0)
            image = None if given is None else reached(given, {})
            if image is not None:
                yield not (image.floats or image.wide)


def _makes_floats(facts: Facts) -> bool:
    return any(says(_FLOATS, each.document.text) for each in facts.sources)
