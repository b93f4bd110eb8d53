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
