"""``tare.study``: plan, run and read a study from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import OutputError
from tare.studying.execution.running import CellWatcher, run_study
from tare.studying.plan import StudyPlan, requested_plan
from tare.studying.result import StudyRun
from tare.system.engines.local import Engine


def study(
    plan: str | os.PathLike[str] | Mapping[str, Any] | StudyPlan = "digits",
    *,
    out: str | os.PathLike[str],
    workers: int | None = None,
    engine: Engine = "local",
    watch: CellWatcher | None = None,
    command: str = "",
    **keys: Any,
) -> StudyRun:
    """Measure which normalisation is better, by how much: paired, repeated, with intervals.

    ``plan`` names a built-in study, a YAML file, or is the plan itself; ``keys`` replace its keys (``seeds=20``,
    ``strategies=["source", "target"]``, ``data="photos/", networks=["timm:resnet18"]`` for the study ``folder``). Cells are kept
    in ``out``: the same call goes on where it stopped. ``tare report OUT`` makes the page.

    Raises :class:`tare.errors.SpecError` for a plan that cannot be, and what :func:`tare.studying.execution.running.run_study`
    raises.
    """
    if Path(out).exists() and not Path(out).is_dir():
        raise OutputError("a directory for the study", f"a file {os.fspath(out)!r}", "name another")
    return run_study(requested_plan(plan, keys), Path(out), workers=workers, engine=engine, watch=watch, command=command)
