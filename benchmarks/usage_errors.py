"""Mistakes of usage on every command line: the processor time until each is told, and whether a model library was loaded.

``CASES`` has one case for each command and kind of mistake. A made place (:func:`made_place`) holds the data, run and table that
the cases name, so that each has one mistake only. ``python -m benchmarks.usage_errors [--write FILE]`` counts them by command.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Absent, Outcome, Result, Setting

#: Libraries that a mistake must not load.
HEAVY = ("torch", "torchvision", "timm", "lightning", "transformers", "sklearn", "ray")
#: The most processor time that telling a mistake may take, in seconds.
MOST = 0.5

# Runs the command line, then writes down which of the libraries it loaded.
_PROGRAM = f"""
import json, os, sys
from tare.cli.start import main
try:
    main()
finally:
    with open(os.environ["TARE_LOADED"], "w") as file:
        json.dump([name for name in {HEAVY!r} if name in sys.modules], file)
"""

# The same for many command lines, each in a process of its own that is forked once what all of them load is there.
_MANY = f"""
import json, os, sys
import numpy, rich.markdown, rich.traceback, typer.rich_utils, tare.cli.main, tare.cli.preflight.requests
from tare.cli.start import main
for number, arguments in enumerate(json.load(sys.stdin)):
    child = os.fork()
    if not child:
        code = 1
        os.dup2(os.open(f"{{os.environ['TARE_TOLD']}}-{{number}}", os.O_CREAT | os.O_WRONLY, 0o600), 2)
        try:
            sys.argv[1:] = arguments
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        finally:
            sys.stderr.flush()
            print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]), flush=True)
            os._exit(0)
    usage = os.wait4(child, 0)[2]
    print(usage.ru_utime + usage.ru_stime, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One mistake: the command, the kind of the mistake, and the arguments after the command."""

    command: str
    kind: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a case: exit code, standard error, processor seconds, and the libraries that were loaded."""

    case: Case
    code: int
    said: str
    seconds: float
    loaded: tuple[str, ...]

    @property
    def is_cheap(self) -> bool:
        """Whether it was told with code 2, in time, before any of the libraries was loaded."""
        return self.code == 2 and self.seconds <= MOST and not self.loaded


def _cases() -> Iterator[Case]:
    """Every case; words are split at blanks."""
    net, free = "--model timm:resnet18 --weights none", "--out free"
    table: dict[str, dict[str, str]] = {
        "demo": {"existing --out": "--out taken"},
        "measure": {
            "wrong path": "missing/",
            "wrong option": "photos --sample --tol 0",
            "option without its partner": "photos --tol 0.1",
            "unknown engine": "photos --engine nowhere",
            "wrong --as-seen": "photos --as-seen missing.json",
            "unknown layout": "photos --layout XYZ",
        },
        "compare": {
            "wrong path": "missing/ photos",
            "unknown name": "cifar11 photos",
            "option without data": "cifar10 mnist --columns a",
        },
        "spec": {
            "wrong path": "missing.json",
            "unknown model": "timm:resnet81",
            "unknown tag": "timm:resnet18.nowhere_in1k",
            "unknown torchvision model": "torchvision:ResNet18_Weight.DEFAULT",
            "unknown catalog name": "catalog:imagnet",
            "wrong format": "catalog:imagenet --format xml",
            "keras name": "keras:VGG17",
        },
        "check": {
            "wrong path": "missing.py:pipe --model catalog:imagenet",
            "unknown model": "pipe.py:pipe --model timm:resnet81",
            "nothing stated": "pipe.py:pipe",
            "wrong constants": "pipe.py:pipe --mean 0.5,0.4,x --std 0.2",
            "mean without std": "pipe.py:pipe --mean 0.5",
            "wrong data": "pipe.py:pipe --model catalog:imagenet --data missing/",
            "wrong spec file": "pipe.py:pipe --spec missing.json",
            "wrong folder": "missing/",
            "unknown network": ". --model timm:resnet81",
            "configuration that is none": "missing.json --model catalog:imagenet",
        },
        "rule": {"unknown code": "TARE999"},
        "drift": {
            "wrong reference": "missing/ photos",
            "wrong path": "photos missing/",
            "wrong number": "photos photos --alpha 2",
        },
        "monitor": {
            "wrong path": "missing.json",
            "wrong port": "missing.json --serve --port 70000",
        },
        "identify": {
            "wrong path": "--model timm:resnet18 --checkpoint weights.pth missing/",
            "unknown model": "--model timm:resnet81 --checkpoint weights.pth photos",
            "wrong checkpoint": "--model timm:resnet18 --checkpoint missing.pth photos",
            "wrong number": "--model timm:resnet18 --checkpoint weights.pth --samples 1 photos",
        },
        "advise": {
            "wrong path": f"{net} missing/",
            "unknown model": "--model timm:resnet81 photos",
            "unknown kind of model": "--model resnet18 photos",
            "wrong weights": "--model timm:resnet18 --weights missing.pth photos",
            "wrong constants": f"{net} --mean 0.5,x --std 0.2 photos",
            "wrong spec": f"{net} --spec missing.json photos",
        },
        "explain": {
            "wrong path": f"{net} missing/",
            "unknown model": "--model timm:resnet81 photos",
            "wrong weights": "--model timm:resnet18 --weights missing.pth photos",
            "wrong constants": f"{net} --mean 0.5,x --std 0.2 photos",
        },
        "study": {
            "wrong path": f"--data missing/ --model timm:resnet18 {free}",
            "wrong plan": f"missing.yaml {free}",
            "unknown plan": f"digit {free}",
            "unknown model": f"--data photos --model timm:resnet81 {free}",
            "unknown strategy": f"digits --strategies source,sorce {free}",
            "unknown protocol": f"digits --protocols prob {free}",
            "unknown shift": f"digits --shifts gian:0.5 {free}",
            "unknown network": f"digits --networks cnn-bach {free}",
            "wrong column": f"--data table.csv --model tare:mlp --label colour {free}",
            "wrong sizes": f"digits --sizes 20,x {free}",
            "no --out": "digits",
            "--out is a file": "digits --out file",
            "wrong table": "--analyse missing.csv",
            "wrong function": f"--evaluate missing.py:score --data photos {free}",
            "no function": f"--evaluate score --data photos {free}",
            "data of a function": f"--evaluate pipe.py:score --data missing/ {free}",
        },
        "report": {"wrong path": "missing/", "no study": "photos"},
        "transfer": {
            "wrong path": f"{net} missing/ {free}",
            "existing --out": f"{net} photos --out taken",
            "nothing to resume": f"{net} photos {free} --resume",
            "unknown model": f"--model timm:resnet81 photos {free}",
            "unknown tag": f"--model timm:resnet18.nowhere_in1k photos {free}",
            "unknown torchvision model": f"--model torchvision:resnet81 photos {free}",
            "unknown network of tare": f"--model tare:mpl photos {free}",
            "unknown kind of model": f"--model resnet18 photos {free}",
            "wrong file": f"--model missing.py:net photos {free}",
            "wrong weights": f"--model timm:resnet18 --weights missing.pth photos {free}",
            "wrong column": f"--model tare:mlp table.csv --label colour {free}",
            "unknown strategy": f"{net} photos --strategy sorce {free}",
            "unknown protocol": f"{net} photos --protocol prob {free}",
            "unknown recipe": f"{net} photos --augmentation havy {free}",
            "wrong constants": f"{net} photos --mean 0.5,x --std 0.2 {free}",
            "wrong spec": f"{net} photos --spec missing.json {free}",
            "wrong statistics": f"{net} photos --strategy match --source-stats missing.json {free}",
            "wrong number": f"{net} photos --epochs -1 {free}",
            "options that contradict": f"{net} photos --protocol probe --epochs 0 {free}",
        },
        "predict": {
            "wrong run": "missing/ photos",
            "no run": "photos photos",
            "wrong path": "run missing/",
            "options that contradict": "run photos --json --jsonl",
            "wrong number": "run photos --top 0",
        },
        "export": {
            "wrong run": "missing/ --format onnx --out new.onnx",
            "no run": "photos --format onnx --out new.onnx",
            "existing --out": "run --format onnx --out file",
            "unknown format": "run --format onx --out new.onnx",
            "wrong images": "run --format safetensors --out new --images missing.png",
            "no folder to push": "run --format pt2 --out new.pt2 --push me/net",
            "wrong repository": "run --format safetensors --out new --push me/no/net",
        },
        "fold": {
            "wrong path": f"missing/ {free}",
            "no run": f"photos {free}",
            "existing --out": "timm:resnet18 --weights none --out taken",
            "unknown model": f"timm:resnet81 {free}",
            "wrong weights": f"timm:resnet18 --weights missing.pth {free}",
            "wrong spec": f"timm:resnet18 --weights none --spec missing.json {free}",
            "wrong constants": f"timm:resnet18 --weights none --mean 0.5,x --std 0.2 {free}",
            "unknown input": f"timm:resnet18 --weights none --input bytes {free}",
        },
        "respec": {
            "nothing stated": f"timm:resnet18 --weights none {free}",
            "wrong constants": f"timm:resnet18 --weights none --mean 0.5,x --std 0.2 {free}",
            "wrong path": f"missing/ --to catalog:imagenet {free}",
            "existing --out": "timm:resnet18 --weights none --to catalog:imagenet --out taken",
            "unknown model": f"timm:resnet81 --to catalog:imagenet {free}",
            "unknown catalog name": f"timm:resnet18 --weights none --to catalog:imagnet {free}",
            "wrong spec": f"timm:resnet18 --weights none --to missing.json {free}",
        },
    }  # fmt: skip
    for command, kinds in table.items():
        for kind, words in kinds.items():
            yield Case(command, kind, tuple(words.split()))


CASES = tuple(_cases())


def made_place(folder: Path) -> Path:
    """Fill a folder with what the cases name: photos, a pipeline, a file, a taken output, and something like a run."""
    from PIL import Image

    for index in range(4):
        (folder / "photos" / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 36), (index * 40, 90, 200)).save(folder / "photos" / "ab"[index % 2] / f"{index}.png")
    (folder / "pipe.py").write_text("def pipe(image):\n    return image\n", encoding="utf-8")
    (folder / "table.csv").write_text("acid,sugar,label\n0.1,2,red\n0.2,3,white\n", encoding="utf-8")
    (folder / "file").write_text("not a folder\n", encoding="utf-8")
    (folder / "weights.pth").write_bytes(b"")
    (folder / "taken").mkdir()
    (folder / "taken" / "notes.txt").write_text("mine\n", encoding="utf-8")
    (folder / "run" / "model").mkdir(parents=True)
    (folder / "run" / "model" / "tare.json").write_text(json.dumps({"schema": "tare.model/1"}), encoding="utf-8")
    return folder


def told(case: Case, place: Path) -> Told:
    """Run one case in a process of its own, in a made place."""
    loaded = place / ".loaded.json"
    environment = {**os.environ, "TARE_LOADED": str(loaded), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _PROGRAM, case.command, *case.arguments]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    libraries = tuple(json.loads(loaded.read_text(encoding="utf-8")))
    return Told(case, done.returncode, done.stderr, seconds, libraries)


def told_together(cases: Sequence[Case], place: Path, scratch: Path) -> list[Told]:
    """Run many cases as :func:`told` does, without starting Python for each of them; ``seconds`` are those after the start."""
    environment = {**os.environ, "TARE_TOLD": str(scratch / "told"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    asked = json.dumps([[case.command, *case.arguments] for case in cases])
    command = [sys.executable, "-c", _MANY]
    done = subprocess.run(command, cwd=place, env=environment, input=asked, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    lines = [json.loads(line) for line in done.stdout.splitlines() if line]
    said = [(scratch / f"told-{number}").read_text(encoding="utf-8") for number in range(len(cases))]
    answers = zip(cases, lines[::2], lines[1::2], said, strict=True)
    return [Told(case, code, text, seconds, tuple(loaded)) for case, (code, loaded), seconds, text in answers]


def telling_mistakes(setting: Setting) -> Iterator[Outcome]:
    """The slowest mistake of every command against the time allowed; one that loads a model library is a failure."""
    place = made_place(setting.scratch / "usage")
    for command in dict.fromkeys(case.command for case in CASES):
        rounds = [[told(case, place) for case in CASES if case.command == command] for _ in range(min(setting.rounds, 3))]
        wrong = [each for every in rounds for each in every if each.code != 2 or each.loaded]
        name = f"tare {command}, {len(rounds[0])} mistakes"
        if wrong:
            first = wrong[0]
            yield Absent(name, f"{first.case.kind}: code {first.code}, loads {', '.join(first.loaded)}", failure=True)
            continue
        slowest = [max(each.seconds for each in every) for every in rounds]
        ratios = tuple(seconds / MOST for seconds in slowest)
        yield Result(name, "processor time of the slowest / 0.5 s", ratios, MOST, sorted(slowest)[len(slowest) // 2], "s", "<= 1")


def table(results: list[Told]) -> str:
    """Rows of a Markdown table: by command, how many mistakes were told in time, and the slowest."""
    lines = [
        f"| command | mistakes | told in {MOST:g} s, without a model library | slowest, processor time |",
        "|---|--:|--:|--:|",
    ]
    by_command = {command: [one for one in results if one.case.command == command] for command in dict.fromkeys(
        one.case.command for one in results
    )}  # fmt: skip
    for command, some in {**by_command, "**all**": results}.items():
        name = command if command.startswith("*") else f"`tare {command}`"
        cheap, slowest = sum(one.is_cheap for one in some), max(one.seconds for one in some)
        lines.append(f"| {name} | {len(some)} | {cheap} | {slowest:.2f} s |")
    return "\n".join(lines)


def main() -> None:
    """Count the mistakes; exit code 1 if one is not cheap."""
    parser = argparse.ArgumentParser(description="Processor time until mistakes of usage are told.")
    parser.add_argument("--write", type=Path, help="Put the table between the marks of this page.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = made_place(Path(scratch))
        results = [told(case, place) for case in CASES]
    for one in results:
        if not one.is_cheap:
            print(
                f"tare {one.case.command}, {one.case.kind}: code {one.code}, {one.seconds:.2f} s, loads {', '.join(one.loaded)}"
            )
    print(table(results))
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "usage errors", table(results))
    sys.exit(0 if all(one.is_cheap for one in results) else 1)


if __name__ == "__main__":
    main()
