"""The demo's answer with the shipped networks, on the instruction set of this processor and on the plainest one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_ANSWER = """
import json, tempfile
from pathlib import Path
from tare.reporting.demo.text import answer, outcome
from tare.studying.demo.conditions import CONDITIONS
from tare.studying.demo.networks import SHIPPED
from tare.studying.demo.run import run_demo
from tare.system.progress import SILENT

result = run_demo(Path(tempfile.mkdtemp()), SILENT, SHIPPED, real=False)
print(json.dumps([answer(result), [outcome(result, condition) for condition in CONDITIONS]]))
"""


def answered(**variables: str) -> object:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _ANSWER], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.long
def test_the_answer_is_the_same_without_vector_instructions() -> None:
    found = answered()
    assert found == answered(ATEN_CPU_CAPABILITY="default")
    assert found[1] == ["no difference shown", "worse", "better", "no difference shown", "no difference shown"]  # type: ignore[index]
