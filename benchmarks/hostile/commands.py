"""Which commands are given which bad file, and what is right for them to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.hostile import (
    bad_code,
    bad_documents,
    bad_fields,
    bad_folders,
    bad_images,
    bad_inputs,
    bad_sounds,
    bad_sources,
    bad_values,
)

NET = """
from torch import nn


def small():
    layers = nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    net = nn.Sequential(*layers)
    net.pretrained_cfg = {"input_size": (3, 24, 24), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.3), "crop_pct": 1.0,
                          "interpolation": "bilinear"}
    return net
"""
PIPELINE = """
from torchvision.transforms import v2
import torch

transform = v2.Compose([v2.ToImage(), v2.Resize((24, 24), antialias=True), v2.ToDtype(torch.float32, scale=True),
                        v2.Normalize([0.5, 0.4, 0.3], [0.2, 0.2, 0.3])])
"""
_GOOD = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A command on a bad file: ``argv`` with ``{bad}`` for it, the exit codes that are right, and what writes the file."""

    group: str
    name: str
    argv: tuple[str, ...]
    codes: tuple[int, ...]
    write: Callable[[Path], None]
    place: str = "bad/{name}"
    same_as_good: bool = False
    means: tuple[float, ...] | None = None
    said: str = ""
    classes: tuple[str, ...] | None = None


def prepare(root: Path) -> None:
    """The good data that stand beside the bad ones: two classes of images, a network, a pipeline, statistics."""
    for label in ("ants", "bees"):
        (root / "photos" / label).mkdir(parents=True)
        for index in range(_GOOD):
            data = bad_images.encoded("PNG", seed=index + 100 * (label == "bees"))
            (root / "photos" / label / f"good{index}.png").write_bytes(data)
    bad_sounds.good_recordings(root / "sounds")
    bad_values.labels()["zeros.csv"][0](root / "good.csv")
    (root / "net.py").write_text(NET)
    (root / "pipe.py").write_text(PIPELINE)


#: Run once before the cases, in the prepared folder: what later commands read.
SETUP: tuple[tuple[str, ...], ...] = (
    ("measure", "photos", "--out", "good.json"),
    (
        "transfer",
        "--model",
        "net.py:small",
        "--weights",
        "none",
        "photos",
        "--protocol",
        "probe",
        "--out",
        "run",
        "--workers",
        "0",
    ),
    (
        "transfer",
        "--model",
        "tare:mlp",
        "--weights",
        "none",
        "good.csv",
        "--strategy",
        "target",
        "--out",
        "rows",
        "--workers",
        "0",
        "--epochs",
        "1",
        "--device",
        "cpu",
    ),
    (
        "study",
        "signals",
        "--networks",
        "mlp-none",
        "--sizes",
        "10",
        "--strategies",
        "source,target",
        "--shifts",
        "content",
        "--seeds",
        "2",
        "--workers",
        "1",
        "--out",
        "studied",
    ),
)


def cases() -> Iterator[Case]:
    """All pairs of a command and a bad file."""
    for name, build in bad_images.bad_images().items():
        write = _bytes(build)
        for command, argv, codes in _IMAGE_COMMANDS:
            yield Case(
                f"{command}, a bad image among good ones", name, argv, codes, write, "photos/ants/{name}", command == "measure"
            )
        yield Case("predict, a bad image beside a good one", name, _PREDICT, (1,), write)
        yield Case("measure, only a bad image", name, ("measure", "bad", "--json"), (2,), write)
    yield from _each("measure", bad_sources.bad_sources(), ("measure", "{bad}", "--json"))
    yield from _each("compare", bad_sources.bad_sources(), ("compare", "{bad}", "good.json"))
    yield from _each("transfer", bad_sources.bad_sources(), (*_TRANSFER[:-1], "{bad}", "--out", "out"))
    yield from _each("study", bad_sources.bad_sources(), ("study", "--data", "{bad}", *_STUDY))
    yield from _of_fields()
    yield from _of_sound()
    yield from _of_values()
    yield from _of_labels()
    yield from _of_places()
    documents = bad_documents.bad_json()
    yield from _each("spec", documents, ("spec", "{bad}", "--json"))
    yield from _each("check --spec", documents, ("check", "pipe.py:transform", "--spec", "{bad}"))
    yield from _each("check of a configuration", documents, ("check", "{bad}", "--model", "timm:resnet18"))
    yield from _each("compare", documents, ("compare", "{bad}", "photos"))
    yield from _each("measure --as-seen", documents, ("measure", "photos", "--as-seen", "{bad}"))
    yield from _each(
        "transfer --source-stats", documents, (*_TRANSFER, "--strategy", "match", "--source-stats", "{bad}", "--out", "out")
    )
    yield from _each("fold --spec", documents, ("fold", "run", "--model", "net.py:small", "--spec", "{bad}", "--out", "out"))
    plans = bad_documents.bad_yaml()
    yield from _each("study", plans, ("study", "{bad}", "--dry-run"))
    yield from _each("check of a configuration", plans, ("check", "{bad}", "--model", "timm:resnet18"))
    for name, write in bad_code.bad_code().items():
        yield Case("check of code", name, ("check", "{bad}"), (0, 1, 2), write)
    weights = bad_documents.bad_weights()
    yield from _each(
        "transfer --weights", weights, ("transfer", "--model", "net.py:small", "--weights", "{bad}", "photos", "--out", "out")
    )
    yield from _each("fold --weights", weights, ("fold", "net.py:small", "--weights", "{bad}", "--out", "out"))
    yield from _each(
        "study --weights", weights, ("study", "--data", "photos", "--model", "net.py:small", "--weights", "{bad}", "--dry-run")
    )
    yield from _each("identify", weights, ("identify", "--model", "net.py:small", "--checkpoint", "{bad}", "photos"))
    readable = {name: write for name, write in weights.items() if name.endswith(".safetensors")}
    yield from _each("spec", readable, ("spec", "{bad}"))
    yield from _each("spec", bad_documents.bad_graphs(), ("spec", "onnx:{bad}"))
    yield from _more(weights)


def _of_fields() -> Iterator[Case]:
    """Files of a field's own formats; where bits were flipped, another number may be what is left."""
    for command, argv in (
        ("measure, formats of a field", ("measure", "{bad}", "--json")),
        ("check --data, formats of a field", ("check", "pipe.py:transform", "--model", "timm:resnet18", "--data", "{bad}")),
    ):
        for name, write in bad_fields.bad_fields().items():
            yield Case(command, name, argv, (0, 1, 2) if name.startswith("flipped") else (2,), write)


def _of_places() -> Iterator[Case]:
    """Special files in place of data, names with signs, lists of addresses, folders of no files, and archives with tricks."""
    net = ("--model", "net.py:small")
    rows = ("transfer", "--model", "tare:mlp", "--weights", "none", "--epochs", "1", "--workers", "0", "{bad}")
    every = bad_inputs.special_files(*_ENDINGS)
    yield from _each("measure, special files", every, ("measure", "{bad}", "--json"))
    some = bad_inputs.special_files(".csv", ".npz", ".tar")
    yield from _each("transfer, special files", some, (*rows, "--out", "out"))
    yield from _each("study, special files", some, ("study", "--data", "{bad}", *_STUDY))
    two = bad_inputs.special_files(".csv", ".png")
    for command, argv in (
        ("compare", ("compare", "{bad}", "good.json")),
        ("explain", ("explain", *net, "--weights", "none", "{bad}")),
        ("advise", ("advise", *net, "--weights", "none", "{bad}")),
        ("check --data", ("check", "pipe.py:transform", "--model", "timm:resnet18", "--data", "{bad}")),
        ("identify", ("identify", *net, "--checkpoint", "run/model/model.safetensors", "{bad}")),
    ):
        yield from _each(f"{command}, special files", two, argv)
    yield from _each(
        "study --analyse, special files", bad_inputs.special_files(".csv"), ("study", "--analyse", "{bad}", "--json")
    )
    documents: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("spec", ("spec", "{bad}", "--json")),
        ("check --spec", ("check", "pipe.py:transform", "--spec", "{bad}")),
        ("measure --as-seen", ("measure", "photos", "--as-seen", "{bad}")),
    )
    for command, reading in documents:
        yield from _each(f"{command}, special files", bad_inputs.special_files(".json"), reading)
    for name, write in bad_inputs.special_files(".png").items():
        yield Case("predict, special files", name, _PREDICT, (0,) if name == "folder.png" else (1,), write)
    for name, write in bad_inputs.named_tables().items():
        yield Case("measure, names with signs", name, ("measure", "./{bad}", "--json"), (0,), write)
        yield Case("transfer, names with signs", name, (*rows, "--out", "bad/out"), (0,), write)
    for name, write in bad_inputs.named_scores().items():
        yield Case("study --analyse, names with signs", name, ("study", "--analyse", "{bad}", "--json"), (0,), write)
    for name, write in bad_inputs.bad_lists().items():  # what is no image by name or content is listed beside the image that is
        codes = (2,) if name.startswith("address") else (0,)
        yield Case("measure, lists of other places", name, ("measure", "{bad}", "--json"), codes, write)
    yield from _each("transfer, lists of other places", bad_inputs.bad_lists(), (*_TRANSFER[:-1], "{bad}", "--out", "out"))
    for name, write in (bad_inputs.bad_archives() | bad_inputs.bad_folders()).items():
        yield Case("measure, archives and folders", name, ("measure", "{bad}", "--json"), (2,), write)
        yield Case("transfer, archives and folders", name, (*_TRANSFER[:-1], "{bad}", "--out", "out"), (2,), write)


def _of_sound() -> Iterator[Case]:
    """Recordings, videos and mixed folders, and front ends that recordings are to be heard through."""
    for name, write in bad_sounds.bad_sounds().items():
        codes = (0, 1, 2) if name.startswith("flips") else (2,)
        yield Case("measure, sound, video and mixed folders", name, ("measure", "{bad}", "--json"), codes, write)
    if find_spec("transformers") is None:
        return
    for name, write in bad_sounds.bad_front_ends().items():
        yield Case("measure --as-seen of sound", name, ("measure", "sounds", "--as-seen", "{bad}"), (2,), write)


def _of_values() -> Iterator[Case]:
    """Numbers, arrays and images whose values are right, with what was decided said, or refused; by every command."""
    for kind, files in (("tables", bad_values.tables()), ("arrays", bad_values.arrays()), ("images", bad_values.images())):
        for name, each in files.items():
            codes = (2,) if each.means is None else (0,)
            argv: tuple[str, ...] = ("measure", "{bad}", "--json")
            yield Case(f"measure, values of {kind}", name, argv, codes, each.write, means=each.means, said=each.said)
            # Nothing differs from itself; of one image nothing can be told, and a constant channel has no spread.
            alike = 1 if kind == "images" else 2 if name in _CONSTANT else 0
            compared = (2,) if each.means is None else (alike,)
            yield Case(f"compare, values of {kind}", name, ("compare", "{bad}", "{bad}"), compared, each.write)
            if kind == "tables":
                argv = ("predict", "rows", "{bad}", "--workers", "1", "--json")
                named = each.means is not None and len(each.means) == 2 and name.endswith((".csv", ".tsv"))  # others lack a or b
                yield Case("predict, values of tables", name, argv, (0,) if named else (2,), each.write)
                yield Case("study, tables without labels", name, ("study", "--data", "{bad}", *_ROWS_STUDY), (2,), each.write)
    for name, write in bad_values.folders().items():
        for command, argv in _OF_FOLDERS.items():
            mean_of = command == "measure" and name == "not-a-number"  # counted, with the file that holds it
            yield Case(f"{command}, folders of two kinds", name, argv, (0,) if mean_of else (2,), write)
    for name, write in bad_values.bombs():
        yield Case("measure, packed gigabytes", name, ("measure", "{bad}", "--json"), (0, 2), write)
        yield Case("compare, packed gigabytes", name, ("compare", "{bad}", "good.json"), (2,), write)


def _of_labels() -> Iterator[Case]:
    """Tables whose classes merge where labels are taken as numbers."""
    for name, (write, right) in bad_values.labels().items():
        codes = (2,) if right is None else (0,)
        argv = ("transfer", *_ROWS_NET, "{bad}", "--strategy", "target", "--out", "out", "--workers", "0", *_ONE_EPOCH)
        yield Case("transfer, labels", name, argv, codes, write, classes=right)
        yield Case("study, labels", name, ("study", "--data", "{bad}", *_ROWS_STUDY), codes, write)
        words = "" if right is not None else "No labels were used"  # it advises without them, and says so
        yield Case("advise, labels", name, ("advise", "--model", "rows", "{bad}"), (0,), write, said=words)


#: Arrays of one value.
_CONSTANT = ("half-overflow.npy", "largest-whole.npy")
_ROWS_NET = ("--model", "tare:mlp", "--weights", "none")
_ROWS_STUDY = ("--model", "rows", "--sizes", "4", "--seeds", "2", "--dry-run")
_ONE_EPOCH = ("--epochs", "1", "--device", "cpu")
_SMALL = ("--model", "net.py:small", "--weights", "none")
_OF_FOLDERS: dict[str, tuple[str, ...]] = {
    "measure": ("measure", "{bad}", "--json"),
    "compare": ("compare", "{bad}", "photos"),
    "transfer": ("transfer", *_SMALL, "--protocol", "probe", "--workers", "0", "{bad}", "--out", "out"),
    "advise": ("advise", *_SMALL, "{bad}"),
    "explain": ("explain", *_SMALL, "{bad}"),
    "study": ("study", "--data", "{bad}", *_SMALL, "--sizes", "4", "--seeds", "2", "--dry-run"),
}


def _more(weights: dict[str, Callable[[Path], None]]) -> Iterator[Case]:
    """Commands on damaged directories, on tables of scores, and those that take the same weights and data as others."""
    net = ("--model", "net.py:small")
    runs = bad_folders.bad_runs()
    yield from _each("predict, a damaged run", runs, ("predict", "{bad}", "photos", "--model", "net.py:small", "--workers", "1"))
    yield from _each(
        "export, a damaged run", runs, ("export", "{bad}", "--format", "safetensors", "--model", "net.py:small", "--out", "out")
    )
    yield from _each("report, a damaged study", bad_folders.bad_studies(), ("report", "{bad}", "--html", "out.html"))
    yield from _each("study --analyse", bad_folders.bad_scores(), ("study", "--analyse", "{bad}", "--json"))
    yield from _each("explain --weights", weights, ("explain", *net, "--weights", "{bad}"))
    yield from _each("advise --weights", weights, ("advise", *net, "--weights", "{bad}", "photos"))
    respec = ("respec", "net.py:small", "--to", "catalog:imagenet", "--out", "out", "--weights", "{bad}")
    yield from _each("respec --weights", weights, respec)
    sources = bad_sources.bad_sources()
    yield from _each("explain", sources, ("explain", *net, "--weights", "none", "{bad}"))
    yield from _each("advise", sources, ("advise", *net, "--weights", "none", "{bad}"))
    yield from _each("check --data", sources, ("check", "pipe.py:transform", "--model", "timm:resnet18", "--data", "{bad}"))
    documents = bad_documents.bad_json()
    yield from _each("respec --to", documents, ("respec", "net.py:small", "--weights", "none", "--to", "{bad}", "--out", "out"))
    yield from _each("check --data", documents, ("check", "pipe.py:transform", "--model", "timm:resnet18", "--data", "{bad}"))
    checkpoint = ("measure", "photos", "--checkpoint", "{bad}")
    unlike_empty = {name: write for name, write in documents.items() if name != "empty.json"}
    yield from _each("measure --checkpoint", unlike_empty, checkpoint)


_TRANSFER = ("transfer", "--model", "net.py:small", "--weights", "none", "--protocol", "probe", "--workers", "0", "photos")
_ENDINGS = (
    *(".png", ".csv", ".npy", ".npz", ".tar", ".parquet", ".arrow", ".h5"),
    *(".safetensors", ".sqlite", ".jsonl", ".wav", ".nii", ".tif"),
)
_STUDY = ("--model", "net.py:small", "--weights", "none", "--sizes", "4", "--seeds", "2", "--dry-run")
_PREDICT = ("predict", "run", "--model", "net.py:small", "{bad}", "photos/ants/good0.png", "--workers", "1")
#: With one bad image among 25 a pass may end well with the image listed, or refuse; a crash is neither.
_IMAGE_COMMANDS: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("measure", ("measure", "photos", "--max-skipped", "1", "--json"), (0,)),
    ("measure at the default limit", ("measure", "photos"), (2,)),
    ("compare", ("compare", "photos", "good.json"), (2,)),
    ("transfer", (*_TRANSFER, "--out", "out"), (0, 2)),
    ("study", ("study", "--data", "photos", *_STUDY), (0, 2)),
    ("advise", ("advise", "--model", "net.py:small", "--weights", "none", "photos"), (0, 2)),
)


#: NaN is counted and said; Parquet pages carry no checksum, so that a flipped byte of a number is another number.
_READABLE = {
    *((command, name) for command in ("measure", "compare", "check --data") for name in ("not-finite.npy", "flipped.parquet")),
    # a spec that states nothing, and a long remark
    *((command, "twelve-megabytes.json") for command in ("spec", "check --spec", "check of a configuration")),
    *(("study --analyse", name) for name in ("one-pair.csv", "duplicate-names.csv")),
}


def _each(command: str, files: dict[str, Callable[[Path], None]], argv: tuple[str, ...]) -> Iterator[Case]:
    for name, write in files.items():
        yield Case(command, name, argv, (0, 1, 2) if (command, name) in _READABLE else (2,), write)


def _bytes(build: bad_images.Builder) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(build())

    return write
