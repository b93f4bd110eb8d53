"""The pipeline of one stage as evidence: its steps are read, it is run, and the map that it feeds is diagnosed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tare.checking.feed import of_raw, probe_of, raw_range_of
from tare.checking.inputs import Stage
from tare.checking.rules.evidence import Evidence
from tare.checking.rules.table import findings
from tare.checking.subject import by_stage, transform_of
from tare.errors import NoImageError, PipelineError, SpecError
from tare.input_spec.spec import Known, Unknown
from tare.normalisation.diagnosis import GROSS, OTHERS, TOLERANCE, Diagnosis, RawRange, diagnose
from tare.pipelines.call import Call, Sample, call_of, own_generators_seeded
from tare.pipelines.observation import Observation
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.step import Step, StepKind
from tare.pipelines.trial import observe
from tare.pipelines.value_map import affine_of_steps
from tare.pipelines.walk import steps_of
from tare.statistics.dataset_stats import DatasetStats

# Medians of random values are just precise enough to tell 0..255 from [0, 1].
_ROUGH = 0.5
_YOURS = "measured on your data"
#: Steps that set the scale of values.
_SCALING: tuple[StepKind, ...] = ("to_tensor", "to_dtype", "rescale", "normalize")
#: Rules that say why no map from raw value to input is there.
_SAYING = ("TARE012", "TARE014", "TARE020", "TARE021", "TARE022", "TARE023", "TARE035", "TARE040", "TARE061")


class StageEvidence(NamedTuple):
    """The evidence of one stage, the form in which its pipeline takes images, and the failure if it could not be run."""

    evidence: Evidence
    form: str = ""
    failure: PipelineError | None = None


def stage_evidence(pipeline: Any, base: Evidence, seed: int) -> StageEvidence:
    """Read the steps and run the pipeline; a pipeline that cannot be run may still be read."""
    pipeline = transform_of(pipeline)
    with own_generators_seeded(pipeline, seed):
        return _evidence(pipeline, base, seed)


def _evidence(pipeline: Any, base: Evidence, seed: int) -> StageEvidence:
    steps = steps_of(pipeline)
    probe = probe_of(base.spec)
    read = replace(base, steps=steps, stated=spec_of_steps(steps), raw=raw_range_of(base.spec))
    nominal = affine_of_steps(steps, raw_dtype=probe.dtype, channels=base.channels, nominal=True)
    stated = None if isinstance(nominal, Unknown) else nominal
    try:
        call, form = call_of(pipeline, probe)
        seen = _in_raw_values(observe(call, seed, probe.channels), call, read.raw)
    except NoImageError as failure:  # its output is no image, but its steps can be read
        return StageEvidence(explained(replace(read, fed=stated)), failure=failure)
    except PipelineError as failure:  # a pipeline that raises feeds nothing; its steps may still show why
        return StageEvidence(read, failure=failure)
    # Steps that were read are exact, medians of random values are not; of values that are now normalised and now not, they say
    # nothing.
    drawn = seen.approximate or (base.stage == "train" and seen.random and seen.affine is None and not seen.by_image)
    fed = stated if drawn and (stated is not None or _now_and_then(steps)) else seen.affine
    alpha = _channels_with_alpha(call, form, seen) if probe.is_plain and probe.channels == 3 else None
    return StageEvidence(explained(replace(read, seen=seen, fed=fed, alpha=alpha)), form)


def _now_and_then(steps: Iterable[Step]) -> bool:
    """Whether a step that sets the scale of values is applied at random."""
    return any(step.random and step.kind in _SCALING for step in steps)


def _in_raw_values(seen: Observation, call: Call, raw: RawRange) -> Observation:
    """What was seen, as a map from raw values, with the shape and layout that samples other than images have."""
    if isinstance(call, Sample):
        seen = replace(seen, layout=call.layout, shape=call.shape)
    return seen if seen.affine is None else replace(seen, affine=of_raw(seen.affine, raw))


def unjudged(one: StageEvidence) -> str:
    """Why the values that a pipeline feeds could not be judged; empty if they were, or if a rule says what is wrong."""
    evidence = one.evidence
    if evidence.diagnosis is not None:
        is_open = evidence.approximate and evidence.diagnosis.kind not in ("same", *GROSS)
        return "values are drawn at random, so that constants show roughly only, and those fed are not the network's" * is_open
    if evidence.is_curved:
        return f"values: {_curved(evidence)}, and check compares maps of a shift and a scale"
    if evidence.expected is None:
        missing = [name for name in ("mean", "std", "scale", "channels") if isinstance(getattr(evidence.spec, name), Unknown)]
        return f"values: {' and '.join(missing) or 'the constants'} of {evidence.network} are not known"
    if evidence.fed is None:
        if any(finding.code in _SAYING for finding in findings(evidence)):
            return ""
        why = "" if one.failure is None else f": {one.failure.found}"
        return f"values: no map from raw value to input was seen{why}"
    return f"values: {len(evidence.fed.order)} channels come out, and {evidence.network} takes {len(evidence.expected.order)}"


def _curved(evidence: Evidence) -> str:
    try:
        return f"for {evidence.network} {evidence.spec.input_map().why_not_affine()}"
    except SpecError:
        return f"{evidence.network} takes no map of a shift and a scale"


def channels_given(pipeline: Any, stage: Stage) -> int | None:
    """The number of channels that a pipeline makes of colour images; None if it cannot be run on one."""
    try:
        for part in by_stage(pipeline, stage).values():
            call, _ = call_of(transform_of(part))
            result = call(np.full((256, 320, 3), 120, np.uint8))
            return 1 if result.ndim == 2 else min(result.shape[0], result.shape[-1])
    except (PipelineError, SpecError):
        pass
    return None


def explained(evidence: Evidence) -> Evidence:
    """The evidence with the diagnosis of the map that is fed: by the network's constants, else by your data's."""
    expected = evidence.expected
    if evidence.fed is None or expected is None or len(evidence.fed.order) != len(expected.order):
        return evidence
    tolerance = _ROUGH if evidence.approximate else TOLERANCE
    found = replace(evidence, diagnosis=diagnose(evidence.fed, expected, evidence.conventions, tolerance, evidence.raw))
    return found if evidence.approximate else _by_your_data(found)


def _by_your_data(evidence: Evidence) -> Evidence:
    """The evidence seen from your data's statistics, if a slip in them explains what nothing else does; else as it is."""
    if evidence.measured is None or evidence.fed is None or evidence.feeds_measured or not _is_open(evidence.diagnosis):
        return evidence
    for stats in (evidence.measured.train, evidence.measured.everything, evidence.measured.held_out):
        if stats is None or len(stats.mean) != len(evidence.fed.order) or min(stats.std) <= 0:
            continue
        spec = replace(
            evidence.spec,
            scale=Known(evidence.raw.unit, "unit values"),
            mean=Known(stats.mean, _YOURS),
            std=Known(stats.std, _YOURS),
        )
        expected = spec.affine_if_known()
        if expected is None:
            continue
        found = diagnose(evidence.fed, expected, (), TOLERANCE, evidence.raw, _std_of_means(stats))
        if not _is_open(found) and found.kind != "same" and not found.reversed_channels:
            return replace(evidence, spec=spec, diagnosis=found, of_data=True)
    return evidence


def _is_open(diagnosis: Diagnosis | None) -> bool:
    """Whether the network's and the published constants leave open where the constants come from."""
    return diagnosis is None or diagnosis.kind == "unexplained" or diagnosis.other == OTHERS


def _std_of_means(stats: DatasetStats) -> tuple[float, ...]:
    """The std of the means of single samples: what the variance within samples leaves of the whole; empty if it is not known."""
    left = [channel.std**2 - channel.root_mean_sample_variance**2 for channel in stats.channels]
    return tuple(math.sqrt(each) for each in left) if all(each > 0 for each in left) else ()


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
