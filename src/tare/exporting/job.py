"""What an export is asked for: the format, what its graph takes and gives, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tare.errors import OutputError, SpecError
from tare.exporting.inputs import ExportFormat, ExportRequest, Output
from tare.input_spec.geometry import NOUNS, Geometry, RowGeometry, SignalGeometry
from tare.networks.stored.trained import TrainedModel
from tare.system.files import check_writable, remove_parts
from tare.system.lock import only_writer

#: The formats of one file that holds the whole graph.
GRAPHS = ("onnx", "torchscript", "pt2")
GraphLayout = Literal["NHWC", "NCHW", "NTC", "NC"]
#: A folder with one of these files was written by tare or by a library that tare exports to.
_MARKS = ("tare.json", "model.safetensors")


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """What a graph takes and gives; ``with_resize`` puts resize and centre crop inside, for images of any size.

    Of signals (``NTC``) it puts cut and padding inside, for any number of steps; rows (``NC``) have none.
    """

    layout: GraphLayout = "NHWC"
    output: Output = "both"
    with_resize: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return ("probabilities", "logits") if self.output == "both" else (self.output,)

    @property
    def takes(self) -> str:
        """What the input is called, and holds: ``images``, ``signals`` or ``rows``."""
        return NOUNS["signal" if self.layout == "NTC" else "vector" if self.layout == "NC" else "image"]

    @property
    def dynamic(self) -> dict[int, str]:
        """Names of the input's axes that may have any length."""
        if self.layout in ("NTC", "NC"):
            return {0: "N", 1: "T"} if self.with_resize else {0: "N"}
        rows = self.layout.index("H")
        return {0: "N", rows: "H", rows + 1: "W"} if self.with_resize else {0: "N"}


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export that was asked for."""

    form: ExportFormat
    out: Path
    is_folder: bool
    options: GraphOptions
    opset: int | None
    overwrite: bool

    @classmethod
    def of(cls, request: ExportRequest) -> ExportJob:
        """The job that was asked for. Raises :class:`SpecError` for an option that does not belong to the format."""
        out, form = Path(request.out), request.format
        is_folder = form in ("hf", "timm") or (form == "safetensors" and out.suffix != ".safetensors")
        options = GraphOptions(request.layout or "NHWC", request.output, request.with_resize)
        job = cls(form, out, is_folder, options, request.opset, request.overwrite)
        job.check()
        return job

    @contextmanager
    def written(self) -> Iterator[None]:
        """Let no other process write there meanwhile, and see that none has since the place was first looked at."""
        with only_writer(self.out):
            check_place(self.out, is_folder=self.is_folder, overwrite=self.overwrite)
            remove_parts(self.out.parent, self.out.name)
            yield

    def check(self) -> None:
        """Raise :class:`SpecError` for an option that does not belong to the format."""
        options = self.options
        if self.form not in GRAPHS and options != GraphOptions():
            found = f"them with {self.form!r}, which holds no graph"
            raise SpecError(f"--layout, --output and --with-resize with {', '.join(GRAPHS)}", found, "leave them out")
        if self.opset is not None and (self.form != "onnx" or not 18 <= self.opset <= 24):
            raise SpecError("--opset of 18 to 24 with --format onnx", f"{self.opset} with {self.form!r}", "leave it out")

    def suited(self, trained: TrainedModel, layout: GraphLayout | None) -> ExportJob:
        """The job with the one layout that signals or rows have. Raises :class:`SpecError` for an option that is for images."""
        takes = trained.model.takes
        if isinstance(takes, Geometry) or self.form not in GRAPHS:
            return self
        noun = NOUNS[takes.kind]
        if layout is not None:
            raise SpecError("--layout for images", f"{layout!r} with {noun}", "leave it out")
        if isinstance(takes, RowGeometry) and self.options.with_resize:
            raise SpecError("--with-resize for images or signals", f"it with {noun}", "leave it out")
        stored: GraphLayout = "NTC" if isinstance(takes, SignalGeometry) else "NC"
        return replace(self, options=replace(self.options, layout=stored))


def check_place(out: Path, *, is_folder: bool, overwrite: bool) -> None:
    """Raise :class:`OutputError` if ``out`` exists without ``overwrite``, is not an earlier export, or cannot be written."""
    if out.exists() or out.is_symlink():
        if not overwrite:
            raise OutputError("a new output", f"{str(out)!r} exists", "name another, or use --overwrite")
        if out.is_dir() != is_folder:
            kind = "folder" if out.is_dir() else "file"
            raise OutputError(f"a {'folder' if is_folder else 'file'} to overwrite", f"the {kind} {str(out)!r}", "name another")
        if is_folder and any(out.iterdir()) and not any((out / mark).is_file() for mark in _MARKS):
            raise OutputError("an exported folder to overwrite", f"{str(out)!r} holds something else", "name another")
    check_writable(out, "a place that can be written", "name another")
