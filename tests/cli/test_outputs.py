"""Every command: standard output that is full, closed or too narrow; outputs that are links, pipes, devices or inputs."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tare.cli import start
from tare.cli.entries import ENTRIES
from tare.errors import OutputError
from tare.exporting.api import export
from tests.cli.test_main import run
from tests.system.test_lock import holder
from tests.tiny_run import FACTORY, save_photo, tiny_run

NET = ("--model", "net.py:net", "--weights", "none", "--mean", "0.5", "--std", "0.2", "--size", "32")
#: Every command, with what it needs. `demo`, `report` and `identify` need a minute of training first.
COMMANDS: dict[str, tuple[str, ...]] = {
    "measure": ("measure", "photos"),
    "measure --json": ("measure", "photos", "--json"),
    "compare": ("compare", "imagenet", "cifar10"),
    "drift": ("drift", "a.csv", "b.csv"),
    "drift --json": ("drift", "a.csv", "b.csv", "--json"),
    "drift --format github": ("drift", "a.csv", "b.csv", "--format", "github"),
    "monitor": ("monitor", "state.json"),
    "spec": ("spec", "timm:resnet18"),
    "spec --json": ("spec", "timm:resnet18", "--json"),
    "check": ("check", "net.py"),
    **{f"check --format {form}": ("check", "net.py", "--format", form) for form in ("sarif", "gitlab", "junit", "html")},
    "rule": ("rule",),
    "rule CODE": ("rule", "TARE003"),
    "advise": ("advise", "photos", *NET),
    "explain": ("explain", *NET),
    "study": ("study", "signals", "--dry-run", "--sizes", "10", "--seeds", "2", "--networks", "mlp-none"),
    "transfer": ("transfer", "data", *NET, "--protocol", "probe", "--workers", "0", "--device", "cpu", "--out", "out"),
    "predict": ("predict", "run", "photos"),
    "predict --json": ("predict", "run", "photos", "--json"),
    "predict --jsonl": ("predict", "run", "photos", "--jsonl"),
    "export": ("export", "run", "--format", "safetensors", "--out", "out"),
    "fold": ("fold", "run", "--out", "out"),
    "respec": ("respec", "run", "--to", "catalog:imagenet", "--out", "out"),
}
EXPORT = ("export", "run", "--model", "net.py:net", "--format", "torchscript", "--overwrite", "--out")
#: Those that take several seconds.
SLOW = ("advise", "transfer", "export", "respec", "study")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tare.monitoring.monitor import Monitor
    from tare.monitoring.reference import Reference

    root = tmp_path_factory.mktemp("outputs")
    tiny_run(root)
    for index in range(4):
        save_photo(root / "photos" / f"{index}.png", index)
    for name, shift in (("a.csv", 0.0), ("b.csv", 5.0)):
        values = np.random.default_rng(0).normal(size=(64, 2)) + shift
        np.savetxt(root / name, values, delimiter=",", header="x,y", comments="")
    monitor = Monitor(Reference.of(str(root / "a.csv")))
    (root / "known").mkdir()
    monitor.reference.save(root / "known" / "reference.json")
    monitor.update(np.zeros((8, len(monitor.reference.taking.channels))))
    monitor.save(root / "state.json")
    (root / "net.py").write_text(FACTORY)
    (root / "uses.py").write_text("import net\n")
    (root / "soft.py").symlink_to("net.py")
    (root / "hard.py").hardlink_to(root / "net.py")
    (root / "weights").hardlink_to(root / "run" / "model" / "model.safetensors")
    (root / "text.ppm").write_text("P3 1 1 255 1 2 3\n")
    return root


def child(place: Path, argv: tuple[str, ...], output: Callable[[], int]) -> tuple[int, str]:
    """Run a command in a child whose standard output is what ``output`` opens; its exit code and standard error."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 99
        signal.alarm(120)  # a child of a process with threads must not wait for one of them for ever
        with suppress(BaseException):
            os.chdir(place)
            os.dup2(output(), 1)
            os.dup2(writing, 2)
            sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)  # type: ignore[misc]
            sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)  # type: ignore[misc]
            sys.argv = ["tare", *argv]
            try:
                start.main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 98
            with suppress(OSError):
                sys.stdout.flush()
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        text = said.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


@pytest.fixture(autouse=True)
def _clean(place: Path) -> None:
    import shutil

    shutil.rmtree(place / "out", ignore_errors=True)


def test_the_table_has_every_command() -> None:
    assert {words[0] for words in COMMANDS.values()} | {"demo", "report", "identify"} == {entry.name for entry in ENTRIES}


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in COMMANDS),
        "--help",
        "--version",
        "measure --help",
    ],
)
def test_a_full_output_is_one_line_and_exit_code_two(name: str, place: Path) -> None:
    code, said = child(place, COMMANDS.get(name, tuple(name.split())), lambda: os.open("/dev/full", os.O_WRONLY))
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert code == 2, said
    assert len(errors) == 1, said
    assert "a standard output that can be written, found No space left on device" in errors[0]
    assert "Traceback" not in said


def _closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in COMMANDS])
def test_a_reader_that_is_gone_ends_a_command_quietly(name: str, place: Path) -> None:
    code, said = child(place, COMMANDS[name], _closed_pipe)
    assert code == 141, said
    assert "error" not in said
    assert "Traceback" not in said


#: Each option that names a file of text, with a command that takes it.
WRITERS: dict[str, tuple[str, ...]] = {
    "measure --out": ("measure", "photos", "--out"),
    "measure --reference": ("measure", "a.csv", "--reference"),
    "measure --checkpoint": ("measure", "photos", "--checkpoint"),
    "compare --html": ("compare", "imagenet", "cifar10", "--html"),
    "drift --out": ("drift", "a.csv", "b.csv", "--out"),
    "drift --html": ("drift", "a.csv", "b.csv", "--html"),
    "monitor --html": ("monitor", "state.json", "--html"),
    "spec --out": ("spec", "timm:resnet18", "--out"),
    "explain --html": ("explain", *NET, "--html"),
    "predict --out": ("predict", "run", "photos", "--out"),
}
FOLDERS = {name: COMMANDS[name][:-1] for name in ("transfer", "export", "fold", "respec")}


def ran(place: Path, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return run(capsys, *argv)


@pytest.mark.parametrize("name", WRITERS)
def test_a_device_is_written_into_and_a_link_stays(
    name: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs rights")
    code, _, said = ran(place, capsys, *WRITERS[name], str(tmp_path / "null"))
    assert code in (0, 1) or (name == "measure --checkpoint" and "a pipe or a device" in said), said
    assert stat.S_ISCHR(os.lstat(tmp_path / "null").st_mode)
    (tmp_path / "target").write_text('{"schema": "tare.old"}')
    (tmp_path / "link").symlink_to("target")
    code, _, said = ran(place, capsys, *WRITERS[name], str(tmp_path / "link"))
    if name == "measure --checkpoint":  # it is no checkpoint
        assert (code, (tmp_path / "target").read_text()) == (2, '{"schema": "tare.old"}')
    else:
        assert code in (0, 1), said
        assert "tare.old" not in (tmp_path / "target").read_text()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", [*WRITERS, *FOLDERS])
def test_links_that_lead_nowhere_folders_and_pipes_are_refused_in_a_line(
    name: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tare.system.files._PATIENCE", 0.05)
    (tmp_path / "dangling").symlink_to("absent")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = {path.name: os.lstat(path).st_ino for path in tmp_path.iterdir()}
    for kind in ("dangling", "loop", "pipe", *(["folder"] if name in WRITERS else [])):
        code, _, said = ran(place, capsys, *(WRITERS | FOLDERS)[name], str(tmp_path / kind))
        errors = [line for line in said.splitlines() if line.startswith("error:")]
        assert code == 2, (kind, said)
        assert len(errors) == 1 or "Invalid value" in said, (kind, said)
        assert "Traceback" not in said
        assert {path.name: os.lstat(path).st_ino for path in tmp_path.iterdir()} == before, kind


def test_a_file_that_another_process_keeps_up_is_not_replaced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a monitor does with its state, which it writes over the output later."""
    (place / "live.json").write_text("{}")
    first = holder(place / "live.json")
    try:
        code, _, said = ran(place, capsys, "measure", "photos", "--out", "live.json")
    finally:
        first.communicate()
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "another process that is writing to 'live.json' now" in said
    assert (place / "live.json").read_text() == "{}"
    (place / "live.json").unlink()


@pytest.mark.parametrize(
    "argv",
    [
        ("measure", "photos", "--out", "photos/0.png"),
        ("measure", "photos/*.png", "--out", "photos/0.png"),
        ("measure", "photos", "--checkpoint", "photos/1.png"),
        ("measure", "a.csv", "--out", "a.csv"),
        ("measure", "a.csv", "--out", "./photos/../a.csv"),
        ("measure", "a.csv", "--out", "net.json", "--reference", "net.json"),
        ("measure", "a.csv", "--out", "run/model/model.safetensors"),
        ("compare", "a.csv", "b.csv", "--html", "b.csv"),
        ("drift", "a.csv", "b.csv", "--out", "b.csv"),
        ("drift", "known", "b.csv", "--html", "known/reference.json"),
        ("monitor", "state.json", "--html", "state.json"),
        ("predict", "run", "photos", "--out", "photos/2.png"),
        ("predict", "run", "photos", "--out", "run/model/tare.json"),
        ("predict", "run", "photos/0.png", "--out", "photos/0.png"),
        ("measure", "a.csv", "--out", "run/model/tare.json"),
        ("drift", "a.csv", "b.csv", "--html", "run/model/tare.json"),
        ("predict", "run", "photos", "--out", "a.csv"),
        ("measure", "a.csv", "--out", "text.ppm"),
        ("export", "run", "--format", "safetensors", "--out", "run/model/model.safetensors", "--overwrite"),
        ("spec", "run/model/tare.json", "--out", "run/model/tare.json"),
        ("explain", *NET, "--html", "net.py"),
        ("fold", "run/model", "--out", "run", "--overwrite"),
        ("respec", "run", "--to", "catalog:imagenet", "--out", "run"),
        ("export", "run/model", "--format", "safetensors", "--out", "run", "--overwrite"),
        *((*EXPORT, name) for name in ("net.py", "soft.py", "hard.py")),
        ("export", "run", "--format", "pt2", "--overwrite", "--images", "photos/0.png", "--out", "photos/0.png"),
        ("export", "run", "--model", "uses.py:net", "--format", "pt2", "--overwrite", "--out", "net.py"),
        ("predict", "run", "photos", "--model", "uses.py:net", "--out", "net.py"),
        ("fold", "run/model", "--out", "run/model", "--overwrite"),
        *(("transfer", "data", "--model", model, "--out", "run", "--overwrite") for model in ("run", "run/model")),
        ("transfer", "data", "--model", "timm:test_resnet", "--weights", "run", "--out", "run", "--overwrite"),
    ],
    ids=" ".join,
)
def test_an_output_that_is_an_input_is_refused(argv: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    code, _, said = ran(place, capsys, *argv)
    assert code == 2, said
    assert len(said.splitlines()) == 1, said
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("data", ["rasters/a.npy", "rasters/*.npy", "rasters/../rasters/a.npy", "rasters"])
@pytest.mark.parametrize("out", ["a.hdr", "a.npy.aux.xml"])
def test_what_lies_beside_an_input_under_its_name_is_not_replaced(
    data: str, out: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Headers and values that mean no data of rasters do."""
    (place / "rasters").mkdir(exist_ok=True)
    np.save(place / "rasters" / "a.npy", np.zeros((4, 3), np.float32))
    (place / "rasters" / out).write_text("ENVI\n")
    code, _, said = ran(place, capsys, "measure", data, "--out", f"rasters/{out}")
    assert code == 2
    assert "an output beside the inputs" in said
    assert (place / "rasters" / out).read_text() == "ENVI\n"


@pytest.mark.parametrize("kind", ["link", "hard link", "folder"])
@pytest.mark.parametrize("data", ["links", "links/**/*.jsonl"])
def test_what_a_link_among_the_inputs_leads_to_is_not_replaced(
    kind: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "real").mkdir()
    rows = "".join(f'{{"a": {number}.5, "b": 1}}\n' for number in range(9))
    (tmp_path / "real" / "a.jsonl").write_text(rows)
    (tmp_path / "links").mkdir()
    if kind == "link":
        (tmp_path / "links" / "a.jsonl").symlink_to("../real/a.jsonl")
    elif kind == "hard link":
        (tmp_path / "links" / "a.jsonl").hardlink_to(tmp_path / "real" / "a.jsonl")
    else:
        (tmp_path / "links" / "more").symlink_to("../real")
    code, _, said = ran(tmp_path, capsys, "measure", data, "--out", "real/a.jsonl")
    assert (code, "an output beside the inputs" in said) == (2, True), said
    assert (tmp_path / "real" / "a.jsonl").read_text() == rows


def test_what_a_killed_command_left_of_an_output_goes_with_the_next_and_what_is_being_written_stays(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tare.system.files import replacing

    left = tmp_path / ".stats.json.tare-0123abcd.part"
    left.write_text("half")
    with replacing(tmp_path / "stats.json") as living:
        assert ran(place, capsys, "measure", "a.csv", "--out", str(tmp_path / "stats.json"))[0] == 0
        assert not left.exists()
        assert living.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["stats.json"]


@pytest.mark.parametrize(
    ("out", "images"),
    [("weights", ()), ("data/val/ant/1.png", ()), ("photos/0.png", ("photos",)), ("photos/0.png", ("photos/*.png",))],
)
def test_an_export_keeps_what_it_reads(out: str, images: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=f"an exported file to overwrite, found '.*{out}'"):
        export("run", "torchscript", out, images=images, overwrite=True)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_an_earlier_export_among_what_is_read_is_replaced(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_photo(tmp_path / "0.png", 0)
    words = ("--images", str(tmp_path), "--format", "torchscript", "--out", str(tmp_path / "torchscript"), "--overwrite")
    for _ in range(2):
        assert ran(place, capsys, "export", "run", *words)[0] == 0


def test_what_tare_wrote_may_be_written_again_beside_the_data(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_photo(tmp_path / "photos" / "0.png", 0)
    for _ in range(2):
        assert ran(place, capsys, "measure", str(tmp_path / "photos"), "--out", str(tmp_path / "photos" / "stats.json"))[0] == 0
        words = ("predict", "run", str(tmp_path / "photos" / "0.png"), "--out", str(tmp_path / "answers.csv"))
        code, _, said = ran(place, capsys, *words)
        assert code == 0, said
    assert json.loads((tmp_path / "photos" / "stats.json").read_text())["schema"].startswith("tare.stats")


def test_an_output_through_a_named_standard_output(place: Path) -> None:
    reading, writing = os.pipe()
    code, said = child(place, ("measure", "a.csv", "--out", "/dev/stdout", "--json"), lambda: writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as both:
        text = both.read().decode()
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(text)
    second, _ = decoder.raw_decode(text[end:].lstrip())
    assert code == 0, said
    assert first["channels"] == second["channels"]
