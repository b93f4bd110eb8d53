"""What an export is asked for: the format, what its graph takes and gives, and where it goes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tare.errors import OutputError, SpecError
from tare.exporting.formats.format import Format, GraphFormat, WeightsFormat
from tare.exporting.formats.table import FORMATS
from tare.exporting.graph.options import GraphLayout, GraphOptions
from tare.exporting.inputs import ExportFormat, ExportRequest
from tare.exporting.push import check_push
from tare.input_spec.geometry import NOUNS, Geometry, SignalGeometry
from tare.input_spec.model_file import MODEL_FILES, check_no_part
from tare.networks.stored.trained import TrainedModel
from tare.readers.safetensors import header_of
from tare.system.files import check_own, check_writable, file_place, folder_place, remove_parts
from tare.system.lock import only_writer

#: A folder with this file was written by tare.
_MARK = "tare.json"
#: What files with a graph begin with or hold: ONNX a version and its producer, archives of TorchScript and torch.export a name.
_ONNX, _OF_GRAPHS = (b"\x08", b"\x12"), ("constants.pkl", "archive_format")


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export that was asked for."""

    name: ExportFormat
    format: Format
    out: Path
    options: GraphOptions
    opset: int | None
    overwrite: bool
    push: str | None = None

    @classmethod
    def of(cls, request: ExportRequest) -> ExportJob:
        """The job that was asked for. Raises :class:`SpecError` for an option that does not belong to the format."""
        options = GraphOptions(request.layout or "NHWC", request.output, request.with_resize)
        form, out = FORMATS[request.format], Path(request.out)
        job = cls(request.format, form, out, options, request.opset, request.overwrite, request.push)
        job.check()
        return job

    @property
    def is_folder(self) -> bool:
        """Whether the export is a folder, not a file."""
        return isinstance(self.format, WeightsFormat) and self.out.suffix != (self.format.suffix or None)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Let no other process write there meanwhile, and see that none has since the place was first looked at."""
        with only_writer(self.out):
            check_place(self.out, is_folder=self.is_folder, overwrite=self.overwrite)
            remove_parts(self.out.parent, self.out.name)
            yield

    def check(self) -> None:
        """Raise :class:`SpecError` for an option that does not belong to the format."""
        graphs = {name: form for name, form in FORMATS.items() if isinstance(form, GraphFormat)}
        if self.name not in graphs and self.options != GraphOptions():
            found = f"them with {self.name!r}, which holds no graph"
            raise SpecError(f"--layout, --output and --with-resize with {', '.join(graphs)}", found, "leave them out")
        if self.opset is not None and (self.name not in graphs or self.opset not in graphs[self.name].opsets):
            known = [
                f"{form.opsets[0]} to {form.opsets[-1]} with --format {name}" for name, form in graphs.items() if form.opsets
            ]
            raise SpecError(f"--opset of {' or '.join(known)}", f"{self.opset} with {self.name!r}", "leave it out")
        if self.push is not None:
            check_push(self.push, self.name, is_folder=self.is_folder)

    def suited(self, trained: TrainedModel, layout: GraphLayout | None) -> ExportJob:
        """The job with the outputs of the model's task, and the one layout that signals or rows have.

        Raises :class:`SpecError` for an option that is for images, or for another task.
        """
        return replace(self, options=self._answering(trained))._laid(trained, layout)

    def _answering(self, trained: TrainedModel) -> GraphOptions:
        task = trained.model.task
        if task.answer == "values" and self.options.output != "both":
            raise SpecError("--output for probabilities", f"{self.options.output!r} with --task {task.name}", "leave it out")
        return replace(self.options, answer=task.answer)

    def _laid(self, trained: TrainedModel, layout: GraphLayout | None) -> ExportJob:
        takes = trained.model.takes
        if isinstance(takes, Geometry) or not isinstance(self.format, GraphFormat):
            return self
        noun = NOUNS[takes.kind]
        if layout is not None:
            raise SpecError("--layout for images", f"{layout!r} with {noun}", "leave it out")
        if not isinstance(takes, SignalGeometry) and self.options.with_resize:
            raise SpecError("--with-resize for images or signals", f"it with {noun}", "leave it out")
        layouts: Mapping[str, GraphLayout] = {
            "signal": "NTC", "vector": "NC", "sound": "NTF", "volume": "NDHWC", "clip": "NTHWC",
        }  # fmt: skip
        stored = layouts[takes.kind]
        return replace(self, options=replace(self.options, layout=stored))


def check_place(out: Path, *, is_folder: bool, overwrite: bool) -> None:
    """Raise :class:`OutputError` if ``out`` cannot be written, or exists without ``overwrite``, in a run, or as no export."""
    if os.path.lexists(out):
        if not overwrite:
            raise OutputError("a new output", f"{str(out)!r} exists", "name another, or use --overwrite")
        check_no_part(out)
        out = folder_place(out) if out.is_dir() else file_place(out)
        if out.is_dir() != is_folder:
            kind = "folder" if out.is_dir() else "file"
            raise OutputError(f"a {'folder' if is_folder else 'file'} to overwrite", f"the {kind} {str(out)!r}", "name another")
        if is_folder and any(out.iterdir()) and not (out / _MARK).is_file():
            raise OutputError("an exported folder to overwrite", f"{str(out)!r} holds something else", "name another")
        if is_folder:
            check_own(out, MODEL_FILES, "an exported folder")
        elif out.is_file() and not _is_model(out):
            raise OutputError("an exported file to overwrite", f"{str(out)!r} holds something else", "name another")
    check_writable(out, "a place that can be written", "name another")


def _is_model(path: Path) -> bool:
    """Whether a file is a network with its graph, by its first bytes, or weights with what an export states; or empty."""
    with path.open("rb") as file:
        head = file.read(3)
    if not head:
        return True
    if head[:1] == _ONNX[0] and head[2:] == _ONNX[1]:
        return True
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(name.rpartition("/")[2] in _OF_GRAPHS for name in archive.namelist())
        stated = header_of(path).get("__metadata__")
    except (OSError, zipfile.BadZipFile, SpecError):
        return False
    return isinstance(stated, dict) and any(key.startswith("tare.") for key in stated)


def check_beside(out: Path, read: Iterable[str | os.PathLike[str]]) -> None:
    """Raise :class:`OutputError` for an output in whose place lies one of the files or folders that the export ``read``.

    It may bear another name: that of a symbolic link, or of another hard link.
    """
    here = _identity(out)
    if here is not None and any(_identity(each) == here for each in read):
        raise OutputError("an output beside the inputs", f"{str(out)!r}, which the export reads", "name another")


def _identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """What tells a file from all others, whatever its name; None for one that is not there."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):  # ValueError: a null byte
        return None
    return state.st_dev, state.st_ino
