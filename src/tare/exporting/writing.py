"""An export written: loaded back by the library it is for, and compared with PyTorch before it gets its name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tare.datasets.split import Split
from tare.errors import OutputError
from tare.exporting.formats.format import Contents, GraphFormat, Recording, WeightsFormat
from tare.exporting.formats.safetensors import check_reloaded, weights_bytes
from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.resize import EXACT
from tare.exporting.graph.served import ServedGraph
from tare.exporting.inputs import ExportRequest
from tare.exporting.job import ExportJob, check_beside, check_place
from tare.exporting.parity import check_graph, graph_batches, loaded, resize_differences
from tare.exporting.probe_images import ProbeImages, probe_images, split_of
from tare.exporting.probe_numbers import ProbeNumbers, probe_numbers
from tare.exporting.push import name_repository, pushed
from tare.exporting.result import Exported, Parity
from tare.exporting.statement import graph_spec, metadata, model_spec
from tare.input_spec.geometry import NOUNS, Geometry, SoundGeometry
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.system.files import replacing, replacing_folder
from tare.system.handed.arguments import place_of
from tare.system.user_code import code_files

_STEPS = 4


def exported(request: ExportRequest) -> Exported:
    """The export that was asked for; see :func:`tare.export`."""
    job = ExportJob.of(request)
    check_place(job.out, is_folder=job.is_folder, overwrite=job.overwrite)
    if isinstance(job.format, GraphFormat):
        job.format.check()
    with request.reporter.counting(f"exporting to {job.name}", "steps", _STEPS) as advance:
        trained = open_trained(place_of(request.run, "a run"), request.factory, trusted=request.trust_remote_code)
        job = job.suited(trained, request.layout)
        if job.out.resolve() == trained.folder.resolve():
            raise OutputError("an output beside the run", f"its own model {str(job.out)!r}", "name another")
        if isinstance(job.format, WeightsFormat):
            job.format.check(trained)
        advance(1)
        split = split_of(trained)
        probes = _probes(trained, split, [os.fspath(image) for image in request.images])
        check_beside(job.out, _read(trained, request.factory, split, probes))
        advance(1)
        if isinstance(job.format, GraphFormat):
            made = _graph(job, job.format, trained, probes)
        elif job.is_folder:
            validated = trained.validated or (len(split.val) if split is not None else None)
            stated = metadata(trained, model_spec(trained))
            made = _sent(job, _folder(job, job.format, Contents(trained, stated, validated, probes)))
        else:
            made = _weights_file(job, trained)
        advance(2)
    for note in made.notes:
        request.reporter.note(note)
    return made


def _probes(trained: TrainedModel, split: Split | None, words: Sequence[str]) -> ProbeImages | ProbeNumbers:
    takes = trained.model.takes
    if isinstance(takes, Geometry):
        return probe_images(trained, split, words)
    return probe_numbers(trained, takes, split, words)


def _read(
    trained: TrainedModel, factory: str | None, split: Split | None, probes: ProbeImages | ProbeNumbers
) -> Iterator[str | Path]:
    """The files that an export reads, and the folders that are read as a whole: of the model, its code and its samples."""
    yield from (trained.folder, *trained.folder.rglob("*"))
    yield from code_files(factory or "")
    kind, _, name = (factory or "").partition(":")
    if kind == "hf" and Path(name).is_dir():
        yield from (Path(name), *Path(name).rglob("*"))
    yield from probes.files
    if split is not None:
        yield from (str(trained.settings["data"]), *(file.path for file in (*split.train, *split.val)))


def _graph(job: ExportJob, form: GraphFormat, trained: TrainedModel, probes: ProbeImages | ProbeNumbers) -> Exported:
    options = job.options
    graph = ServedGraph(trained.model, options)
    example = torch.from_numpy(np.zeros(_example_shape(trained, options), _stored(trained)))
    stated = metadata(trained, graph_spec(trained, options), resized=not options.with_resize)
    content, how = form.write(Recording(graph, example, options, stated, job.opset))
    batches = graph_batches(trained, options, probes)
    with job.written(), replacing(job.out) as temporary:
        temporary.write_bytes(content)
        run = loaded(form.load, temporary, form.runtime())
        parity = check_graph(run, form.runtime(), graph, options, batches)
    parity = replace(parity, images=probes.origin, real=probes.real)
    if options.with_resize and isinstance(probes, ProbeImages):
        levels, share, apart = resize_differences(trained, graph, probes)
        parity = replace(parity, resize_levels=levels, resize_share=share, resize_logits=apart)
    takes = trained.model.takes
    return Exported(
        job.out,
        job.name,
        len(content),
        trained.model.classes,
        _notes(job, form, trained, parity),
        parity,
        options.layout,
        options.names,
        takes.size if isinstance(takes, Geometry) and not options.with_resize else None,
        options.takes,
        _stored(trained),
        tuple(options.dynamic.get(axis, edge) for axis, edge in enumerate(_example_shape(trained, options))),
        {"torch": torch.__version__, **how},
        trained.model.task.noun,
    )


def _weights_file(job: ExportJob, trained: TrainedModel) -> Exported:
    content = weights_bytes(trained, metadata(trained, model_spec(trained)))
    with job.written(), replacing(job.out) as temporary:
        temporary.write_bytes(content)
        check_reloaded(trained, temporary)
    return Exported(job.out, job.name, len(content), trained.model.classes, (), **_holds(trained))


def _folder(job: ExportJob, form: WeightsFormat, contents: Contents) -> Exported:
    trained = contents.trained
    with job.written(), replacing_folder(job.out) as folder:
        parity, notes = form.fill(folder, contents)
        if job.push is not None:
            name_repository(folder, job.push)
    if contents.validated is None:
        noun = NOUNS[trained.model.takes.kind]
        notes += (f"the card states the accuracy without the number of validation {noun}: the run's data are not at hand",)
    size = sum(path.stat().st_size for path in job.out.iterdir())
    return Exported(job.out, job.name, size, trained.model.classes, notes, parity, **_holds(trained))


def _sent(job: ExportJob, made: Exported) -> Exported:
    """The folder, uploaded if that was asked for."""
    return made if job.push is None else replace(made, pushed=pushed(made.out, job.push))


def _holds(trained: TrainedModel) -> dict[str, Any]:
    return {"takes": NOUNS[trained.model.takes.kind], "dtype": _stored(trained)}


def _stored(trained: TrainedModel) -> str:
    """The type of a raw value."""
    return trained.model.takes.raw_dtype


def _notes(job: ExportJob, form: GraphFormat, trained: TrainedModel, parity: Parity) -> tuple[str, ...]:
    notes = [form.note] if form.note else []
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
    if isinstance(takes, SoundGeometry):
        return (2, *takes.size)
    if not isinstance(takes, Geometry):
        steps = tuple(length + 33 if options.with_resize else length for length in takes.shape)
        return (2, *steps, channels)
    height, width = takes.size
    if options.with_resize:  # unequal edges, neither of them the network's own
        height, width = height + 33, width + 58
    return (2, height, width, channels) if options.layout == "NHWC" else (2, channels, height, width)
