"""Run a module's tests with a mutant in its place, and cheaply: libraries, tests and module are loaded once, then forked.

The process that knows all modules loads the libraries and nothing of tare. For each module it forks one that collects the tests
and runs them once as they are, to see which test runs which line. That one forks a child for every mutant inside a function:
the child gives the functions their changed code and runs the tests of the changed line until one fails. A mutant outside
functions (a constant, a default of a field) needs a module imported anew: its child imports tare with the changed module.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from benchmarks.mutation.forks import Job, forked
from benchmarks.mutation.mutants import Mutated

_HEAVY = (
    "numpy", "scipy.stats", "numba", "hypothesis.extra.numpy", "PIL.Image", "torch", "torchvision.transforms.v2", "timm",
)  # fmt: skip
#: A mutant's tests may take this much longer than the same tests without it, plus what starting takes.
_SLOWER, _START = 10.0, 30.0
#: A first look with so few examples of each law kills most mutants; what is left is tested with all of them.
_EXAMPLES = 10
_OPTIONS = ("-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:pytest_cov")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said: ``killed`` with the test that failed, ``survived``, or ``timeout``."""

    status: str
    test: str = ""
    seconds: float = 0.0


def load_libraries() -> None:
    """Load what the tests load, once for all children."""
    for name in _HEAVY:
        importlib.import_module(name)
    import torch

    torch.set_num_threads(1)


def outcomes(
    mutated: Mutated,
    files: Sequence[str],
    places: Sequence[int],
    workers: int = 1,
    left_out: Sequence[str] = (),
    *,
    quick: bool = False,
) -> Iterator[tuple[int, Outcome]]:
    """Run the mutants at ``places``; yields them as they end. Tests marked long or with a name in ``left_out`` are not run.

    ``quick`` ends with the first look, so that a few more survive.

    Raises SystemExit if the tests do not pass without a mutant, or if tare is loaded already: no child could load it changed.
    """
    if "tare" in sys.modules:
        raise SystemExit("expected a process that has not loaded tare: a mutant outside functions is a module loaded anew")
    inside = [place for place in places if mutated.inside[place]]
    baseline: _Baseline | None = None
    for line in _told(lambda tell: _serve(mutated, files, inside, tell, workers=workers, left_out=left_out, quick=quick)):
        if "seconds" in line:
            baseline = _Baseline(line["seconds"], {int(number): tests for number, tests in line["lines"].items()})
        elif "place" in line:
            yield line["place"], Outcome(**line["outcome"])
        else:
            raise SystemExit(f"the tests of {mutated.module} do not pass without a mutant: {line}")
    if baseline is None:
        raise SystemExit(f"the tests of {mutated.module} could not be run")
    outside = [place for place in places if not mutated.inside[place]]
    yield from _ran(_anew(mutated, files, place, baseline) for place in outside)(workers)


@dataclass(frozen=True, slots=True)
class _Baseline:
    """Seconds that each test takes, and the tests that run each line; a line that imports alone run has none."""

    seconds: Mapping[str, float]
    lines: Mapping[int, Sequence[str]]

    def chosen(self, line: int) -> list[str]:
        """The tests of a line, the quickest first; all for a line that imports alone run: it may matter to any of them."""
        return sorted(self.lines.get(line) or self.seconds, key=lambda test: self.seconds.get(test, 0.0))

    def limit(self, tests: Sequence[str]) -> float:
        return _START + _SLOWER * sum(self.seconds.get(test, 0.0) for test in tests)


def _told(task: Callable[[Callable[[dict[str, Any]], None]], None]) -> Iterator[dict[str, Any]]:
    """What a forked child says, one JSON object a line, while it runs."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(quiet, stream)
        with os.fdopen(writing, "w") as pipe:
            try:
                task(lambda line: print(json.dumps(line), file=pipe, flush=True))
            except BaseException as error:  # the other side raises it
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=pipe, flush=True)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        yield from map(json.loads, pipe)
    os.waitpid(process, 0)


def _ran(jobs: Iterator[Job]) -> Callable[[int], Iterator[tuple[int, Outcome]]]:
    def with_workers(workers: int) -> Iterator[tuple[int, Outcome]]:
        for place, answer, seconds in forked(jobs, workers):
            yield (
                place,
                Outcome("timeout", seconds=seconds) if answer is None else Outcome(answer["status"], answer["test"], seconds),
            )

    return with_workers


# One process for all mutants inside functions ------------------------------------------------------------------------------


def _serve(
    mutated: Mutated,
    files: Sequence[str],
    places: Sequence[int],
    tell: Callable[[Any], None],
    *,
    workers: int,
    left_out: Sequence[str],
    quick: bool,
) -> None:
    import coverage

    measured = coverage.Coverage(data_file=None, include=[mutated.filename], config_file=False, messages=False)
    measured.start()
    server = _Server(mutated, places, workers, tell, measured, left_out, quick)
    status = int(pytest.main([*_OPTIONS, *files], plugins=[server]))
    if not server.served:
        tell({"error": f"pytest ended with {status}"})


@dataclass
class _Server:
    """Takes the place of pytest's loop over tests: all once, traced; then the chosen ones for each mutant, in children."""

    mutated: Mutated
    places: Sequence[int]
    workers: int
    tell: Callable[[Any], None]
    measured: Any
    left_out: Sequence[str] = ()
    quick: bool = False
    served: bool = False
    kills: Counter[str] = field(default_factory=Counter)
    failed: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def pytest_collection(self) -> None:
        _without_shrinking()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [
            item
            for item in items
            if item.get_closest_marker("long") is None and not any(name in item.nodeid for name in self.left_out)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        with _few_examples(session.items) if self.quick else contextlib.nullcontext():
            self._run(session.items, self.measured)
        self.measured.stop()
        self.served = True
        if self.failed:
            self.tell({"failed": self.failed})
            return True
        contexts = self.measured.get_data().contexts_by_lineno(self.mutated.filename)
        lines = {line: [test for test in tests if test] for line, tests in contexts.items()}
        self.tell({"seconds": self.seconds, "lines": lines})
        baseline = _Baseline(dict(self.seconds), lines)
        items = {item.nodeid: item for item in session.items}
        for place, outcome in _ran(self._job(place, items, baseline) for place in self.places)(self.workers):
            self.kills[outcome.test] += 1
            self.tell({"place": place, "outcome": {"status": outcome.status, "test": outcome.test, "seconds": outcome.seconds}})
        return True

    def _job(self, place: int, items: Mapping[str, pytest.Item], baseline: _Baseline) -> Job:
        chosen = baseline.chosen(self.mutated.mutants[place].line)
        # Tests that killed much in little time go first; a test that has not killed yet counts as half a kill.
        chosen.sort(key=lambda test: (self.seconds[test] + 0.01) / (self.kills[test] + 0.5))

        def task() -> dict[str, Any]:
            give_code(sys.modules[f"tare.{self.mutated.module}"], self.mutated.code(place))
            tests = [items[test] for test in chosen]
            with _few_examples(tests):
                self._run(tests, None)
            if not self.failed and not self.quick:
                self._run(tests, None)
            return {"status": "killed" if self.failed else "survived", "test": self.failed}

        return place, task, baseline.limit(chosen)

    def _run(self, items: Sequence[pytest.Item], measured: Any) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            if measured is not None:
                measured.switch_context(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if measured is not None:
                measured.switch_context("")
            if self.failed:
                return


@contextlib.contextmanager
def _few_examples(items: Sequence[pytest.Item]) -> Iterator[None]:
    from hypothesis import settings

    name = "_hypothesis_internal_use_settings"  # where hypothesis keeps what @settings says
    laws = {function: getattr(function, name) for item in items if hasattr(function := getattr(item, "obj", None), name)}
    for function, used in laws.items():
        setattr(function, name, settings(used, max_examples=min(_EXAMPLES, used.max_examples)))
    try:
        yield
    finally:
        for function, used in laws.items():
            setattr(function, name, used)


def _without_shrinking() -> None:
    """It matters that a law fails, not on which smallest example."""
    from hypothesis import Phase, settings

    settings.register_profile("mutation", settings.get_profile("tare"), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutation")


def give_code(module: ModuleType, code: CodeType) -> None:
    """Give every function of a loaded module the code that it has in ``code``, and forget what is cached."""
    namespace: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__, "__builtins__": __builtins__}
    exec(code, namespace)  # noqa: S102  # that is what loading a module is
    changed = dict(_functions(namespace, module.__name__))
    for path, function in _functions(vars(module), module.__name__):
        function.__code__ = changed[path].__code__
        function.__defaults__, function.__kwdefaults__ = changed[path].__defaults__, changed[path].__kwdefaults__
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def _functions(namespace: Mapping[str, Any], module: str, prefix: str = "") -> Iterator[tuple[str, FunctionType]]:
    for name, value in namespace.items():
        path = f"{prefix}{name}"
        found = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        found = getattr(found, "__wrapped__", found)
        if isinstance(found, FunctionType) and found.__module__ == module and found.__code__.co_filename.endswith(".py"):
            yield path, found
        elif isinstance(value, type) and value.__module__ == module and not prefix:
            yield from _functions(vars(value), module, f"{path}.")


# A process that imports anew ------------------------------------------------------------------------------------------------


def _anew(mutated: Mutated, files: Sequence[str], place: int, baseline: _Baseline) -> Job:
    chosen = baseline.chosen(mutated.mutants[place].line)
    used = [file for file in files if any(test.partition("::")[0] == file for test in chosen)]

    def task() -> dict[str, Any]:
        sys.meta_path.insert(0, _Changed(f"tare.{mutated.module}", mutated.code(place)))
        plugin = _Chosen(chosen)
        status = int(pytest.main(["-x", *_OPTIONS, *used], plugins=[plugin]))
        return {"status": "killed" if status else "survived", "test": plugin.failed}

    return place, task, baseline.limit(chosen)


class _Chosen:
    """Keeps the chosen tests, in the order given."""

    def __init__(self, chosen: Sequence[str]) -> None:
        self.places = {test: place for place, test in enumerate(chosen)}
        self.failed = ""

    def pytest_collection(self) -> None:
        _without_shrinking()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.places), key=lambda item: self.places[item.nodeid])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"collecting {report.nodeid}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code where the written module is imported."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        if name != self.name:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=self.code.co_filename)
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:  # noqa: ARG002
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102  # that is what loading a module is
