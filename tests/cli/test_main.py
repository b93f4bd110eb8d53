from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.cli import start as cli
from tests.images import random_rgb, save_png

CONSTANTS = ("--mean", "0.4", "--std", "0.2")
TEST_RESNET = ("--model", "timm:test_resnet", "--weights", "none", "--out")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; returns exit code, standard output and standard error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tare", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
    captured = capsys.readouterr()
    code = left.value.code
    return (0 if code is None else int(code)), captured.out, captured.err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(8):
        save_png(tmp_path / "photos" / "ab"[index % 2] / f"{index}.png", random_rgb(index, 36, 40))
    return tmp_path / "photos"


def test_measure_prints_the_schema_with_figures_of_numpy(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "measure", str(photos), "--json")
    document: dict[str, Any] = json.loads(out)
    assert code == 0
    assert document["schema"] == "tare.stats/2"
    assert document["samples"] == 8
    pixels = np.concatenate([random_rgb(index, 36, 40).reshape(-1, 3) for index in range(8)]) / 255
    for index, channel in enumerate(document["channels"]):
        assert channel["name"] == ("red", "green", "blue")[index]
        assert channel["count"] == len(pixels)
        assert channel["mean"] == pytest.approx(pixels[:, index].mean(), rel=1e-12)
        assert channel["std"] == pytest.approx(pixels[:, index].std(), rel=1e-12)
        assert {"mean_se", "std_se", "min", "max", "mean_of_sample_std"} <= set(channel)
    assert document["skipped"] == []


def test_measure_shows_the_same_figures_in_eighty_columns(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, "measure", str(photos))
    assert code == 0
    assert "mean = (" in out
    rows = [line for line in out.splitlines() if "±" in line]
    assert len(rows) == 4  # heading and three channels: nothing is wrapped
    assert max(map(len, rows)) <= 80


def test_a_bad_file_is_listed_the_rest_is_measured_and_the_exit_code_says_so(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "a" / "fake.jpg").write_text("no image")
    (photos / "notes.txt").write_text("hello")
    code, out, err = run(capsys, "measure", str(photos), "--json")
    document = json.loads(out)
    assert code == 2
    assert document["samples"] == 8
    assert {Path(item["path"]).name: item["foreign"] for item in document["skipped"]} == {"fake.jpg": False, "notes.txt": True}
    assert "at most 1.00% unreadable samples, found 1 of 9" in err
    assert run(capsys, "measure", str(photos), "--max-skipped", "0.5")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["measure", "{root}/empty"], "found no files in"),
        (["measure", "{root}/absent"], "{root}/absent"),
        (["transfer", "{root}/empty", *TEST_RESNET, "{root}/o"], "one folder per class"),
        (["transfer", "{root}/photos", "--model", "timm:resnt18", "--out", "{root}/o"], "did you mean timm:resnet18"),
        (["transfer", "{root}/photos", *TEST_RESNET, "{root}/photos"], "exists"),
        (
            ["transfer", "{root}/photos", "--mean", "x", "--std", "1", *TEST_RESNET, "{root}/o"],
            "the name of a catalog entry after --mean",
        ),
        (["demo", "--out", "{root}/photos"], "exists; name another, or use --overwrite\n"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    photos: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    root = str(photos.parent)
    (photos.parent / "empty").mkdir()
    code, out, err = run(capsys, *(part.format(root=root) for part in arguments))
    assert code == 2
    assert out == ""
    assert message.format(root=root) in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not (photos.parent / "o").exists()


def test_transfer_prints_what_it_did_as_json(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["transfer", str(photos), "--model", "timm:test_resnet", "--weights", "none", "--protocol", "probe"]
    out_dir = photos.parent / "run"
    code, out, _ = run(capsys, *arguments, "--size", "32", "--workers", "0", *CONSTANTS, "--json", "--out", str(out_dir))
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "tare.transfer/1"
    assert document["mean"] == [0.4, 0.4, 0.4]
    assert (out_dir / "model" / "tare.json").exists()


@pytest.mark.parametrize("command", ["measure", "transfer", "demo"])
def test_every_commands_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert re.search(rf"Examples?: tare {command}", " ".join(out.split()))


def test_the_help_loads_no_heavy_library() -> None:
    script = (
        "import sys\nfrom tare.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'timm', 'lightning', 'altair', 'polars'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the limit is one of POSIX systems")
def test_too_few_files_that_can_be_opened_are_told_before_the_work(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", random_rgb(8, 8))
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)); from tare.cli.start import main; main()"
    command = [sys.executable, "-c", limit, "measure", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"error: expected at least \d+ more files that can be opened, found \d+: .*ulimit.*\n", done.stderr)


def test_a_user_whom_the_system_does_not_know_has_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.setenv("HOME", "to be restored")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    homes: list[Path] = []
    cli.main(lambda: homes.append(Path.home()))
    assert homes == [Path("/")]


@pytest.mark.parametrize("words", ["transfer p --model timm:x --out {}/r", "compare p p --html {}/p.html"])
def test_a_command_with_charts_needs_pythons_docstrings(words: str, tmp_path: Path) -> None:
    program = "from tare.cli.start import main; main()"
    command = [sys.executable, "-OO", "-c", program, *words.format(tmp_path).split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "expected Python with docstrings for charts" in done.stderr


@pytest.mark.parametrize(
    ("reason", "lines"),
    [("Os { kind: TooManyOpenFiles }", 1), ('message: "Too many open files"', 1), ("index out of bounds", None)],
)
def test_a_panic_of_a_compiled_library_is_a_failure(reason: str, lines: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    class PanicException(BaseException):  # as PyO3 makes it: no Exception
        pass

    def panics() -> None:
        raise PanicException(reason)

    with pytest.raises(SystemExit) as left:
        cli.main(panics)
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert (len(said.splitlines()) == 1) == (lines == 1)
    assert ("too many open files" in said) == (lines == 1)


def test_the_end_of_a_loader_that_was_never_made_is_not_told() -> None:
    program = (
        "import sys, tare.cli.start\n"
        "class _MultiProcessingDataLoaderIter:\n    def __del__(self):\n        raise AttributeError('_workers_status')\n"
        "class Other:\n    def __del__(self):\n        raise AttributeError('other')\n"
        "def run():\n    _MultiProcessingDataLoaderIter()\n    Other()\n"
        "tare.cli.start.main(run)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 (our own)
    assert "_workers_status" not in done.stderr
    assert "other" in done.stderr


def test_an_interrupt_that_came_at_the_end_of_an_object_is_delivered_again() -> None:
    program = (
        "import signal, time, tare.cli.start\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Ending:\n    def __del__(self):\n        signal.raise_signal(signal.SIGINT)\n"
        "def run():\n    Ending()\n    time.sleep(1)\n    print('lost')\n"
        "tare.cli.start.main(run)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
