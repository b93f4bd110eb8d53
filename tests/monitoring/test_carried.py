from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tare
from tare.cli.main import app
from tare.errors import DataError
from tare.exporting.inputs import ExportFormat
from tare.monitoring.reference import Reference
from tests.monitoring.made import photographs, reference
from tests.tiny_run import tiny_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose model carries a reference."""
    made = tiny_run(tmp_path)
    reference(200).save(made / "model" / "reference.json")
    return made


@pytest.mark.parametrize(("form", "name"), [("torchscript", "m.pt"), ("pt2", "m.pt2"), ("safetensors", "m.safetensors")])
def test_an_exported_file_carries_the_reference(run: Path, tmp_path: Path, form: ExportFormat, name: str) -> None:
    tare.export(run, format=form, out=tmp_path / name)
    assert Reference.load(tmp_path / name).digest == Reference.load(run).digest


@pytest.mark.parametrize("with_resize", [False, True])
def test_a_graph_carries_the_reference_of_the_images_that_reach_it(run: Path, tmp_path: Path, *, with_resize: bool) -> None:
    stored, seen = reference(200), reference(200, seed=5)
    replace(stored, seen=seen).save(run / "model" / "reference.json")
    tare.export(run, format="torchscript", out=tmp_path / "m.pt", with_resize=with_resize)
    known = Reference.load(tmp_path / "m.pt")
    assert (known.counts == (stored if with_resize else seen).counts).all()
    assert known.of_values("fed").digest == seen.digest


def test_an_onnx_file_carries_it_for_onnxruntime_alone_too(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    tare.export(run, format="onnx", out=tmp_path / "m.onnx")
    known = Reference.load(tmp_path / "m.onnx")
    assert known.digest == Reference.load(run).digest
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert Reference.load(tmp_path / "m.onnx").digest == known.digest


@pytest.mark.parametrize("form", ["safetensors", "timm"])
def test_an_exported_folder_carries_the_file(run: Path, tmp_path: Path, form: ExportFormat) -> None:
    tare.export(run, format=form, out=tmp_path / "out")
    assert (tmp_path / "out" / "reference.json").read_bytes() == (run / "model" / "reference.json").read_bytes()
    assert Reference.load(tmp_path / "out").origin == str(tmp_path / "out")


def test_a_run_without_a_reference_exports_none(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    tare.export(run, format="torchscript", out=tmp_path / "m.pt")
    with pytest.raises(DataError, match=r"expected a reference in the file's metadata, found none in .*m\.pt"):
        Reference.load(tmp_path / "m.pt")


@pytest.mark.parametrize("name", ["m.pt", "m.pt2", "m.safetensors"])
def test_a_file_of_another_kind_than_its_name_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not what it says")
    with pytest.raises(tare.TareError) as caught:
        Reference.load(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1


def test_nothing_of_a_pickle_is_run(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"cos\nsystem\n(S'touch ran'\ntR.")
    with pytest.raises(DataError, match="none in"):
        Reference.load(tmp_path / "m.pt")
    assert not (tmp_path / "ran").exists()


def test_measure_writes_a_reference_beside_the_statistics(tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", photographs(60, 3))
    given = ["measure", str(tmp_path / "x.npy"), "--layout", "NHWC", "--reference", str(tmp_path / "r.json")]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    known = Reference.load(tmp_path / "r.json")
    assert known.samples == 60
    assert (known.counts == Reference.of(photographs(60, 3), workers=1).counts).all()
    for other in (["--sample"], ["--alpha", "composite"]):
        refused = CliRunner().invoke(app, [*given, *other])
        assert isinstance(refused.exception, DataError)
        assert " ".join(other) in str(refused.exception)


def test_statistics_are_no_reference_and_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    tare.measure(photographs(60, 3), workers=1).save(tmp_path / "stats.json")
    with pytest.raises(DataError, match=r"hold no figures of single samples; measure the data once more with `tare measure"):
        Reference.load(tmp_path / "stats.json")
