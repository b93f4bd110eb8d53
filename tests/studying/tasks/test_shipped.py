from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets

from tare.studying.tasks import shipped
from tare.studying.tasks.shipped import shipped_cells, shipped_digits


def test_what_is_read_is_what_scikit_learn_loads() -> None:
    images, shown = shipped_digits()
    np.testing.assert_array_equal(images, datasets.load_digits().images)
    np.testing.assert_array_equal(shown, datasets.load_digits().target)
    rows, benign = shipped_cells()
    np.testing.assert_array_equal(rows, datasets.load_breast_cancer().data)
    np.testing.assert_array_equal(benign, datasets.load_breast_cancer().target)


def test_where_the_files_lie_elsewhere_scikit_learn_loads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [shipped_digits(), shipped_cells()]
    monkeypatch.setattr(shipped, "_table", lambda *_, **__: None)
    for (values, labels), (others, same) in zip(expected, [shipped_digits(), shipped_cells()], strict=True):
        np.testing.assert_array_equal(values, others)
        np.testing.assert_array_equal(labels, same)
        assert labels.dtype == same.dtype == np.int64


def test_a_built_in_study_is_planned_and_proved_without_loading_scikit_learn_or_a_compiler() -> None:
    program = (
        "import sys\nfrom tare.studying.execution.running import _inputs\n"
        "from tare.studying.cells.fed_inputs import prove_different\n"
        "from tare.studying.plan import plan_of\nfrom tare.studying.cells.pretraining import pretrain_together\n"
        "for name in ('digits', 'signals'):\n"
        "    plan = plan_of({'study': name})\n    prove_different(plan)\n    _inputs(plan)\n"
        "    pretrain_together(plan.task, plan.networks[0], [0], epochs=1)\n"
        "print(*{'sklearn', 'torch._dynamo'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == ""
