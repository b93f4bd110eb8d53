"""The directory of a training run: no accidental overwriting, no partial run after a failure, no resuming with other settings."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tare.errors import OutputError, SpecError
from tare.input_spec.model_file import MODEL_FILES
from tare.system.files import (
    check_own,
    check_writable,
    discarded,
    folder_place,
    remove_parts,
    replacing_folder,
    set_aside,
    staying,
    write_text,
)
from tare.system.local.opened import text_of
from tare.system.lock import only_writer

SCHEMA = "tare.run/1"
_MARKER = "run.json"
#: What a run writes, the libraries that it logs to included.
_OWN = (
    *(_MARKER, "config.yaml", "evaluation.json", "metrics.csv", "test.json", "metrics.json", "report.html"),
    *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
    *(f"{folder}/{name}" for folder in ("model", "model-last") for name in MODEL_FILES),
    *("tensorboard/events.out.tfevents.*", "tensorboard/*/events.out.tfevents.*", "mlruns/*", "mlflow-run"),
    *(f"wandb/{name}*" for name in ("offline-run-", "run-", "latest-run", "debug", "settings", "wandb-")),
)


def is_main_process() -> bool:
    """Return whether this process writes the run: with several devices, Lightning runs the same command once for each.

    A rank counts only beside a number of several processes: left over from another job, it would leave a run without its files.
    Raises :class:`SpecError` for a variable that holds no number, which Lightning would read, too.
    """
    return _launched().rank == 0


def check_processes(devices: int) -> None:
    """Raise :class:`SpecError` if a launcher started other processes than those that train on ``devices``.

    Each would train alone on all data, and all but the first would leave no model.
    """
    launched = _launched()
    is_ranked_alone = launched.name == "WORLD_SIZE" and "LOCAL_RANK" not in os.environ  # torchrun and Lightning state both
    if launched.processes not in (1, devices) or is_ranked_alone:
        found = f"{launched.name}={launched.processes} with {devices} device{'s' * (devices != 1)}"
        remedy = f"unset {launched.name}, or start with torchrun and --devices with the same number"
        raise SpecError("one process of torchrun, Lightning or SLURM for each device", found, remedy)


class _Launched(NamedTuple):
    """Which process of how many this is, and the variable that says how many."""

    rank: int = 0
    processes: int = 1
    name: str = ""


def _launched() -> _Launched:
    """What torchrun, Lightning or SLURM say in their variables; a process that a user started from a shell of SLURM is alone."""
    is_interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")  # as Lightning tells it
    for rank, processes in (("RANK", "WORLD_SIZE"), ("LOCAL_RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS")):
        if not (is_interactive and rank.startswith("SLURM")):
            number, several = _number(rank, 0), _number(processes, 1)
            if rank in os.environ and several > 1:
                return _Launched(number, several, processes)
    return _Launched()


def _number(name: str, otherwise: int) -> int:
    given = os.environ.get(name, str(otherwise))
    if not (given.isascii() and given.isdecimal()):
        raise SpecError(f"a whole number in the variable {name}", f"{given!r}", "unset it, or start with torchrun")
    return int(given)


def check_out(out: Path, *, overwrite: bool, resume: bool | None, more: Sequence[str] = ()) -> None:
    """Check before any work that ``out`` may and can be written.

    ``more`` are names of files that belong to such a run besides those of every run. ``resume`` is None for what never resumes.

    Raises :class:`OutputError` if ``out`` exists and neither flag is given, if ``overwrite`` would delete something other than a
    run, if there is no run to ``resume``, or if ``out`` cannot be written.
    """
    if not is_main_process():
        return
    if os.path.lexists(out):
        folder_place(out)
    is_run = (out / _MARKER).is_file()
    if resume and not is_run:
        raise OutputError("a run to resume", f"no {_MARKER} in {str(out)!r}", "start it without --resume")
    if not resume and out.exists():
        if not overwrite:
            remedy = "name another, or use --overwrite" + " or --resume" * (resume is not None)
            raise OutputError("a new output directory", f"{str(out)!r} exists", remedy)
        if not is_run and not (out.is_dir() and not any(out.iterdir())):
            raise OutputError(
                "a run directory to overwrite", f"{str(out)!r} holds something else", "remove it yourself, or name another"
            )
        check_own(out, (*_OWN, *more), "a run directory")
    check_writable(out, "an output directory that can be written", "name another with --out")


@contextlib.contextmanager
def run_dir(
    out: Path,
    settings: Mapping[str, Any],
    *,
    resume: bool | None,
    overwrite: bool = False,
    notes: Sequence[str] = (),
    named: Path | None = None,
    more: Sequence[str] = (),
) -> Iterator[Path]:
    """Make the run's directory with ``settings`` and ``notes`` recorded in it, and keep other processes from writing to it.

    The directory is given as an absolute path: the process may change its working directory meanwhile. ``named`` is how the
    user named it, if that is not ``out``.
    If the body of the ``with`` statement fails before the first checkpoint, the directory is removed and an overwritten run is
    restored, as is one that an earlier process had overwritten which was killed before its first checkpoint. With ``resume``,
    settings that differ from the recorded settings raise :class:`OutputError`.
    """
    if not is_main_process():
        yield out.absolute()
        return
    given, out = out, folder_place(out)
    with only_writer(out):
        aside = set_aside(out)
        if aside.exists() and not _replaces(out, resume=resume, overwrite=overwrite):
            _restore(out, aside, more)
        check_out(out, overwrite=overwrite, resume=resume, more=more)  # another process may have written since the first check
        stays = out if ".." in given.parts else given
        with _resumed(out, settings, named or given) if resume else _begun(out, settings, aside, notes), staying(stays):
            yield out
        _discard(aside, out)


@contextlib.contextmanager
def _resumed(out: Path, settings: Mapping[str, Any], named: Path) -> Iterator[None]:
    remove_parts(out)
    _check_same(_recorded(out, named), settings, named)
    yield


@contextlib.contextmanager
def _begun(out: Path, settings: Mapping[str, Any], aside: Path, notes: Sequence[str]) -> Iterator[None]:
    remove_parts(out.parent, out.name)
    _discard(aside, out)
    with replacing_folder(out) as temporary:  # the directory appears with its marker in it
        document = {"schema": SCHEMA, "settings": settings, "notes": list(notes)}
        write_text(temporary / _MARKER, json.dumps(document, indent=2) + "\n")
        if out.exists():
            os.replace(out, aside)
    try:
        yield
    except BaseException:
        if not _came_to_something(out):
            shutil.rmtree(out, ignore_errors=True)
            if aside.exists():
                os.replace(aside, out)
        raise


def _discard(aside: Path, out: Path) -> None:
    """Remove the run that was moved aside, under a name by which half of it is never put back."""
    if aside.exists():
        gone = discarded(out)
        os.replace(aside, gone)
        shutil.rmtree(gone, ignore_errors=True)


def _restore(out: Path, aside: Path, more: Sequence[str]) -> None:
    """Put back the run that a killed process had moved aside, in place of what it began."""
    if out.exists():
        check_own(out, (*_OWN, *more), "a run directory")
        shutil.rmtree(out)
    os.replace(aside, out)


def _came_to_something(out: Path) -> bool:
    return any(out.glob("checkpoints/*.ckpt")) or _is_whole(out)


def _is_whole(out: Path) -> bool:
    return (out / "model").exists() or (out / "report.html").exists()


def _replaces(out: Path, *, resume: bool | None, overwrite: bool) -> bool:
    """Whether what is there is worth more than the run that it moved aside: a whole run, or one to go on with."""
    if resume:
        return out.exists()
    return _is_whole(out) or (_came_to_something(out) and not overwrite)


def _recorded(out: Path, named: Path) -> Mapping[str, Any]:
    try:
        document: Any = json.loads(text_of(out / _MARKER))
    except (OSError, ValueError, RecursionError) as error:
        raise OutputError(f"a readable {_MARKER}", f"{error} in {str(named)!r}", "start the run again in another place") from None
    settings = document.get("settings") if isinstance(document, dict) else None
    if not isinstance(settings, dict):
        raise OutputError(f"a {_MARKER} with settings", f"none in {str(named)!r}", "start the run again in another place")
    return settings


def _check_same(before: Mapping[str, Any], settings: Mapping[str, Any], named: Path) -> None:
    """Raise :class:`OutputError` naming the first setting that differs from the recorded settings ``before``."""
    now = json.loads(json.dumps(settings))
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            raise OutputError(
                f"the settings that {str(named)!r} was started with", f"{key}: {before.get(key)} then, {now.get(key)} now",
                "resume with the same settings, or start another run",
            )  # fmt: skip
