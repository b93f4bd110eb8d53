from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_main import run
from tests.tiny_run import save_photo, tiny_run


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    for index in range(3):
        save_photo(tmp_path / "photos" / f"{index}.png", index)
    return tiny_run(tmp_path)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_an_image_in_order(trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--top", "2")
    found = rows(out)
    assert (code, err) == (0, "")
    assert [Path(row["path"]).name for row in found] == ["0.png", "1.png", "2.png"]
    assert list(found[0]) == ["path", "label", "probability", "label_2", "probability_2", "error"]
    assert float(found[0]["probability"]) >= float(found[0]["probability_2"])


def test_a_bad_image_has_a_row_that_says_so_and_the_exit_code_is_one(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad,name.png").write_text("no image")
    code, out, _ = run(capfd, "predict", str(trained), str(tmp_path / "bad,name.png"), str(tmp_path / "photos"))
    found = rows(out)
    assert code == 1
    assert found[0]["path"] == str(tmp_path / "bad,name.png")
    assert found[0]["label"] == ""
    assert found[0]["error"].startswith("not an image")
    assert all(row["label"] and not row["error"] for row in found[1:])


def test_without_any_answer_the_exit_code_is_two(trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, "predict", str(trained), str(tmp_path / "absent.png"))
    assert code == 2
    assert "No such file or directory" in rows(out)[0]["error"]
    assert "an image that can be read, found none of 1" in err
    (tmp_path / "empty").mkdir()
    code, out, err = run(capfd, "predict", str(trained), str(tmp_path / "empty"))
    assert (code, out) == (2, "")
    assert "at least one image, found none" in err


def test_json_has_the_schema_and_json_lines_the_same_answers(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = json.loads(run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--json", "--top", "3")[1])
    lines = run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--jsonl", "--top", "3")[1].splitlines()
    assert whole["schema"] == "tare.predictions/1"
    assert whole["predictions"] == [json.loads(line) for line in lines]
    assert [rank["label"] for rank in whole["predictions"][0]["ranks"]]
    assert sum(rank["probability"] for rank in whole["predictions"][0]["ranks"]) == pytest.approx(1.0)
    code, _, err = run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--json", "--jsonl")
    assert code == 2
    assert "one of --json and --jsonl, found both" in err


def test_a_file_is_written_whole(trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--out", str(tmp_path / "answers.csv"))
    assert (code, out) == (0, "")
    assert len(rows((tmp_path / "answers.csv").read_text())) == 3
    code, _, err = run(capfd, "predict", str(trained), str(tmp_path / "photos"), "--out", str(tmp_path / "answers.csv" / "x"))
    assert code == 2
    assert "a place that can be written" in err


@pytest.mark.long
def test_a_list_on_standard_input_keeps_names_that_are_no_utf8(trained: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.png"
    save_photo(tmp_path / "plain.png", 1).rename(os.fsdecode(name))
    for options in ([], ["--jsonl"]):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", "from tare.cli.start import main; main()", "predict", str(trained), "-", *options],
            input=name + b"\n" + os.fsencode(tmp_path / "photos" / "1.png") + b"\n",
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        first = done.stdout.splitlines()[0 if options else 1]
        if options:
            assert os.fsencode(json.loads(first)["path"]) == name
        else:
            assert first.startswith(name + b",")


def test_names_of_classes_may_hold_anything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    classes = ('<b>"x"</b>', "two\nlines", "=1+1,\udcff")
    trained = tiny_run(tmp_path, classes=classes, with_data=False)
    save_photo(tmp_path / "1.png", 1)
    code, out, _ = run(capfd, "predict", str(trained), str(tmp_path / "1.png"), "--json", "--top", "3")
    assert code == 0
    assert {rank["label"] for rank in json.loads(out)["predictions"][0]["ranks"]} == set(classes)
    assert run(capfd, "predict", str(trained), str(tmp_path / "1.png"), "--out", str(tmp_path / "x.csv"), "--top", "3")[0] == 0
    assert b"\xff" in (tmp_path / "x.csv").read_bytes()


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "predict", "--help")
    assert code == 0
    assert "Example: tare predict" in " ".join(out.split())
