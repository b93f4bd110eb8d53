"""The user's function: loaded, its parameters checked, and hashed by its text."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tare.errors import SpecError, did_you_mean
from tare.system.user_code import code_digest, is_reference, load_object, one_line

#: The parameters that a function may have; :class:`tare.studying.evaluation.trial.Trial` says what each is.
PARAMETERS = ("normaliser", "spec", "mean", "std", "train", "test", "names", "seed", "folder", "network", "trial")
_NORMALISATION = {"normaliser", "spec", "mean", "std", "trial"}
_EXAMPLE = "for example score.py:score"


Function = tuple[Callable[..., Any], tuple[str, ...]]


@cache
def loaded(reference: str, digest: str) -> Function:
    """As :func:`load`, once in a process for each text of the file, whose hash is ``digest``."""
    del digest
    return load(reference)


def load(reference: str) -> Function:
    """The function that ``FILE.py:NAME`` or ``package.module:NAME`` names, and the parameters that it asks for.

    Loading runs the file. Raises :class:`SpecError` if it is not there, cannot be imported, is no function, or has a parameter
    that a trial has not.
    """
    if not is_reference(reference):
        raise SpecError("a function as FILE.py:NAME or package.module:NAME", f"{reference!r}", _EXAMPLE)
    function = load_object(reference, SpecError)
    if not callable(function):
        raise SpecError(f"a function {reference!r}", f"a {type(function).__name__}", "define it with def")
    return function, _asked(function, reference)


def _asked(function: Any, reference: str) -> tuple[str, ...]:
    """The names of the parameters that are filled: all without a default, and those with one that a trial has."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise SpecError("a function whose parameters can be read", f"{reference!r}: {one_line(error)}", "wrap it") from None
    filled = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    known = f"parameters among {', '.join(PARAMETERS)}"
    needed = [each for each in filled if each.default is each.empty]
    strange = next((each for each in needed if each.kind is each.POSITIONAL_ONLY or each.name not in PARAMETERS), None)
    if strange is not None:
        hint = did_you_mean(strange.name, PARAMETERS, "rename it, or give it a default", most=1, cutoff=0.6)
        raise SpecError(f"{known} for {reference!r}", f"{strange.name!r}", hint)
    asked = tuple(each.name for each in filled if each.name in PARAMETERS)
    if not _NORMALISATION & set(asked):
        found = ", ".join(asked) or "no parameter"
        raise SpecError(f"a function {reference!r} that asks for the normalisation", found, "add normaliser, or mean and std")
    return asked


def reference_of(function: Any) -> str:
    """How the processes that run trials find a function: ``FILE.py:NAME``; text is returned as it is.

    Raises :class:`SpecError` for a function that is not at the top level of a file, since no other process could import it and a
    change of what it encloses could not be seen; and for one of a program that would start the study again when it is imported.
    """
    if isinstance(function, str):
        return function
    name = getattr(function, "__qualname__", "")
    place = _source_file(function)
    if place is None or not name.isidentifier():
        found = repr(name or type(function).__name__)
        remedy = "write it into a file, and give FILE.py:NAME"
        raise SpecError("a function at the top level of a file, which other processes can import", found, remedy)
    if getattr(function, "__module__", "") == "__main__" and "__name__" not in place.read_text(encoding="utf-8"):
        remedy = "call tare.study under if __name__ == '__main__':"
        raise SpecError("a program that does nothing when it is imported", repr(str(place)), remedy)
    return f"{place}:{name}"


def text_digest(reference: str) -> str:
    """A hash of the file that the reference names and of the files beside it that it imports; comments do not count."""
    function = load(reference)[0]
    place = _source_file(inspect.unwrap(function)) or Path(reference.rpartition(":")[0])
    return code_digest(place, reference.rpartition(":")[2])


def _source_file(function: Any) -> Path | None:
    try:
        found = inspect.getsourcefile(function)
    except TypeError:
        return None
    return Path(found) if found is not None and Path(found).is_file() else None
