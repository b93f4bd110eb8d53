from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tare.cli.main import app
from tare.errors import TareError
from tests.images import rgb_folder


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    from tare.reporting import console

    monkeypatch.setattr(console.out, "_width", 80)
    monkeypatch.setattr(console.err, "_width", 80)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["measure", *map(str, arguments)])


def document(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_folder_of_images_gives_a_table_of_eighty_columns(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 12)
    result = run(tmp_path)
    lines = result.output.splitlines()
    table = [line for line in lines if line.startswith(("  channel", "  red", "  green", "  blue"))]
    assert len(table) == 4
    assert all(len(line) <= 80 and line.count("±") == 2 for line in table[1:])
    assert any("12 images, uint8" in line for line in lines)
    assert any(line.startswith("mean = (0.") for line in lines)


def test_large_numbers_make_two_tables_rather_than_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    rng = np.random.default_rng(0)
    np.savetxt(path, rng.normal(-1.5e9, 3e5, (50, 2)), delimiter=",", header="first,second", comments="")
    output = run(path).output
    assert output.count("  channel") == 2
    assert "50 samples, float64" in output
    assert "count samples" in output
    assert all(len(line) <= 80 for line in output.splitlines() if "±" in line)


def test_columns_and_layout_choose_what_is_measured(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,name\n1,10,x\n3,30,y\n")
    assert [channel["name"] for channel in document(tmp_path / "t.csv", "--columns", "b,a")["channels"]] == ["b", "a"]
    np.save(tmp_path / "x.npy", np.zeros((4, 5, 6, 2), np.uint8))
    assert len(document(tmp_path / "x.npy", "--layout", "NCHW")["channels"]) == 5
    np.savez(tmp_path / "x.npz", one=np.zeros((3, 8, 8), np.uint8), two=np.ones((4, 8, 8), np.uint8))
    assert document(tmp_path / "x.npz", "--array", "two")["samples"] == 4


def test_a_column_of_text_is_named_as_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,name\n1,x\n3,y\n")
    assert "left out" in run(tmp_path / "t.csv").output
    assert "a column of text, for example 'x'" in run(tmp_path / "t.csv").output


def test_nan_is_said_plainly_and_left_out_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,10\n,30\n5,20\n")
    output = run(tmp_path / "t.csv").output
    assert "a: 1 NaN and 0 infinite values of 3, so the channel has no mean; --exclude-nan leaves them out" in output
    assert "mean = " not in output
    assert document(tmp_path / "t.csv")["channels"][0]["mean"] is None
    left_out = run(tmp_path / "t.csv", "--exclude-nan").output
    assert "a: 1 NaN and 0 infinite values of 3, left out" in left_out
    assert "mean = (3, 20)" in left_out


def test_what_was_left_out_of_images_is_counted(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4, 4), 128, np.uint8)).save(tmp_path / "alpha.png")
    assert "1 images: alpha channel dropped" in run(tmp_path).output
    assert document(tmp_path)["notes"] == {"alpha channel dropped": 1}


def test_a_published_constant_that_matches_is_named_with_its_definition(real_data: Path) -> None:
    if not (real_data / "cifar10-test").is_dir():
        pytest.skip("TARE_DATA has no cifar10-test")
    found = document(real_data / "cifar10-test")["matches"]
    assert ("cifar10", "pooled") in [(match["name"], match["definition"]) for match in found]
    assert ("cifar10-per-image", "mean_of_sample_std") in [(match["name"], match["definition"]) for match in found]
    assert "under the definition mean of per-image std" in run(real_data / "cifar10-test").output


def test_the_statistics_file_is_what_json_prints(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "data", 3)
    printed = document(tmp_path / "data", "--out", tmp_path / "stats.json")
    stored = json.loads((tmp_path / "stats.json").read_text())
    assert {key: value for key, value in printed.items() if key != "matches"} == stored


def test_too_many_unreadable_files_show_the_table_and_fail(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 3)
    (tmp_path / "a" / "bad.jpg").write_bytes(b"")
    result = run(tmp_path)
    assert isinstance(result.exception, TareError)
    assert "3 images" in result.output
    assert "the file is empty" in result.output
    assert run(tmp_path, "--max-skipped", "0.5").exit_code == 0


def test_data_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert isinstance(result.exception, TareError)
    assert "does not exist" in str(result.exception)


def test_a_sample_says_how_much_it_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (9000, 5, 5, 3), dtype=np.uint8))
    output = run(tmp_path / "x.npy", "--sample", "--tol", "0.02", "--seed", "5").output
    assert "of 9,000 images (" in output
    assert "all means and stds together are within 0.02 with 95% confidence" in output
    assert re.search(r"unless images of a kind rarer than 1 in \d+ are far from the others", " ".join(output.split()))
    assert document(tmp_path / "x.npy", "--sample", "--tol", "0.02")["sampled"]["tolerance"] == 0.02
    assert run(tmp_path / "x.npy", "--tol", "0.02").exit_code == 2


def test_what_the_network_sees_is_said(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 3)
    assert (
        "as seen after resize and crop to 8 x 6 (bicubic, center crop 0.875; a stated size)"
        in run(tmp_path, "--as-seen", "8x6").output
    )


def test_a_pass_is_kept_in_a_checkpoint(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "data", 3)
    assert document(tmp_path / "data", "--checkpoint", tmp_path / "pass.json") == document(tmp_path / "data")
