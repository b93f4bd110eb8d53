"""The model card: the network's input, the origin of its constants, its validation accuracy, how to load it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tare.input_spec.fields import Known
from tare.input_spec.geometry import NOUNS, Geometry, InputGeometry, RowGeometry, SoundGeometry, VolumeGeometry, front_of
from tare.input_spec.spec import InputSpec
from tare.networks.stored.trained import TrainedModel
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import MEANINGS
from tare.samples.layout import channel_names, unit_scale
from tare.tasks.evaluations.classification import wilson

_LICENCE = """## Licence

Not stated: it depends on the pretrained weights and on your data. Fill in `license` at the top of this file.
"""
_MOST_LABELS = 1000
_MOST_SHOWN = 32
#: Task names of model hubs; there is no task name for general signals.
_TASKS: Mapping[tuple[str, str], str] = {
    ("image", "classification"): "image-classification",
    ("image", "multi-label"): "image-classification",
    ("image", "segmentation"): "image-segmentation",
    ("sound", "classification"): "audio-classification",
    ("vector", "classification"): "tabular-classification",
    ("vector", "multi-label"): "tabular-classification",
    ("vector", "regression"): "tabular-regression",
}
_LONGEST = 200
_ANYWHERE = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_AT_THE_START = re.compile(r"^([-+=]|\d+(?=[.)]))")  # a list, a rule or a numbered list
_ADDRESS = re.compile(r"(:(?=//)|(?<=www)\.|@)", re.IGNORECASE)


def card(trained: TrainedModel, loading: Sequence[str], validated: int | None) -> str:
    """Return the text of ``README.md``; ``loading`` are lines of Python, ``validated`` is the number of validation samples."""
    code = "\n".join(loading)
    how = f"## How to load it\n\n```python\n{code}\n```\n"
    parts = (_front(trained), _input(trained), _evidence(trained, validated), how, _labels(trained), _LICENCE)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def write_card(folder: Path, trained: TrainedModel, loading: Sequence[str], validated: int | None) -> None:
    """Write the card as ``README.md`` of the folder; see :func:`card`."""
    (folder / "README.md").write_text(card(trained, loading, validated), encoding="utf-8")


def _front(trained: TrainedModel) -> str:
    kind = "sound" if front_of(trained.model.takes) is not None else trained.model.takes.kind
    task = _TASKS.get((kind, trained.model.task.name))
    plain = "time-series" if kind == "signal" else trained.model.task.name
    names = (task or plain, *(("timm",) if trained.model.network.is_timm else ()))
    tags = "".join(f"  - {tag}\n" for tag in names)
    pipeline = f"pipeline_tag: {task}\n" if task else ""
    return (
        "---\n# license: state it here (see the last section)\n"
        f"{pipeline}tags:\n{tags}---\n\n"
        f"# {escaped(_name(trained))}, {len(trained.model.classes)} {trained.model.task.noun}\n"
    )


def _name(trained: TrainedModel) -> str:
    """Return the network's name, without the folder of a Python file."""
    return trained.reference if trained.model.network.is_timm else trained.reference.rpartition("/")[2]


def _input(trained: TrainedModel) -> str:
    chosen = trained.model.normalisation
    rows = "" if chosen.per_sample else _constants(trained)
    return (
        "## What the network is fed\n\n"
        f"Strategy **{escaped(chosen.strategy)}**: {MEANINGS.get(chosen.strategy, 'as tare.json states')}.\n\n{rows}\n"
        f"{_sized(trained.model.takes, len(chosen.mean))}\n{_origins(trained)}"
    )


def _constants(trained: TrainedModel) -> str:
    """Return a table of each channel's mean and std, and the formula that uses them."""
    chosen, takes = trained.model.normalisation, trained.model.takes
    names: Sequence[str] = tuple(f"c{index}" for index in range(len(chosen.mean)))
    if isinstance(takes, Geometry):
        names = named if len(named := takes.bands or ()) == len(chosen.mean) else channel_names(len(chosen.mean))
    elif isinstance(takes, RowGeometry):
        names = takes.columns
    columns = [names, chosen.mean, chosen.std, *zip(*chosen.clip or (), strict=True)]
    what = "column" if isinstance(takes, RowGeometry) else "channel"
    heads = [what, "mean", "std", "low", "high"][: len(columns)]
    rows = f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n"
    for name, *numbers in list(zip(*columns, strict=True))[:_MOST_LABELS]:
        rows += f"| {escaped(name)} | {' | '.join(f'{number:.9g}' for number in numbers)} |\n"
    if len(names) > _MOST_LABELS:
        rows += f"\n{len(names) - _MOST_LABELS} more in tare.json.\n"
    return f"{rows}\n{_formula(chosen, takes)}\n"


def _formula(chosen: Normalisation, takes: InputGeometry) -> str:
    """Return a sentence: from a raw value to the network's input."""
    is_photo, factor = isinstance(takes, Geometry) and takes.raw_dtype == "uint8", unit_scale(takes.raw_dtype)
    value = "v" if factor == 1 else f"v / {1 / factor}"
    if chosen.value_map != "identity":
        value = "10 log10(v)" if chosen.value_map == "dB" else f"{chosen.value_map}(v)"
    if chosen.clip is not None:
        value = f"clip({value}, low, high)"
    taken = "of 0..255" if is_photo else f"({escaped(takes.raw_dtype)})"
    units = "Unit values: a" if is_photo and chosen.value_map == "identity" else "A"
    return f"{units} raw value v {taken} reaches the network as ({value} - mean) / std."


def _sized(takes: InputGeometry, channels: int) -> str:
    if isinstance(takes, Geometry):
        height, width = takes.size
        return (
            f"Size {height} x {width} pixels, {escaped(takes.interpolation)} interpolation, {escaped(takes.crop_mode)} crop "
            f"{_edge(takes)}.{_mode(takes, channels)}"
        )
    if isinstance(takes, RowGeometry):
        return f"Rows of {len(takes.columns)} numbers, in this order."
    if isinstance(takes, VolumeGeometry):
        return f"{NOUNS[takes.kind].capitalize()} of {' x '.join(map(str, takes.size))} values a channel."
    if isinstance(takes, SoundGeometry):
        return f"{escaped(takes.front.units)}, as the feature extractor computes them before its normalisation."
    rate = "" if takes.rate is None else f" They have {takes.rate} Hz, as in training; nothing is resampled."
    return (
        f"Signals of {takes.length} steps: longer signals are cut to their middle, shorter signals are padded on both sides with "
        f"zero at the network's input. Recordings are read in [-1, 1).{rate}"
    )


def _mode(takes: Geometry, channels: int) -> str:
    """How a file becomes raw values, which the loaders of other libraries leave to their caller."""
    mode = {1: "L", 3: "RGB"}.get(channels)
    if takes.raw_dtype != "uint8" or takes.bands is not None or mode is None:
        return ""
    return f' Pixels are taken as stored, without EXIF orientation, and in one mode: `image.convert("{mode}")` of Pillow.'


def _edge(takes: Geometry) -> str:
    if takes.resize is None:
        return f"with the fraction {takes.crop_fraction:g}"
    return f"of images resized to {' x '.join(map(str, takes.resize))} pixels"


def _origins(trained: TrainedModel) -> str:
    """Return the origin of the source's constants, and the number of samples behind the target's statistics."""
    lines = ""
    source = trained.document.get("source_spec")
    try:
        mean = InputSpec.from_json(source).mean if source else None
    except Exception:  # a malformed document: the card omits the constants
        mean = None
    if isinstance(mean, Known):
        numbers = [f"{value:g}" for value in mean.value[:_MOST_SHOWN]] + ["..."] * (len(mean.value) > _MOST_SHOWN)
        lines += f"\nSource constants: {', '.join(numbers)} (mean), origin: {escaped(mean.origin)}.\n"
    stats = trained.document.get("target_stats")
    if isinstance(stats, Mapping) and isinstance(stats.get("samples"), int):
        noun = NOUNS[trained.model.takes.kind]
        lines += f"\nThe target's statistics in tare.json were measured on {stats['samples']} training {noun}.\n"
    return lines


def _evidence(trained: TrainedModel, validated: int | None) -> str:
    return _of_validation(trained, validated) + _of_test(trained)


def _of_test(trained: TrainedModel) -> str:
    """What the samples showed that were scored once; empty without a test."""
    evidence = trained.document.get("evidence")
    stated = evidence if isinstance(evidence, Mapping) else {}
    name = next((key.removesuffix("_interval") for key in stated if key.startswith("test_") and key.endswith("_interval")), None)
    value, count, ends = stated.get(name), stated.get("test_samples"), stated.get(f"{name}_interval")
    if not isinstance(value, int | float) or not isinstance(count, int) or not isinstance(ends, Mapping):
        return ""
    low, high = ends.get("low"), ends.get("high")
    sure = f", 95% interval {low:.4g} to {high:.4g}" if isinstance(low, float) and isinstance(high, float) else ""
    noun = NOUNS[trained.model.takes.kind]
    figure = f"Test {escaped(str(name).removeprefix('test_'))} **{value:.4g}** (n = {count} {noun}{sure})"
    return f"\n{figure}, scored once: none of these {noun} trained the network or chose an epoch.\n"


def _of_validation(trained: TrainedModel, validated: int | None) -> str:
    evidence = trained.document.get("evidence")
    if trained.model.task.name != "classification":
        return _figure(trained, evidence, validated)
    accuracy = evidence.get("val_accuracy") if isinstance(evidence, Mapping) else None
    if not isinstance(accuracy, int | float) or not 0 <= accuracy <= 1:
        return "## Evidence\n\nNo validation accuracy is recorded.\n"
    assert isinstance(evidence, Mapping)  # noqa: S101 - for the type checker
    protocol = escaped(str(evidence.get("protocol", "unknown")))
    split = f" Split: {escaped(str(evidence['split']))}." if "split" in evidence else ""
    noun = NOUNS[trained.model.takes.kind]
    if validated is None:
        counted = f"the number of validation {noun} is not known"
    else:
        share = wilson(round(accuracy * validated), validated)
        counted = f"n = {validated} validation {noun}, 95% interval {share.low:.1%} to {share.high:.1%} if they are independent"
    return (
        f"## Evidence\n\nValidation accuracy **{accuracy:.1%}** ({counted}), protocol {protocol}.{split}\n\n"
        f"One run on one split. If the same {noun} chose the epoch, the accuracy is slightly too high.\n"
    )


def _figure(trained: TrainedModel, evidence: Any, validated: int | None) -> str:
    """The figure of a task other than classification, with the interval that the run recorded."""
    stated = evidence if isinstance(evidence, Mapping) else {}
    name = next((key for key in stated if key.startswith("val_") and f"{key}_interval" in stated), None)
    if name is None or not isinstance(stated[name], int | float):
        return "## Evidence\n\nNo figure of the validation split is recorded.\n"
    ends = stated[f"{name}_interval"]
    low, high = (ends.get(end) for end in ("low", "high")) if isinstance(ends, Mapping) else (None, None)
    sure = f", 95% interval {low:.4g} to {high:.4g}" if isinstance(low, float) and isinstance(high, float) else ""
    noun = NOUNS[trained.model.takes.kind]
    counted = f"n = {validated} validation {noun}" if validated is not None else f"the number of validation {noun} is not known"
    figure = f"Validation {escaped(name.removeprefix('val_'))} **{stated[name]:.4g}** ({counted}{sure})"
    return f"## Evidence\n\n{figure}.\n\nOne run on one split. If the same {noun} chose the epoch, it is slightly too good.\n"


def _labels(trained: TrainedModel) -> str:
    names = trained.model.classes
    shown = "".join(f"{index}. {escaped(name)}\n" for index, name in enumerate(names[:_MOST_LABELS]))
    rest = f"\n{len(names) - _MOST_LABELS} more in tare.json.\n" if len(names) > _MOST_LABELS else ""
    undone = "Values in the targets' own units.\n\n" if trained.model.task.answer == "values" else ""
    return f"## {trained.model.task.noun.capitalize()}\n\n{undone}Numbered in the order of the outputs, from 0.\n\n{shown}{rest}"


def with_tare(trained: TrainedModel) -> str:
    """Return the line of Python that loads the folder ``DIR`` with tare."""
    if trained.model.network.is_timm or trained.reference.startswith(("torchvision:", "tare:")):
        return 'model = tare.load_model("DIR")'
    return 'model = tare.load_model("DIR", "FILE.py:FACTORY")  # the file that builds the network'


def escaped(text: str) -> str:
    """Escape text so that Markdown and HTML show it literally in one line: no tag, link, heading or list.

    Control characters become spaces, and a long text is cut.
    """
    line = _one_line(text)
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    safe = _ANYWHERE.sub(r"\\\1", html.escape(line, quote=False))
    safe = _AT_THE_START.sub(lambda found: f"&#{ord(found[1][0])};{found[1][1:]}", safe)
    # Character references keep renderers from turning bare addresses into links.
    return _ADDRESS.sub(lambda found: f"&#{ord(found[1])};", safe)


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text.encode("utf-8", "replace").decode())
    return " ".join(printable.split())
