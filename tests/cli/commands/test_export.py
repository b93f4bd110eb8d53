from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tare.exporting import push
from tests.cli.test_main import run
from tests.tiny_run import tiny_run


def test_it_says_what_was_written_what_it_takes_and_how_close_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = tiny_run(tmp_path)
    out = tmp_path / "model.ts"
    code, printed, err = run(capsys, "export", str(trained), "--format", "torchscript", "--out", str(out), "--with-resize")
    assert code == 0
    assert out.is_file()
    assert "takes  images, raw uint8 NHWC, any height and width, any N" in printed
    assert "gives  probabilities, logits of 3 classes" in printed
    assert "answers in batches of 1, 2, 5" in printed
    assert "from 3 validation images of the run" in printed
    assert "resize the same bytes as Pillow's" in printed
    assert err.splitlines() == ["note: PyTorch has deprecated TorchScript: for new installations use --format pt2 or onnx"]


def test_json_has_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = tiny_run(tmp_path)
    code, printed, _ = run(
        capsys, "export", str(trained), "--format", "pt2", "--out", str(tmp_path / "m.pt2"), "--layout", "NCHW", "--json"
    )
    document = json.loads(printed)
    assert code == 0
    assert document["schema"] == "tare.export/1"
    assert document["layout"] == "NCHW"
    assert document["size"] == [32, 32]
    assert document["parity"]["logits"] <= document["parity"]["tolerance"]
    assert document["labels"] == ["ant", "bee", "cow"]


def test_the_address_of_the_upload_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")
    hub = SimpleNamespace(
        create_repo=lambda *_, **__: None, upload_folder=lambda **_: SimpleNamespace(commit_url="https://hub.invalid/0a1b")
    )
    monkeypatch.setattr(push, "hub_client", lambda: hub)
    trained = tiny_run(tmp_path)
    out = str(tmp_path / "out")
    code, printed, _ = run(capsys, "export", str(trained), "--format", "safetensors", "--out", out, "--push", "me/net")
    assert code == 0
    assert printed.splitlines()[-1] == "pushed https://hub.invalid/0a1b"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{root}/photos", "--format", "timm", "--out", "{root}/o"], "a run or model directory"),
        (["{root}/run", "--format", "timm", "--out", "{root}/run"], "exists; name another, or use --overwrite"),
        (["{root}/run", "--format", "timm", "--out", "{root}/photos", "--overwrite"], "holds something else"),
        (["{root}/run", "--format", "pt2", "--out", "{root}/notes.txt/x"], "is a file"),
        (["{root}/run", "--format", "timm", "--out", "{root}/o", "--with-resize"], "which holds no graph"),
        (["{root}/run", "--format", "pt2", "--out", "{root}/o", "--images", "{root}/notes.txt"], "uint8 images among --images"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    tiny_run(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    (tmp_path / "notes.txt").write_text("hello")
    code, out, err = run(capsys, "export", *(part.format(root=tmp_path) for part in arguments))
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export", "--help")
    assert code == 0
    assert "Example: tare export" in " ".join(out.split())
