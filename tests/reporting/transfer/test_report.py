"""The printed line is Python that works as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
from packaging.version import Version
from torch import nn

import tare
from tare.reporting.transfer.report import loading_call
from tests.tiny_run import FACTORY, tiny_run


@pytest.mark.parametrize(
    ("reference", "in_timm"), [("timm:test_resnet", True), ("timm:test_resnet", False), ("nets.py:net", False)]
)
def test_the_call_loads_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, in_timm: bool) -> None:
    if in_timm and Version(timm.__version__) < Version("1.0.27"):
        pytest.skip("an older timm does not read safetensors there")
    monkeypatch.chdir(tmp_path)
    Path("nets.py").write_text(FACTORY)
    run = tiny_run(Path("it's"), reference=reference, with_data=False)
    call = loading_call(run / "model", reference, in_timm=in_timm)
    assert isinstance(eval(call, {"tare": tare, "timm": timm}), nn.Module)  # noqa: S307 - the line is what is tested
