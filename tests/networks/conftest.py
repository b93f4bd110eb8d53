from __future__ import annotations

from pathlib import Path

import pytest

from tests.networks.factories import FACTORY


@pytest.fixture
def factory(tmp_path: Path) -> str:
    path = tmp_path / "nets.py"
    path.write_text(FACTORY)
    return f"{path}:net"
