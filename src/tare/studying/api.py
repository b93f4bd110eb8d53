"""``tare.study``: plan, run and read a study from Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tare.errors import OutputError
from tare.studying.execution.running import run_study
from tare.studying.inputs import StudyRequest
from tare.studying.plan import requested_plan
from tare.studying.result import StudyRun
from tare.studying.tasks.evaluated import EVALUATE
from tare.studying.tasks.function import reference_of
from tare.system.options import verb


@verb(StudyRequest)
def study(request: StudyRequest) -> StudyRun:
    """Measure which normalisation is better, by how much: paired, repeated, with intervals.

    ``plan`` names a built-in study, a YAML file, or is the plan itself; other keywords replace its keys (``seeds=20``,
    ``strategies=["source", "target"]``, ``data="photos/", networks=["timm:resnet18"]`` for the study ``folder``). Cells are kept
    in ``out``: the same call goes on where it stopped. ``tare report OUT`` makes the page.

    ``evaluate`` is a function of your own, or its name as ``FILE.py:NAME``, whose scores are compared in place of accuracies
    that tare measures: of its parameters, :class:`tare.studying.evaluation.trial.Trial` fills those that it names. It needs
    ``data``, the samples whose statistics the strategies use, and ``mean`` and ``std``, ``spec`` or ``networks`` for the
    constants of the source.

    Raises :class:`tare.errors.SpecError` for a plan that cannot be, and what :func:`tare.studying.execution.running.run_study`
    raises.
    """
    out = Path(request.out)
    if out.exists() and not out.is_dir():
        raise OutputError("a directory for the study", f"a file {os.fspath(out)!r}", "name another")
    keys = request.keys()
    if request.evaluate is not None:
        keys["evaluate"] = reference_of(request.evaluate)
    chosen = EVALUATE if request.evaluate is not None and request.plan == "digits" else request.plan
    plan = requested_plan(chosen, keys)
    machine: dict[str, Any] = {"workers": request.workers, "engine": request.engine, "tracker": request.tracker}
    return run_study(plan, out, watch=request.watch, command=request.command, **machine)
