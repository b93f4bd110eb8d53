"""Options declared once: a field of a frozen dataclass with its help, its panel and its range.

A group of options is a dataclass that derives from :class:`OptionGroup`; a request is a dataclass that derives from the groups it
is made of. Python's keywords, the command line, ``help()`` and the documentation are all made from the fields. Groups are written
without ``from __future__ import annotations``: the type of a field is then the type itself, and nothing is evaluated.
"""

import errno
import functools
import inspect
import math
import numbers
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin

from tare.errors import SpecError, did_you_mean, short_repr
from tare.system.optional import missing

P = ParamSpec("P")
Q = TypeVar("Q")
R = TypeVar("R")
G = TypeVar("G", bound="OptionGroup")


#: The largest whole number of an option that states no other: no library that gets it counts further.
MOST = 2**31 - 1
#: The largest seed that NumPy's, scikit-learn's and torch's generators all take.
MOST_SEED = 2**32 - 1
#: The most processes or threads.
MOST_WORKERS = 1024
#: The devices of torch.
DEVICES = r"auto|cpu|gpu|(?:cuda|xpu)(?::\d{1,3})?|mps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of an option beside its name, type and default.

    The value, or each where it may be several, lies between ``least`` and ``most`` (inclusive), or above ``above`` (exclusive).
    A whole number without a ``most`` is at most :data:`MOST`, a number is finite, and text has no null character. ``form`` is a
    regular expression that all of a text matches, and ``what`` then says which texts do. The others are of the command line:
    ``names`` are its spellings where they are not ``--like-the-field``, ``metavar`` stands
    for the value in its help, ``shown`` for the default, ``kind`` is its type where it is not the field's, and ``reads`` turns
    its text, given with the option's name, into the value; an option that ``repeats`` may be given several times, which is the
    same as all of its values with commas between. ``is_argument`` marks a positional argument, ``of_file`` a path that
    is no directory, ``of_folder`` one that is no file, and ``on_command_line`` is False for a keyword of Python's alone.
    ``what`` is the noun of messages that list the choices.
    """

    help: str
    panel: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    form: str = ""
    names: tuple[str, ...] = ()
    metavar: str | None = None
    shown: str | None = None
    kind: Any = None
    reads: Callable[[str, str], Any] | None = None
    repeats: bool = False
    is_argument: bool = False
    of_file: bool = False
    of_folder: bool = False
    on_command_line: bool = True
    what: str = ""


def option(default: Any, text: str, **known: Any) -> Any:
    """A field with a default: an option whose help is ``text``; ``known`` are fields of :class:`Option`."""
    return field(default=default, metadata=declared(text, **known))


def declared(text: str, **known: Any) -> Mapping[str, Any]:
    """The metadata of a field without a default: an option that must be given."""
    return {"option": Option(help=text, **known)}


def option_of(entry: "Field[Any]") -> Option | None:
    """What was declared of a field; None for a field that only Python code sets."""
    return cast("Option | None", entry.metadata.get("option"))


@dataclass(frozen=True, kw_only=True)
class OptionGroup:
    """Options that belong together; a value that cannot be is refused where it is written."""

    def __post_init__(self) -> None:
        """Check every value by itself, then the values of each group together."""
        for entry in fields(self):
            if (known := option_of(entry)) is not None:
                _check_value(entry, known, getattr(self, entry.name))
        self.check()

    def check(self) -> None:
        """Raise :class:`SpecError` for values that contradict each other; a group that can contradict itself overrides this."""


@dataclass(frozen=True, kw_only=True)
class Seeded(OptionGroup):
    """What chance is drawn from."""

    seed: int = option(0, "Seed of everything random.", least=0, most=MOST_SEED)


#: The field that names a file of options.
CONFIG = "config"


@dataclass(frozen=True, kw_only=True)
class Configured(OptionGroup):
    """A command whose options may stand in a file."""

    config: Path | None = option(
        None, "A YAML file of options; those on the command line win.", metavar="FILE.yaml", of_file=True
    )

    def check(self) -> None:
        """Raise :class:`SpecError` for a file of options in Python: the command line reads it before it makes the request."""
        super().check()
        if self.config is not None:
            raise SpecError(
                "options as keywords, in Python", f"config={str(self.config)!r}", "use the command line, --config FILE"
            )


def part(kind: type[G], request: G) -> G:
    """The options of the group ``kind`` alone, from a request that derives from it."""
    return kind(**{entry.name: getattr(request, entry.name) for entry in fields(kind)})


def verb(request: Callable[P, Q]) -> Callable[[Callable[[Q], R]], Callable[P, R]]:
    """Give a function of one request the request's own fields as its parameters.

    Editors and type checkers see the fields by their names and types, ``help()`` lists them with their help, and a keyword that
    is no field raises :class:`ArgumentError` with the closest name.
    """

    def decorate(function: Callable[[Q], R]) -> Callable[P, R]:
        signature = inspect.signature(request)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in signature.parameters:
                    otherwise = f"help(tare.{function.__name__}) lists them"
                    remedy = did_you_mean(name, signature.parameters, otherwise, most=1, cutoff=0.6)
                    raise ArgumentError(f"a keyword of tare.{function.__name__}", repr(name), remedy)
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise ArgumentError(
                    f"arguments that tare.{function.__name__} takes", f"{error}", f"see help(tare.{function.__name__})"
                ) from None
            try:
                return function(request(*args, **kwargs))
            except ModuleNotFoundError as error:
                told = missing(error)
                if told is None:
                    raise
                raise told from None
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                raise ArgumentError("the name of a file that can exist", f"{str(error)[:120]}", "check the path") from None

        call.request = request  # type: ignore[attr-defined]
        call.__signature__ = signature.replace(return_annotation=function.__annotations__["return"])  # type: ignore[attr-defined]
        call.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nOptions:\n{_listing(request)}"
        return call

    return decorate


class ArgumentError(SpecError, TypeError):
    """A function is given a keyword that it does not have, too many arguments or too few."""


def words(text: str, name: str) -> list[str]:
    """The words after an option, with commas between. Raises :class:`SpecError` if there is no word after the option ``name``."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    if name and not found:
        raise SpecError(f"words with commas after {name}", repr(text), "leave the option out")
    return found


def flag(name: str) -> str:
    """How a field is spelled on the command line."""
    return f"--{name.replace('_', '-')}"


def choices_of(kind: Any) -> tuple[Any, ...]:
    """The values of a type that is a choice among words; none of any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    parts = [choices_of(part) for part in get_args(kind) if part is not type(None)]
    return tuple(value for values in parts for value in values) if parts and all(parts) else ()


_NOUNS = {bool: ("True or False", bool), int: ("a whole number", numbers.Integral), float: ("a number", numbers.Real)}


def _check_value(entry: "Field[Any]", known: Option, value: Any) -> None:
    """Raise :class:`SpecError` for a value of another type, that is not among the choices, or lies outside of the range."""
    if value is None and entry.default is None:
        return
    if isinstance(entry.type, str) and known.kind is None and known.reads is None:
        raise TypeError(f"the type of {entry.name} is text: write its group without `from __future__ import annotations`")
    choices = choices_of(entry.type)
    if choices and value not in choices:
        listed = " or ".join(", ".join(some) for some in (choices[:-1], choices[-1:]))
        what = known.what or f"one of {flag(entry.name)}"
        raise SpecError(f"{what}: {listed}", short_repr(value), "choose one of them")
    _check_words(entry, known, value)
    _check_text(entry, known, value)
    several = any(get_origin(kind) is Sequence for kind in get_args(entry.type)) and not isinstance(value, str)
    for each in value if several and isinstance(value, Sequence) else (value,):
        _check_number(entry, known, each)


def _check_words(entry: "Field[Any]", known: Option, value: Any) -> None:
    """Raise :class:`SpecError` for an object of another kind where text, a path, or several of them are expected.

    A positional argument is told by the function that takes it, and a type that takes other objects, too, is not judged.
    """
    union = get_args(entry.type) if get_origin(entry.type) in (Union, UnionType) else (entry.type,)
    single = tuple(kind for kind in union if get_origin(kind) not in (Sequence, Iterable))
    several = [kind for kind in union if kind not in single and {str} <= {*_parts(kind)} <= {str, os.PathLike}]
    plain = {get_origin(kind) or kind for kind in single} - {type(None)}
    if known.is_argument or not plain | {*several} or not plain <= {str, os.PathLike, Path, int} or plain == {int}:
        return
    if len(single) + len(several) < len(union):  # numbers, which are checked as such
        return
    if isinstance(value, str) or (int in plain and isinstance(value, numbers.Integral)):
        return
    paths = bool({os.PathLike, Path} & {*plain, *(part for kind in several for part in _parts(kind))})
    if paths and isinstance(value, os.PathLike):
        return
    odd = value
    if several and isinstance(value, Iterable) and not isinstance(value, bytes):
        items = value if isinstance(value, list | tuple) else ()  # any other may be read once
        strange = [each for each in items if not isinstance(each, (str, os.PathLike) if paths else str)]
        if not strange:
            return
        odd = strange[0]
    noun = "texts" if several else "a path" if plain & {os.PathLike, Path} else "text"
    listed = noun == "text" and isinstance(odd, list | tuple)
    written = "write it as one text, with commas between" if listed else "write it as text"
    raise SpecError(f"{noun} for {flag(entry.name)}", short_repr(odd), written)


def _parts(kind: Any) -> Iterable[Any]:
    """The types of the items of a sequence."""
    for item in get_args(kind):
        for part in get_args(item) if get_origin(item) in (Union, UnionType) else (item,):
            yield get_origin(part) or part


def _check_text(entry: "Field[Any]", known: Option, value: Any) -> None:
    """Raise :class:`SpecError` for text that no file, column or class can be named with, or that has not the option's form."""
    is_word = {*get_args(entry.type), entry.type} <= {str, type(None), Sequence[str], str | None, Sequence[str] | None}
    for each in value if isinstance(value, list | tuple) else (value,):
        if is_word and isinstance(each, str) and "\0" in each:
            raise SpecError(f"text for {flag(entry.name)}", f"a null character in {each[:80]!r}", "leave it out")
        if known.form and isinstance(each, str) and not re.fullmatch(known.form, each):
            raise SpecError(f"{known.what} for {flag(entry.name)}", f"{each[:80]!r}", "choose one of them")


def whole_number(text: str) -> int | None:
    """The whole number that a text is, 0 or more; None for any other text. More digits than :data:`MOST` has are no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) else None


def _check_number(entry: "Field[Any]", known: Option, value: Any) -> None:
    """Raise :class:`SpecError` for a number of another type, or outside of the range."""
    kinds = {*get_args(entry.type), entry.type} & {bool, int, float, str}
    expected = next((noun for kind, noun in _NOUNS.items() if kinds == {kind}), None)
    if expected is not None and not (isinstance(value, expected[1]) and (bool in kinds or not isinstance(value, bool))):
        raise SpecError(f"{expected[0]} for {flag(entry.name)}", short_repr(value), f"write it as {expected[0]}")
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    low = known.least if known.above is None else known.above
    most = MOST if known.most is None and is_whole else known.most
    if low is not None or most is not None:
        _check_range(entry, known, value, (low, most), is_whole=is_whole)
    several = any(get_origin(kind) is Sequence for kind in get_args(entry.type))  # of raw values, which may be NaN
    if kinds == {float} and not several and isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"a finite number for {flag(entry.name)}", f"{value}", "write it with digits")


def _check_range(
    entry: "Field[Any]", known: Option, value: Any, ends: tuple[float | None, float | None], *, is_whole: bool
) -> None:
    """Raise :class:`SpecError` for a number outside of ``ends``, the lower of which may itself be outside."""
    low, high = ends
    low, high = (-MOST if is_whole else -math.inf) if low is None else low, math.inf if high is None else high
    if not (low < value <= high or (known.above is None and value == low)):
        least = (
            f"above {'zero' if low == 0 else f'{low:g}'}"
            if known.above is not None
            else f"at least {low:,}"
            if is_whole
            else f"at least {low:g}"
        )
        shown = known.most if known.most is not None or value <= high else high
        said = "" if shown is None else f" and at most {shown:,}" if is_whole else f" and at most {shown:g}"
        found = f"{value}" if not is_whole or abs(value) < 1 << 64 else f"a number of {int(value).bit_length()} bits"
        raise SpecError(f"{flag(entry.name)} {least}{said}", found, "raise it" if not value > low else "lower it")


def _listing(request: Any) -> str:
    """The options of a request by name, each with its help and its default."""
    lines = []
    for entry in fields(request):
        if (known := option_of(entry)) is not None:
            default = "" if entry.default in (MISSING, None) else f" (default: {entry.default})"
            lines.append(f"    {entry.name}: {known.help}{default}")
    return "\n".join(lines)
