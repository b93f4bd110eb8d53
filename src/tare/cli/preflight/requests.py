"""What is looked at before a command begins: one function for each request, which reads names and files only.

A function here refuses nothing that the command itself would take, and says what the command itself would say
(``tests/cli/preflight``). What it cannot tell without a large library is left to the command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tare.cli.preflight import places
from tare.cli.preflight.names import check_published
from tare.errors import DataError, MissingDependencyError, OutputError, SpecError, did_you_mean
from tare.normalisation.names import STRATEGIES
from tare.system.local.opened import is_pipe
from tare.system.options import flag

_PROTOCOLS, _BATCH_NORMS = ("probe", "finetune", "scratch"), ("eval", "reestimate")
#: The built-in studies, and the networks that each knows; tests/cli/preflight hold them against the studies themselves.
STUDIES = {
    "digits": ("cnn-batch", "cnn-layer", "cnn-group", "cnn-none"),
    "signals": ("mlp", "mlp-layer", "mlp-none"),
}
#: Requests whose results have charts, whatever the options are.
_DRAWING = frozenset(("TransferRequest", "DemoRequest", "StudyCommand", "ReportRequest"))
#: The packages that an export format needs, and the extra that brings them.
_PACKAGES = {"onnx": (("onnx", "onnxscript", "onnxruntime"), "onnx"), "hf": (("transformers",), "hf")}
#: The export formats that are folders, each with the suffix of what would be a file; tests/cli/preflight hold them against the
#: formats themselves.
FOLDERS: Mapping[str, str | None] = {"safetensors": ".safetensors", "hf": None, "timm": None}


def check_docstrings(request: Any, own: Mapping[str, Any]) -> None:
    """Raise :class:`MissingDependencyError` for a command with charts if Python runs without docstrings, which altair reads.

    ``own`` are the values of the options that are no fields of the request.
    """
    drawn = any(own.get(name) or getattr(request, name, None) for name in ("html", "png", "svg", "serve"))
    if sys.flags.optimize > 1 and (drawn or type(request).__name__ in _DRAWING):
        remedy = "unset PYTHONOPTIMIZE, or set it to 1"
        raise MissingDependencyError("Python with docstrings for charts", "none, by PYTHONOPTIMIZE=2 or -OO", remedy)


def preflight(request: Any) -> None:
    """Raise a :class:`tare.errors.TareError` for a mistake of usage that names and files show."""
    check = _CHECKS.get(type(request).__name__)
    if check is not None:
        check(request)


def _transfer(request: Any) -> None:
    from tare.training.run_dir import check_out

    check_out(Path(request.out), overwrite=request.overwrite, resume=request.resume)
    _trackers(request)
    _network(request)
    places.check_labelled(request.data)
    places.check_labelled(request.test)
    places.check_label_column(request.data, request.label)
    places.check_statistics(request.source_stats)


def _trackers(request: Any) -> None:
    for name in request.tracker:
        places.check_installed(name, name, f"--tracker {name}")


def _network(request: Any) -> None:
    places.check_network(request.model)
    places.check_weights(request.weights)
    places.check_spec(request.spec)


def _demo(request: Any) -> None:
    from tare.studying.demo.inputs import FILES
    from tare.training.run_dir import check_out

    check_out(Path(request.out), overwrite=request.overwrite, resume=None, more=FILES)


def _measure(request: Any) -> None:
    _ray(request.engine)
    places.check_data(request.data)
    _as_seen(request.as_seen)


def _compare(request: Any) -> None:
    for side in (request.source, request.target):
        if isinstance(side, str) and any(sign in side for sign in "/\\."):
            places.check_data(side)
        elif isinstance(side, str) and places.is_missing(side.removeprefix("catalog:")):
            check_published(side)
    _as_seen(request.as_seen)
    given = [flag(name) for name, value in request.stated().items() if value]
    if given and all(isinstance(side, str) and _states_figures(side) for side in (request.source, request.target)):
        raise DataError(f"data to measure with {', '.join(given)}", "two sides that state their figures", "leave it out")


def _states_figures(side: str) -> bool:
    """Whether a side is a name in the catalog or a statistics file."""
    return (
        side.startswith("catalog:")
        or (places.is_missing(side) and not any(sign in side for sign in "/\\.~"))
        or (side.lower().endswith(".json") and Path(side).is_file())
    )


def _as_seen(stated: Any) -> None:
    if isinstance(stated, str) and places.is_missing(stated.removeprefix("hf:")) and not stated.replace("x", "").isdecimal():
        remedy = "name a spec file, a model directory, or a size such as 224 or 224x160"
        raise SpecError("a spec file, a model directory or a size", repr(stated), remedy)


def _ray(engine: str) -> None:
    if engine == "ray":
        places.check_installed("ray", "ray", "the engine 'ray'")


def _advise(request: Any) -> None:
    _network(request)
    places.check_data(request.data)
    places.check_label_column(request.data, getattr(request, "label", None))


def _check(request: Any) -> None:
    places.check_spec(request.model if request.spec is None else request.spec)
    places.check_pipeline(request.pipeline)
    places.check_data(request.data)


def _check_command(request: Any) -> None:
    asked = request.asked()
    if type(asked).__name__ == "CheckRequest":
        _check(asked)
        return
    places.check_spec(asked.model)
    if request.watch:
        places.check_installed("watchfiles", "watch", "--watch")


def _drift(request: Any) -> None:
    places.check_data(request.reference)
    for each in request.data:
        places.check_data(each)


def _monitor(request: Any) -> None:
    for each in request.states:
        if places.is_missing(each):
            reason = f"[Errno 2] No such file or directory: {each!r}"
            raise DataError("a readable monitor file", f"{each!r}: {reason}", "check the path")


def _identify(request: Any) -> None:
    if request.model is not None:  # else the architecture is read from the checkpoint
        places.check_network(request.model)
    places.check_weights(os.fspath(request.checkpoint))
    places.check_data(request.data)


def _predict(request: Any) -> None:
    places.check_run(Path(request.run))
    places.check_samples([request.images] if isinstance(request.images, str) else request.images)


def _export(request: Any) -> None:
    out = Path(request.out)
    if (out.exists() or out.is_symlink()) and not request.overwrite:
        raise OutputError("a new output", f"{str(out)!r} exists", "name another, or use --overwrite")
    modules, extra = _PACKAGES.get(request.format, ((), ""))
    for module in modules:
        places.check_installed(module, extra, f"--format {request.format}")
    if request.push is not None:
        from tare.exporting.push import check_push

        is_folder = request.format in FOLDERS and out.suffix != FOLDERS[request.format]
        check_push(request.push, request.format, is_folder=is_folder)
    places.check_run(Path(request.run))
    for image in request.images:
        places.check_data(os.fspath(image))


def _fold(request: Any) -> None:
    _rewrite(request)
    places.check_spec(request.spec)


def _respec(request: Any) -> None:
    _rewrite(request)
    places.check_spec(request.from_spec)
    places.check_spec(request.to_spec)


def _rewrite(request: Any) -> None:
    from tare.networks.stored.output import check_free

    check_free(Path(request.out), overwrite=request.overwrite)
    places.check_rewritten(request.source)
    places.check_weights(request.weights)


def _spec(request: Any) -> None:
    text = str(request.model)
    if text.startswith("keras:"):
        places.check_installed("keras", "readers", "keras:NAME")
    if text.startswith("onnx:") or text.endswith(".onnx"):
        places.check_installed("onnx", "readers", "reading ONNX models")
    places.check_spec(request.model)


def _report(request: Any) -> None:
    from tare.studying.execution.store import Store

    Store(Path(request.study)).plan()


def _study(request: Any) -> None:
    if request.analyse is not None:
        if not request.analyse.exists():
            reason = f"No such file or directory (os error 2): {request.analyse}"
            raise DataError("a readable table of results", f"{str(request.analyse)!r}: {reason}", "check the file")
        return
    _ray(request.engine)
    _trackers(request)
    _plan(request)
    if request.out is None and not request.dry_run:
        raise SpecError("a directory for the study", "no --out", "for example: --out study/")
    if request.out is not None and request.out.exists() and not request.out.is_dir() and not request.dry_run:
        raise OutputError("a directory for the study", f"{str(request.out)!r} is a file", "name another")
    if request.evaluate is not None:
        places.check_function(request.evaluate)
        if request.data is not None:
            places.check_data(request.data)
        for name in request.model or ():
            places.check_spec(name)
        return
    for reference in request.model or ():
        places.check_network(reference)
    places.check_weights(request.weights)
    places.check_spec(request.spec)
    if request.model:
        places.check_labelled(request.data)
    places.check_label_column(request.data, request.label)


def _plan(request: Any) -> None:
    """What a plan names: itself, and the words of its options."""
    plan = request.plan
    if request.evaluate is not None and plan is None:
        return
    if plan is None and request.data is None:
        raise SpecError("a study to run, or --analyse TABLE", "neither", "for example: tare study digits --out study/")
    known: tuple[str, ...] = ()
    if plan is not None and plan.lower().endswith((".yaml", ".yml", ".json")):
        if places.is_missing(plan):
            reason = f"[Errno 2] No such file or directory: {plan!r}"
            raise SpecError("a readable YAML plan", f"{plan!r}: {reason}", "check the file")
    elif plan is not None and plan != "folder" and not is_pipe(plan):
        if plan not in STUDIES:
            names = ", ".join(STUDIES)
            hint = did_you_mean(plan, STUDIES, f"did you mean {names}?", most=2, cutoff=0.3)
            raise DataError(f"a study: {names}", f"{plan!r}", hint)
        known = STUDIES[plan]
    for shift in request.shifts or ():
        from tare.studying.tasks.shifts import shift_named

        shift_named(shift)
    _words("strategies", request.strategies, STRATEGIES)
    _words("protocols", request.protocols, _PROTOCOLS)
    _words("batchnorm", request.batchnorm, _BATCH_NORMS)
    if known:
        _words("networks", request.networks, known)


def _words(key: str, given: Sequence[str] | None, known: Sequence[str]) -> None:
    stranger = next((name for name in given or () if name not in known), None)
    if stranger is not None:
        every = ", ".join(known)
        hint = did_you_mean(stranger, known, f"did you mean {every}?", most=2, cutoff=0.3)
        raise SpecError(f"{key} among {every}", f"{stranger!r}", hint)


_CHECKS: dict[str, Callable[[Any], None]] = {
    "TransferRequest": _transfer,
    "DemoRequest": _demo,
    "MeasureRequest": _measure,
    "CompareRequest": _compare,
    "AdviceRequest": _advise,
    "ExplainRequest": _advise,
    "CheckRequest": _check,
    "CheckCommand": _check_command,
    "DriftRequest": _drift,
    "MonitorRequest": _monitor,
    "IdentifyRequest": _identify,
    "PredictRequest": _predict,
    "ExportRequest": _export,
    "FoldRequest": _fold,
    "RespecRequest": _respec,
    "SpecRequest": _spec,
    "ReportRequest": _report,
    "StudyCommand": _study,
}
