"""Run each command on data of one kind, and say what became of it."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.input_table.kinds import Kind

#: The columns of the table, in its order. Those after ``transfer`` need its run.
COMMANDS = (
    "measure",
    "compare",
    "advise",
    "study",
    "transfer",
    "spec",
    "check",
    "watch",
    "predict",
    "identify",
    "export",
    "fold",
)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one command: it ran, or it was refused in one line; ``said`` is that line, or a traceback's last."""

    ran: bool
    said: str = ""
    crashed: bool = False


def outcomes(kind: Kind, place: Path | None = None) -> Mapping[str, Outcome]:
    """Run all commands on made data of a kind."""
    with tempfile.TemporaryDirectory() as temporary:
        root = place or Path(temporary)
        data = kind.make(root)
        if kind.network_of is not None:
            kind.network_of(root / "ast")
            kind = replace(kind, network=kind.network.format(root=root))
        run = root / "run"
        made = {"transfer": _command(*_transfer(kind, data, run))}
        for name in COMMANDS:
            if name not in made:
                made[name] = _cell(name, kind, data, run)
        return {name: made[name] for name in COMMANDS}


def _transfer(kind: Kind, data: Path, run: Path) -> tuple[str, ...]:
    network = ("--model", kind.network, *kind.options, *kind.bands, *kind.labels)
    training = ("--strategy", "target", "--protocol", "scratch", "--epochs", "1", "--workers", "0", "--batch-size", "4")
    return ("transfer", str(data), *network, *training, "--out", str(run))


def _cell(name: str, kind: Kind, data: Path, run: Path) -> Outcome:
    columns = ("--columns", kind.bands[1]) if kind.bands else ()
    named = f"{data}#{kind.array}" if kind.array else str(data)
    if name in ("measure", "compare"):
        words = (name, named) if name == "measure" else (name, named, named)
        return _command(*words, *columns)
    if name == "study":
        network = _trained(kind, run) if (run / "model").is_dir() else ("--model", kind.network, "--weights", "none")
        return _command(
            "study",
            "--data",
            str(data),
            *network,
            *kind.bands,
            *kind.labels,
            "--seeds",
            "2",
            "--dry-run",
            "--out",
            str(run / "study"),
        )
    if not (run / "model").is_dir():
        return Outcome(False, "no network of `tare transfer` for it")
    if name == "watch":
        return _watched(run, _factory(kind))
    sample = data / kind.first if kind.first else named
    words_of: Mapping[str, Callable[[], tuple[str, ...]]] = {
        "advise": lambda: ("advise", str(data), *_trained(kind, run), *kind.bands, *kind.labels),
        "spec": lambda: ("spec", str(run)),
        "check": lambda: ("check", str(run / "model")),
        "predict": lambda: ("predict", str(run), str(sample), *_factory(kind)),
        "identify": lambda: (
            "identify",
            named,
            "--model",
            kind.network,
            "--checkpoint",
            str(run / "model/model.safetensors"),
        ),
        "export": lambda: ("export", str(run), "--format", "onnx", "--out", str(run / "served.onnx"), *_factory(kind)),
        "fold": lambda: ("fold", str(run), "--out", str(run / "folded"), *_factory(kind)),
    }
    return _command(*words_of[name]())


def _factory(kind: Kind) -> tuple[str, ...]:
    """The option that names a network which no library has, once more."""
    return ("--model", kind.network) if ".py:" in kind.network else ()


def _trained(kind: Kind, run: Path) -> tuple[str, ...]:
    """The options that name the trained network."""
    return (*_factory(kind), "--weights", str(run)) if _factory(kind) else ("--model", str(run))


def _command(*words: str) -> Outcome:
    """Run the command line in this process; exit code 2 is a refusal, 0 and 1 are answers."""
    from typer.testing import CliRunner

    from tare.cli.main import app
    from tare.errors import TareError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(app, list(words))
    if isinstance(result.exception, TareError):
        return Outcome(False, _told(str(result.exception)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return Outcome(False, f"{type(result.exception).__name__}: {result.exception}", crashed=True)
    if result.exit_code in (0, 1):
        return Outcome(True)
    return Outcome(False, _told(result.output))


def _watched(run: Path, factory: tuple[str, ...]) -> Outcome:
    """Watch the run's network while a plain batch is fed to it, normalised as the run says."""
    import torch

    import tare
    from tare.networks.stored.directory import load_model
    from tare.normalisation.input_layer import InputLayer

    model = load_model(run / "model", *factory[1:])
    found: list[str] = []
    with tare.watch(model.network.module, run, on_finding=lambda finding: found.append(finding.code)):
        mean = torch.tensor(model.normalisation.mean).reshape(1, -1, *(1 for _ in model.takes.shape))
        std = torch.tensor(model.normalisation.std).reshape(mean.shape)
        samples = mean + std * torch.randn(4, model.network.channels, *model.takes.shape)
        with torch.inference_mode():
            model.network.module.eval()(InputLayer(model.normalisation)(samples))
    return Outcome(True)


def _told(text: str) -> str:
    """The refusal in one line, without paths of this machine."""
    line = next((each for each in text.splitlines() if "expected" in each), text.strip().splitlines()[-1] if text.strip() else "")
    plain = re.sub(r"'?[^\s'\"]*/(?=[\w.-]+)", "", line.removeprefix("error: ")).replace("'", "").replace('"', "")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."
