"""Nothing that is read is executed, and nothing is asked of a network: looked for in the sources, and tried."""

from __future__ import annotations

import ast
import importlib
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.cli.entries import ENTRIES
from tare.system.offline import SETTINGS, ask_no_network
from tests.cli.test_main import run
from tests.images import random_rgb, save_png
from tests.tiny_run import FACTORY, tiny_run

ROOT = Path(tare.__file__).parent
#: Modules that execute what they load, or start other programs.
EXECUTING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "subprocess", "runpy", "code"}
#: Modules that talk to a network.
TALKING = {"socket", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib"}
BAIT = "tare-was-here"


class Poison:
    """What leaves a file behind when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.command = f"touch '{place / BAIT}'"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@cache
def trees() -> tuple[tuple[str, ast.AST], ...]:
    files = sorted(ROOT.rglob("*.py"))
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in files)


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Every call as its dotted name and its keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: word.value for word in node.keywords if word.arg}


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found - {"urllib.parse"}}  # which only writes and reads the text of addresses


def constant(value: ast.expr | None) -> object:
    return value.value if isinstance(value, ast.Constant) else None


def test_no_source_loads_a_pickle_or_evaluates_text() -> None:
    found = []
    for name, tree in trees():
        for function, words in calls(tree):
            bad = (
                (function.endswith("torch.load") and constant(words.get("weights_only")) is not True)
                or (function in ("np.load", "numpy.load") and constant(words.get("allow_pickle")) is not False)
                or function
                in ("yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec", "compile", "os.system", "os.popen")
                or constant(words.get("trust_remote_code")) is True
                or constant(words.get("shell")) is True
                or function.startswith(("pickle.", "os.exec", "os.spawn", "os.system", "os.popen"))
            )
            found += [f"{name}: {function}"] if bad else []
    assert found == []


def test_only_known_places_import_what_executes_or_talks() -> None:
    executing = {(name, module) for name, tree in trees() for module in imported(tree) & EXECUTING}
    assert executing == {("networks/weights.py", "pickle")}  # the type of torch's refusal, nothing else: the test above
    talking = {(name, module) for name, tree in trees() for module in imported(tree) & TALKING}
    listening = ("serving/page_server.py", "http")  # on loopback alone: tests/serving/test_page_server.py
    assert talking == {listening, ("system/engines/ray.py", "socket")}  # is the cluster that RAY_ADDRESS names there?


def test_code_is_run_only_where_the_user_names_it() -> None:
    """Modules are imported by a name from outside in one place, and that takes FILE.py:NAME and package.module:NAME."""
    loading = {name for name, tree in trees() for function, _ in calls(tree) if "spec_from_file_location" in function}
    assert loading == {"system/user_code.py"}


def poisoned(path: Path) -> Path:
    """A file of its suffix's format that runs a command if it is unpickled."""
    poison = Poison(path.parent)
    if path.suffix == ".npz":
        np.savez(path, x=np.array([poison, None], dtype=object))
    elif path.suffix == ".npy":
        np.save(path, np.array([poison, None], dtype=object), allow_pickle=True)
    else:
        torch.save({"state_dict": {"0.weight": poison}, "loops": {}, "epoch": 0}, path)
    return path


def test_the_bait_works(tmp_path: Path) -> None:
    """Who loads it without care does run it: else the tests below would show nothing."""
    torch.load(poisoned(tmp_path / "a.pth"), weights_only=False)
    assert (tmp_path / BAIT).exists()
    (tmp_path / BAIT).unlink()
    np.load(poisoned(tmp_path / "a.npy"), allow_pickle=True)
    assert (tmp_path / BAIT).exists()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(20):
        save_png(tmp_path / "photos" / "ab"[index % 2] / f"{index}.png", random_rgb(index, 32, 32))
    (tmp_path / "net.py").write_text(FACTORY)
    return tmp_path / "photos"


COMMANDS: dict[str, tuple[str, ...]] = {
    "measure": ("measure", "{bad}"),
    "compare": ("compare", "{bad}", "photos"),
    "drift": ("drift", "{bad}", "photos"),
    "drift of": ("drift", "photos", "{bad}"),
    "transfer of": ("transfer", "{bad}", "--model", "net.py:net", "--weights", "none", "--out", "out"),
    "transfer --weights": ("transfer", "photos", "--model", "net.py:net", "--weights", "{bad}", "--out", "out"),
    "transfer --source-stats": (
        "transfer", "photos", "--model", "timm:test_resnet", "--weights", "none", "--strategy", "match",
        "--source-stats", "{bad}", "--out", "out",
    ),
    "identify": ("identify", "photos", "--model", "net.py:net", "--checkpoint", "{bad}"),
    "fold": ("fold", "net.py:net", "--weights", "{bad}", "--out", "out"),
    "respec": ("respec", "timm:test_resnet", "--weights", "{bad}", "--to", "catalog:imagenet", "--out", "out"),
    "explain": ("explain", "--model", "net.py:net", "--weights", "{bad}"),
    "advise": ("advise", "photos", "--model", "net.py:net", "--weights", "{bad}"),
    "advise on": ("advise", "{bad}", "--model", "timm:test_resnet", "--weights", "none"),
    "study": ("study", "--data", "{bad}", "--model", "net.py:net", "--dry-run"),
    "study --weights": ("study", "--data", "photos", "--model", "net.py:net", "--weights", "{bad}", "--dry-run"),
    "spec": ("spec", "{bad}"),
    "check": ("check", "{bad}", "--model", "timm:test_resnet"),
    "predict": ("predict", "{bad}", "photos"),
    "export": ("export", "{bad}", "--format", "safetensors", "--out", "out"),
    "report": ("report", "{bad}"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".pth", *(pytest.param(each, marks=pytest.mark.long) for each in (".ckpt", ".npy", ".npz"))])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_unpickles(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, suffix: str
) -> None:
    monkeypatch.chdir(photos.parent)
    poisoned(photos.parent / f"bad{suffix}")
    code, _, error = run(capsys, *(word.replace("{bad}", f"bad{suffix}") for word in COMMANDS[command]))
    assert code == 2
    assert "Traceback" not in error
    assert not list(photos.parent.rglob(BAIT))
    assert not (photos.parent / "out").exists()


def test_a_run_with_poisoned_weights_is_not_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder = tiny_run(tmp_path)
    model = run_folder / "model"
    (model / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pth"):
        poisoned(model / "x.pth").rename(model / name)
    code, _, error = run(capsys, "predict", str(run_folder), str(tmp_path / "data"))
    assert (code, "the weights as model.safetensors" in error) == (2, True)
    assert not list(tmp_path.rglob(BAIT))


@pytest.mark.long
def test_a_poisoned_checkpoint_is_not_resumed(photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.chdir(photos.parent)
    options = ("--weights", "none", "--size", "32", "--epochs", "1", "--device", "cpu", "--workers", "0", "--out", "out")
    argv = ("transfer", "photos", "--model", "timm:test_resnet", *options)
    assert run(capsys, *argv)[0] == 0
    for damage in (poisoned, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:1000])):
        kept = (photos.parent / "out" / "checkpoints" / "last.ckpt").read_bytes()
        damage(photos.parent / "out" / "checkpoints" / "last.ckpt")
        code, _, error = run(capsys, *argv, "--resume")
        assert (code, "a checkpoint of this run that can be read" in error) == (2, True), error
        (photos.parent / "out" / "checkpoints" / "last.ckpt").write_bytes(kept)
    assert not list(photos.parent.rglob(BAIT))


def test_no_archive_writes_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """Archives are read in place, never unpacked: a member named ../x is data like any other, or refused."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    np.save(tmp_path / "in" / "a.npy", np.zeros((4, 8, 8, 3), np.uint8))
    with zipfile.ZipFile("slip.npz", "w") as archive:
        archive.write("a.npy", "../../slipped.npy")
    before = sorted(tmp_path.rglob("*"))
    assert run(capsys, "measure", "slip.npz")[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def blocked(*arguments: Any, **named: Any) -> Any:
    raise AssertionError(f"a network was asked for: {arguments} {named}")


LOCAL: tuple[tuple[str, ...], ...] = (
    ("measure", "photos", "--out", "stats.json"),
    ("measure", "photos", "--as-seen", "32"),
    ("compare", "stats.json", "cifar10", "--html", "difference.html"),
    ("drift", "photos", "photos", "--html", "drift.html"),
    ("spec", "timm:resnet18"),
    ("spec", "torchvision:resnet18"),
    ("explain", "photos", "--model", "timm:test_resnet", "--weights", "none"),
    ("transfer", "photos", "--model", "net.py:net", "--weights", "none", "--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2",
     "--size", "32", "--protocol", "probe", "--device", "cpu", "--workers", "0", "--out", "run"),
    ("predict", "run", "photos", "--model", "net.py:net", "--workers", "1"),
    ("export", "run", "--format", "safetensors", "--model", "net.py:net", "--out", "served"),
    ("fold", "run", "--model", "net.py:net", "--out", "folded"),
    ("respec", "timm:test_resnet", "--weights", "none", "--to", "catalog:imagenet", "--out", "other"),
    ("check", "steps.py:steps", "--model", "torchvision:resnet18"),
    ("check", "."),
    ("rule", "TARE001"),
    ("advise", "photos", "--model", "timm:test_resnet", "--weights", "none", "--size", "32"),
    ("identify", "run/model/model.safetensors", "--model", "timm:test_resnet", "--data", "photos"),
    ("monitor", "photos"),
    ("report", "study"),
    ("study", "--data", "photos", "--model", "timm:test_resnet", "--weights", "none", "--dry-run"),
)  # fmt: skip
#: What is downloaded where it is named, so that a test without a network could only see it refused.
ASKS = {"demo"}


def test_every_command_is_tried_without_a_network() -> None:
    assert {argv[0] for argv in LOCAL} | ASKS == {entry.name for entry in ENTRIES}


@pytest.mark.long
def test_local_work_asks_no_network(photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(photos.parent)
    connect: Callable[..., Any] = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> Any:
        return connect(self, address) if self.family == socket.AF_UNIX else blocked(address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    (photos.parent / "steps.py").write_text(STEPS)
    for argv in LOCAL:
        code, _, error = run(capsys, *argv)
        assert code in (0, 1, 2), (argv, error)
        assert "a network was asked for" not in error, (argv, error)
        assert "Traceback" not in error, (argv, error)


STEPS = "from torchvision import transforms as T\nsteps = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n"
OF_LIBRARIES = "import albumentations as A\nsteps = A.Compose([A.Normalize()])\n"


def traced_calls(folder: Path, *argv: str) -> list[str]:
    """The calls of a command, and of all processes that it starts, that reach for another machine; skips without strace."""
    log = folder / "calls"
    words = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(log), sys.executable, "-m", "tare", *argv]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode in (0, 1), done.stderr
    reached = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    return [line for line in reached if not re.search(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"|"::ffff:127\.', line)]


@pytest.mark.long
def test_strace_sees_a_connection(tmp_path: Path) -> None:
    """Else the test below would show nothing: 192.0.2.1 is an address for documentation, where nobody answers."""
    reach = "import socket\nwith socket.socket() as s:\n    s.settimeout(0.1)\n    s.connect_ex(('192.0.2.1', 9))\nsteps = 3\n"
    (tmp_path / "reach.py").write_text(reach)
    log = tmp_path / "calls"
    words = ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(log), sys.executable, "reach.py"]
    try:
        subprocess.run(words, cwd=tmp_path, capture_output=True, check=False, timeout=100)  # noqa: S603
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    if not log.exists() or not log.read_text():
        pytest.skip("strace may not trace here")
    assert "192.0.2.1" in log.read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    "argv",
    [
        ("measure", "photos"),
        ("measure", "photos", "--engine", "ray", "--workers", "1"),
        ("check", "steps.py:steps", "--model", "torchvision:resnet18"),
        ("check", "others.py:steps", "--model", "torchvision:resnet18"),
        ("spec", "timm:resnet18"),
        ("advise", "photos", "--model", "timm:test_resnet", "--weights", "none"),
    ],
    ids=["measure", "ray", "check", "check of albumentations", "spec", "advise"],
)
def test_no_process_of_a_command_reaches_for_another_machine(photos: Path, argv: tuple[str, ...]) -> None:
    if "ray" in argv:
        pytest.importorskip("ray", reason="the ray extra is not installed")
    if "others.py:steps" in argv:
        pytest.importorskip("albumentations", reason="the readers extra is not installed")
    (photos.parent / "steps.py").write_text(STEPS)
    (photos.parent / "others.py").write_text(OF_LIBRARIES)
    assert traced_calls(photos.parent, *argv) == []


def test_what_libraries_ask_by_themselves_is_off_and_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DO_NOT_TRACK", "mine")
    ask_no_network()
    assert {name: os.environ[name] for name in SETTINGS} == {**SETTINGS, "DO_NOT_TRACK": "mine"}


#: Modules that commands load; each would leave a file behind if the one in the working directory were run.
HERE = [
    "numpy",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "yaml",
    "PIL",
    "scipy",
    "sklearn",
    "numba",
    "polars",
    "pyarrow",
    "typer",
    "rich",
    "click",
    "lazy_loader",
    "safetensors",
    "ray",
    "sitecustomize",
    "usercustomize",
]
STUDY = (
    "study --data photos --model timm:test_resnet --weights none --protocols probe --seeds 2 --sizes 2 --workers 2 --out study"
)


@pytest.fixture
def hostile(photos: Path) -> Path:
    for name in HERE:
        (photos.parent / f"{name}.py").write_text(
            f"open({str(photos.parent / BAIT)!r}, 'a').write({name!r})\nraise SystemExit(3)\n"
        )
    cache = "cache_dir: " + str(photos.parent / "cache") + "\n"
    (photos.parent / ".numba_config.yaml").write_text(cache)  # numba unpickles what lies in its cache
    return photos.parent


@pytest.mark.parametrize(
    "words",
    [
        [sys.executable, "-m", "tare", "measure", "photos"],
        pytest.param([sys.executable, "-P", "-m", "tare", "check", "."], marks=pytest.mark.long),
        pytest.param([sys.executable, "-m", "tare", "measure", "photos", "--engine", "ray"], marks=pytest.mark.long),
        pytest.param([sys.executable, "-m", "tare", *STUDY.split()], marks=pytest.mark.long),
    ],
    ids=["measure", "check", "ray", "study"],
)
def test_modules_in_the_working_directory_are_not_run(hostile: Path, words: list[str]) -> None:
    if "ray" in words:
        pytest.importorskip("ray", reason="the ray extra is not installed")
    done = subprocess.run(words, cwd=hostile, capture_output=True, text=True, check=False, timeout=500)  # noqa: S603
    assert done.returncode in (0, 1), done.stderr
    assert not (hostile / BAIT).exists(), (hostile / BAIT).read_text()
    assert not (hostile / "cache").exists()


def test_numba_reads_no_settings_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numba: Any = importlib.import_module("tare.system.engines.compiler").numba
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'cache'}\n")
    monkeypatch.chdir(tmp_path)
    numba.core.config.reload_config()
    assert str(tmp_path / "cache") != numba.config.CACHE_DIR
