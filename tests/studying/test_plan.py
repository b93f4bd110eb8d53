from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tare.errors import DataError, SpecError
from tare.studying.plan import StudyPlan, plan_of, read_plan


def test_defaults_are_those_of_the_study() -> None:
    plan = plan_of({"study": "digits"})
    assert plan.number == len(list(plan.cells())) == 1200
    assert plan.strategies == ("source", "target", "match", "blend", "none")
    assert (plan.seeds, plan.margin, plan.batchnorm) == (10, 1.0, ("eval",))


def test_single_values_stand_for_lists_and_sizes_are_ordered() -> None:
    plan = plan_of({"study": "signals", "networks": "mlp", "sizes": [60, 20], "shifts": "content"})
    assert (plan.networks, plan.sizes, plan.shifts) == (("mlp",), (20, 60), ("content",))


def test_batch_norm_varies_only_where_there_is_one_and_it_is_frozen() -> None:
    plan = plan_of(
        {
            "networks": ["cnn-batch", "cnn-none"],
            "protocols": ["probe", "finetune"],
            "batchnorm": ["eval", "reestimate"],
            "sizes": 20,
            "shifts": "content",
            "seeds": 2,
        }
    )
    modes = {(cell.network, cell.protocol, cell.batchnorm) for cell in plan.cells()}
    assert modes == {
        ("cnn-batch", "probe", "eval"),
        ("cnn-batch", "probe", "reestimate"),
        ("cnn-batch", "finetune", "train"),
        ("cnn-none", "probe", "none"),
        ("cnn-none", "finetune", "none"),
    }
    assert plan.number == len(list(plan.cells())) == 5 * 5 * 2


def test_cells_that_differ_have_other_hashes_and_the_same_cell_the_same() -> None:
    cells = list(plan_of({"study": "signals", "seeds": 2}).cells())
    assert len({cell.digest("x") for cell in cells}) == len(cells)
    assert cells[0].digest("x") == cells[0].digest("x") != cells[0].digest("y")


def test_a_plan_survives_json() -> None:
    plan = plan_of({"study": "signals", "seeds": 3, "margin": 0.5})
    assert StudyPlan.of_json(plan.to_json()) == plan


def test_test_samples_stay_the_same_up_to_sizes_of_half_the_data() -> None:
    small, large, larger = (plan_of({"sizes": [20, size]}) for size in (80, 448, 600))
    assert small.pool == large.pool == 448
    assert larger.pool == 600


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"strategys": ["source"]}, r"a plan with known keys, found 'strategys'; did you mean strategies"),
        ({"colour": 1}, r"found 'colour'; .*"),
        ({"strategies": ["source", "targt"]}, r"strategies among source, .*, found 'targt'; did you mean target"),
        ({"networks": ["cnn-bach"]}, r"networks among .*, found 'cnn-bach'; did you mean cnn-batch"),
        ({"protocols": ["prob"]}, r"protocols among probe, finetune, scratch, found 'prob'; did you mean probe"),
        ({"batchnorm": ["evil"]}, r"batchnorm among eval, reestimate, found 'evil'; did you mean eval"),
        ({"batchnorm": ["eval", "reestimate"], "networks": "cnn-none"}, r"a network with batch norm .*, found networks cnn-none"),
        ({"batchnorm": ["reestimate"], "protocols": "finetune"}, r"under the protocol probe to re-estimate it, found .*finetune"),
        ({"shifts": ["gian:2"]}, r"a shift: content, .*, found 'gian:2'"),
        ({"shifts": ["swap"]}, r"three channels for the shift 'swap', found 1"),
        ({"study": "signals", "shifts": ["blur:1"]}, r"images or signals for the shift 'blur'"),
        ({"study": "signals", "strategies": ["source", "sample"]}, r"images or signals for the strategy 'sample'"),
        (
            {"strategies": ["target", "none"]},
            r"the strategy source, which .*, found target, none; add it",
        ),
        ({"strategies": ["source"]}, r"a strategy beside source, found none; add target"),
        ({"strategies": []}, r"strategies: a list of names, found \[\]"),
        ({"strategies": ["source", "source"]}, r"strategies without repetition"),
        ({"sizes": [20, 2000]}, r"sizes from 5 \(a sample per class\) to 717 \(896 less 179 to test on\), found 2000"),
        ({"sizes": [4]}, r"sizes from 5 .*, found 4"),
        ({"sizes": ["20"]}, r"sizes: a list of whole numbers, found \['20'\]"),
        ({"sizes": [True]}, r"sizes: a list of whole numbers"),
        ({"seeds": 1}, r"at least two seeds: one gives no interval, found 1"),
        ({"seeds": 2.5}, r"seeds: a positive whole number, found 2\.5"),
        ({"seeds": True}, r"seeds: a positive whole number, found True"),
        ({"margin": 0}, r"margin: a positive number, found 0"),
        ({"margin": float("nan")}, r"margin: a positive number, found nan"),
        ({"seeds": 100_000, "study": "digits"}, r"at most 1000000 cells, found 12000000; vary less"),
        ({"study": 3}, r"a name for study, found 3"),
        ({"study": "folder"}, r"data, labelled images, for the study 'folder', found none"),
        ({"data": "photos/"}, r"data only for the study 'folder', found data beside the study 'digits'"),
        ({"study": "folder", "data": "photos/"}, r"a network for the study of a folder, found none"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_computed(document: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        plan_of(document)


def test_an_unknown_study_is_told_with_the_closest() -> None:
    with pytest.raises(DataError, match=r"a study: digits, signals, found 'digit'; did you mean digits"):
        plan_of({"study": "digit"})


def test_a_class_with_too_few_samples_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from tare.studying.tasks import task as tasks

    task = tasks.TASKS["signals"]
    few = task.target()
    labels = few.labels.copy()
    labels[0] = 2
    odd = replace(task, target=lambda: type(few)(few.name, few.values, labels))
    monkeypatch.setitem(tasks.TASKS, "signals", odd)
    with pytest.raises(SpecError, match=r"at least 3 samples of every class, found 1 of class 2"):
        plan_of({"study": "signals"})


def test_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("study: signals\nsizes: [20, 60]\nstrategies: [source, target]\n")
    assert read_plan(path) == {"study": "signals", "sizes": [20, 60], "strategies": ["source", "target"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", r"a plan with keys such as strategies and sizes, found list"),
        ("a: [", r"a readable YAML plan, found .*plan\.yaml"),
        ("!!python/object/apply:os.system ['true']", r"a readable YAML plan"),
        ("x" * (2 << 20), r"a plan of at most 1048576 bytes, found 2097152"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=message):
        read_plan(path)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"a readable YAML plan, found .*No such file"):
        read_plan(tmp_path / "none.yaml")
