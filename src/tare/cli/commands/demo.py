"""``tare demo``."""

from __future__ import annotations

from pathlib import Path

from tare.cli.fields import command
from tare.cli.options import Json, show
from tare.errors import shell_word
from tare.studying.demo.inputs import FILES, DemoRequest


@command(DemoRequest, loads="tare.studying.demo.run")
def demo(request: DemoRequest, as_json: Json = False) -> None:
    """Show the whole idea in a minute, on photographs and digits that packages ship, without a download."""
    from tare.reporting import console
    from tare.studying.demo.run import run_demo
    from tare.training.run_dir import check_out, run_dir

    out, seeds = Path(request.out), request.seeds
    check_out(out, overwrite=request.overwrite, resume=None, more=FILES)
    with run_dir(out, {"demo": seeds}, resume=None, overwrite=request.overwrite, more=FILES):
        result = run_demo(out, console, seeds)
        from tare.reporting.demo.report import print_demo, write_demo, write_differences

        write_demo(result, out / "report.html", f"tare demo --seeds {seeds} --out {shell_word(out)}")
        write_differences(result, out / "differences.png")
    show(result, as_json, print_demo, out / "report.html")
