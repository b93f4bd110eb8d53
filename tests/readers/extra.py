"""What the tests of optional readers share."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs_keras() -> None:
    """Skip unless keras is installed. It is not imported here: without a backend chosen, it would look for TensorFlow."""
    if find_spec("keras") is None:
        pytest.skip("the extra 'readers' is not installed", allow_module_level=True)
