"""``python -m benchmarks.conformance``: compare everything and write the table of ``docs/conformance.md``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.conformance import hf_classes, keras_applications, timm_configs, torchvision_weights
from benchmarks.conformance.results import TOLERANCE, Result

HOME = Path(__file__).parent.parent.parent / "docs" / "conformance.md"
BEGIN, END = "<!-- written by python -m benchmarks.conformance: begin -->", "<!-- end -->"
PEERS = {
    "timm": "every `pretrained_cfg` with weights",
    "torchvision": "every member of every weights enum",
    "transformers": "every image processor class, both backends",
    "keras": "the three modes and every application",
}


def main() -> None:
    """Compare, write, and leave with 1 if anything that was compared differed."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    found = [*timm_configs.results(), *torchvision_weights.results(), *keras_applications.results(), *hf_classes.results()]
    text = HOME.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    HOME.write_text(f"{before}{BEGIN}\n\n{table(found)}\n{exclusions(found)}\n{detectors()}\n{END}{after}", encoding="utf-8")
    differing = [result for result in found if result.how != "excluded" and not result.equal]
    for result in differing:
        print(f"{result.peer} {result.name} differs by {result.distance:g}")
    raise SystemExit(1 if differing else 0)


def table(found: Iterable[Result]) -> str:
    """One row a peer: how many there are, how many were compared, in what, and how far apart the farthest were."""
    rows = [
        "| library | what | listed | equal | whole | values | excluded | largest distance |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for peer, mine in by_peer(found).items():
        compared = [result for result in mine if result.how != "excluded"]
        equal = f"{sum(result.equal for result in compared)} of {len(compared)}"
        whole, values = (sum(result.how == how for result in compared) for how in ("whole", "values"))
        farthest = max((result.distance for result in compared), default=0.0)
        cells = (
            f"{peer} {version(peer)}",
            PEERS[peer],
            len(mine),
            equal,
            whole,
            values,
            len(mine) - len(compared),
            f"{farthest:.1e}",
        )
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows) + f"\n\nEqual: no further apart than {TOLERANCE:g}.\n"


def exclusions(found: Iterable[Result]) -> str:
    """What was excluded, and what was compared in its values only, by reason."""
    text = ""
    for how, title in (("excluded", "Excluded"), ("values", "Compared in their values only")):
        text += f"## {title}\n\n| library | reason | number | which |\n|---|---|--:|---|\n"
        for (peer, reason), names in by_reason(found, how).items():
            text += f"| {peer} | {reason} | {len(names)} | {', '.join(names)} |\n"
        text += "\n"
    return text


def detectors() -> str:
    """What torchvision's detection models normalise with inside, where their preset says nothing."""
    rows = ["## What detection models of torchvision apply inside", "", "| model | mean | std |", "|---|---|---|"]
    for name in torchvision_weights.detectors():
        mean, std = (", ".join(f"{value:.6g}" for value in values) for values in torchvision_weights.inside(name))
        rows.append(f"| {name} | {mean} | {std} |")
    return "\n".join(rows) + "\n"


def by_peer(found: Iterable[Result]) -> dict[str, list[Result]]:
    """Results by library."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in found:
        groups[result.peer].append(result)
    return groups


def by_reason(found: Iterable[Result], how: str) -> dict[tuple[str, str], list[str]]:
    """Names by library and reason; a class of two backends is named once, and what stands in brackets is its own name."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for result in found:
        if result.how == how:
            reason = result.reason.rpartition(" (")[0] if result.reason.endswith(")") else result.reason
            groups[result.peer, reason].append(
                result.name.replace("ImageProcessorPil", " (Pillow)").replace("ImageProcessor", "")
            )
    return dict(groups)


if __name__ == "__main__":
    main()
