"""``python -m benchmarks.hostile [--only WORD] [--write FILE]``: bad files given to every command that reads such files."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.hostile.bad_inputs import remove
from benchmarks.hostile.commands import SETUP, Case, cases, prepare
from benchmarks.hostile.running import Done, clean, figures, judged, load, run


def main() -> None:
    """Run all cases, print what is wrong, and print or write the table."""
    arguments = _parsed()
    preload()
    found: dict[str, list[list[str]]] = defaultdict(list)
    peak = slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        prepare(root)
        for argv in SETUP:
            if run(argv, root).code != 0:
                sys.exit(f"tare {' '.join(argv)}: {(root / '.err').read_text()}")
        first = run(("measure", "photos", "--json"), root)
        good, base = figures(first.out), first.megabytes
        for case in cases():
            if arguments.only and arguments.only not in f"{case.group} {case.name}":
                continue
            wrong, done = _tried(case, root, good, base)
            found[case.group].append(wrong)
            peak, slowest = max(peak, done.megabytes - base), max(slowest, done.seconds)
            if wrong:
                print(f"{case.group}: {case.name}: {'; '.join(wrong)}\n    {done.err.strip()[-300:]}", file=sys.stderr)
            elif arguments.verbose:
                print(f"{case.group}: {case.name}: {done.code} in {done.seconds:.1f} s: {done.err.strip()[:200]}")
    text = _table(found, len({case.name for case in cases()}), slowest, peak)
    print(text)
    if arguments.write is not None:
        from benchmarks.marks import insert

        insert(arguments.write, "hostile", text)
    sys.exit(1 if any(wrong for group in found.values() for wrong in group) else 0)


def _tried(case: Case, root: Path, good: dict[str, object], base: float) -> tuple[list[str], Done]:
    path = root / case.place.format(name=case.name)
    path.parent.mkdir(exist_ok=True)
    case.write(path)
    given = str(path.relative_to(root))
    done = run(tuple(word.replace("{bad}", given) for word in case.argv), root)
    wrong = judged(case, done, root, good, base)
    remove(path)
    clean(root)
    return wrong, done


def _table(found: dict[str, list[list[str]]], files: int, slowest: float, peak: float) -> str:
    lines = ["| command | bad files | answered rightly |", "|---|---|---|"]
    for group, results in found.items():
        lines.append(f"| {group} | {len(results)} | {sum(not wrong for wrong in results)} |")
    every = [wrong for results in found.values() for wrong in results]
    lines.append(f"| **all** ({files} files) | **{len(every)}** | **{sum(not wrong for wrong in every)}** |")
    return "\n".join(
        [*lines, "", f"The slowest computed for {slowest:.1f} s; the largest {peak:.0f} MB more than measuring two dozen images."]
    )


def preload() -> None:
    """Import what the commands import, so that each child starts with it; nothing here starts a thread."""
    import importlib
    import pkgutil

    import tare

    others = ("altair", "lightning.pytorch", "onnx", "polars", "pyarrow.parquet", "sklearn.linear_model", "timm", "torch._dynamo")
    own = [module.name for module in pkgutil.walk_packages(tare.__path__, "tare.")]
    for name in (*others, "torchvision.transforms.v2", "yaml", *own):
        importlib.import_module(name)
    import numpy as np

    tare.measure(np.zeros((2, 8, 8, 3), np.uint8), workers=1)  # compiles what counts
    tare.measure(np.zeros((2, 8, 8, 3)), workers=1)
    load()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--only", help="cases whose command or file has this in its name")
    parser.add_argument("--verbose", action="store_true", help="print what each case answered")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
