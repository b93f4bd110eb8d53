"""Walk through a pipeline of any library, nested ones included, and read its steps in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tare.errors import SpecError, reason_of
from tare.pipelines.found import Container, Found, Library, Reader, step
from tare.pipelines.libraries.albumentations import LIBRARY as ALBUMENTATIONS
from tare.pipelines.libraries.kornia import LIBRARY as KORNIA
from tare.pipelines.libraries.own import LIBRARY as OWN
from tare.pipelines.libraries.timm import LIBRARY as TIMM
from tare.pipelines.libraries.torchvision import LIBRARY as TORCHVISION
from tare.pipelines.libraries.transformers import LIBRARY as TRANSFORMERS
from tare.pipelines.step import Step

_TORCH = Library("torch", ("torch.nn.modules.container",), {"Sequential": lambda thing: Container(tuple(thing))})
LIBRARIES: tuple[Library, ...] = (TORCHVISION, TIMM, ALBUMENTATIONS, KORNIA, TRANSFORMERS, OWN, _TORCH)

#: Methods that decide what a transform does. If a subclass overrides one of them, it does something else.
_BEHAVIOUR = frozenset(
    (
        "__call__",
        "forward",
        "transform",
        "_transform",
        "apply",
        "apply_transform",
        "make_params",
        "_get_params",
        "get_params",
        "get_params_dependent_on_data",
        "generate_parameters",
        "preprocess",
        "_preprocess",
        "_preprocess_image",
    )
)
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_DEEPEST, _MOST = 32, 4096
_REMEDY = "name the pipeline itself, a list of its steps, or a function that returns it"


def steps_of(pipeline: object) -> tuple[Step, ...]:
    """Read the steps of a pipeline: a transform or container of a known library, or a list or tuple of them.

    Nothing is run and nothing imported. A step is ``opaque`` if it is not known, or if its class overrides the behaviour of a
    known class. Raises :class:`SpecError` if the pipeline is nested more than 32 deep, contains itself, or has over 4096 steps.
    """
    found = []
    for each in _Walk(_title(pipeline)).steps(pipeline):
        found.append(each)
        if len(found) > _MOST:
            raise SpecError(f"a pipeline of at most {_MOST} steps", "more", _REMEDY)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A place in the walk: the pipeline's ``title``, the ``path`` of step numbers, whether a container around is ``random``."""

    title: str
    path: tuple[int, ...] = ()
    random: bool = False

    def steps(self, thing: object) -> Iterator[Step]:
        if len(self.path) > _DEEPEST:
            raise SpecError(
                f"a pipeline nested at most {_DEEPEST} deep", "a pipeline that is deeper, or contains itself", _REMEDY
            )
        found = _found(thing)
        if isinstance(found, Container):
            for number, member in enumerate(found.members, start=1):
                inner = replace(self, path=(*self.path, number), random=self.random or found.random)
                yield from inner.steps(member)
        elif len(found) == 1:
            yield self._placed(found[0], type(thing).__name__)
        else:
            for number, each in enumerate(found, start=1):
                yield replace(self, path=(*self.path, number))._placed(each, type(thing).__name__)

    def _placed(self, found: Step, name: str) -> Step:
        number = ".".join(str(index) for index in self.path)
        where = f"{self.title}, step {number}" if number else self.title
        return replace(found, name=found.name or name, where=where, random=found.random or self.random)


def reader_of(thing: object) -> Reader | None:
    """The reader of an object's class, or of the nearest base class whose behaviour it keeps; None if there is none."""
    own = getattr(thing, "__dict__", {})
    altered = bool(own.keys() & _BEHAVIOUR)
    stranger = library_of(type(thing)) is None
    for cls in type(thing).__mro__:
        library = library_of(cls)
        if library is not None and not altered and cls.__name__ in library.readers:
            return library.readers[cls.__name__]
        if library is not None and not stranger and cls.__name__ in library.families:
            return library.families[cls.__name__]
        altered = altered or bool(vars(cls).keys() & _BEHAVIOUR)
    return None


def library_of(cls: type) -> Library | None:
    """The library that defines a class; None if no known library does."""
    return next((library for library in LIBRARIES if library.has(cls)), None)


def _found(thing: object) -> Found:
    """The steps or members of one object; opaque if reading it raises. A user's object may run any code when it is read."""
    if issubclass(type(thing), list | tuple):
        return Container(tuple(thing))  # type: ignore[arg-type]
    try:
        if any(getattr(thing, name, None) for name in _HOOKS):
            return _opaque(thing, "it has hooks")
        reader = reader_of(thing)
        return _opaque(thing, "tare does not know its class") if reader is None else reader(thing)
    except Exception as error:  # a property that raises, or an object of another version
        return _opaque(thing, reason_of(f"{type(error).__name__}: {error}"))


def _opaque(thing: object, why: str) -> tuple[Step, ...]:
    function = getattr(thing, "__name__", None) if type(thing).__module__ == "builtins" else None
    return (step("opaque", function if isinstance(function, str) else type(thing).__name__, why=why),)


def _first(thing: object, depth: int = 0) -> object:
    """The first step of a pipeline that is no container; of one that is empty or too deep the container."""
    found = _found(thing)
    if not isinstance(found, Container) or not found.members or depth == _DEEPEST:
        return thing
    return _first(found.members[0], depth + 1)


def _title(pipeline: object) -> str:
    """The pipeline's name in origins: ``torchvision Compose``, ``torchvision`` for a single transform, ``list``, ``pipeline``.

    A list and torch's ``Sequential`` are of kornia if their first step is, since it takes floats.
    """
    if issubclass(type(pipeline), list | tuple) or type(pipeline).__name__ == "Sequential":
        first = _first(pipeline)
        if first is not pipeline and any(KORNIA.has(cls) for cls in type(first).__mro__):
            return f"{KORNIA.name} {type(pipeline).__name__}"
    if issubclass(type(pipeline), list | tuple):
        return type(pipeline).__name__
    library = next((found.name for found in map(library_of, type(pipeline).__mro__) if found), "pipeline")
    found = _found(pipeline)
    is_single = not isinstance(found, Container) and len(found) == 1
    return library if is_single else f"{library} {type(pipeline).__name__}"
