"""The modules of a repository, each carried out once."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Mapping, Sequence

from tare.code.files.document import Skipped
from tare.code.interpreter.conditions import Condition
from tare.code.interpreter.configured import Configurations
from tare.code.interpreter.frame import Frame, Run
from tare.code.interpreter.repository import Repository
from tare.code.interpreter.source import Source, parsed
from tare.code.interpreter.syntax import calls, expressions, statements
from tare.code.interpreter.values import UNKNOWN, Class, Function, Instance, Literal, Value, joined

#: Steps that one entry may take, and all entries of one file together, of which a long one counts for at most a third.
STEPS = 20_000
STEPS_OF_FILE = 12_000
MOST_OF_FILE = STEPS_OF_FILE // 3
_MOST_HANDED = 40


class Program:
    """Modules of a repository; it connects the parts of the interpreter (:class:`Engine`)."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._sources: dict[str, Source | Skipped] = {}
        self._names: dict[str, dict[str, Value]] = {}
        self._configurations = Configurations(repository.configurations)
        self.run: Run | None = None

    @property
    def sources(self) -> list[Source]:
        """The files that were parsed."""
        return [each for each in self._sources.values() if isinstance(each, Source)]

    @property
    def skipped(self) -> list[Skipped]:
        """The files that could not be parsed."""
        return [each for each in self._sources.values() if isinstance(each, Skipped)]

    @property
    def carried(self) -> frozenset[str]:
        """The paths of the modules that were carried out."""
        return frozenset(self._names)

    def source(self, path: str) -> Source | None:
        """The parsed file; None if it cannot be parsed."""
        if path not in self._sources:
            self._sources[path] = parsed(self._repository.code[path])
        found = self._sources[path]
        return found if isinstance(found, Source) else None

    # The functions themselves: a method around each would cost as much as many a step.
    evaluate = staticmethod(expressions.evaluate)
    execute = staticmethod(statements.execute)
    call = staticmethod(calls.call)
    attribute = staticmethod(calls.attribute)

    def module(self, path: str) -> Mapping[str, Value]:
        """The names of a module after it was carried out; those so far if modules import each other in a circle."""
        path = self._repository.links.own(path)
        if path not in self._names:
            self._names[path] = {}
            source = self.source(path) if path in self._repository.code else None
            if source is not None:
                self._carry_out(source, self._names[path])
        return self._names[path]

    def share(self, path: str, function: str, values: Mapping[str, Value]) -> None:
        """Give variables of a module what a function made for them, beside what they had; a number that changes is left alone.

        Either all of them have the new value or none has.
        """
        names = self._names.get(path)
        if names is None:
            return
        subject = f"{path}:{function}::{function} was called"
        yes, no = (frozenset([Condition(subject, frozenset([True]), holds)]) for holds in (True, False))
        for name, value in values.items():
            before = names.get(name)
            if isinstance(value, Literal):
                continue
            is_empty = before is None or (isinstance(before, Literal) and before.value is None)
            names[name] = value if is_empty or before is None else joined([(no, before), (yes, value)])

    def _carry_out(self, source: Source, names: dict[str, Value]) -> None:
        run = self.run
        if run is None:
            return
        entry, steps, limit = run.entry, run.steps, run.limit
        run.enter(source.path, 0, STEPS)
        frame = Frame(run, source, names, scope=source.path)
        with run.bounded():
            statements.execute(frame, source.tree.body)
        self._handed(run)
        run.enter(entry, steps, limit)

    def once(self, value: Function) -> Value:
        """What a function that keeps its result returns; its first call is a part of its module, as a constant is.

        Unknown where it calls itself, or takes too many steps.
        """
        run = self.run
        if run is None:
            return UNKNOWN
        if value.node not in run.kept:
            run.kept[value.node] = UNKNOWN
            entry, steps, limit = run.entry, run.steps, run.limit
            run.enter(value.source.path, run.steps, run.limit)
            run.kept[value.node] = self._within_entry(run, value, softly=False)
            run.enter(entry, steps, limit)
        return run.kept[value.node]

    def _handed(self, run: Run) -> None:
        """Functions inside functions, and lambdas, that were only handed on: to ``map``, to a layer, to a transform."""
        left, run.handed = run.handed, []
        for each in left[:_MOST_HANDED]:
            if (run.entry, each.node) not in run.visits and run.may_enter(each):
                self._within_entry(run, each, softly=True)
        run.handed = []

    def _within_entry(self, run: Run, value: Function, *, softly: bool) -> Value:
        run.steps, run.limit = 0, STEPS
        frame = Frame(run, value.source, {}, scope=value.source.path, decisions=value.decisions)
        found: Value = UNKNOWN
        with run.bounded():
            found = calls.run_function(frame, value, calls.bound_arguments(value, (), {}, softly=softly))
        return found  # noqa: RET504 (what is cut off leaves the block without a value)

    def imported(self, source: Source, module: str, level: int) -> Value:
        """The module that an import names; see :meth:`Repository.imported`."""
        return self._repository.imported(source.path, module, level)

    def submodule(self, path: str, name: str) -> Value:
        """The module of a name in a package of the repository, or UNKNOWN."""
        return self._repository.submodule(path, name)

    def configuration(self, source: Source, path: str) -> Value | None:
        """The contents of the configuration that a path in a file names; None if there is no such file."""
        is_moved = "os.chdir(" in source.document.text and not posixpath.isabs(path)
        return self._configurations.at(path, posixpath.dirname(source.path), only=is_moved)

    def composed(self, source: Source, folder: str, name: str) -> Value | None:
        """What Hydra makes of a configuration and its defaults; None if there is no such file."""
        return self._configurations.composed(posixpath.join(posixpath.dirname(source.path), folder), name)

    def carry_out(self, path: str) -> None:
        """Every function and method of a file that nothing called when the modules were carried out."""
        run, source = self.run, self.source(path)
        if run is None or source is None:
            return
        names = self.module(path)
        left = STEPS_OF_FILE
        for value in sorted(names.values(), key=_shares, reverse=True):
            if left > 0:
                left -= self._of_value(run, source, value)
            elif self._unfollowed(run, source, value):
                run.cut.add(path)
                break

    def settle(self) -> None:
        """Give pipelines the steps that their lists have in the end."""
        if self.run is not None:
            calls.settle(self.run)

    def _unfollowed(self, run: Run, source: Source, value: Value) -> list[Function]:
        """The functions of a file's function or class that matter and that nothing has called."""
        if not isinstance(value, Function | Class) or value.source is not source or not run.matters(value.node):
            return []
        if isinstance(value, Class) and calls.is_plain_layer(run, value):
            return []
        several = value.attributes.values() if isinstance(value, Class) else (value,)
        return [
            each for each in several if isinstance(each, Function) and each.node not in run.entered and run.matters(each.node)
        ]

    def _of_value(self, run: Run, source: Source, value: Value) -> int:
        """Follow what nothing has called, and return the steps that count."""
        functions = self._unfollowed(run, source, value)
        if isinstance(value, Class):
            return self._class(run, value, functions) if functions else 0
        return sum(self._function(run, each, None, f"{source.path}::{each.name}") for each in functions)

    def _class(self, run: Run, value: Class, methods: Sequence[Function]) -> int:
        used = 0
        this = next(iter(run.instances.get(value.node, ())), None)
        # What an object does belongs to the program that makes it.
        program = this.made.entry.partition("::")[0] if this is not None and this.made is not None else value.source.path
        entry = f"{program}::{value.name}"
        for each in sorted(methods, key=lambda one: one.name != "__init__"):
            if this is None:
                this = Instance(value, run.new_key())
                begin = value.attributes.get("__init__")
                if isinstance(begin, Function):
                    used += self._function(run, begin, this, entry)
            if each.node not in run.entered:
                used += self._function(run, each, this if each.kind != "staticmethod" else None, entry)
        return used

    def _function(self, run: Run, value: Function, this: Value | None, entry: str) -> int:
        run.enter(entry, 0, STEPS)
        frame = Frame(run, value.source, {}, scope=value.source.path)
        args = (this,) if this is not None else ()
        with run.bounded():
            calls.run_function(frame, value, calls.bound_arguments(value, args, {}, softly=True))
        steps = run.steps
        self._handed(run)
        return min(steps, MOST_OF_FILE)


def _shares(value: Value) -> bool:
    """Whether a function gives variables of its module a value, as one does that loads a network once."""
    if not isinstance(value, Function) or isinstance(value.node, ast.Lambda):
        return False
    return any(isinstance(each, ast.Global) for each in value.node.body)
