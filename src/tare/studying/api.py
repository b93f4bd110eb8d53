"""``tare.study``: plan, run and read a study from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import OutputError
from tare.studying.execution.running import StudyRun, Watch, run_study
from tare.studying.plan import Plan, plan_of, read_plan
from tare.system.engines.local import Engine

_SUFFIXES = (".yaml", ".yml", ".json")


def study(
    plan: str | os.PathLike[str] | Mapping[str, Any] | Plan = "digits",
    *,
    out: str | os.PathLike[str],
    workers: int | None = None,
    engine: Engine = "local",
    watch: Watch | None = None,
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
    return run_study(planned(plan, keys), Path(out), workers=workers, engine=engine, watch=watch, command=command)


def planned(plan: str | os.PathLike[str] | Mapping[str, Any] | Plan, keys: Mapping[str, Any]) -> Plan:
    """The checked plan that a name, a YAML file or a mapping stands for, with ``keys`` in place of its own.

    Raises :class:`tare.errors.SpecError` for what cannot be.
    """
    if isinstance(plan, Plan):
        return plan_of({**plan.to_json(), **keys}) if keys else plan
    if isinstance(plan, Mapping):
        return plan_of({**plan, **keys})
    name = os.fspath(plan)
    return plan_of({**(read_plan(Path(name)) if name.endswith(_SUFFIXES) else {"study": name}), **keys})
