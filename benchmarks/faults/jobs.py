"""The commands that are disturbed: on what data, how they are taken up again, and what must be the same in the end."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hostile import bad_images
from benchmarks.hostile.commands import NET

_IMAGES = 640
_NETWORK = ("--model", "net.py:small", "--weights", "none")


@dataclass(frozen=True, slots=True)
class Job:
    """A command that writes to nothing but the folder ``made``.

    ``again`` is what is added to take it up, once ``marker`` is there. ``unlike`` are files that no two runs have alike, byte for
    byte. ``options`` are added to ``argv`` and may change nothing but the command that the results name.
    """

    name: str
    argv: tuple[str, ...]
    marker: str | None = None
    again: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def command(self, folder: Path) -> tuple[str, ...]:
        """What to run in ``folder`` now."""
        begun = self.marker is not None and (folder / self.marker).is_file()
        return (*self.argv, *self.options, *(self.again if begun else ()))

    def result(self, folder: Path) -> dict[str, str]:
        """Digest by name of everything that the job left, hidden files included."""
        files = sorted(path for path in (folder / "made").rglob("*") if path.is_file() and path.name not in self.unlike)
        said = "".join(f" {option}" for option in self.options).encode()
        in_lines = "".join(f" \\\n  {each}" if each.startswith("--") else f" {each}" for each in self.options).encode()
        found = {}
        for path in files:
            content = re.sub(rb"(?m)^workers: \d+\n", b"", path.read_bytes().replace(in_lines, b"").replace(said, b""))
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
        return found


def prepare(folder: Path) -> None:
    """Make what the jobs read: many images for a pass, two classes for training, a network."""
    (folder / "many").mkdir()
    for index in range(_IMAGES):
        (folder / "many" / f"{index}.png").write_bytes(bad_images.encoded("PNG", seed=index))
    for label in ("ants", "bees"):
        (folder / "photos" / label).mkdir(parents=True)
        for index in range(8):
            data = bad_images.encoded("PNG", seed=index + 100 * (label == "bees"))
            (folder / "photos" / label / f"{index}.png").write_bytes(data)
    (folder / "net.py").write_text(NET)


STUDY_PLAN = ("--networks", "mlp-none", "--sizes", "10", "--strategies", "source,target", "--shifts", "content,units:10")

MEASURE = Job("measure --checkpoint", ("measure", "many", "--checkpoint", "made/pass", "--out", "made/stats.json"))
TRANSFER = Job(
    "transfer",
    (
        "transfer",
        "photos",
        *_NETWORK,
        "--epochs",
        "4",
        "--batch-size",
        "4",
        "--workers",
        "0",
        "--device",
        "cpu",
        "--out",
        "made/out",
    ),
    marker="made/out/run.json",
    again=("--resume",),
    unlike=("best.ckpt", "last.ckpt"),  # torch writes the temporary name of the file into it
)
STUDY = Job("study", ("study", "signals", *STUDY_PLAN, "--seeds", "2", "--workers", "1", "--out", "made/out"))
EXPORT = Job(
    "export",
    ("export", "run", "--format", "safetensors", "--model", "net.py:small", "--out", "made/out"),
    marker="made/out/model.safetensors",  # killed after all was in its place: a second export there has to be asked for
    again=("--overwrite",),
)
JOBS = (MEASURE, TRANSFER, STUDY, EXPORT)

#: Makes the run that is exported.
SETUP = ("transfer", "photos", *_NETWORK, "--protocol", "probe", "--workers", "0", "--device", "cpu", "--out", "run")
