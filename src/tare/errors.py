"""The hierarchy of errors; every message states what was expected, what was found, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What libraries colour their messages with for terminals.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class TareError(Exception):
    """A failure that the user can repair: ``expected``, ``found`` and ``remedy`` in one line.

    The command line prints the message without a traceback and exits with code 2.
    """

    def __init__(self, expected: str, found: str, remedy: str) -> None:
        expected, found, remedy = (_one_line(part) for part in (expected, found, remedy))
        self.expected, self.found, self.remedy = expected, found, remedy
        super().__init__(f"expected {expected}, found {found}; {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process boundaries; the default would rebuild them from the joined message.
        return (type(self), (self.expected, self.found, self.remedy))


def _one_line(text: str, most: int = 2000) -> str:
    """A part of a message in one line, without the middle of what is very long: data and arrays may stand in it."""
    line = text if "\n" not in text and "\r" not in text else " ".join(text.split())
    return line if len(line) <= most else f"{line[: most // 2]} ... {line[-most // 4 :]}"


class DataError(TareError):
    """The data cannot be read, is empty, or does not have the shape that the command needs."""


class ModelError(TareError):
    """The network cannot be found, built or loaded, or does not fit its weights."""


class SpecError(TareError):
    """An input specification is unknown, malformed or contradictory."""


class StrategyError(TareError):
    """A normalisation strategy needs statistics that are not known."""


class PipelineError(TareError):
    """A preprocessing pipeline cannot be loaded, or raises when it is run."""


class InputError(TareError):
    """A network is fed other values than it was trained on."""


class NoImageError(PipelineError):
    """A pipeline runs but returns something other than an image: a row of patches, text, None."""


class OutputError(TareError):
    """The output cannot be written, or would overwrite a file."""


class MissingDependencyError(TareError):
    """An optional dependency is not installed; the remedy is the install command."""


class ResourceError(TareError):
    """The system gives the program no more open files or memory; a file that cannot be opened for it is not a bad file."""


class TareWarning(UserWarning):
    """A finding of ``tare.watch`` about the batches that reach a network."""


def reason_of(error: BaseException | str, limit: int | None = 160) -> str:
    """Return the text of an exception in one line of at most ``limit`` characters (empty if it has none), without colours."""
    return " ".join(_COLOUR.sub("", str(error)).split())[:limit]


def shell_word(value: object) -> str:
    """A path or name as one word of a command that a user copies into a shell; no part of it is run there."""
    import shlex

    return shlex.quote(str(value))


def short_repr(value: object) -> str:
    """A value of any kind as it fits into one line: not its middle if it is long, nor what lies deeper than four lists.

    Python's own ``repr`` raises for what is nested deeply, and for an object whose ``__repr__`` does.
    """
    import reprlib

    how = reprlib.Repr()
    how.maxlevel, how.maxlist, how.maxtuple, how.maxdict, how.maxset = 4, 20, 20, 20, 20
    how.maxstring = how.maxlong = how.maxother = 76
    text = how.repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def closest(name: str, known: Iterable[str], cutoff: float = 0.8) -> str | None:
    """The known name that comes closest to ``name``, if one comes close enough to be meant."""
    import difflib

    return next(iter(difflib.get_close_matches(name, [*known], n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str], otherwise: str, *, most: int = 3, cutoff: float = 0.5, prefix: str = "") -> str:
    """The remedy for an unknown ``name``: at most ``most`` of the known names that come closest, else ``otherwise``."""
    import difflib

    close = difflib.get_close_matches(name, [*known], n=most, cutoff=cutoff)
    return f"did you mean {', '.join(f'{prefix}{match}' for match in close)}?" if close else otherwise
