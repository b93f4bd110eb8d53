from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tare.errors import OutputError, SpecError
from tare.training.run_dir import check_out, check_processes, is_main_process, run_dir


def begun(out: Path, settings: dict[str, object]) -> Path:
    with run_dir(out, settings, resume=False) as folder:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "last.ckpt").write_text("state")
    return out


def fail_after_checkpoint(folder: Path) -> None:
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").write_text("state")
    raise ZeroDivisionError


def test_a_new_directory_records_its_settings(tmp_path: Path) -> None:
    out = begun(tmp_path / "new" / "run", {"lr": 0.1, "mean": (0.5,)})
    assert json.loads((out / "run.json").read_text())["settings"] == {"lr": 0.1, "mean": [0.5]}


def test_an_existing_directory_is_refused_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    out = begun(tmp_path / "run", {})
    with pytest.raises(OutputError, match=r"a new output directory, found .* exists; name another, or use --overwrite"):
        check_out(out, overwrite=False, resume=False)
    with pytest.raises(OutputError, match=r"use --overwrite$"):  # there is no --resume
        check_out(out, overwrite=False, resume=None)
    check_out(out, overwrite=True, resume=False)
    with run_dir(out, {"again": 1}, resume=False, overwrite=True):
        pass
    assert not (out / "checkpoints").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(OutputError, match="holds something else; remove it yourself"):
        check_out(tmp_path, overwrite=True, resume=False)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "model/notes.txt",
        "model/tokenizer/words.txt",
        "checkpoints/mine.bin",
        ".env",
        "tensorboard/notes.txt",
        "wandb/notes.txt",
    ],
)
def test_a_run_that_holds_files_of_the_users_own_is_not_overwritten(tmp_path: Path, name: str) -> None:
    out = begun(tmp_path / "run", {})
    place = out / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine")
    with pytest.raises(OutputError, match=f"a run directory to overwrite that holds nothing else, found '{name}'"):
        check_out(out, overwrite=True, resume=False)
    assert place.read_text() == "mine"
    place.unlink()
    check_out(out, overwrite=True, resume=False)


def test_a_failure_before_the_first_checkpoint_leaves_nothing_and_brings_back_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_dir(tmp_path / "fresh", {}, resume=False):
        raise ZeroDivisionError
    out = begun(tmp_path / "run", {"first": 1})
    with pytest.raises(ZeroDivisionError), run_dir(out, {"second": 2}, resume=False, overwrite=True):
        raise ZeroDivisionError
    assert json.loads((out / "run.json").read_text())["settings"] == {"first": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_failure_after_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_dir(tmp_path / "run", {}, resume=False) as folder:
        fail_after_checkpoint(folder)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()


def test_only_the_main_process_of_several_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = begun(tmp_path / "run", {"lr": 0.1})
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_out(out, overwrite=False, resume=False)
    with run_dir(out, {"lr": 0.2}, resume=False):
        pass
    assert (out / "checkpoints" / "last.ckpt").exists()
    assert json.loads((out / "run.json").read_text())["settings"] == {"lr": 0.1}


def test_a_rank_left_over_from_another_job_does_not_make_a_run_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert (begun(tmp_path / "run", {}) / "run.json").exists()
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(SpecError, match="a whole number in the variable RANK, found 'first'; unset it"):
        check_out(tmp_path / "other", overwrite=False, resume=False)


@pytest.mark.parametrize(
    ("variables", "is_main", "devices"),
    [
        ({}, True, {1, 2, 4}),
        ({"WORLD_SIZE": "4"}, True, {1, 2, 4}),
        ({"RANK": "0", "WORLD_SIZE": "2"}, True, set()),  # Lightning would train alone and twice on all data
        ({"RANK": "1", "WORLD_SIZE": "2"}, False, set()),
        ({"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}, False, {2}),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "4"}, True, {4}),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, False, {2}),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_JOB_NAME": "bash"}, True, {1, 2, 4}),
    ],
)
def test_a_launcher_starts_one_process_for_each_device(
    variables: dict[str, str], is_main: bool, devices: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_main_process() == is_main
    for number in (1, 2, 4):
        if number in devices:
            check_processes(number)
        else:
            with pytest.raises(SpecError, match=r"for each device, found \w+=\d with \d devices?; unset (WORLD|SLURM)"):
                check_processes(number)


def test_only_the_same_settings_are_resumed(tmp_path: Path) -> None:
    out = begun(tmp_path / "run", {"epochs": 3, "lr": 0.1})
    with run_dir(out, {"lr": 0.1, "epochs": 3}, resume=True):
        pass
    with pytest.raises(OutputError, match="epochs: 3 then, 4 now"), run_dir(out, {"epochs": 4, "lr": 0.1}, resume=True):
        pass
    with pytest.raises(OutputError, match=r"a run to resume, found no run.json"):
        check_out(tmp_path / "absent", overwrite=False, resume=True)


def test_a_place_that_cannot_be_written_is_found_out_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"an output directory that can be written, found .* is a file"):
        check_out(tmp_path / "file" / "run", overwrite=False, resume=False)
    with pytest.raises(OutputError, match="an output directory that can be written"):
        check_out(Path("/proc/1/no/run"), overwrite=False, resume=False)


def test_what_a_killed_overwriting_left_is_put_back_and_never_taken_for_nothing(tmp_path: Path) -> None:
    out = begun(tmp_path / "run", {"first": 1})
    out.rename(tmp_path / ".run.tare-before")  # killed between taking the old one away and placing the new one
    with pytest.raises(OutputError, match="a new output directory"), run_dir(out, {"second": 2}, resume=False):
        pass
    assert json.loads((out / "run.json").read_text())["settings"] == {"first": 1}
    (tmp_path / ".run.tare-a1b2c3d4.part").mkdir()
    with run_dir(out, {"second": 2}, resume=False, overwrite=True):
        assert not (tmp_path / ".run.tare-a1b2c3d4.part").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_killed_process_was_saving_is_no_file_of_the_user(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with run_dir(out, {"first": 1}, resume=False, overwrite=False):
        part = out / ".model.tare-0123abcd.part"
        part.mkdir()
        (part / "model.safetensors").write_text("half")
    check_out(out, overwrite=True, resume=False)
    (out / ".model.mine").mkdir()
    (out / ".model.mine" / "model.safetensors").touch()
    with pytest.raises(OutputError, match=r"found '\.model\.mine/model\.safetensors'"):
        check_out(out, overwrite=True, resume=False)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_that_a_killed_process_had_overwritten_with_nothing_is_put_back(tmp_path: Path, overwrite: bool) -> None:
    out = begun(tmp_path / "run", {"first": 1})
    (out / "model").mkdir()
    out.rename(tmp_path / ".run.tare-before")
    shutil.copytree(tmp_path / ".run.tare-before", out, ignore=shutil.ignore_patterns("checkpoints", "model"))
    with pytest.raises((OutputError, ZeroDivisionError)), run_dir(out, {"third": 3}, resume=False, overwrite=overwrite):
        raise ZeroDivisionError
    assert json.loads((out / "run.json").read_text())["settings"] == {"first": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_finished_run_outlives_two_overwritings_of_which_none_ends(tmp_path: Path) -> None:
    out = begun(tmp_path / "run", {"first": 1})
    (out / "model").mkdir()
    with pytest.raises(ZeroDivisionError), run_dir(out, {"second": 2}, resume=False, overwrite=True) as folder:
        fail_after_checkpoint(folder)
    with pytest.raises(OutputError, match="a new output directory"), run_dir(out, {"third": 3}, resume=False):
        pass
    assert json.loads((out / "run.json").read_text())["settings"] == {"second": 2}  # it can be resumed
    with pytest.raises(ZeroDivisionError), run_dir(out, {"third": 3}, resume=False, overwrite=True):
        raise ZeroDivisionError
    assert json.loads((out / "run.json").read_text())["settings"] == {"first": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_of_the_user_in_what_a_killed_process_began_is_kept(tmp_path: Path) -> None:
    out = begun(tmp_path / "run", {"first": 1})
    out.rename(tmp_path / ".run.tare-before")
    shutil.copytree(tmp_path / ".run.tare-before", out, ignore=shutil.ignore_patterns("checkpoints"))
    (out / "notes.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"notes\.txt"), run_dir(out, {"third": 3}, resume=False, overwrite=True):
        pass
    assert (out / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("name", ["run/../run", "../run", "run/model/..", "run/up/run"])
def test_a_name_that_leads_through_the_run_is_that_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    out = begun(tmp_path / "run", {"first": 1})
    (out / "model").mkdir()
    if name == "run/up/run":
        (out / "model" / "up").mkdir()
        (tmp_path / "up").symlink_to(tmp_path / "run" / "model")
        name = "up/../../run"
    monkeypatch.chdir(out if name == "../run" else tmp_path)
    with run_dir(Path(name), {"second": 2}, resume=False, overwrite=True):
        pass
    assert json.loads((out / "run.json").read_text())["settings"] == {"second": 2}


def test_a_backup_of_the_user_beside_the_run_is_nobody_elses(tmp_path: Path) -> None:
    backups = {".run.old", ".run.20251129.old", ".run.20251129.part"}
    for name in backups:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("precious")
    begun(tmp_path / "run", {})
    (tmp_path / "run" / "checkpoints" / "epoch-5.ckpt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds nothing else, found 'checkpoints/epoch-5.ckpt'"):
        check_out(tmp_path / "run", overwrite=True, resume=False)
    (tmp_path / "run" / "checkpoints" / "epoch-5.ckpt").unlink()
    with run_dir(tmp_path / "run", {}, resume=False, overwrite=True):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"run", *backups}
    assert all((tmp_path / name / "mine").read_text() == "precious" for name in backups)


def test_a_run_that_is_being_written_is_refused_to_a_second_one(tmp_path: Path) -> None:
    with run_dir(tmp_path / "run", {}, resume=False), pytest.raises(OutputError, match="one process at a time"):
        begun(tmp_path / "run", {})


@pytest.mark.parametrize("text", ["", "[1]", "{}", "[" * 100_000])
def test_a_marker_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    out = begun(tmp_path / "run", {})
    (out / "run.json").write_text(text)
    with pytest.raises(OutputError, match=r"run\.json"), run_dir(out, {}, resume=True):
        pass


def test_files_that_belong_to_such_a_run_are_overwritten_and_no_others(tmp_path: Path) -> None:
    with run_dir(tmp_path / "run", {}, resume=False) as out:
        for name in ("photographs/a.png", "differences.png"):
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).write_text("x")
    for more in ((), ("differences.png",)):
        with pytest.raises(OutputError, match="holds nothing else"):
            check_out(tmp_path / "run", overwrite=True, resume=False, more=more)
    with run_dir(tmp_path / "run", {}, resume=False, overwrite=True, more=("differences.png", "photographs/*")) as out:
        assert not (out / "differences.png").exists()
