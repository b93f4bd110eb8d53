import inspect
import os
import pickle
import pydoc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import tare
from tare.errors import SpecError
from tare.system.options import ArgumentError, OptionGroup, choices_of, declared, flag, option, option_of, part, verb

Colour = Literal["red", "green"]


@dataclass(frozen=True, kw_only=True)
class Paint(OptionGroup):
    colour: Colour = option("red", "The colour.", panel="Paint")
    coats: int = option(1, "How often.", above=0)
    thinner: float | None = option(None, "A share.", least=0, most=0.5)

    def check(self) -> None:
        super().check()
        if self.colour == "green" and self.coats > 2:
            raise SpecError("at most two coats of green", f"{self.coats}", "use red")


@dataclass(frozen=True, kw_only=True)
class Wall(Paint):
    place: str = field(kw_only=False, metadata=declared("Which wall.", is_argument=True))
    listener: Any = None


@verb(Wall)
def painted(request: Wall) -> str:
    """Paint a wall."""
    return f"{request.place} {request.colour} {request.coats}"


def test_a_verb_takes_the_fields_as_its_own_parameters() -> None:
    assert painted("north", colour="green", coats=2) == "north green 2"
    assert painted(place="north") == "north red 1"
    parameters = inspect.signature(painted).parameters
    assert list(parameters) == ["place", "colour", "coats", "thinner", "listener"]
    assert parameters["coats"].default == 1


def test_help_shows_every_option_with_its_help() -> None:
    text = pydoc.plain(pydoc.render_doc(painted))
    assert "painted(place: str, *, colour: Literal['red', 'green'] = 'red', coats: int = 1" in text
    assert "coats: How often. (default: 1)" in text
    assert "listener:" not in text.split("Options:")[1]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"color": "red"}, r"a keyword of tare.painted, found 'color'; did you mean colour\?"),
        ({"zzz": 1}, r"found 'zzz'; help\(tare.painted\) lists them"),
    ],
)
def test_a_stranger_is_refused_with_the_closest_keyword(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        painted("north", **keywords)
    assert isinstance(caught.value, TypeError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own


def test_a_missing_argument_is_named_as_python_does() -> None:
    with pytest.raises(ArgumentError, match=r"arguments that tare.painted takes, found missing a required argument: 'place'"):
        painted()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "blue"}, "one of --colour: red or green, found 'blue'; choose one of them"),
        ({"coats": 0}, "--coats above zero, found 0; raise it"),
        ({"coats": "3"}, "a whole number for --coats, found '3'; write it as a whole number"),
        ({"coats": 2.5}, "a whole number for --coats, found 2.5"),
        ({"coats": True}, "a whole number for --coats, found True"),
        ({"coats": None}, "a whole number for --coats, found None"),
        ({"thinner": "thin"}, "a number for --thinner, found 'thin'"),
        ({"colour": None}, "one of --colour: red or green, found None"),
        ({"thinner": 0.6}, "--thinner at least 0 and at most 0.5, found 0.6; lower it"),
        ({"thinner": float("nan")}, "--thinner at least 0"),
        ({"coats": 3, "colour": "green"}, "at most two coats of green"),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_is_written(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Wall("north", **options)


def test_numbers_of_other_libraries_are_numbers() -> None:
    options: dict[str, Any] = {"coats": np.int64(2), "thinner": np.float32(0.25)}
    assert Wall("north", **options).coats == 2
    assert Wall("north", thinner=0).thinner == 0


def test_a_part_has_the_fields_of_its_group_alone() -> None:
    assert part(Paint, Wall("north", coats=2)) == Paint(coats=2)


def test_choices_are_those_of_a_literal_and_of_a_union_of_literals() -> None:
    assert choices_of(Colour | Literal["auto"]) == ("red", "green", "auto")
    assert choices_of(Colour | None) == ("red", "green")
    assert choices_of(str) == choices_of(int | str) == ()


@pytest.mark.parametrize("name", ["transfer", "advise"])
def test_every_keyword_of_an_exported_verb_has_a_help_or_is_a_reporter(name: str) -> None:
    function = getattr(tare, name)
    lines = (inspect.getdoc(function) or "").split("Options:\n")[1].splitlines()
    listed = {line.strip().partition(":")[0] for line in lines}
    assert set(inspect.signature(function).parameters) - listed == {"reporter"}


def test_flags_are_spelled_with_dashes() -> None:
    assert flag("batch_size") == "--batch-size"
    assert option_of(Wall.__dataclass_fields__["listener"]) is None


@dataclass(frozen=True, kw_only=True)
class Brush(OptionGroup):
    maker: str | None = option(None, "Who made it.")
    folder: str | os.PathLike[str] | None = option(None, "Where it lies.")
    hairs: Sequence[str] = option((), "Of what it is.")
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = option((), "Pictures of it.")
    handles: int | str = option("auto", "How many it has.")
    owner: Any = option(None, "Whose it is.")
    lengths: Sequence[float] | None = option(None, "Of each hair.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"maker": 0}, "text for --maker, found 0; write it as text"),
        ({"maker": ["a", "b"]}, r"text for --maker, found \['a', 'b'\]; write it as one text, with commas between"),
        ({"folder": 3}, "a path for --folder, found 3; write it as text"),
        ({"hairs": 3}, "texts for --hairs, found 3; write it as text"),
        ({"hairs": ["a", 3]}, "texts for --hairs, found 3; write it as text"),
        ({"hairs": None}, "texts for --hairs, found None; write it as text"),
        ({"files": [Path("a"), b"b"]}, "texts for --files, found b'b'; write it as text"),
        ({"handles": 1.5}, "text for --handles, found 1.5; write it as text"),
    ],
)
def test_an_object_of_another_kind_than_text_or_a_path_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Brush(**options)


def test_texts_paths_and_any_series_of_them_are_taken() -> None:
    Brush(maker="a", folder=Path("b"), hairs=["c"], files=iter(["d"]), handles=2, owner=object(), lengths=[1.0])
    Brush(maker=None, folder="b", hairs="c", files=Path("d"), handles="auto", lengths=np.arange(3.0))  # type: ignore[arg-type]
    Brush(hairs=np.array(["c"]))  # type: ignore[arg-type]
