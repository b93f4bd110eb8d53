"""The pipeline of one stage as evidence: its steps are read, it is run, and the map that it feeds is diagnosed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tare.checking.rules.evidence import Evidence
from tare.checking.subject import transform_of
from tare.errors import NoImageError, PipelineError
from tare.input_spec.spec import Unknown
from tare.normalisation.diagnosis import TOLERANCE, diagnose
from tare.pipelines.call import Call, call_of
from tare.pipelines.observation import Observation
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.trial import observe
from tare.pipelines.value_map import affine_of_steps
from tare.pipelines.walk import steps_of

# Medians of random values are just precise enough to tell 0..255 from [0, 1].
_ROUGH = 0.5


class StageEvidence(NamedTuple):
    """The evidence of one stage, the form in which its pipeline takes images, and the failure if it could not be run."""

    evidence: Evidence
    form: str = ""
    failure: PipelineError | None = None


def stage_evidence(pipeline: Any, base: Evidence, seed: int) -> StageEvidence:
    """Read the steps and run the pipeline; a pipeline that cannot be run may still be read."""
    pipeline = transform_of(pipeline)
    steps = steps_of(pipeline)
    read = replace(base, steps=steps, stated=spec_of_steps(steps))
    nominal = affine_of_steps(steps, channels=base.channels, nominal=True)
    stated = None if isinstance(nominal, Unknown) else nominal
    try:
        call, form = call_of(pipeline)
        seen = observe(call, seed)
    except NoImageError as failure:  # its output is no image, but its steps can be read
        return StageEvidence(explained(replace(read, fed=stated)), failure=failure)
    except PipelineError as failure:  # a pipeline that raises feeds nothing; its steps may still show why
        return StageEvidence(read, failure=failure)
    # Steps that were read are exact, medians of random values are not.
    fed = stated if stated is not None and seen.affine is not None and seen.approximate else seen.affine
    return StageEvidence(explained(replace(read, seen=seen, fed=fed, alpha=_channels_with_alpha(call, form, seen))), form)


def explained(evidence: Evidence) -> Evidence:
    """The evidence with the diagnosis of the map that is fed."""
    expected = evidence.expected
    if evidence.fed is None or expected is None or len(evidence.fed.order) != len(expected.order):
        return evidence
    tolerance = _ROUGH if evidence.approximate else TOLERANCE
    return replace(evidence, diagnosis=diagnose(evidence.fed, expected, evidence.conventions, tolerance))


def _channels_with_alpha(call: Call, form: str, seen: Observation) -> int | None:
    """The number of channels of an image with alpha; None if the pipeline refuses it, or takes no PIL image and no file."""
    image = np.full((256, 320, 4), 120, np.uint8)
    try:
        result = call(image)
    except PipelineError:
        return None
    if result.ndim != 3 or form not in ("PIL image", "path of a file"):
        return None
    return int(result.shape[0 if seen.layout == "CHW" else -1])
