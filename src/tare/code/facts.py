"""What the rules read: the pipelines, datasets and networks that the files of a repository make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tare.code.files.document import Document
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.source import Source
from tare.code.interpreter.values import Call, Choice, Items, Table, Value, alternatives
from tare.code.libraries.networks import Network, as_set, networks_of
from tare.code.libraries.pipelines import Variant, is_container, step_of, variants
from tare.code.roles import Role, role_of_decisions, role_of_file, role_of_names


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """A pipeline that a call makes, one variant a branch, and what it is for."""

    call: Call
    variants: tuple[Variant, ...]
    role: Role

    @property
    def path(self) -> str:
        """The file that makes it."""
        return self.call.spot.source.path


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A dataset or loader that a call makes, what it is for, and the pipelines given to it."""

    call: Call
    role: Role
    pipelines: tuple[tuple[Decisions, Pipeline], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read of a group of files that import each other.

    ``documents`` are those of the whole repository, and ``kept`` what several rules need, by its name.
    """

    pipelines: tuple[Pipeline, ...]
    datasets: tuple[Dataset, ...]
    networks: tuple[Network, ...]
    calls: tuple[Call, ...]
    sources: tuple[Source, ...]
    cut: frozenset[str] = frozenset()
    used: Mapping[str, frozenset[int]] = field(default_factory=dict)
    documents: Sequence[Document] = ()
    kept: dict[str, Any] = field(default_factory=dict)


def facts_of(
    log: Sequence[Call],
    sources: Sequence[Source],
    cut: Iterable[str] = (),
    used: Mapping[str, Mapping[int, Call]] | None = None,
    documents: Sequence[Document] = (),
) -> Facts:
    """The facts in a log of calls; ``used`` has the calls that the program of a file takes from other files, by identity."""
    inside = {id(part) for call in log if is_container(call) for part in _parts(call)}
    pipelines = {
        id(call): Pipeline(call, tuple(_possible(call)), role_of(call))
        for call in log
        if is_container(call) and id(call) not in inside
    }
    pipelines |= {id(call): Pipeline(call, tuple(_possible(call)), role_of(call)) for call in _alone(log, inside)}
    datasets = [each for each in (_dataset(call, pipelines) for call in log) if each is not None]
    networks = list(as_set([each for call in log for each in networks_of(call)], log))
    taken = {path: frozenset(calls) for path, calls in (used or {}).items()}
    made = (tuple(pipelines.values()), tuple(datasets), tuple(networks), tuple(log), tuple(sources))
    return Facts(*made, frozenset(cut), taken, documents)


def _alone(log: Sequence[Call], inside: set[int]) -> Iterable[Call]:
    """A single ToTensor that a dataset gets as its transform: a pipeline of one step."""
    for call in log:
        if _makes_dataset(call):
            for given in (*call.args, *call.keywords.values()):
                for _, value in alternatives(given):
                    step = step_of(value) if isinstance(value, Call) and id(value) not in inside else None
                    if step is not None and step.kind == "to_tensor":
                        yield step.call


def _makes_dataset(call: Call) -> bool:
    return call.function.startswith(("new.", "torchvision.datasets."))


def _parts(call: Call) -> Iterable[Value]:
    for value in (*call.args, *call.keywords.values()):
        yield from value.items if isinstance(value, Items) else (value,)


def _possible(call: Call) -> Iterable[Variant]:
    return (each for each in variants(call, call) if agree(each.decisions, call.decisions))


def role_of(call: Call) -> Role:
    """What a pipeline is for: its names, then the branches taken, then the functions it is made in."""
    named, decided = role_of_names(call.names), role_of_decisions(call.decisions)
    if _role_of_list(call) not in ("unknown", named) and named != "unknown":
        return "mixed"
    if named != "unknown" and decided not in ("unknown", named):
        return "mixed"
    made = role_of_names(call.within[-1:])
    if named == "unknown" and {made, decided} == {"train", "eval"}:  # a branch far above, and the function that makes it
        return made
    for role in (_role_of_list(call), named, decided):
        if role != "unknown":
            return role
    return made if made != "unknown" else role_of_file(call.spot.source.path, call.spot.source.document.text)


def _role_of_list(call: Call) -> Role:
    """The role that the name of the list of steps states."""
    given = call.args[0] if call.args else None
    options = [each for _, each in alternatives(given)] if given is not None else []
    return role_of_names({each.name for each in options if isinstance(each, Items) and each.name})


def _dataset(call: Call, pipelines: dict[int, Pipeline]) -> Dataset | None:
    if not _makes_dataset(call):
        return None
    found = [
        (decisions, pipelines[id(value)])
        for given in (*call.args, *call.keywords.values())
        for decisions, value in _given(given)
        if id(value) in pipelines
    ]
    return Dataset(call, _role_of_dataset(call), tuple(found)) if found else None


def _given(value: Value) -> Iterable[tuple[Decisions, Value]]:
    if isinstance(value, Choice):
        return value.options
    if isinstance(value, Table):
        return [(frozenset(), each) for each in value.entries.values()] if len(value.entries) == 1 else []
    return [(frozenset(), value)]


def _role_of_dataset(call: Call) -> Role:
    names = [each for each in call.names if each not in ("self", "dataset")]
    hook = call.within[-1] if call.within else ""
    return role_of_names(names or ([hook] if hook.endswith("_dataloader") else []))
