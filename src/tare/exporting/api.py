"""``tare.export``: a trained model with its normalisation inside, in the format that a server or another library reads.

Every export is loaded back by the library it is for and compared with PyTorch before it gets its name: what differs by more
than rounding is refused, and nothing is left on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from tare.datasets.split import Split
from tare.errors import OutputError, SpecError
from tare.exporting.formats.onnx import check_installed, onnx_bytes, onnx_runner
from tare.exporting.formats.pt2 import pt2_bytes, pt2_runner
from tare.exporting.formats.torchscript import NOTE, torchscript_bytes, torchscript_runner
from tare.exporting.formats.weights import check_reloaded, fill_hf, fill_plain, fill_timm, weights_bytes
from tare.exporting.graph.resize import EXACT
from tare.exporting.graph.served import LAYOUTS, OUTPUTS, GraphOptions, Layout, Output, ServedGraph
from tare.exporting.parity import Parity, Runner, check_graph, graph_batches, loaded, resize_differences
from tare.exporting.place import check_place
from tare.exporting.probe_images import ProbeImages, probe_images, split_of
from tare.exporting.probe_numbers import ProbeNumbers, probe_numbers
from tare.exporting.reloaded import check_hf, check_stateable, check_timm
from tare.exporting.statement import graph_spec, metadata, model_spec
from tare.input_spec.geometry import NOUNS, Geometry, RowGeometry, SignalGeometry
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.system.files import remove_parts, replacing, replacing_folder
from tare.system.lock import only_writer
from tare.system.progress import SILENT, Reporter

SCHEMA = "tare.export/1"

Format = Literal["onnx", "torchscript", "pt2", "safetensors", "hf", "timm"]
FORMATS: tuple[Format, ...] = get_args(Format)
_GRAPHS = ("onnx", "torchscript", "pt2")
_STEPS = 4
_RUNNERS: Mapping[str, Callable[[Path], Runner]] = {"onnx": onnx_runner, "torchscript": torchscript_runner, "pt2": pt2_runner}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, what it takes and gives, and how it compares with PyTorch."""

    out: Path
    format: Format
    bytes: int
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    parity: Parity | None = None
    layout: Layout | None = None
    outputs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    takes: str = "images"
    dtype: str = "uint8"
    shape: tuple[int | str, ...] | None = None
    made_by: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The export as a JSON object with schema ``tare.export/1``."""
        return {
            "schema": SCHEMA,
            "out": str(self.out),
            "format": self.format,
            "bytes": self.bytes,
            "layout": self.layout,
            "size": None if self.size is None else list(self.size),
            "takes": self.takes,
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "outputs": list(self.outputs),
            "labels": list(self.labels),
            "made_by": None if self.made_by is None else dict(self.made_by),
            "parity": None if self.parity is None else self.parity.to_json(),
            "notes": list(self.notes),
        }


def export(
    run: str | os.PathLike[str],
    format: Format,  # noqa: A002 - the name of the option
    out: str | os.PathLike[str],
    *,
    layout: Layout | None = None,
    output: Output = "both",
    with_resize: bool = False,
    images: Sequence[str | os.PathLike[str]] = (),
    factory: str | None = None,
    opset: int | None = None,
    overwrite: bool = False,
    reporter: Reporter = SILENT,
) -> Exported:
    """Write the model in ``run`` as ``format`` to ``out``.

    ``onnx``, ``torchscript`` and ``pt2`` are one file: raw uint8 images ``(N, H, W, C)`` (or ``layout="NCHW"``), signals
    ``(N, T, C)`` or rows ``(N, C)`` of the type they are stored in go in, probabilities and logits come out, and the
    normalisation is inside; with ``with_resize`` resize and centre crop of images, or cut and padding of signals, are too.
    ``safetensors`` (a folder, or a file if ``out`` ends so), ``timm`` and ``hf`` (for images) hold the weights with what states
    the normalisation. ``images`` (or recordings, arrays, tables) are compared on instead of the run's validation samples.
    ``factory`` builds a network that no library knows.

    Raises :class:`ModelError` for an unusable run or a network that the format cannot hold, :class:`ParityError` if the result
    answers otherwise than PyTorch by more than 1e-4 on logits, :class:`OutputError` for ``out``; then nothing is written.
    """
    target = Path(out)
    is_folder = format in ("hf", "timm") or (format == "safetensors" and target.suffix != ".safetensors")
    job = _Job(format, target, is_folder, GraphOptions(layout or "NHWC", output, with_resize), opset, overwrite)
    job.check()
    check_place(target, is_folder=is_folder, overwrite=overwrite)
    if format == "onnx":
        check_installed()
    with reporter.counting(f"exporting to {format}", "steps", _STEPS) as advance:
        trained = open_trained(Path(run), factory)
        job = job.suited(trained, layout)
        if target.resolve() == trained.folder.resolve():
            raise OutputError("an output beside the run", f"its own model {str(target)!r}", "name another")
        if format in ("hf", "timm"):
            check_stateable(trained, format)
        advance(1)
        split = split_of(trained)
        probes = _probes(trained, split, [os.fspath(image) for image in images])
        advance(1)
        if format in _GRAPHS:
            made = _graph(job, trained, probes)
        elif is_folder:
            made = _folder(job, trained, probes, trained.validated or (len(split.val) if split is not None else None))
        else:
            made = _weights_file(job, trained)
        advance(2)
    for note in made.notes:
        reporter.note(note)
    return made


def _probes(trained: TrainedModel, split: Split | None, words: Sequence[str]) -> ProbeImages | ProbeNumbers:
    takes = trained.model.takes
    if isinstance(takes, Geometry):
        return probe_images(trained, split, words)
    return probe_numbers(trained, takes, split, words)


@dataclass(frozen=True, slots=True)
class _Job:
    """What was asked for."""

    form: Format
    out: Path
    is_folder: bool
    options: GraphOptions
    opset: int | None
    overwrite: bool

    @contextmanager
    def written(self) -> Iterator[None]:
        """Let no other process write there meanwhile, and see that none has since the place was first looked at."""
        with only_writer(self.out):
            check_place(self.out, is_folder=self.is_folder, overwrite=self.overwrite)
            remove_parts(self.out.parent, self.out.name)
            yield

    def check(self) -> None:
        """Raise :class:`SpecError` for an option that is unknown, or does not belong to the format."""
        options = self.options
        for name, value, known in (
            ("--format", self.form, FORMATS),
            ("--layout", options.layout, LAYOUTS),
            ("--output", options.output, OUTPUTS),
        ):
            if value not in known:
                raise SpecError(f"{name} among {', '.join(known)}", f"{value!r}", "choose one of them")
        if self.form not in _GRAPHS and options != GraphOptions():
            found = f"them with {self.form!r}, which holds no graph"
            raise SpecError(f"--layout, --output and --with-resize with {', '.join(_GRAPHS)}", found, "leave them out")
        if self.opset is not None and (self.form != "onnx" or not 18 <= self.opset <= 24):
            raise SpecError("--opset of 18 to 24 with --format onnx", f"{self.opset} with {self.form!r}", "leave it out")

    def suited(self, trained: TrainedModel, layout: Layout | None) -> _Job:
        """The job with the one layout that signals or rows have. Raises :class:`SpecError` for an option that is for images."""
        takes = trained.model.takes
        if isinstance(takes, Geometry) or self.form not in _GRAPHS:
            return self
        noun = NOUNS[takes.kind]
        if layout is not None:
            raise SpecError("--layout for images", f"{layout!r} with {noun}", "leave it out")
        if isinstance(takes, RowGeometry) and self.options.with_resize:
            raise SpecError("--with-resize for images or signals", f"it with {noun}", "leave it out")
        stored: Layout = "NTC" if isinstance(takes, SignalGeometry) else "NC"
        return replace(self, options=replace(self.options, layout=stored))


def _graph(job: _Job, trained: TrainedModel, probes: ProbeImages | ProbeNumbers) -> Exported:
    options = job.options
    graph = ServedGraph(trained.model, options)
    content, how = _content(job, trained, graph)
    batches = graph_batches(trained, options, probes)
    with job.written(), replacing(job.out) as temporary:
        temporary.write_bytes(content)
        run = loaded(_RUNNERS[job.form], temporary, _runtime(job.form))
        parity = check_graph(run, _runtime(job.form), graph, options, batches)
    parity = replace(parity, images=probes.origin, real=probes.real)
    if options.with_resize and isinstance(probes, ProbeImages):
        levels, share, apart = resize_differences(trained, graph, probes)
        parity = replace(parity, resize_levels=levels, resize_share=share, resize_logits=apart)
    takes = trained.model.takes
    return Exported(
        job.out,
        job.form,
        len(content),
        trained.model.classes,
        _notes(job, trained, parity),
        parity,
        options.layout,
        options.names,
        takes.size if isinstance(takes, Geometry) and not options.with_resize else None,
        options.takes,
        _stored(trained),
        tuple(options.dynamic.get(axis, edge) for axis, edge in enumerate(_example_shape(trained, options))),
        {"torch": torch.__version__, **how},
    )


def _content(job: _Job, trained: TrainedModel, graph: ServedGraph) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, and how they were made."""
    stated = metadata(trained, graph_spec(trained, job.options))
    example = torch.from_numpy(np.zeros(_example_shape(trained, job.options), _stored(trained)))
    if job.form == "onnx":
        return onnx_bytes(graph, example, job.options, stated, job.opset)
    write = pt2_bytes if job.form == "pt2" else torchscript_bytes
    return write(graph, example, job.options, stated), {}


def _weights_file(job: _Job, trained: TrainedModel) -> Exported:
    content = weights_bytes(trained, metadata(trained, model_spec(trained)))
    with job.written(), replacing(job.out) as temporary:
        temporary.write_bytes(content)
        check_reloaded(trained, temporary)
    return Exported(job.out, job.form, len(content), trained.model.classes, (), **_holds(trained))


def _folder(job: _Job, trained: TrainedModel, probes: ProbeImages | ProbeNumbers, validated: int | None) -> Exported:
    stated = metadata(trained, model_spec(trained))
    parity: Parity | None = None
    notes: tuple[str, ...] = ()
    with job.written(), replacing_folder(job.out) as folder:
        if job.form == "safetensors" or isinstance(probes, ProbeNumbers):  # which have no other folder
            fill_plain(folder, trained, stated, validated)
        elif job.form == "timm":
            fill_timm(folder, trained, stated, validated)
            parity = check_timm(folder, trained, probes)
        else:
            fill_hf(folder, trained, stated, validated)
            parity, notes = check_hf(folder, trained, probes)
    if validated is None:
        noun = NOUNS[trained.model.takes.kind]
        notes += (f"the card states the accuracy without the number of validation {noun}: the run's data are not at hand",)
    size = sum(path.stat().st_size for path in job.out.iterdir())
    return Exported(job.out, job.form, size, trained.model.classes, notes, parity, **_holds(trained))


def _holds(trained: TrainedModel) -> dict[str, Any]:
    return {"takes": NOUNS[trained.model.takes.kind], "dtype": _stored(trained)}


def _stored(trained: TrainedModel) -> str:
    """The type of a raw value."""
    takes = trained.model.takes
    return "uint8" if isinstance(takes, Geometry) else takes.raw_dtype


def _notes(job: _Job, trained: TrainedModel, parity: Parity) -> tuple[str, ...]:
    notes: list[str] = [NOTE] if job.form == "torchscript" else []
    if not parity.real:
        notes.append(f"compared on {parity.images}")
    takes = trained.model.takes
    if job.options.with_resize and isinstance(takes, Geometry) and takes.interpolation not in EXACT:
        share, levels = parity.resize_share or 0.0, parity.resize_levels
        notes.append(f"resized bytes differ from Pillow's in {share:.2%} of the values, by at most {levels}")
    return tuple(notes)


def _example_shape(trained: TrainedModel, options: GraphOptions) -> tuple[int, ...]:
    """An input to record the graph with; two of a batch, for a length of one would be taken for a constant."""
    channels, takes = len(trained.model.normalisation.mean), trained.model.takes
    if not isinstance(takes, Geometry):
        steps = tuple(length + 33 if options.with_resize else length for length in takes.shape)
        return (2, *steps, channels)
    height, width = takes.size
    if options.with_resize:  # unequal edges, neither of them the network's own
        height, width = height + 33, width + 58
    return (2, height, width, channels) if options.layout == "NHWC" else (2, channels, height, width)


def _runtime(form: str) -> str:
    return f"onnxruntime {version('onnxruntime')}" if form == "onnx" else f"torch {torch.__version__} ({form})"
