"""``python -m benchmarks.watch_rates [--quick] [--write FILE]``: false alarms and detections of ``tare.watch``.

The real images lie under the folder that the environment variable TARE_DATA names.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

import tare
from benchmarks.check_rates.correct import timm_evaluation, timm_training, torchvision_weights
from benchmarks.check_rates.mutants import networks
from benchmarks.marks import insert
from benchmarks.watch_rates.images import AFTERWARDS, DATA, WAYS, batches, photographs
from benchmarks.watch_rates.mistakes import mistakes, normalised
from tare.input_spec.spec import InputSpec

_SIZE, _IMAGES, _BATCH = 96, 48, 16


def watched(values: Iterable[Tensor], spec: Any, *, training: bool = False) -> set[str]:
    """The codes that are found in the batches."""
    model = nn.Identity().train(training)
    with tare.watch(model, spec, on_finding=lambda _: None) as watch:
        for batch in values:
            model(batch)
    return {finding.code for finding in watch.findings if finding.fails}


def distinct_networks() -> Iterator[tuple[str, InputSpec]]:
    """One network for every distinct map among timm's, torchvision's and the catalog's, of three channels in RGB order."""
    seen = set()
    for name, spec in networks():
        affine = spec.affine()
        if affine.order == (0, 1, 2) and spec.require("scale") == 1 / 255 and affine not in seen:
            seen.add(affine)
            yield name, spec


def right_ways(images: dict[str, list[Image.Image]], quick: bool) -> Iterator[tuple[str, set[str]]]:
    """Every right way to bring real images to every network, with batches of 16 and of 1."""
    specs = list(distinct_networks())[: 3 if quick else None]
    for data, pictures in images.items():
        for way, bring in WAYS.items():
            units = bring(pictures, _SIZE)
            for name, spec in specs:
                values = normalised(units, spec.require("mean"), spec.require("std"))
                afterwards = AFTERWARDS if way in ("8-bit resize", "float resize") else {"as it is": AFTERWARDS["as it is"]}
                for after, change in afterwards.items():
                    size = 1 if after == "zeros around" else _BATCH
                    found = watched(batches(change(values), size), spec, training=True)
                    yield "every way by hand", found
                    _complain(found, f"{data}, {way}, {after}, {name}")


def library_pipelines(images: dict[str, list[Image.Image]], quick: bool) -> Iterator[tuple[str, set[str]]]:
    """The transforms of timm and torchvision themselves, on real images."""
    cases: list[Any] = [*timm_evaluation(), *timm_training(every=100 if quick else 12), *torchvision_weights()]
    seen: set[str] = set()
    for place, case in enumerate(cases[:: 40 if quick else 1]):
        same = f"{case.group} {case.pipeline}"
        if same in seen:
            continue
        seen.add(same)
        for data, pictures in images.items():
            torch.manual_seed(place)
            values = [_applied(case.pipeline, picture) for picture in pictures[:8]]
            if not all(isinstance(value, Tensor) and value.ndim == 3 for value in values):
                break  # videos, optical flow and pairs take no single image
            shapes = {value.shape for value in values}
            grouped = [torch.stack(values)] if len(shapes) == 1 else [value[None] for value in values]
            found = watched(grouped, case.model, training=case.stage == "train")
            yield case.group, found
            _complain(found, f"{case.group}, {case.name}, {data}")


def wrong_ways(images: dict[str, list[Image.Image]], quick: bool) -> Iterator[tuple[str, str, bool, bool, bool]]:
    """Every mistake for every network: its name, code, whether there is a grid, whether it was found, and by its code."""
    specs = list(distinct_networks())[: 3 if quick else None]
    for pictures in images.values():
        for way in ("8-bit resize", "float resize"):
            units = WAYS[way](pictures, _SIZE)
            for _, spec in specs:
                right = normalised(units, spec.require("mean"), spec.require("std"))
                for mistake in mistakes(spec):
                    made = mistake.make(units)
                    if made.shape == right.shape and made.dtype == right.dtype and torch.allclose(made, right, atol=1e-4):
                        continue  # the brightest pixel of every digit is white: its maximum is 255
                    found = watched(batches(made, _BATCH), spec, training=True)
                    yield mistake.name, mistake.code, way == "8-bit resize", bool(found), mistake.code in found


def _applied(pipeline: Any, picture: Image.Image) -> Any:
    try:
        for step in pipeline if isinstance(pipeline, tuple) else (pipeline,):  # timm's in three parts
            picture = step(picture)
    except (TypeError, ValueError, RuntimeError, AttributeError):
        return None
    return picture


def _complain(found: set[str], what: str) -> None:
    if found:
        print(f"{what}: {', '.join(sorted(found))}", file=sys.stderr)


def _correct_table(rows: Iterable[tuple[str, set[str]]]) -> str:
    counted, alarms = Counter[str](), Counter[str]()
    for group, found in rows:
        counted[group] += 1
        alarms[group] += bool(found)
    lines = ["| batches of correct pipelines | watched | false alarms |", "|---|---|---|"]
    lines += [f"| {group} | {number} | {alarms[group]} |" for group, number in counted.items()]
    return "\n".join([*lines, f"| **all** | **{counted.total()}** | **{alarms.total()}** |"])


def _mistake_table(rows: Iterable[tuple[str, str, bool, bool, bool]]) -> str:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for name, code, grid, found, right in rows:
        tally, kind = counts.setdefault((name, code), Counter()), "grid" if grid else "floats"
        tally.update({f"{kind} made": 1, f"{kind} found": found, f"{kind} right": right})
    heading = "| mistake | code | resized as 8 bits: found, by this code | resized as floats: found, by this code |"
    lines = [heading, "|---|---|---|---|"]
    for (name, code), tally in counts.items():
        cells = [f"{tally[f'{k} found']}, {tally[f'{k} right']} of {tally[f'{k} made']}" for k in ("grid", "floats")]
        lines.append(f"| {name} | {code} | {cells[0]} | {cells[1]} |")
    total = sum(counts.values(), Counter())
    cells = [f"**{total[f'{k} found']}, {total[f'{k} right']} of {total[f'{k} made']}**" for k in ("grid", "floats")]
    return "\n".join([*lines, f"| **all** | | {cells[0]} | {cells[1]} |"])


def main() -> None:
    """Watch everything, say what is not as it should be, and print or write both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch_rates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three networks and few transforms: about two minutes")
    parser.add_argument("--only", choices=("correct", "mistakes"), help="one of the two tables")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this document")
    arguments = parser.parse_args()
    root = Path(os.environ["TARE_DATA"])
    images = {title: photographs(root, name, _IMAGES) for name, title in DATA.items()}
    texts = {}
    if arguments.only != "mistakes":
        rows = [*right_ways(images, arguments.quick), *library_pipelines(images, arguments.quick)]
        texts["correct"] = _correct_table(rows)
    if arguments.only != "correct":
        texts["mistakes"] = _mistake_table(wrong_ways(images, arguments.quick))
    for section, text in texts.items():
        print(text + "\n")
        if arguments.write is not None:
            insert(arguments.write, section, text)


if __name__ == "__main__":
    main()
