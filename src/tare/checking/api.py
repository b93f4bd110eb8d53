"""Check a preprocessing pipeline against what a network expects: read its steps, run it, and apply every rule."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from tare.checking.configuration import declared_by_config, is_config, measured_by_config, refuse_text, stated_by_config
from tare.checking.inputs import CheckRequest
from tare.checking.result import CheckReport
from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding
from tare.checking.rules.rule import Rule
from tare.checking.rules.table import findings, rule_named
from tare.checking.stage import StageEvidence, channels_given, explained, stage_evidence, unjudged
from tare.checking.subject import by_stage, corrected_spec, measured_from, name_of, network_of, usable
from tare.errors import PipelineError
from tare.input_spec.spec import InputSpec, Unknown
from tare.normalisation.conventions import as_handed, conventions_for
from tare.readers.table import read_spec
from tare.system.options import verb
from tare.system.user_code import is_reference, load_object


@verb(CheckRequest)
def check(request: CheckRequest) -> CheckReport:
    """Find the mistakes of a pipeline for a network, with the numbers seen.

    ``pipeline`` is a transform of torchvision, timm, albumentations, kornia or Hugging Face, any function of one image, a
    Dataset or DataLoader with a transform, a mapping from ``train`` and ``eval`` to two pipelines, ``FILE.py:NAME`` or
    ``package.module:NAME`` (which runs that code), or another tool's configuration or run directory (which runs nothing).
    ``model`` (or ``spec``) is whatever :func:`tare.read_spec` reads. ``mean`` and ``std`` in unit values, and ``size`` (one
    number, or height and width), complete or correct it; without ``model``, ``mean`` and ``std`` alone state the network.
    ``data``: a folder of your data, or its statistics; normalising with them is then no mistake, and their origin is checked.

    Raises :class:`PipelineError` if the pipeline cannot be loaded or run, :class:`SpecError` if the model states nothing.
    """
    return checked(request)


def checked(request: CheckRequest) -> CheckReport:
    """Carry out a request; see :func:`check`."""
    network, pipeline = network_of(request), request.pipeline
    stated, name = as_handed(read_spec(network)), name_of(pipeline)
    is_configuration = isinstance(pipeline, str | os.PathLike) and is_config(name)
    if isinstance(pipeline, str | os.PathLike) and not is_configuration:
        if not is_reference(name):
            raise refuse_text(name)
        pipeline = load_object(name, PipelineError)
    given = None
    if _is_open(stated, request):
        given = stated_by_config(name, stated).channel_count() if is_configuration else channels_given(pipeline, request.stage)
    spec = corrected_spec(stated, request, given)
    measured, unused = usable(measured_from(request.data), spec)
    base = Evidence(spec, name_of(network), request.stage, measured=measured, conventions=conventions_for(spec))
    report = _of_configuration(name, base) if is_configuration else _of_object(pipeline, name, base, request.seed)
    left = (f"statistics of the data: {unused}",) if unused else ()
    return replace(report, not_judged=(*report.not_judged, *left))


def _is_open(spec: InputSpec, request: CheckRequest) -> bool:
    """Whether only the pipeline can say how many channels one mean and one std are for."""
    given = (request.mean or (), request.std or ())
    return spec.channel_count() is None and max(map(len, given)) == 1


def rule(code: str) -> Rule:
    """Return the rule of a code or name: title, story and examples. Raises :class:`tare.errors.SpecError` for another name."""
    return rule_named(code)


def _of_configuration(text: str, base: Evidence) -> CheckReport:
    """The findings of a configuration or run directory, which is read and not run."""
    stated, declared = stated_by_config(text, base.spec), declared_by_config(text)
    measured = base.measured or measured_from(measured_by_config(text))
    evidence = explained(replace(base, stated=stated, fed=stated.affine_if_known(), declared=declared, measured=measured))
    found, open_ = tuple(findings(evidence)), unjudged(StageEvidence(evidence))
    judged = () if open_ else (base.stage,)
    left = (open_,) if open_ else ()
    return CheckReport(found, text, base.network, (base.stage,), base.spec, "configuration", judged=judged, not_judged=left)


def _of_object(pipeline: Any, name: str, base: Evidence, seed: int) -> CheckReport:
    """Read and run one pipeline, or those of training and evaluation, and return their findings."""
    looked = {
        each: stage_evidence(part, replace(base, stage=each), seed) for each, part in by_stage(pipeline, base.stage).items()
    }
    if len(looked) == 2:
        evaluation = looked["eval"]
        sibling = looked["train"].evidence
        looked["eval"] = evaluation._replace(evidence=replace(evaluation.evidence, sibling=sibling))
    found = [finding for one in looked.values() for finding in _placed(one.evidence, len(looked) > 1)]
    if not any(finding.fails for finding in found):
        for one in looked.values():
            if one.failure is not None and one.evidence.fed is None:
                raise one.failure
    notes = tuple(f"{each}: {one.failure.found}" for each, one in looked.items() if one.failure is not None)
    if isinstance(base.spec.raw_dtype, Unknown) and base.expected is not None:
        notes += (f"8-bit images were fed: nobody states the raw values of {base.network}",)
    form = ", ".join(sorted({one.form for one in looked.values() if one.form}))
    open_ = {each: unjudged(one) for each, one in looked.items()}
    judged = tuple(each for each, why in open_.items() if not why)
    left = tuple(f"{each}: {why}" if len(looked) > 1 else why for each, why in open_.items() if why)
    return CheckReport(tuple(dict.fromkeys(found)), name, base.network, tuple(looked), base.spec, form, notes, judged, left)


def _placed(evidence: Evidence, named: bool) -> list[Finding]:
    """The findings of one stage, with its name if there are two stages."""
    if not named:
        return list(findings(evidence))
    return [
        replace(finding, where=f"{evidence.stage}, {finding.where}" if finding.where else evidence.stage)
        for finding in findings(evidence)
    ]
