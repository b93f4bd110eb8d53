"""``tare demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import Json, show


def demo(
    out: Annotated[Path, typer.Option(help="The directory for the report and the model.")] = Path("tare-demo"),
    seeds: Annotated[int, typer.Option(help="Number of networks that are pretrained and compared.", min=2)] = 6,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files of an earlier demo.")] = False,
    as_json: Json = False,
) -> None:
    """Show the whole idea in a minute, on the digits of scikit-learn, without a download."""
    from tare.reporting import console
    from tare.reporting.demo.report import print_demo, write_demo, write_differences
    from tare.studying.demo.run import run_demo
    from tare.training.run_dir import check_out, run_dir

    check_out(out, overwrite=overwrite, resume=False)
    with run_dir(out, {"demo": seeds}, resume=False, overwrite=overwrite):
        result = run_demo(out, console, seeds)
        write_demo(result, out / "report.html", f"tare demo --seeds {seeds} --out {out}")
        write_differences(result, out / "differences.png")
    show(result, as_json, print_demo, out / "report.html")
