"""What all tests share: repeatable hypothesis runs, and where real data lies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before torch loads: the networks of the tests are too small for threads, which on a busy machine wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts background jobs with interrupts ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Compiled kernels make the first example slow; the same examples every run keep a failure repeatable.
settings.register_profile("tare", deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tare")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--skipped-to", help="Write the tests that were skipped, or whole files of them, to this file, one a line.")
    parser.addoption("--only", help="Run only the tests and the files that this file names, one a line.")


def pytest_configure(config: pytest.Config) -> None:
    place = config.getoption("--skipped-to")
    if place is not None and not hasattr(config, "workerinput"):  # a worker of xdist tells its controller
        config.pluginmanager.register(_Skipped(Path(place)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    place = config.getoption("--only")
    if place is not None:
        named = set(Path(place).read_text(encoding="utf-8").splitlines())
        kept = [item for item in items if not named.isdisjoint((item.nodeid, item.nodeid.partition("::")[0]))]
        wanted = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = kept


class _Skipped:
    """Keeps the names of skipped tests: with every optional library these alone have something left to say."""

    def __init__(self, place: Path) -> None:
        self.place, self.names = place, set[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped:
            self.names.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.place.write_text("".join(f"{name}\n" for name in sorted(self.names)), encoding="utf-8")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of unpacked public datasets that the environment variable TARE_DATA names."""
    root = os.environ.get("TARE_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("TARE_DATA names no folder of datasets")
    return Path(root)


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """A command that runs in this process sets PYTHONSAFEPATH for what it starts; the next test's programs shall not have it."""
    before = os.environ.get("PYTHONSAFEPATH")
    yield
    if before is None:
        os.environ.pop("PYTHONSAFEPATH", None)
