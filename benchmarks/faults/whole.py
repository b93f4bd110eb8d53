"""Is every file that has its final name a whole one? Asked while a command writes, and after it was killed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType


def part_of(path: Path) -> str | None:
    """What shows that a file is not whole; None if it is, or is gone by now."""
    try:
        return _fault(path)
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever a reader raises for a part of its format
        return None if not path.exists() else f"{path.name}: {type(error).__name__}: {error}"


def parts_in(folder: Path) -> list[str]:
    """Faults of all files under ``folder`` with a final name; those with a dot in front are not final."""
    return [fault for path in _final(folder) if (fault := part_of(path)) is not None]


def _final(folder: Path) -> Iterator[Path]:
    """Files without a hidden name on their way; what vanishes meanwhile is passed over."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if not name.startswith("."))


class Watcher(threading.Thread):
    """Reads what appears under a folder, again and again while the context lasts, each state of a file once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.faults, self.seen = folder, list[str](), set[tuple[str, int, int]]()
        self._over = threading.Event()

    def run(self) -> None:
        """Look about fifty times a second."""
        while not self._over.wait(0.02):
            self._look()

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self.join()

    def _look(self) -> None:
        for path in _final(self.folder):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            key = (str(path), state.st_ino, state.st_mtime_ns)
            if key not in self.seen:
                self.seen.add(key)
                if (fault := part_of(path)) is not None:
                    self.faults.append(fault)


def _fault(path: Path) -> str | None:
    if path.suffix == ".json" or path.name == "pass":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".safetensors":
        from safetensors.numpy import load

        load(path.read_bytes())
    elif path.suffix == ".parquet":
        from pyarrow import parquet

        parquet.read_table(path)
    elif path.suffix == ".ckpt":
        import torch

        torch.load(path, map_location="cpu", weights_only=True)
    elif path.suffix == ".html":
        return None if path.read_text(encoding="utf-8").rstrip().endswith("</html>") else f"{path.name}: no end"
    elif path.suffix == ".csv":
        text = path.read_text(encoding="utf-8")
        lengths = {line.count(",") for line in text.splitlines()}
        return None if len(lengths) == 1 and text.endswith("\n") else f"{path.name}: lines of {sorted(lengths)} commas, or no end"
    return None if path.stat().st_size else f"{path.name}: empty"
